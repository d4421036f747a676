//! Proving a key on TLS records sealed with AES-GCM.

use super::gcm::{Gcm, Guesses, Nonce, TAG_BYTES, are_neighbours, is_step};

/// Content type, version, length (RFC 8446, section 5.1).
const HEADER_BYTES: usize = 5;
/// The part of the nonce that TLS 1.2 sends along (RFC 5288, section 3).
const EXPLICIT_BYTES: usize = 8;

/// A TLS record in its parts.
struct Parts<'a> {
    header: &'a [u8; HEADER_BYTES],
    sealed: &'a [u8],
    tag: &'a [u8; TAG_BYTES],
}

impl<'a> Parts<'a> {
    fn new(record: &'a [u8]) -> Option<Self> {
        let (header, body) = record.split_first_chunk()?;
        let (sealed, tag) = body.split_last_chunk()?;
        (!sealed.is_empty()).then_some(Self { header, sealed, tag })
    }
}

/// The nonce under which the key sealed a TLS 1.3 record (RFC 8446, section 5.2), if it did.
pub(super) fn nonce_13(gcm: &Gcm, record: &[u8]) -> Option<Nonce> {
    let Parts { header, sealed, tag } = Parts::new(record)?;
    gcm.nonce(header, sealed, tag)
}

/// The same, and a record that followed at once proves it: both by chance are once in 2^90.
pub(super) fn neighbours_13(gcm: &Gcm, record: &[u8], neighbour: &[u8]) -> Option<Nonce> {
    let nonce = nonce_13(gcm, record)?;
    let next = nonce_13(gcm, neighbour)?;
    are_neighbours(&nonce, &next).then_some(nonce)
}

/// Which sequence numbers of a TLS 1.2 record are tried.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tries {
    /// Counted from 0; the explicit nonce is tried before.
    pub sequences: u64,
}

/// The sequence number of a TLS 1.2 record sealed by the key, and the fixed part of its nonce. That
/// the explicit nonce and the counter come out right is once in 2^96 by chance.
pub(super) fn sequence_12(gcm: &Gcm, record: &[u8], tries: Tries) -> Option<(u64, [u8; 4])> {
    let (explicit, parts) = explicit(record)?;
    let header = additional_12(parts.header, 0, parts.sealed.len());
    let guesses = Guesses::new(gcm, &header, parts.sealed, parts.tag);
    let is_right = |nonce: &Nonce| nonce.ends_with(explicit);
    // Most engines send the sequence number itself.
    let sent = u64::from_be_bytes(*explicit);
    let found = guesses.nonce(sent).filter(is_right).map(|nonce| (sent, nonce));
    let (sequence, nonce) = found.or_else(|| guesses.first(tries.sequences, is_right))?;
    Some((sequence, *nonce.first_chunk()?))
}

/// What the tag of a TLS 1.2 record is of, beside what is sealed (RFC 5246, section 6.2.3.3):
/// `length` is that of the content.
pub(super) fn additional_12(
    [kind, major, minor, ..]: &[u8; HEADER_BYTES],
    sequence: u64,
    length: usize,
) -> [u8; 13] {
    let [a, b, c, d, e, f, g, h] = sequence.to_be_bytes();
    let [high, low] = (length as u16).to_be_bytes();
    [a, b, c, d, e, f, g, h, *kind, *major, *minor, high, low]
}

fn explicit(record: &[u8]) -> Option<(&[u8; EXPLICIT_BYTES], Parts<'_>)> {
    let parts = Parts::new(record)?;
    let (explicit, sealed) = parts.sealed.split_first_chunk()?;
    (!sealed.is_empty()).then_some((explicit, Parts { sealed, ..parts }))
}

/// True if the records look like GCM of TLS 1.2: engines count their explicit nonces.
pub(super) fn is_counted(record: &[u8], neighbour: &[u8]) -> bool {
    let number = |record| explicit(record).map(|(bytes, _)| u64::from_be_bytes(*bytes));
    match (number(record), number(neighbour)) {
        (Some(a), Some(b)) => is_step(a ^ b),
        _ => false,
    }
}
