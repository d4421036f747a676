//! The NSS key log format (RFC 9850): a secret a line, as text.
//!
//! Takes the bytes of a file or of a decryption secrets block, gives [`model::Secret`]s. What it
//! cannot read it counts; nothing of a line is ever repeated in a message.

use model::{Secret, SecretLabel, Timestamp};
use zeroize::Zeroize;

/// The longest secret: a master secret, or an output of SHA-384.
const SECRET_BYTES_MAX: usize = 48;

/// What was in a key log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeyLogSummary {
    /// Secrets handed on.
    pub secrets: u64,
    /// Lines with secrets that open no record (exporters, ECH) or in an older form.
    pub unused: u64,
    /// Lines that make no sense.
    pub malformed: u64,
}

/// Hands on every secret of a key log.
pub fn read_key_log(text: &[u8], mut sink: impl FnMut(&Secret<'_>)) -> KeyLogSummary {
    let mut summary = KeyLogSummary::default();
    for line in text.split(|byte| matches!(byte, b'\n' | b'\r')) {
        let mut words = line.split(|byte| *byte == b' ').filter(|word| !word.is_empty());
        let Some(label) = words.next().filter(|word| !word.starts_with(b"#")) else { continue };
        let (Some(random), Some(secret)) = (words.next(), words.next()) else {
            summary.malformed += 1;
            continue;
        };
        let Some(label) = SecretLabel::named(label) else {
            summary.unused += 1;
            continue;
        };
        let (mut client_random, mut buffer) = ([0; 32], [0; SECRET_BYTES_MAX]);
        match (hexadecimal(random, &mut client_random), hexadecimal(secret, &mut buffer)) {
            (Some(32), Some(length)) if length > 0 => {
                summary.secrets += 1;
                let bytes = buffer.get(..length).unwrap_or_default();
                let client_random = Some(&client_random);
                sink(&Secret { at: Timestamp::UNKNOWN, label, client_random, pid: 0, bytes });
            }
            _ => summary.malformed += 1,
        }
        buffer.zeroize();
    }
    summary
}

/// Reads pairs of digits; gives how many, or `None` if they are too many or no digits.
fn hexadecimal(text: &[u8], out: &mut [u8]) -> Option<usize> {
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    let (pairs, []) = text.as_chunks::<2>() else {
        return None;
    };
    for (index, [high, low]) in pairs.iter().enumerate() {
        *out.get_mut(index)? = digit(*high)? << 4 | digit(*low)?;
    }
    Some(pairs.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    const RANDOM: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

    fn read(text: &str) -> (Vec<(SecretLabel, usize)>, KeyLogSummary) {
        let mut secrets = Vec::new();
        let summary = read_key_log(text.as_bytes(), |secret| {
            assert_eq!(secret.client_random.map(|random| random[31]), Some(31));
            secrets.push((secret.label, secret.bytes.len()));
        });
        (secrets, summary)
    }

    #[test]
    fn every_line_is_a_secret_or_counted() {
        let master = "ab".repeat(48);
        let text = format!(
            "# comment\n\nCLIENT_RANDOM {RANDOM} {master}\r\n\
             SERVER_TRAFFIC_SECRET_0 {RANDOM} 0102\n\
             QUIC_CLIENT_TRAFFIC_SECRET_0 {RANDOM} FF\n\
             EXPORTER_SECRET {RANDOM} 01\nRSA 0011 2233\n\
             CLIENT_RANDOM {RANDOM}\nCLIENT_RANDOM {RANDOM} {master}ab\n\
             CLIENT_RANDOM 0011 {master}\nCLIENT_RANDOM {RANDOM} 0\nCLIENT_RANDOM {RANDOM} zz"
        );
        let (secrets, summary) = read(&text);
        let expected = [
            (SecretLabel::Master, 48),
            (SecretLabel::ServerTraffic, 2),
            (SecretLabel::ClientTraffic, 1),
        ];
        assert_eq!(secrets, expected);
        assert_eq!(summary, KeyLogSummary { secrets: 3, unused: 2, malformed: 5 });
    }
}
