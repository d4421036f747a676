//! A request target → a route of low cardinality: `/user/42?x=1` → `/user/{id}`.
//!
//! Works on one target at a time and learns nothing: the same target always gives the same route.
//! Query, fragment, authority and path parameters (`;…`) are dropped. Segments that look like an
//! identifier, a date, an address or free text become a placeholder; words, versions and file names
//! stay. When in doubt a segment is an identifier: a literal that stays may be a secret.

/// Segments kept; what follows becomes `*`.
const SEGMENTS_MAX: usize = 10;
/// Bytes of a route: a dozen words of ten letters.
const ROUTE_BYTES_MAX: usize = 128;
/// A segment longer than this is never a word: the longest file names by hand are about that long.
const WORD_BYTES_MAX: usize = 40;
/// More hyphenated words than this are the title of something.
const TITLE_PARTS_MAX: usize = 6;
/// Words that end in two or more digits and are not numbered things.
const WORDS_WITH_DIGITS: [&str; 16] = [
    "aes128", "aes256", "amd64", "arm64", "base32", "base58", "base64", "ed25519", "h264", "h265",
    "oauth10", "sha256", "sha512", "utf16", "win32", "x86",
];

const ID: &str = "{id}";

/// The path of a request target: without query and fragment; of an absolute target
/// (`http://host/path`) without scheme and authority. Empty if an absolute target has no path.
pub fn path(target: &[u8]) -> &[u8] {
    let end = memchr::memchr2(b'?', b'#', target).unwrap_or(target.len());
    let path = target.get(..end).unwrap_or_default();
    if path.first() == Some(&b'/') {
        return path;
    }
    let Some(scheme) = memchr::memmem::find(path, b"://") else {
        return path;
    };
    let rest = path.get(scheme + 3..).unwrap_or_default();
    memchr::memchr(b'/', rest).and_then(|slash| rest.get(slash..)).unwrap_or_default()
}

/// Appends the route of `target` to `route`. An authority (`host:443`, as CONNECT has) keeps its
/// port only.
pub fn route(target: &[u8], route: &mut String) {
    let path = path(target);
    let start = route.len();
    if path.is_empty() {
        route.push('/');
        return;
    }
    let mut kept = 0;
    for (position, segment) in path.split(|b| *b == b'/').enumerate() {
        let is_last_of_many = kept == SEGMENTS_MAX || route.len() - start >= ROUTE_BYTES_MAX;
        if position > 0 && !route.ends_with('/') {
            route.push('/');
        }
        if is_last_of_many {
            route.push('*');
            return;
        }
        if segment.is_empty() {
            continue;
        }
        kept += 1;
        name_segment(segment, route);
    }
}

/// Appends the route of the authority form (`host:port`): the host is as good as an identifier.
pub fn authority(target: &[u8], route: &mut String) {
    route.push_str("{host}");
    let digits = target.iter().rev().take_while(|b| b.is_ascii_digit()).count();
    let colon = target.len() - digits;
    if (1..=5).contains(&digits) && target.get(..colon).is_some_and(|t| t.ends_with(b":")) {
        route.push(':');
        route.extend(target.iter().skip(colon).map(|b| char::from(*b)));
    }
}

fn name_segment(segment: &[u8], route: &mut String) {
    let end = memchr::memchr(b';', segment).unwrap_or(segment.len());
    let segment = segment.get(..end).unwrap_or_default();
    let Ok(text) = std::str::from_utf8(segment) else {
        return route.push_str(ID);
    };
    if text.bytes().all(|b| b.is_ascii_lowercase()) && text.len() < RANDOM_LETTERS_MIN {
        return route.push_str(text);
    }
    if is_email(text) {
        return route.push_str("{email}");
    }
    // Percent escapes, blanks and anything else unusual: free text that somebody typed.
    if !text.bytes().all(is_plain) {
        return route.push_str(ID);
    }
    if is_version(text) {
        return route.push_str(text);
    }
    if is_date(text) {
        return route.push_str("{date}");
    }
    if is_uuid(text) {
        return route.push_str(ID);
    }
    if let Some((name, _)) = text.split_once('=') {
        let keeps_name =
            name.len() <= WORD_BYTES_MAX && name.bytes().all(|b| b.is_ascii_alphabetic());
        route.push_str(if keeps_name { name } else { ID });
        return route.push_str("={id}");
    }
    name_parts(text, route);
}

/// What a part of a segment, between separators, is taken for.
enum Part {
    /// Kept.
    Word,
    /// The first bytes are kept, the number after them is not.
    Numbered(usize),
    /// Replaced.
    Id,
}

