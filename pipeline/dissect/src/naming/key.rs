//! A cache key, channel or subject → a pattern of low cardinality: `user:42:cart` →
//! `user:{id}:cart`.
//!
//! Works on one key at a time and learns nothing. Plain words stay; numbers, tokens, addresses and
//! free text become a placeholder. When in doubt a part is an identifier: a literal that stays may
//! be a secret. Hash tags lose their braces: `{user:42}:cart` is named like `user:42:cart`.

use std::ops::Range;

/// Parts kept, between `:` and its like; what follows becomes `*`.
const PARTS_MAX: usize = 8;
/// Bytes of a pattern after which no part is begun.
const PATTERN_BYTES_MAX: usize = 96;
/// Bytes of a part that may be a word or made of words.
const PART_BYTES_MAX: usize = 48;
/// Letters of the longest word.
const WORD_BYTES_MAX: usize = 32;
/// More words than this in one part are somebody's text.
const WORDS_MAX: usize = 6;
/// Letters alone are not suspected of being a token below this length.
const RANDOM_LETTERS_MIN: usize = 12;

const ID: &str = "{id}";

/// Words with digits that are no numbered things. In order, for the search.
static WORDS_WITH_DIGITS: &[&str] = &[
    "2fa", "3d", "aes128", "aes256", "b2b", "b2c", "base32", "base64", "e2e", "ec2", "geo2d",
    "h264", "h265", "http1", "http2", "http3", "i18n", "ipv4", "ipv6", "k8s", "l1", "l10n", "l2",
    "l2cache", "l3", "md5", "mp3", "mp4", "neo4j", "oauth1", "oauth2", "p2p", "s3", "sha1",
    "sha256", "sha512", "utf8", "web3", "x509",
];
/// Units of time and size that may follow a short number: `rate:15m`.
static UNITS: &[&str] = &[
    "d", "day", "days", "gb", "h", "hour", "hours", "kb", "m", "mb", "min", "ms", "s", "sec", "w",
];

/// Appends the pattern of `key` to `pattern`.
pub fn pattern(key: &[u8], pattern: &mut String) {
    let Ok(text) = std::str::from_utf8(key) else {
        return pattern.push_str("{binary}");
    };
    // Not `any`: a loop without an early end is many times faster.
    if text.bytes().fold(false, |found, b| found | b.is_ascii_control()) {
        return pattern.push_str("{binary}");
    }
    let start = pattern.len();
    let mut rest = text;
    let mut parts = 0;
    while !rest.is_empty() {
        let end = rest.bytes().position(is_divider).unwrap_or(rest.len());
        let (part, after) = rest.split_at(end);
        if !part.is_empty() {
            if parts == PARTS_MAX || pattern.len() - start >= PATTERN_BYTES_MAX {
                return pattern.push('*');
            }
            parts += 1;
            name_part(part, pattern);
        }
        let Some(divider) = after.chars().next() else {
            return;
        };
        // A row of dividers is cut where parts would be.
        let is_long = pattern.len() - start >= PATTERN_BYTES_MAX + PART_BYTES_MAX;
        if !matches!(divider, '{' | '}') && !is_long {
            pattern.push(divider);
        }
        rest = after.get(divider.len_utf8()..).unwrap_or_default();
    }
}

/// Where a number stands that any other of as many digits could take the place of: the pattern
/// stays. The last one, if there are several.
pub fn number(key: &[u8]) -> Option<Range<usize>> {
    let mut end = key.len();
    for part in key.rsplit(|byte| is_divider(*byte)) {
        let start = end - part.len();
        if is_any_number(part) {
            return Some(start..end);
        }
        // What begins with a letter is no date.
        if part.first().is_some_and(u8::is_ascii_alphabetic) {
            let digits = part.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
            let before = part.len() - digits;
            if digits > 0 && part.get(before - 1).is_some_and(|byte| kind_of(*byte) == JOINT) {
                return Some(start + before..end);
            }
        }
        end = start.saturating_sub(1);
    }
    None
}

/// True for digits that say nothing: eight of them may be a date.
fn is_any_number(part: &[u8]) -> bool {
    let is_number = part.iter().fold(true, |all, byte| all & byte.is_ascii_digit());
    is_number && !part.is_empty() && part.len() != "20260517".len()
}

