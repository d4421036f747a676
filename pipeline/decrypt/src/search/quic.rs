//! Proving a pair of keys on QUIC packets with a short header (RFC 9001, section 5): one key masks
//! the header, another seals the packet.

use super::found::Opens;
use super::gcm::{Aes, Gcm, Nonce, TAG_BYTES, sequence_between};
use super::limits::Budget;
use super::sample::SampleKind;
use super::target::Target;
use crate::crypto::KeyBytes;

/// Where the sample of the sealed part begins, after the start of the packet number (5.4.2).
const SAMPLE_OFFSET: usize = 4;
/// Zero in a short header; the bit below it is fixed, but where both ends allow any (RFC 9287).
const FORM_BIT: u8 = 0x80;
/// Must be zero once the mask is off (RFC 9000, section 17.3.1).
const RESERVED_BITS: u8 = 0x18;
/// The longest connection id of versions 1 and 2.
const CONNECTION_ID_BYTES_MAX: u8 = 20;

/// A packet whose header was unmasked by some key.
struct Unmasked<'a> {
    header: Vec<u8>,
    sealed: &'a [u8],
    tag: &'a [u8; TAG_BYTES],
    /// As it stands in the packet.
    pub number: u32,
    pub number_bytes: u8,
}

/// What the key of headers makes of a packet; `None` if it makes no header.
fn unmask<'a>(key: &Aes, packet: &'a [u8], connection_id_bytes: u8) -> Option<Unmasked<'a>> {
    let first = *packet.first()?;
    if first & FORM_BIT != 0 {
        return None;
    }
    let at = 1 + usize::from(connection_id_bytes);
    let [bits, mask @ ..] = key.encrypt(*packet.get(at + SAMPLE_OFFSET..)?.first_chunk()?);
    let first = first ^ bits & 0x1f;
    if first & RESERVED_BITS != 0 {
        return None;
    }
    let number_bytes = (first & 3) + 1;
    let (masked, rest) = packet.split_at_checked(at + usize::from(number_bytes))?;
    let (sealed, tag) = rest.split_last_chunk()?;
    let mut header = masked.to_vec();
    *header.first_mut()? = first;
    header.get_mut(at..)?.iter_mut().zip(mask).for_each(|(byte, mask)| *byte ^= mask);
    let number = header.get(at..)?.iter().fold(0, |number, byte| number << 8 | u32::from(*byte));
    Some(Unmasked { header, sealed, tag, number, number_bytes })
}

impl Unmasked<'_> {
    /// The nonce under which the key sealed the packet, if it did.
    fn nonce(&self, key: &Gcm) -> Option<Nonce> {
        key.nonce(&self.header, self.sealed, self.tag)
    }
}

/// What opened a packet.
struct Opened {
    pub nonce: Nonce,
    pub number: u32,
    pub number_bytes: u8,
}

/// Opens a packet and another of the same direction: their nonces must differ as their packet
/// numbers do.
fn prove(
    [header_key, key]: [(&Aes, &Gcm); 2],
    packets: [&[u8]; 2],
    connection_id_bytes: u8,
) -> Option<Opened> {
    let open = |packet| {
        let packet = unmask(header_key.0, packet, connection_id_bytes)?;
        let nonce = packet.nonce(key.1)?;
        Some(Opened { nonce, number: packet.number, number_bytes: packet.number_bytes })
    };
    let [first, second] = [open(packets[0])?, open(packets[1])?];
    let mask = low_bits(first.number_bytes.min(second.number_bytes));
    let between = sequence_between(&first.nonce, &second.nonce)?;
    let is_as_numbered = between & mask == u64::from(first.number ^ second.number) & mask;
    // Packets that follow each other closely differ in few bits.
    (is_as_numbered && between < 1 << 32).then_some(first)
}

/// A key ready for both of its uses.
pub(super) struct QuicKey {
    pub bytes: KeyBytes,
    pub aes: Aes,
    pub gcm: Gcm,
    pub address: u64,
}

/// The pair of keys that opens the packets.
pub(super) fn quic_hit(
    target: &Target,
    keys: &[QuicKey],
    budget: &mut Budget,
) -> Option<(u64, Opens)> {
    let SampleKind::Quic { connection_id_bytes } = target.sample.kind else { return None };
    let (test, neighbour) = target.pair()?;
    let lengths = match connection_id_bytes {
        Some(length) => length..=length,
        None => 0..=CONNECTION_ID_BYTES_MAX,
    };
    for header_key in keys {
        for length in lengths.clone() {
            let Some(packet) = unmask(&header_key.aes, test, length) else { continue };
            let as_long =
                |key: &&QuicKey| key.bytes.as_slice().len() == header_key.bytes.as_slice().len();
            for key in keys.iter().filter(as_long) {
                if !budget.test() {
                    return None;
                }
                if packet.nonce(&key.gcm).is_none() {
                    continue;
                }
                let pair = [(&header_key.aes, &header_key.gcm), (&key.aes, &key.gcm)];
                if let Some(opened) = prove(pair, [test, neighbour], length) {
                    let opens = Opens::Quic {
                        key: key.bytes.clone(),
                        header_key: header_key.bytes.clone(),
                        nonce: opened.nonce,
                        packet_number: opened.number,
                        packet_number_bytes: opened.number_bytes,
                        connection_id_bytes: length,
                        secret: None,
                    };
                    return Some((key.address, opens));
                }
            }
        }
    }
    None
}

const fn low_bits(bytes: u8) -> u64 {
    (1 << (8 * bytes as u64)) - 1
}

/// A packet with a short header and a packet number of three bytes; the fixed bit is set in every
/// other one.
#[cfg(test)]
pub(super) fn seal_for_tests(
    header_key: &[u8],
    connection_id: &[u8],
    number: u32,
    seal: impl Fn(&[u8], &[u8]) -> Vec<u8>,
) -> Vec<u8> {
    let mut packet = vec![if number.is_multiple_of(2) { 0x42 } else { 0x02 }];
    packet.extend(connection_id);
    packet.extend(&number.to_be_bytes()[1..]);
    let sealed = seal(&packet, b"some frames of a stream");
    packet.extend(sealed);
    let at = 1 + connection_id.len();
    let key = Aes::new(header_key).expect("a key");
    let [bits, mask @ ..] =
        key.encrypt(packet[at + SAMPLE_OFFSET..][..16].try_into().expect("16 bytes"));
    packet[0] ^= bits & 0x1f;
    packet[at..at + 3].iter_mut().zip(mask).for_each(|(byte, mask)| *byte ^= mask);
    packet
}