/// A segment of several parts: `item-42`, `app.3f2a9c1b.js`, `things:batchGet`.
fn name_parts(text: &str, route: &mut String) {
    let (mut ids, mut words) = (0, 0);
    for part in text.split(is_separator) {
        match judge(part) {
            Part::Word => words += usize::from(!part.is_empty()),
            Part::Numbered(_) | Part::Id => ids += 1,
        }
    }
    let first = judge(text.split(is_separator).next().unwrap_or_default());
    let is_token = text.len() > WORD_BYTES_MAX && !matches!(first, Part::Word);
    if is_token || words > TITLE_PARTS_MAX || text.len() > 2 * WORD_BYTES_MAX {
        return route.push_str(ID);
    }
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(is_separator).unwrap_or(rest.len());
        let (part, after) = rest.split_at(end);
        let is_id = match judge(part) {
            Part::Word => {
                route.push_str(part);
                false
            }
            Part::Numbered(letters) => {
                route.push_str(part.get(..letters).unwrap_or_default());
                route.push_str(ID);
                true
            }
            Part::Id => {
                route.push_str(ID);
                true
            }
        };
        if is_id && ids > 1 {
            // Several identifiers in one segment are one identifier with separators in it.
            return route.push_str(extension(after).unwrap_or_default());
        }
        let separator = after.chars().next().map_or(0, char::len_utf8);
        let (separator, after) = after.split_at(separator);
        route.push_str(separator);
        rest = after;
    }
}

/// The file extension at the end of `rest`, with its dot: letters and at most one digit.
fn extension(rest: &str) -> Option<&str> {
    let dot = rest.rfind('.')?;
    let (_, extension) = rest.split_at(dot);
    let letters = extension.bytes().filter(u8::is_ascii_alphabetic).count();
    let is_extension = (1..=5).contains(&letters) && extension.len() <= letters + 2;
    is_extension.then_some(extension)
}

fn judge(part: &str) -> Part {
    let digits = part.bytes().filter(u8::is_ascii_digit).count();
    if digits == 0 {
        let is_word = part.len() < RANDOM_LETTERS_MIN
            || (part.len() <= WORD_BYTES_MAX && !is_random_letters(part));
        return if is_word { Part::Word } else { Part::Id };
    }
    let letters = part.bytes().take_while(u8::is_ascii_alphabetic).count();
    if letters == 0 && digits == part.len() {
        return Part::Id;
    }
    let is_hex = part.len() >= 8 && part.bytes().all(|b| b.is_ascii_hexdigit());
    if is_hex || part.len() > WORD_BYTES_MAX {
        return Part::Id;
    }
    if WORDS_WITH_DIGITS.iter().any(|word| part.eq_ignore_ascii_case(word)) {
        return Part::Word;
    }
    if letters + digits == part.len() {
        // `oauth2` is a word, `user123` is a numbered user.
        return if digits == 1 { Part::Word } else { Part::Numbered(letters) };
    }
    let bytes = part.as_bytes();
    let switches = bytes
        .windows(2)
        .filter(|pair| matches!(pair, [a, b] if a.is_ascii_digit() != b.is_ascii_digit()))
        .count();
    if digits >= 4 || (switches >= 3 && part.len() >= 6) || part.len() >= RANDOM_LETTERS_MIN {
        Part::Id
    } else {
        Part::Word
    }
}

/// Letters alone are not suspected of being a token below this length.
const RANDOM_LETTERS_MIN: usize = 16;

/// True if a long run of letters is unlike language: cases alternate, or no vowel for a long while.
fn is_random_letters(part: &str) -> bool {
    let bytes = part.as_bytes();
    let switches = bytes
        .windows(2)
        .filter(|pair| matches!(pair, [a, b] if a.is_ascii_uppercase() != b.is_ascii_uppercase()))
        .count();
    let (mut run, mut longest) = (0, 0);
    for byte in bytes {
        let is_vowel = matches!(byte.to_ascii_lowercase(), b'a' | b'e' | b'i' | b'o' | b'u' | b'y');
        run = if is_vowel { 0 } else { run + 1 };
        longest = longest.max(run);
    }
    switches * 5 > bytes.len() * 2 || longest >= 7
}

/// `user@host`, also with the sign escaped. A leading `@` is a scope (`@angular`), not an address.
fn is_email(text: &str) -> bool {
    let sign = text.find('@').or_else(|| text.find("%40"));
    sign.is_some_and(|at| at > 0 && at + 1 < text.len())
}