/// Bytes that stand between parts. Braces mark a hash tag.
const fn is_divider(byte: u8) -> bool {
    matches!(byte, b':' | b'/' | b'|' | b'#' | b'{' | b'}')
}

/// What stands between the words of a part.
const fn is_joint(c: char) -> bool {
    c.is_ascii() && kind_of(c as u8) == JOINT
}

fn name_part(part: &str, pattern: &mut String) {
    let kinds = part.bytes().fold(0, |kinds, byte| kinds | kind_of(byte));
    // Most parts are one of these two.
    if kinds == LETTER && part.len() < RANDOM_LETTERS_MIN {
        return pattern.push_str(part);
    }
    if is_any_number(part.as_bytes()) {
        return pattern.push_str(ID);
    }
    // What a glob stands for is not in it.
    if kinds == GLOB {
        return pattern.push('*');
    }
    if kinds & OTHER != 0 {
        return name_unusual(part, pattern);
    }
    if kinds & DIGIT != 0 && is_date(part) {
        return pattern.push_str("{date}");
    }
    let is_token = part.len() > PART_BYTES_MAX && !part.contains('.');
    if is_token || (kinds & DIGIT != 0 && is_uuid(part)) || is_text(part) {
        return pattern.push_str(ID);
    }
    name_words(part, pattern);
}

const LETTER: u8 = 1;
const DIGIT: u8 = 2;
const JOINT: u8 = 4;
const GLOB: u8 = 8;
const OTHER: u8 = 16;

const fn kind_of(byte: u8) -> u8 {
    match byte {
        b'a'..=b'z' | b'A'..=b'Z' => LETTER,
        b'0'..=b'9' => DIGIT,
        b'.' | b'-' | b'_' => JOINT,
        b'*' => GLOB,
        _ => OTHER,
    }
}

/// A part with signs in it.
fn name_unusual(part: &str, pattern: &mut String) {
    if let Some((name, address)) = part.split_once('@') {
        return name_address(part, name, address, pattern);
    }
    if let Some((name, _)) = part.split_once('=') {
        let is_word = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphabetic());
        pattern.push_str(if is_word && name.len() <= WORD_BYTES_MAX { name } else { ID });
        return pattern.push_str("={id}");
    }
    // Something that somebody typed.
    pattern.push_str(ID);
}

/// A part with `@` in it.
fn name_address(part: &str, name: &str, address: &str, pattern: &mut String) {
    let database = address.trim_end_matches('_');
    let is_short_number = database.len() <= 2 && database.bytes().all(|b| b.is_ascii_digit());
    if matches!(name, "__keyspace" | "__keyevent") && (is_short_number || database == "*") {
        // Keyspace notifications: the database's number is configuration.
        return pattern.push_str(part);
    }
    let is_email = !name.is_empty() && !address.is_empty();
    pattern.push_str(if is_email { "{email}" } else { ID });
}

/// More words than a name has: a title, a slug, a sentence.
fn is_text(part: &str) -> bool {
    let words = part.split(['-', '_']).filter(|word| !word.is_empty()).count();
    words > WORDS_MAX
}

/// Words with joints between them. Several identifiers in a row are one.
fn name_words(part: &str, pattern: &mut String) {
    let start = pattern.len();
    let mut rest = part;
    let mut was_id = false;
    // The joint before the word at hand: not written between two identifiers.
    let mut joint = None;
    loop {
        let end = rest.find(is_joint).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        let (kept, is_id) = judge(word);
        if !(was_id && is_id && kept.is_empty()) {
            pattern.extend(joint);
            pattern.push_str(kept);
            if is_id {
                pattern.push_str(ID);
            }
            // An empty word is a joint beside a joint.
            was_id = is_id;
        }
        let Some(next) = after.chars().next() else {
            return;
        };
        if pattern.len() - start > PART_BYTES_MAX {
            return pattern.push('*');
        }
        joint = Some(next);
        rest = after.get(next.len_utf8()..).unwrap_or_default();
    }
}

