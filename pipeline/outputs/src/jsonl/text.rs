//! JSON strings, decimal numbers and addresses, appended to bytes.

use std::io::Write;
use std::net::{IpAddr, SocketAddr};

/// `00` to `99`, to write two digits at once.
const PAIRS: [u8; 200] = {
    let mut pairs = [0; 200];
    let mut i = 0;
    while i < 100 {
        pairs[2 * i] = b'0' + (i / 10) as u8;
        pairs[2 * i + 1] = b'0' + (i % 10) as u8;
        i += 1;
    }
    pairs
};

/// For each byte: 0 if JSON takes it as it is, `u` if as `\u00XX`, else the letter after `\`.
const ESCAPES: [u8; 256] = {
    let mut escapes = [0; 256];
    let mut control = 0;
    while control < 0x20 {
        escapes[control] = b'u';
        control += 1;
    }
    escapes[0x08] = b'b';
    escapes[0x09] = b't';
    escapes[0x0A] = b'n';
    escapes[0x0C] = b'f';
    escapes[0x0D] = b'r';
    escapes[b'"' as usize] = b'"';
    escapes[b'\\' as usize] = b'\\';
    escapes
};

/// Appends `text` as a JSON string, quotes included.
pub(super) fn push_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let mut rest = text.as_bytes();
    let escaped = |byte: &u8| ESCAPES[usize::from(*byte)] != 0;
    while let Some(at) = rest.iter().position(escaped) {
        let (plain, tail) = rest.split_at(at);
        out.extend_from_slice(plain);
        let Some((&byte, tail)) = tail.split_first() else {
            break;
        };
        match ESCAPES[usize::from(byte)] {
            b'u' => {
                const HEX: &[u8; 16] = b"0123456789abcdef";
                let (high, low) = (usize::from(byte >> 4), usize::from(byte & 15));
                out.extend_from_slice(&[b'\\', b'u', b'0', b'0', HEX[high], HEX[low]]);
            }
            letter => out.extend_from_slice(&[b'\\', letter]),
        }
        rest = tail;
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

/// Appends a decimal number.
pub(super) fn push_number(out: &mut Vec<u8>, mut value: u64) {
    let mut digits = [0; 20];
    let mut start = digits.len();
    while value >= 10 {
        let pair = 2 * (value % 100) as usize;
        value /= 100;
        start -= 2;
        digits[start..start + 2].copy_from_slice(&PAIRS[pair..pair + 2]);
    }
    // What is left is one digit, or nothing after a pair took the last two.
    if value > 0 || start == digits.len() {
        start -= 1;
        digits[start] = b'0' + value as u8;
    }
    out.extend_from_slice(&digits[start..]);
}

/// Appends `ip:port`, or `[ip]:port` for IPv6.
pub(super) fn push_address(out: &mut Vec<u8>, address: SocketAddr) {
    match address.ip() {
        IpAddr::V4(ip) => {
            for (i, octet) in ip.octets().into_iter().enumerate() {
                if i > 0 {
                    out.push(b'.');
                }
                push_number(out, u64::from(octet));
            }
        }
        IpAddr::V6(ip) => {
            // Writing to a Vec cannot fail; the scope id has no place in the contract.
            let _ = write!(out, "[{ip}]");
        }
    }
    out.push(b':');
    push_number(out, u64::from(address.port()));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(value: u64) -> String {
        let mut out = Vec::new();
        push_number(&mut out, value);
        String::from_utf8(out).expect("digits are text")
    }

    #[test]
    fn numbers_read_as_the_standard_library_writes_them() {
        let mut value = 1_u64;
        for value in [0, 5, 10, 99, 100, 101, u64::MAX] {
            assert_eq!(number(value), value.to_string());
        }
        while value < u64::MAX / 3 {
            assert_eq!(number(value), value.to_string());
            value = value * 3 + 1;
        }
    }

    #[test]
    fn addresses_read_as_the_standard_library_writes_them() {
        for text in ["0.0.0.0:0", "127.0.0.1:8080", "[::1]:65535", "[fe80::1:2]:53"] {
            let mut out = Vec::new();
            push_address(&mut out, text.parse().expect("a literal"));
            assert_eq!(out, text.as_bytes());
        }
    }
}
