//! Arguments as people may see them: everything that looks like a secret is replaced by `***`.
//!
//! It would rather hide too much than too little. What counts as a secret is data: words in names,
//! flags of known programs, shapes of known tokens, and the password in a URL.

/// What stands in a secret's place.
const MASK: &str = "***";

/// Longest text given, in bytes; the rest becomes `…`.
pub const ARGUMENTS_BYTES_MAX: usize = 1024;

/// A name that contains one of these (in lower case, without `-`, `_` and `.`) names a secret.
const SECRET_WORDS: &[&str] = &[
    "accesskey",
    "apikey",
    "authkey",
    "authtoken",
    "authorization",
    "bearer",
    "cookie",
    "connectionstring",
    "credential",
    "encryptionkey",
    "masterauth",
    "masterkey",
    "passphrase",
    "passwd",
    "password",
    "privatekey",
    "pwd",
    "requirepass",
    "secret",
    "sharedkey",
    "signingkey",
    "token",
];

/// A name that is one of these, whole or as its last word, names a secret.
const SECRET_NAMES: &[&str] = &["auth", "dsn", "key", "pass", "pin", "psw", "pw", "sig"];

/// A variable that starts with one of these is masked, whatever it is.
const SECRET_PREFIXES: &[&str] = &["AWS_"];

/// Names that look secret and are settings.
const HARMLESS: &[&str] = &[
    "credentials-file",
    "keyfile",
    "passwordfile",
    "secretsdir",
    "tokenizer",
    "maxtokens",
    "tokens",
];

/// Flags of known programs whose value is a secret: program prefix, flag, and whether the value
/// is joined to the flag (`-pSECRET`) or the next argument (`-a SECRET`).
const SHORT_FLAGS: &[(&str, &str, Value)] = &[
    ("mysql", "-p", Value::Joined),
    ("mariadb", "-p", Value::Joined),
    ("mycli", "-p", Value::Joined),
    ("sshpass", "-p", Value::Joined),
    ("sshpass", "-p", Value::Next),
    ("mongo", "-p", Value::Next),
    ("redis-cli", "-a", Value::Next),
    ("sqlcmd", "-P", Value::Next),
    ("ldap", "-w", Value::Next),
    ("curl", "-u", Value::Next),
    ("curl", "--user", Value::Next),
    ("ab", "-A", Value::Next),
    ("ab", "-P", Value::Next),
    ("openssl", "-pass", Value::Next),
];

/// How well-known tokens begin; a word of at least 16 bytes that starts so is one.
const TOKEN_PREFIXES: &[&str] = &[
    "AKIA",
    "ASIA",
    "eyJ",
    "ghp_",
    "gho_",
    "ghs_",
    "github_pat_",
    "glpat-",
    "xoxb-",
    "xoxp-",
    "sk-",
    "sk_live_",
    "rk_live_",
    "hvs.",
    "dop_v1_",
];

/// Where a short flag's value stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Value {
    Joined,
    Next,
}

/// The arguments after the program's own, joined by blanks, masked and cut to a bounded length.
pub fn arguments(argv: &[String]) -> String {
    let mut text = String::new();
    let mut words = Words::new(argv.first().map_or("", String::as_str));
    for argument in argv.iter().skip(1).filter(|a| !a.is_empty()) {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(&words.masked(argument));
        if text.len() > ARGUMENTS_BYTES_MAX {
            let mut end = ARGUMENTS_BYTES_MAX;
            while !text.is_char_boundary(end) {
                end -= 1;
            }
            text.truncate(end);
            text.push('…');
            break;
        }
    }
    text
}

/// Walks the words of a command line and remembers what the last one announced.
struct Words {
    program: String,
    next_is_secret: bool,
}

impl Words {
    fn new(program: &str) -> Self {
        Self { program: base(program).to_owned(), next_is_secret: false }
    }

    /// One argument. One with blanks in it may be a command line of its own, or a header.
    fn masked(&mut self, argument: &str) -> String {
        if std::mem::take(&mut self.next_is_secret) && !is_flag(argument) {
            return MASK.into();
        }
        if !argument.contains(char::is_whitespace) {
            return self.word(argument);
        }
        if let Some((name, _)) = argument.split_once(':')
            && !name.contains(char::is_whitespace)
            && is_secret(name)
        {
            return format!("{name}: {MASK}");
        }
        if let Some((name, _)) = argument.split_once('=')
            && !name.contains(char::is_whitespace)
            && is_secret(name)
        {
            return format!("{name}={MASK}");
        }
        let mut inner = Self::new(&self.program);
        let words: Vec<String> = argument
            .split_whitespace()
            .map(|word| {
                if std::mem::take(&mut inner.next_is_secret) && !is_flag(word) {
                    return MASK.into();
                }
                inner.word(word)
            })
            .collect();
        words.join(" ")
    }