/// `v1`, `v1.41`, `v2beta1`, `1.0`, `3.6.0`.
fn is_version(text: &str) -> bool {
    if let Some(rest) = text.strip_prefix(['v', 'V']) {
        let digits = rest.bytes().filter(u8::is_ascii_digit).count();
        let words = rest.trim_matches(|c: char| c.is_ascii_digit() || c == '.');
        return rest.starts_with(|c: char| c.is_ascii_digit())
            && digits <= 6
            && matches!(words, "" | "alpha" | "beta" | "rc" | "p");
    }
    let mut parts = 0;
    let is_short =
        |part: &str| matches!(part.len(), 1 | 2) && part.bytes().all(|b| b.is_ascii_digit());
    let all_short = text.split('.').inspect(|_| parts += 1).all(is_short);
    all_short && matches!(parts, 2 | 3)
}

/// `2026-05-17`, `2026-05`, and either with a time after `T` or `_`.
fn is_date(text: &str) -> bool {
    let day = text.split(['T', '_']).next().unwrap_or_default();
    let mut parts = day.split('-');
    let year = parts.next().unwrap_or_default();
    let month = parts.next().unwrap_or_default();
    let number = |part: &str, length: usize| {
        part.len() == length && part.bytes().all(|b| b.is_ascii_digit())
    };
    let is_year = number(year, 4) && (year.starts_with("19") || year.starts_with("20"));
    is_year
        && number(month, 2)
        && parts.next().is_none_or(|d| number(d, 2))
        && parts.next().is_none()
}

/// 8-4-4-4-12 hex digits, braces allowed.
fn is_uuid(text: &str) -> bool {
    let text = text.trim_start_matches('{').trim_end_matches('}');
    let lengths = [8, 4, 4, 4, 12];
    let mut parts = text.split('-');
    let all = lengths.iter().all(|length| {
        parts.next().is_some_and(|part| {
            part.len() == *length && part.bytes().all(|b| b.is_ascii_hexdigit())
        })
    });
    all && parts.next().is_none()
}

const fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || is_separator(byte as char) || matches!(byte, b'=' | b'*')
}

