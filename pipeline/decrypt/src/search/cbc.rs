//! Proving a key on TLS records sealed with AES-CBC (RFC 5246, section 6.2.3.2): the last block of
//! every record must end in its padding. The MAC is not checked.

use super::gcm::Aes;

/// Content type, version, length.
const HEADER_BYTES: usize = 5;
/// Padding is right by chance once in 255: eight records are once in 2^63.
pub(super) const RECORDS_MIN: usize = 8;
/// HMAC-SHA1, -SHA256, -SHA384.
const MAC_BYTES: [usize; 3] = [20, 32, 48];

/// How the records are sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sealing {
    pub mac_bytes: usize,
    pub encrypt_then_mac: bool,
}

/// How records sealed by this key are built, if they are.
pub(super) fn sealing<'a>(
    aes: &Aes,
    records: &(impl Iterator<Item = &'a [u8]> + Clone),
    mac_bytes: Option<usize>,
) -> Option<Sealing> {
    let opens = |behind| records.clone().all(|record| ends_in_padding(aes, record, behind));
    let allowed = |bytes: &usize| mac_bytes.is_none_or(|known| known == *bytes);
    let outer = MAC_BYTES.into_iter().filter(allowed).find(|behind| opens(*behind));
    if let Some(mac_bytes) = outer {
        return Some(Sealing { mac_bytes, encrypt_then_mac: true });
    }
    // With the MAC inside its length does not show: the handshake has to have said it.
    let mac_bytes = mac_bytes?;
    opens(0).then_some(Sealing { mac_bytes, encrypt_then_mac: false })
}

/// True if the record, less the MAC `behind` it, ends in a whole padding of fewer than 16 bytes, or
/// in 16 bytes of a longer one.
fn ends_in_padding(aes: &Aes, record: &[u8], behind: usize) -> bool {
    let padding = || {
        let body = record.get(HEADER_BYTES..record.len().checked_sub(behind)?)?;
        let (blocks, []) = body.as_chunks::<16>() else { return None };
        let [.., before, last] = blocks else { return None };
        let mut plain = aes.decrypt(*last);
        plain.iter_mut().zip(before).for_each(|(byte, before)| *byte ^= before);
        let [.., length] = plain;
        let shown = usize::from(length) + 1;
        let padding = plain.get(16usize.saturating_sub(shown)..)?;
        Some(padding.iter().all(|byte| *byte == length))
    };
    padding().unwrap_or(false)
}