    /// One word without blanks.
    fn word(&mut self, word: &str) -> String {
        let rows = SHORT_FLAGS.iter().filter(|row| self.program.starts_with(row.0));
        for (_, flag, value) in rows {
            match word.strip_prefix(flag) {
                Some("") if *value == Value::Next => self.next_is_secret = true,
                Some(secret) if *value == Value::Joined && !secret.is_empty() => {
                    return format!("{flag}{MASK}");
                }
                _ => {}
            }
        }
        if !is_flag(word) && SHORT_FLAGS.iter().any(|row| base(word).starts_with(row.0)) {
            base(word).clone_into(&mut self.program);
        }
        if is_flag(word) && is_secret(word) {
            // `--password hunter2`: the value comes next. `--password=hunter2` is a pair, below.
            self.next_is_secret = !word.contains(['=', ':']);
        } else if let Some(name) = word.strip_suffix([':', '='])
            && is_secret(name)
        {
            self.next_is_secret = true;
        }
        let masked = pairs(&url_password(word));
        if is_token(&masked) { MASK.into() } else { masked }
    }
}

/// Replaces the values of secret names in `name=value`, `a=1&token=2`, `"password":"x"`.
fn pairs(word: &str) -> String {
    let Some(at) = word.find(['=', ':']) else {
        return word.to_owned();
    };
    let (name, value) = word.split_at(at);
    // The whole of a flag's or variable's value is the secret, whatever characters it has.
    if is_secret(name) && !name.contains(['?', '&', ';', '/', ',', '{', '"', '\'']) {
        let separator = &value[..1];
        return format!("{name}{separator}{MASK}");
    }
    let mut masked = String::with_capacity(word.len());
    for part in word.split_inclusive(['?', '&', ';', ',', '{', '}']) {
        let end = part.trim_end_matches(['?', '&', ';', ',', '{', '}']);
        let name_end = end.match_indices(['=', ':']).map(|(at, _)| at).find(|&at| {
            let name = end[..at].rsplit(['=', ':']).next().unwrap_or_default();
            is_secret(name)
        });
        match name_end {
            Some(at) if at + 1 < end.len() => {
                masked.push_str(&end[..=at]);
                masked.push_str(MASK);
                masked.push_str(&part[end.len()..]);
            }
            _ => masked.push_str(part),
        }
    }
    masked
}

/// Replaces what stands between `scheme://user:` and `@`.
fn url_password(word: &str) -> String {
    let Some((scheme, rest)) = word.split_once("://") else {
        return word.to_owned();
    };
    let authority = rest.find(['/', '?', '#']).map_or(rest, |end| &rest[..end]);
    // A password may hold a slash that nobody encoded: then the `@` comes later.
    let at = authority.rfind('@').or_else(|| rest.rfind('@'));
    let Some((user, host)) = at.map(|at| rest.split_at(at)) else {
        return word.to_owned();
    };
    match user.split_once(':') {
        Some((user, _)) => format!("{scheme}://{user}:{MASK}{host}"),
        None if is_token(user) => format!("{scheme}://{MASK}{host}"),
        None => word.to_owned(),
    }
}

/// True if a flag, variable or field of this name holds a secret.
fn is_secret(name: &str) -> bool {
    if SECRET_PREFIXES.iter().any(|prefix| name.starts_with(prefix)) {
        return true;
    }
    let name = name.split(['=', ':']).next().unwrap_or_default();
    let name = name.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    let lower = name.to_ascii_lowercase();
    let flat: String = lower.chars().filter(|c| !matches!(c, '-' | '_' | '.')).collect();
    if HARMLESS.contains(&flat.as_str()) || flat.ends_with("file") || flat.ends_with("path") {
        return false;
    }
    let last = lower.rsplit(['-', '_', '.']).next().unwrap_or_default();
    SECRET_NAMES.contains(&last)
        || lower.ends_with("password")
        || SECRET_WORDS.iter().any(|word| flat.contains(word))
}

