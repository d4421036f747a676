//! How questions and outcomes are called.

use model::{EndpointId, Names, ShortText, Status};

use super::frame::{Labels, NAME_BYTES_MAX, Name, Opcode, Question};

/// Endpoints that names asked for may take: half of the table. Beyond that (random names, a
/// resolver of the whole world) a question is called by its type alone, and the other protocols
/// keep their room.
const NAMES_SHARE: usize = 2;
/// Digits of the longest number that may stand in a label (`node12`, `web-003`).
const DIGITS_MAX: usize = 3;
/// A label of at least this length without a vowel or with many digits is nobody's word.
const TOKEN_BYTES_MIN: usize = 16;

/// Operation and target of a request: its type (or what it does), and its name.
pub(super) fn endpoint(names: &mut Names, opcode: Opcode, question: &Question<'_>) -> EndpointId {
    let is_crowded = names.len() >= names.limit() / NAMES_SHARE;
    let salt = match opcode {
        Opcode::Notify => "dns notify",
        Opcode::Update => "dns update",
        Opcode::Query | Opcode::Other => "dns",
    };
    names.cached(salt, (question.wire, &[u8::from(is_crowded)]), |operation, target| {
        match opcode {
            Opcode::Notify => operation.push_str("NOTIFY"),
            Opcode::Update => operation.push_str("UPDATE"),
            Opcode::Query | Opcode::Other => kind(question.kind, operation),
        }
        if is_crowded {
            target.push_str("_other");
        } else {
            pattern(question.name, target);
        }
    })
}

/// Types of records by number (IANA, DNS parameters).
static KINDS: &[(u16, &str)] = &[
    (1, "A"),
    (2, "NS"),
    (3, "MD"),
    (4, "MF"),
    (5, "CNAME"),
    (6, "SOA"),
    (7, "MB"),
    (8, "MG"),
    (9, "MR"),
    (10, "NULL"),
    (11, "WKS"),
    (12, "PTR"),
    (13, "HINFO"),
    (14, "MINFO"),
    (15, "MX"),
    (16, "TXT"),
    (17, "RP"),
    (18, "AFSDB"),
    (19, "X25"),
    (20, "ISDN"),
    (21, "RT"),
    (22, "NSAP"),
    (23, "NSAP-PTR"),
    (24, "SIG"),
    (25, "KEY"),
    (26, "PX"),
    (27, "GPOS"),
    (28, "AAAA"),
    (29, "LOC"),
    (30, "NXT"),
    (31, "EID"),
    (32, "NIMLOC"),
    (33, "SRV"),
    (34, "ATMA"),
    (35, "NAPTR"),
    (36, "KX"),
    (37, "CERT"),
    (38, "A6"),
    (39, "DNAME"),
    (40, "SINK"),
    (41, "OPT"),
    (42, "APL"),
    (43, "DS"),
    (44, "SSHFP"),
    (45, "IPSECKEY"),
    (46, "RRSIG"),
    (47, "NSEC"),
    (48, "DNSKEY"),
    (49, "DHCID"),
    (50, "NSEC3"),
    (51, "NSEC3PARAM"),
    (52, "TLSA"),
    (53, "SMIMEA"),
    (55, "HIP"),
    (59, "CDS"),
    (60, "CDNSKEY"),
    (61, "OPENPGPKEY"),
    (62, "CSYNC"),
    (63, "ZONEMD"),
    (64, "SVCB"),
    (65, "HTTPS"),
    (99, "SPF"),
    (108, "EUI48"),
    (109, "EUI64"),
    (249, "TKEY"),
    (250, "TSIG"),
    (251, "IXFR"),
    (252, "AXFR"),
    (253, "MAILB"),
    (254, "MAILA"),
    (255, "ANY"),
    (256, "URI"),
    (257, "CAA"),
    (258, "AVC"),
    (32_768, "TA"),
    (32_769, "DLV"),
];

/// Appends the name of a type; one without a name is `TYPE123` (RFC 3597 §5).
pub(super) fn kind(number: u16, text: &mut String) {
    match KINDS.binary_search_by_key(&number, |(known, _)| *known) {
        Ok(at) => text.push_str(KINDS.get(at).map_or("", |(_, name)| name)),
        Err(_) => {
            text.push_str("TYPE");
            push_number(number, text);
        }
    }
}

fn push_number(number: u16, text: &mut String) {
    // Writing to a string cannot fail.
    let _ = std::fmt::Write::write_fmt(text, format_args!("{number}"));
}

/// What a response code means, and whose fault it is: what does not exist is the asker's.
pub(super) fn status(code: u16) -> Status {
    let name = match code {
        0 => "NOERROR",
        1 => "FORMERR",
        2 => "SERVFAIL",
        3 => "NXDOMAIN",
        4 => "NOTIMP",
        5 => "REFUSED",
        6 => "YXDOMAIN",
        7 => "YXRRSET",
        8 => "NXRRSET",
        9 => "NOTAUTH",
        10 => "NOTZONE",
        11 => "DSOTYPENI",
        16 => "BADVERS",
        17 => "BADKEY",
        18 => "BADTIME",
        19 => "BADMODE",
        20 => "BADNAME",
        21 => "BADALG",
        22 => "BADTRUNC",
        23 => "BADCOOKIE",
        _ => "_OTHER",
    };
    // Prerequisites of an update that did not hold are an answer too (RFC 2136 §2.2).
    let client_error = matches!(code, 3 | 6..=8);
    Status { code: ShortText::new(name), error: code != 0 && !client_error, client_error }
}