/// What of a word stays, and whether an identifier follows it.
fn judge(word: &str) -> (&str, bool) {
    let digits = word.bytes().filter(u8::is_ascii_digit).count();
    if digits == 0 {
        let is_word = word.len() <= WORD_BYTES_MAX && !is_random_letters(word);
        return if is_word { (word, false) } else { ("", true) };
    }
    if word.contains('*') || (word.len() >= 8 && word.bytes().all(|b| b.is_ascii_hexdigit())) {
        return ("", true);
    }
    if is_kept(word) {
        return (word, false);
    }
    let letters = word.bytes().take_while(u8::is_ascii_alphabetic).count();
    let (name, number) = word.split_at(letters);
    let is_numbered = number.bytes().all(|b| b.is_ascii_digit());
    if is_numbered && name.len() < RANDOM_LETTERS_MIN && !is_shouted_token(name, number) {
        return (name, true);
    }
    ("", true)
}

/// Capitals and digits in equal measure: `XK4921`, not `ORDER42`. A licence plate, a code.
fn is_shouted_token(name: &str, number: &str) -> bool {
    name.len() >= 2
        && name.bytes().all(|b| b.is_ascii_uppercase())
        && !name.bytes().any(is_vowel)
        && number.len() >= 3
}

/// Words that have a digit and mean something: `v2`, `sha256`, `15m`.
fn is_kept(word: &str) -> bool {
    if let Some(version) = word.strip_prefix(['v', 'V']) {
        return version.len() <= 3 && version.bytes().all(|b| b.is_ascii_digit());
    }
    let digits = word.bytes().take_while(u8::is_ascii_digit).count();
    let (_, unit) = word.split_at(digits);
    if (1..=3).contains(&digits) && UNITS.contains(&unit) {
        return true;
    }
    let longest = 8;
    let mut lower = [0; 8];
    if word.len() > longest {
        return false;
    }
    for (to, from) in lower.iter_mut().zip(word.bytes()) {
        *to = from.to_ascii_lowercase();
    }
    let lower = lower.get(..word.len()).and_then(|lower| std::str::from_utf8(lower).ok());
    lower.is_some_and(|lower| WORDS_WITH_DIGITS.binary_search(&lower).is_ok())
}

const fn is_vowel(byte: u8) -> bool {
    matches!(byte.to_ascii_lowercase(), b'a' | b'e' | b'i' | b'o' | b'u' | b'y')
}

/// True if a run of letters is unlike language: cases alternate, or no vowel for a long while.
fn is_random_letters(word: &str) -> bool {
    if word.len() < RANDOM_LETTERS_MIN {
        return false;
    }
    let bytes = word.as_bytes();
    let switches = bytes
        .windows(2)
        .filter(|pair| matches!(pair, [a, b] if a.is_ascii_uppercase() != b.is_ascii_uppercase()))
        .count();
    let (mut run, mut longest) = (0, 0);
    for byte in bytes {
        run = if is_vowel(*byte) { 0 } else { run + 1 };
        longest = longest.max(run);
    }
    switches * 5 > bytes.len() * 2 || longest >= 6
}

/// `2026-05-17`, `2026-05`, `20260517`, and those with a time behind them.
fn is_date(part: &str) -> bool {
    let is_number = |text: &str, length: usize| {
        text.len() == length && text.bytes().all(|b| b.is_ascii_digit())
    };
    let is_year = |text: &str| text.starts_with("19") || text.starts_with("20");
    let day = part.split(['T', '_']).next().unwrap_or_default();
    if is_number(day, 8) && is_year(day) {
        let (month, date) = day.split_at(4).1.split_at(2);
        return ("01"..="12").contains(&month) && ("01"..="31").contains(&date);
    }
    let mut numbers = day.split(['-', '.']);
    let year = numbers.next().unwrap_or_default();
    let month = numbers.next().unwrap_or_default();
    is_number(year, 4)
        && is_year(year)
        && is_number(month, 2)
        && numbers.next().is_none_or(|date| is_number(date, 2))
        && numbers.next().is_none_or(|hour| is_number(hour, 2))
}