const fn is_separator(c: char) -> bool {
    matches!(c, '-' | '_' | '.' | ':' | ',' | '~' | '@' | '+' | '!' | '$' | '(' | ')' | '&')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Target and route. Each line says what one rule does.
    const ROUTES: &[(&str, &str)] = &[
        ("/", "/"),
        ("", "/"),
        ("*", "*"),
        ("/index.html", "/index.html"),
        ("index.html", "index.html"),
        ("/api/drivers/", "/api/drivers/"),
        ("//api//drivers", "/api/drivers"),
        ("/user/42?x=1", "/user/{id}"),
        ("/user/42#top", "/user/{id}"),
        ("/?q=secret", "/"),
        ("?q=secret", "/"),
        ("/user/0", "/user/{id}"),
        ("/user/42/cart/7", "/user/{id}/cart/{id}"),
        ("/user/alice", "/user/alice"),
        ("/user/user123", "/user/user{id}"),
        ("/order/order12345", "/order/order{id}"),
        ("/order/INV-2026-0042", "/order/INV-{id}"),
        ("/item-42", "/item-{id}"),
        ("/item_42/edit", "/item_{id}/edit"),
        ("/item-42-7", "/item-{id}"),
        ("http://shop.example/cart/7?a=b", "/cart/{id}"),
        ("http://shop.example:8080", "/"),
        ("HTTPS://shop.example/", "/"),
        ("/proxy?to=http://x/1", "/proxy"),
        ("/v1/things", "/v1/things"),
        ("/v1.41/containers/json", "/v1.41/containers/json"),
        ("/apis/apps/v1beta1/pods", "/apis/apps/v1beta1/pods"),
        ("/v123456789/x", "/v{id}/x"),
        ("/api/1.0/x", "/api/1.0/x"),
        ("/jquery/3.6.0/jquery.min.js", "/jquery/3.6.0/jquery.min.js"),
        ("/oauth2/token", "/oauth2/token"),
        ("/login/oauth2.0", "/login/oauth2.{id}"),
        ("/hash/sha256", "/hash/sha256"),
        ("/codec/base64", "/codec/base64"),
        ("/s3/bucket", "/s3/bucket"),
        ("/k8s/i18n", "/k8s/i18n"),
        ("/host/10.0.0.1", "/host/{id}"),
        ("/session/f8645ecd-0a76-4bb1-9e6e-cb464276bc69", "/session/{id}"),
        ("/session/F8645ECD-0A76-4BB1-9E6E-CB464276BC69/x", "/session/{id}/x"),
        ("/order-f8645ecd-0a76-4bb1-9e6e-cb464276bc69", "/order-{id}"),
        ("/commit/3f2a9c1b", "/commit/{id}"),
        ("/commit/da39a3ee5e6b4b0d3255bfef95601890afd80709", "/commit/{id}"),
        (
            "/v1/boxes/cc4fc8e49cadbb8bc41437dc2f9979a72293eabc3f0ea5ce48b77f43cb1f1d5e/wait",
            "/v1/boxes/{id}/wait",
        ),
        ("/word/deadbeef", "/word/deadbeef"),
        ("/word/facade", "/word/facade"),
        ("/static/app.3f2a9c1b.js", "/static/app.{id}.js"),
        ("/static/app-3f2a9c1b7d2e4f60.chunk.css", "/static/app-{id}.chunk.css"),
        ("/static/2.9f3c4a1b.chunk.js", "/static/{id}.js"),
        ("/img/12345.jpg", "/img/{id}.jpg"),
        ("/img/key-point-top.png", "/img/key-point-top.png"),
        ("/tiles/12/2048/1361.png", "/tiles/{id}/{id}/{id}.png"),
        ("/video/live.m3u8", "/video/live.m3u8"),
        ("/files/archive.tar.gz", "/files/archive.tar.gz"),
        ("/files/song.mp3", "/files/song.mp3"),
        ("/watch/dQw4w9WgXcQ", "/watch/{id}"),
        ("/invite/XkPqZbTrWmYhLcVn", "/invite/{id}"),
        ("/invite/xkpqzbtrwmhlcvnd", "/invite/{id}"),
        ("/rpc/getUserAccountInformation", "/rpc/getUserAccountInformation"),
        ("/internationalization", "/internationalization"),
        ("/twirp/shop.Cart/AddItem", "/twirp/shop.Cart/AddItem"),
        ("/services/T00000000/B00000000/Xa1Xb2Xc3Xd4Xe5X", "/services/T{id}/{id}/{id}"),
        ("/reset/eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI0MiJ9.c2lnbmF0dXJl", "/reset/{id}"),
        ("/report/2026-05-17", "/report/{date}"),
        ("/report/2026-05", "/report/{date}"),
        ("/report/2026-05-17T10:00:00Z", "/report/{date}"),
        ("/report/2026/05/17", "/report/{id}/{id}/{id}"),
        ("/mail/alice@example.org", "/mail/{email}"),
        ("/mail/alice%40example.org", "/mail/{email}"),
        ("/npm/@angular/core", "/npm/@angular/core"),
        ("/wiki/S%C3%A3o_Paulo", "/wiki/{id}"),
        ("/search/two words", "/search/{id}"),
        ("/search/<script>", "/search/{id}"),
        ("/v1/things:batchGet", "/v1/things:batchGet"),
        ("/v1/things/42:cancel", "/v1/things/{id}:cancel"),
        ("/cart;jsessionid=0A1B2C3D/view", "/cart/view"),
        ("/token=hunter2/x", "/token={id}/x"),
        ("/blog/how-to-write-a-parser", "/blog/how-to-write-a-parser"),
        ("/blog/ten-things-you-did-not-know-about-tea", "/blog/{id}"),
        ("/logstash-*/_search", "/logstash-*/_search"),
        ("/logs-2026.05.17/_doc", "/logs-{id}/_doc"),
        ("/a/b/c/d/e/f/g/h/i/j/k/l", "/a/b/c/d/e/f/g/h/i/j/*"),
        ("/../../etc/passwd", "/../../etc/passwd"),
    ];

    #[test]
    fn targets_become_routes() {
        assert!(ROUTES.len() >= 60);
        let mut wrong = Vec::new();
        for (target, expected) in ROUTES {
            let mut found = String::new();
            route(target.as_bytes(), &mut found);
            if found != *expected {
                wrong.push(format!("{target}: {found} instead of {expected}"));
            }
        }
        assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    }

    #[test]
    fn route_of_a_route_is_bounded_whatever_the_target() {
        for byte in 0..=u8::MAX {
            let mut target = vec![b'/'];
            for length in 1..300_usize {
                target.push(if length.is_multiple_of(7) { b'/' } else { byte });
            }
            let mut found = String::new();
            route(&target, &mut found);
            assert!(found.len() <= ROUTE_BYTES_MAX + 2 * WORD_BYTES_MAX + 2, "{found}");
            assert!(found.is_ascii());
        }
    }

    #[test]
    fn authority_keeps_its_port_only() {
        for (target, expected) in [
            ("shop.example:443", "{host}:443"),
            ("[::1]:8443", "{host}:8443"),
            ("shop.example", "{host}"),
            ("10.0.0.1", "{host}"),
        ] {
            let mut found = String::new();
            authority(target.as_bytes(), &mut found);
            assert_eq!(found, expected);
        }
    }
}