/// Appends the name as it was asked for, and as tshark spells the root.
pub(super) fn as_on_the_wire(name: Name<'_>, text: &mut String) {
    write(name, text, escape);
    if text == "." {
        text.replace_range(.., "<Root>");
    }
}

/// A name as text without allocation: only of letters, digits, `-` and `_`, in lower case.
pub(super) struct HostName {
    bytes: [u8; NAME_BYTES_MAX],
    length: usize,
}

impl HostName {
    /// `None` for the root, and for names that no host has.
    pub(super) fn new(name: Name<'_>) -> Option<Self> {
        let mut host = Self { bytes: [0; NAME_BYTES_MAX], length: 0 };
        for label in name.labels() {
            if host.length > 0 {
                host.push(b'.')?;
            }
            for byte in label {
                let is_fit = byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
                host.push(is_fit.then(|| byte.to_ascii_lowercase())?)?;
            }
        }
        (host.length > 0).then_some(host)
    }

    fn push(&mut self, byte: u8) -> Option<()> {
        *self.bytes.get_mut(self.length)? = byte;
        self.length += 1;
        Some(())
    }

    pub(super) fn as_str(&self) -> &str {
        self.bytes.get(..self.length).and_then(|b| std::str::from_utf8(b).ok()).unwrap_or("")
    }
}

/// Appends the name in lower case, with what is different each time left out: numbers and tokens
/// become `{id}`, addresses asked for backwards `{ip}`.
fn pattern(name: Name<'_>, text: &mut String) {
    if let Some(zone) = reverse_zone(name) {
        text.push_str("{ip}.");
        return text.push_str(zone);
    }
    write(name, text, |label, text| {
        if is_token(label) {
            text.push_str("{id}");
        } else {
            let start = text.len();
            escape(label, text);
            if let Some(label) = text.get_mut(start..) {
                label.make_ascii_lowercase();
            }
        }
    });
}

/// The zone of an address asked for backwards (§3.5, RFC 3596 §2.5).
fn reverse_zone(name: Name<'_>) -> Option<&'static str> {
    let count = name.labels().count();
    let zone = |zone: &'static str, [first, second]: [&[u8]; 2]| {
        let mut tail: Labels<'_> = name.labels();
        let is_below = count > 2 && tail.nth(count - 3).is_some();
        let is_zone = tail.next()?.eq_ignore_ascii_case(first)
            && tail.next()?.eq_ignore_ascii_case(second);
        (is_below && is_zone).then_some(zone)
    };
    zone("in-addr.arpa", [b"in-addr", b"arpa"]).or_else(|| zone("ip6.arpa", [b"ip6", b"arpa"]))
}

/// True for a label that names nothing people know: it was made up by a machine, for this time.
fn is_token(label: &[u8]) -> bool {
    let mut digits = 0;
    let (mut row, mut longest) = (0, 0);
    let mut is_hex = true;
    for byte in label {
        let is_digit = byte.is_ascii_digit();
        digits += usize::from(is_digit);
        row = if is_digit { row + 1 } else { 0 };
        longest = longest.max(row);
        is_hex &= byte.is_ascii_hexdigit() || *byte == b'-';
    }
    longest > DIGITS_MAX
        || label.len() >= TOKEN_BYTES_MIN && (is_hex && digits > 0 || digits * 4 >= label.len())
}

fn write(name: Name<'_>, text: &mut String, label: impl Fn(&[u8], &mut String)) {
    let start = text.len();
    for part in name.labels() {
        if text.len() > start {
            text.push('.');
        }
        label(part, text);
    }
    if text.len() == start {
        text.push('.');
    }
}

/// Printable bytes as they are, others as `\DDD` (RFC 4343 §2.1).
fn escape(label: &[u8], text: &mut String) {
    for byte in label {
        match byte {
            b'.' | b'\\' => text.extend(['\\', char::from(*byte)]),
            b'!'..=b'~' => text.push(char::from(*byte)),
            _ => {
                let digit = |unit: u8| char::from(b'0' + byte / unit % 10);
                text.extend(['\\', digit(100), digit(10), digit(1)]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{is_token, KINDS};

    #[test]
    fn types_are_in_order() {
        assert!(KINDS.is_sorted_by(|(a, _), (b, _)| a < b));
    }

    #[test]
    fn labels_that_differ_each_time_are_tokens() {
        let tokens = "a1b2c3d4e5f60718 550e8400-e29b-41d4-a716-446655440000 10000001 p2024";
        for label in tokens.split(' ') {
            assert!(is_token(label.as_bytes()), "{label}");
        }
        let words = "www web-003 ip-10-0-0-12 prod-fcdt-e02 s3 internationalization";
        for label in words.split(' ') {
            assert!(!is_token(label.as_bytes()), "{label}");
        }
    }
}