fn is_token(word: &str) -> bool {
    let word = word.trim_matches(['"', '\'']);
    word.len() >= 16 && TOKEN_PREFIXES.iter().any(|prefix| word.starts_with(prefix))
}

fn is_flag(word: &str) -> bool {
    word.starts_with('-') && word.len() > 1
}

fn base(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::{ARGUMENTS_BYTES_MAX, arguments};

    #[test]
    fn secrets_are_masked_and_the_rest_is_kept() {
        let rows: &[(&[&str], &str)] = &[
            (&["app", "--port", "8080", "-v"], "--port 8080 -v"),
            (&["app", "--password", "hunter2", "x"], "--password *** x"),
            (&["app", "--password=a&b;c d"], "--password=***"),
            (&["app", "--db-password", "two words"], "--db-password ***"),
            (&["app", "-Ddb.password=x", "-Dport=1"], "-Ddb.password=*** -Dport=1"),
            (&["app", "--token=abc", "key=v", "apiKey=z"], "--token=*** key=*** apiKey=***"),
            (&["app", "--api-key", "v", "--secret-key", "w"], "--api-key *** --secret-key ***"),
            (&["mysql", "-uroot", "-phunter2", "shop"], "-uroot -p*** shop"),
            (&["/usr/bin/mysqldump", "-p", "shop"], "-p shop"),
            (&["sshpass", "-p", "hunter2", "ssh", "h"], "-p *** ssh h"),
            (&["app", "-p8080"], "-p8080"),
            (&["redis-cli", "-a", "hunter2", "ping"], "-a *** ping"),
            (&["redis-server", "--requirepass", "x"], "--requirepass ***"),
            (&["curl", "-u", "bob:x", "http://h/"], "-u *** http://h/"),
            (&["curl", "-H", "Authorization: Bearer abc.def"], "-H Authorization: ***"),
            (&["curl", "-H", "Accept: text/html"], "-H Accept: text/html"),
            (
                &["app", "postgres://bob:hunter2@db:5432/shop?sslmode=off"],
                "postgres://bob:***@db:5432/shop?sslmode=off",
            ),
            (&["app", "--dsn=postgres://bob:x@db/shop"], "--dsn=***"),
            (&["app", "--db=mysql://bob:x/y@db/shop"], "--db=mysql://bob:***@db/shop"),
            (&["app", "http://h/p?a=1&token=abc&b=2"], "http://h/p?a=1&token=***&b=2"),
            (&["app", "Server=db;User=bob;Password=x;"], "Server=db;User=bob;Password=***;"),
            (&["app", r#"{"user":"bob","password":"x"}"#], r#"{"user":"bob","password":***}"#),
            (&["env", "AWS_ACCESS_KEY_ID=AKIA123", "B=2"], "AWS_ACCESS_KEY_ID=*** B=2"),
            (
                &["sh", "-c", "cd /x && PGPASSWORD=x psql -h db && mysql -pabc shop"],
                "-c cd /x && PGPASSWORD=*** psql -h db && mysql -p*** shop",
            ),
            (&["sh", "-c", "app --password hunter2 run"], "-c app --password *** run"),
            (&["app", "AKIAIOSFODNN7EXAMPLE"], "***"),
            (&["sh", "-c", "PGPASSWORD='a b' psql"], "-c PGPASSWORD=***"),
            (&["app", "--password", "--verbose"], "--password --verbose"),
            (&["app", "--ssl-keyfile=/etc/k.pem"], "--ssl-keyfile=/etc/k.pem"),
            (&["python3", "-m", "http.server", "8000"], "-m http.server 8000"),
            (&["app", "--keyspace=shop", "--author=bob"], "--keyspace=shop --author=bob"),
        ];
        for (argv, expected) in rows {
            let argv: Vec<String> = argv.iter().map(|&a| a.to_owned()).collect();
            assert_eq!(arguments(&argv), *expected, "{argv:?}");
        }
    }

    #[test]
    fn long_command_lines_are_cut_at_a_character() {
        let argv = vec!["app".to_owned(), "ü".repeat(4096)];
        let text = arguments(&argv);
        assert!(text.len() <= ARGUMENTS_BYTES_MAX + '…'.len_utf8());
        assert!(text.ends_with('…'));
    }
}
