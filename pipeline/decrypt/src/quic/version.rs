//! What differs between versions of QUIC: 1 (RFC 9000, RFC 9001 §5.2) and 2 (RFC 9369 §3).

/// A version that is read.
#[derive(Debug)]
pub(super) struct Version {
    pub(super) number: u32,
    /// Salt of the initial secret.
    pub(super) salt: [u8; 20],
    pub(super) key: &'static [u8],
    pub(super) iv: &'static [u8],
    pub(super) header: &'static [u8],
    pub(super) update: &'static [u8],
    /// The two bits of the type, by what they mean: Initial, 0-RTT, Handshake, Retry.
    pub(super) types: [u8; 4],
}

/// All that are read.
pub(super) static VERSIONS: [Version; 2] = [
    Version {
        number: 0x0000_0001,
        salt: [
            0x38, 0x76, 0x2C, 0xF7, 0xF5, 0x59, 0x34, 0xB3, 0x4D, 0x17, 0x9A, 0xE6, 0xA4, 0xC8,
            0x0C, 0xAD, 0xCC, 0xBB, 0x7F, 0x0A,
        ],
        key: b"tls13 quic key",
        iv: b"tls13 quic iv",
        header: b"tls13 quic hp",
        update: b"tls13 quic ku",
        types: [0, 1, 2, 3],
    },
    Version {
        number: 0x6B33_43CF,
        salt: [
            0x0D, 0xED, 0xE3, 0xDE, 0xF7, 0x00, 0xA6, 0xDB, 0x81, 0x93, 0x81, 0xBE, 0x6E, 0x26,
            0x9D, 0xCB, 0xF9, 0xBD, 0x2E, 0xD9,
        ],
        key: b"tls13 quicv2 key",
        iv: b"tls13 quicv2 iv",
        header: b"tls13 quicv2 hp",
        update: b"tls13 quicv2 ku",
        types: [1, 2, 3, 0],
    },
];

impl Version {
    /// The version with this number, if it is read.
    pub(super) fn of(number: u32) -> Option<&'static Self> {
        VERSIONS.iter().find(|version| version.number == number)
    }
}