/// 8-4-4-4-12 hex digits.
fn is_uuid(part: &str) -> bool {
    let lengths = [8, 4, 4, 4, 12];
    let mut groups = part.split('-');
    let all = lengths.iter().all(|length| {
        groups.next().is_some_and(|group| {
            group.len() == *length && group.bytes().all(|b| b.is_ascii_hexdigit())
        })
    });
    all && groups.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Key and pattern. Each line says what one rule does.
    const PATTERNS: &[(&str, &str)] = &[
        ("", ""),
        ("counter", "counter"),
        ("sanity_check", "sanity_check"),
        ("user:42:cart", "user:{id}:cart"),
        ("user:42", "user:{id}"),
        ("user:0", "user:{id}"),
        ("user:-5", "user:-{id}"),
        ("user/42/cart", "user/{id}/cart"),
        ("user.42.cart", "user.{id}.cart"),
        ("user-42-cart", "user-{id}-cart"),
        ("user_42_cart", "user_{id}_cart"),
        ("user|42|cart", "user|{id}|cart"),
        ("user#42", "user#{id}"),
        ("user:42:7", "user:{id}:{id}"),
        ("cart_42_7", "cart_{id}"),
        ("k123", "k{id}"),
        ("k0", "k{id}"),
        ("key3", "key{id}"),
        ("h3", "h{id}"),
        ("42", "{id}"),
        ("key:000000000042", "key:{id}"),
        ("mykey:__rand_int__", "mykey:__rand_int__"),
        ("User:42:Cart", "User:{id}:Cart"),
        ("userSession:42", "userSession:{id}"),
        ("race:france", "race:france"),
        ("{user1000}.following", "user{id}.following"),
        ("{42}:cart", "{id}:cart"),
        ("cart:{42}", "cart:{id}"),
        ("{user:42}:cart", "user:{id}:cart"),
        ("bull:{orders}:wait", "bull:orders:wait"),
        ("bull:orders:12345", "bull:orders:{id}"),
        ("{}", ""),
        ("session:f8645ecd-0a76-4bb1-9e6e-cb464276bc69", "session:{id}"),
        ("F8645ECD-0A76-4BB1-9E6E-CB464276BC69", "{id}"),
        ("sess:f8645ecd0a764bb19e6ecb464276bc69", "sess:{id}"),
        ("session_f8645ecd-0a76-4bb1-9e6e-cb464276bc69", "session_{id}"),
        ("lock:3f2a9c1b", "lock:{id}"),
        ("word:deadbeef", "word:deadbeef"),
        ("sess:dQw4w9WgXcQ", "sess:{id}"),
        ("sess:s%3AXk29dLq.aHR0", "sess:{id}"),
        (
            "spring:session:sessions:expires:3f2a9c1b7d2e4f60",
            "spring:session:sessions:expires:{id}",
        ),
        ("token:eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI0MiJ9.c2lnbmF0dXJl", "token:{id}"),
        ("token:XkPqZbTrWmYhLcVn", "token:{id}"),
        ("token:xkpqzbtrwmhlcvnd", "token:{id}"),
        ("mail:alice@example.org", "mail:{email}"),
        ("alice@example.org", "{email}"),
        ("mail:@alice", "mail:{id}"),
        ("ip:10.0.0.1", "ip:{id}"),
        ("ip:10.0.0.1:8080", "ip:{id}:{id}"),
        ("ip:2001:db8::1", "ip:{id}:db{id}::{id}"),
        ("rate:15m:42", "rate:15m:{id}"),
        ("rate:api:v2:42", "rate:api:v2:{id}"),
        ("hash:sha256", "hash:sha256"),
        ("cache:i18n:en", "cache:i18n:en"),
        ("order:INV-2026-0042", "order:INV-{id}"),
        ("plate:XK4921", "plate:{id}"),
        ("order:ORDER42", "order:ORDER{id}"),
        ("report:2026-05-17", "report:{date}"),
        ("report:20260517", "report:{date}"),
        ("report:2026-05-17T10", "report:{date}"),
        ("report:2026.05", "report:{date}"),
        ("stats:2026:05:17", "stats:{id}:{id}:{id}"),
        ("at:1700000000.123", "at:{id}"),
        ("search:two words", "search:{id}"),
        ("search:a&b", "search:{id}"),
        ("name:пользователь", "name:{id}"),
        ("lang=en:page", "lang={id}:page"),
        ("post:how-to-write-a-parser-in-rust", "post:{id}"),
        ("post:how-to-write", "post:how-to-write"),
        ("F*", "F*"),
        ("user:*", "user:*"),
        ("user:*:cart", "user:*:cart"),
        ("user:4*", "user:{id}"),
        ("user:[ab]?", "user:{id}"),
        ("__keyspace@0__:user:42", "__keyspace@0__:user:{id}"),
        ("__keyevent@0__:expired", "__keyevent@0__:expired"),
        ("__redis__:invalidate", "__redis__:invalidate"),
        ("a::b", "a::b"),
        (":leading", ":leading"),
        ("trailing:", "trailing:"),
        ("a:b:c:d:e:f:g:h:i:j", "a:b:c:d:e:f:g:h:*"),
        (
            "application.service.production.cache.users.42",
            "application.service.production.cache.users.{id}",
        ),
        ("user:x\u{1}y", "{binary}"),
    ];

    #[test]
    fn keys_become_patterns() {
        assert!(PATTERNS.len() >= 50);
        let mut wrong = Vec::new();
        for (key, expected) in PATTERNS {
            let mut found = String::new();
            pattern(key.as_bytes(), &mut found);
            if found != *expected {
                wrong.push(format!("{key}: {found} instead of {expected}"));
            }
        }
        assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    }

    #[test]
    fn a_number_may_be_any_other() {
        assert_eq!(number(b"user:42:cart"), Some(5..7));
        assert_eq!(number(b"a:1:b:234"), Some(6..9));
        assert_eq!(number(b"memtier-4711"), Some(8..12));
        for key in ["report:20260517", "user:4x2", "k123", "2026_42", "42.5", "v1-2x", ""] {
            assert_eq!(number(key.as_bytes()), None, "{key}");
        }
        for (key, expected) in PATTERNS {
            for digit in [b'0', b'9'] {
                let mut other = key.as_bytes().to_vec();
                other[number(key.as_bytes()).unwrap_or(0..0)].fill(digit);
                let mut found = String::new();
                pattern(&other, &mut found);
                assert_eq!(found, *expected, "{key}");
            }
        }
    }

    #[test]
    fn a_number_may_be_any_other_in_whatever_key() {
        let signs = b"abXZv0123456789:-_./@=T ";
        bolero::check!().with_type::<(Vec<u8>, u8)>().for_each(|(picks, digit)| {
            let key = picks.iter().map(|pick| signs[usize::from(*pick) % signs.len()]);
            let key: Vec<u8> = key.collect();
            let mut other = key.clone();
            other[number(&key).unwrap_or(0..0)].fill(b'0' + digit % 10);
            let (mut of_key, mut of_other) = (String::new(), String::new());
            pattern(&key, &mut of_key);
            pattern(&other, &mut of_other);
            assert_eq!(of_key, of_other, "{}", String::from_utf8_lossy(&key));
        });
    }

    #[test]
    fn bytes_that_are_no_text_are_binary() {
        for key in [&b"\xff\xfe"[..], b"\xac\xed\x00\x05t\x00\x05user1", b"user:\x80"] {
            let mut found = String::new();
            pattern(key, &mut found);
            assert_eq!(found, "{binary}");
        }
    }

    #[test]
    fn pattern_is_bounded_and_ascii_whatever_the_key() {
        for byte in 0..=u8::MAX {
            for every in [1, 2, 7, 1_000] {
                let mut key = Vec::new();
                for length in 1..300_usize {
                    key.push(if length.is_multiple_of(every) { b':' } else { byte });
                    if length > 40 && !length.is_multiple_of(50) {
                        continue;
                    }
                    let mut found = String::new();
                    pattern(&key, &mut found);
                    assert!(found.len() <= 256 && found.is_ascii(), "{found}");
                }
            }
        }
    }

    #[test]
    fn words_with_digits_are_in_order() {
        assert!(WORDS_WITH_DIGITS.is_sorted());
        assert!(WORDS_WITH_DIGITS.iter().all(|word| word.len() <= 8));
    }
}
