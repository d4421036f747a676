//! Proving a key on TLS records sealed with AES-CBC (RFC 5246, section 6.2.3.2): the last block of
//! every record must end in its padding. The MAC is not checked; where it is encrypted too and
//! nobody has seen the handshake, text that ends where noise begins tells how long it is.

use super::gcm::Aes;

/// Content type, version, length.
const HEADER_BYTES: usize = 5;
/// Padding is right by chance once in 255: eight records are once in 2^63.
pub(super) const RECORDS_MIN: usize = 8;
/// HMAC-SHA1, -SHA256, -SHA384.
const MAC_BYTES: [usize; 3] = [20, 32, 48];
/// Bytes before a MAC that are looked at, and how many there must be of all records.
const TEXT_BYTES: usize = 12;
const TEXT_BYTES_MIN: usize = 32;

/// True if records of these lengths may be of CBC: whole blocks, with one MAC outside or none.
pub(super) fn may_be(lengths: impl Iterator<Item = usize>) -> bool {
    let mut beyond = lengths.map(|length| length.wrapping_sub(HEADER_BYTES) % 16);
    // MACs are 20 bytes, or whole blocks.
    let first = beyond.next().filter(|beyond| matches!(beyond, 0 | 4));
    first.is_some_and(|first| beyond.all(|other| other == first))
}

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
    // With the MAC inside its length does not show: the handshake has said it, or its text does.
    if !opens(0) {
        return None;
    }
    let mac_bytes = mac_bytes.or_else(|| mac_behind_text(aes, records))?;
    Some(Sealing { mac_bytes, encrypt_then_mac: false })
}

/// The length of the MAC that ends every record: noise, with text before it.
fn mac_behind_text<'a>(
    aes: &Aes,
    records: &(impl Iterator<Item = &'a [u8]> + Clone),
) -> Option<usize> {
    let plain: Vec<Vec<u8>> = records.clone().filter_map(|record| unpadded(aes, record)).collect();
    let (plain, mut behind) = (&plain, 0);
    for mac_bytes in MAC_BYTES {
        let tail = |from: usize, to: usize| {
            let all = plain.iter().filter_map(move |record| {
                let (from, to) = (record.len().saturating_sub(from), record.len().checked_sub(to)?);
                record.get(from..to)
            });
            all.flatten().copied()
        };
        if !is_noise(tail(mac_bytes, behind)) {
            return None;
        }
        if is_text(tail(mac_bytes + TEXT_BYTES, mac_bytes)) {
            return Some(mac_bytes);
        }
        behind = mac_bytes;
    }
    None
}

/// Of a MAC about every other byte has its highest bit set: of 96 so few or many once in 10⁶.
fn is_noise(bytes: impl Iterator<Item = u8>) -> bool {
    let (mut count, mut high) = (0_usize, 0);
    bytes.for_each(|byte| (count, high) = (count + 1, high + usize::from(byte >> 7)));
    let quarter = count / 4;
    (quarter..=count - quarter).contains(&high)
}

fn is_text(bytes: impl Iterator<Item = u8> + Clone) -> bool {
    let is_printed = |byte: u8| byte.is_ascii_graphic() || byte.is_ascii_whitespace();
    bytes.clone().count() >= TEXT_BYTES_MIN && { bytes }.all(is_printed)
}

/// What a record holds less its padding; its first block is an IV, or not to be had.
fn unpadded(aes: &Aes, record: &[u8]) -> Option<Vec<u8>> {
    let (blocks, _) = record.get(HEADER_BYTES..)?.as_chunks::<16>();
    let pairs = blocks.iter().zip(blocks.iter().skip(1));
    let mut plain: Vec<u8> =
        pairs.flat_map(|(before, block)| chained(aes, before, block)).collect();
    let padding = usize::from(*plain.last()?) + 1;
    plain.truncate(plain.len().checked_sub(padding)?);
    Some(plain)
}

/// A block in clear, by the one before it.
fn chained(aes: &Aes, before: &[u8; 16], block: &[u8; 16]) -> [u8; 16] {
    let mut plain = aes.decrypt(*block);
    plain.iter_mut().zip(before).for_each(|(byte, before)| *byte ^= before);
    plain
}

/// True if the record, less the MAC `behind` it, ends in a whole padding of fewer than 16 bytes, or
/// in 16 bytes of a longer one.
fn ends_in_padding(aes: &Aes, record: &[u8], behind: usize) -> bool {
    let padding = || {
        let body = record.get(HEADER_BYTES..record.len().checked_sub(behind)?)?;
        let (blocks, []) = body.as_chunks::<16>() else { return None };
        let [.., before, last] = blocks else { return None };
        let plain = chained(aes, before, last);
        let [.., length] = plain;
        let shown = usize::from(length) + 1;
        let padding = plain.get(16usize.saturating_sub(shown)..)?;
        Some(padding.iter().all(|byte| *byte == length))
    };
    padding().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use aes::cipher::{BlockModeEncrypt, KeyIvInit};

    use super::super::found::Opens;
    use super::super::tests::{LAYOUTS, Noise, UNKNOWN, image, laid_out, sample, search};
    use super::super::{SampleKind, StillSealed};

    #[test]
    fn cbc_opens_by_the_padding_of_eight_records() {
        let mut noise = Noise(7);
        for mac_bytes in [20, 32, 48] {
            let key: [u8; 16] = noise.array();
            let records = (0..8).map(|n: usize| {
                let plain = noise.bytes(3 * n + 5);
                record_cbc(&key, &mut noise, plain, mac_bytes)
            });
            let records = records.collect();
            for layout in LAYOUTS {
                let memory = image(&mut Noise(8), 4096, &[(640, &laid_out(&key, layout))]);
                let records: &Vec<Vec<u8>> = &records;
                let outcome = search(vec![sample(1, UNKNOWN, records.clone())], &memory);
                let Some(Opens::Cbc { mac_bytes: found, encrypt_then_mac: true, .. }) =
                    outcome.found.first().map(|found| &found.opens)
                else {
                    panic!("{mac_bytes} {layout:?}: {outcome:?}")
                };
                assert_eq!(*found, mac_bytes);
            }
        }
    }

    #[test]
    fn a_mac_that_is_encrypted_too_begins_where_text_ends() {
        let mut noise = Noise(17);
        let key: [u8; 32] = noise.array();
        let memory = image(&mut Noise(8), 4096, &[(640, &laid_out(&key, LAYOUTS[0]))]);
        let texts = ["GET /page HTTP/1.1\r\nHost: localhost\r\n\r\n", "a page\n", "text"];
        let binary = noise.bytes(64);
        // Text, and each MAC; then something of which nothing is told.
        let rows = [(20, Some(20)), (32, Some(32)), (48, Some(48)), (20, None)];
        for (mac_bytes, expected) in rows {
            let records = (0..8).map(|n: usize| {
                let mut plain = match expected {
                    Some(_) => texts[n % texts.len()].as_bytes().to_vec(),
                    None => binary[n..20 + 5 * n].to_vec(),
                };
                plain.extend(noise.bytes(mac_bytes));
                record_cbc(&key, &mut noise, plain, 0)
            });
            let outcome = search(vec![sample(1, UNKNOWN, records.collect())], &memory);
            let found = outcome.found.first().map(|found| match &found.opens {
                Opens::Cbc { mac_bytes, encrypt_then_mac: false, .. } => *mac_bytes,
                other => panic!("{other:?}"),
            });
            assert_eq!(found, expected, "{mac_bytes}");
        }
    }

    /// A record of AES-CBC in TLS 1.2, with so many bytes of a MAC behind it.
    fn record_cbc(key: &[u8], noise: &mut Noise, mut plain: Vec<u8>, mac_bytes: usize) -> Vec<u8> {
        let iv: [u8; 16] = noise.array();
        let padding = 15 - plain.len() % 16;
        plain.extend(std::iter::repeat_n(padding as u8, padding + 1));
        let mut blocks: Vec<aes::Block> =
            plain.as_chunks::<16>().0.iter().map(|block| (*block).into()).collect();
        match key.len() {
            16 => ::cbc::Encryptor::<aes::Aes128>::new_from_slices(key, &iv)
                .expect("a key")
                .encrypt_blocks(&mut blocks),
            _ => ::cbc::Encryptor::<aes::Aes256>::new_from_slices(key, &iv)
                .expect("a key")
                .encrypt_blocks(&mut blocks),
        }
        let mut record = vec![0x17, 3, 3, 0, 0];
        record.extend(iv);
        blocks.iter().for_each(|block| record.extend(block.as_slice()));
        record.extend(noise.bytes(mac_bytes));
        record
    }

    #[test]
    fn few_records_are_not_the_end_of_it() {
        let mut noise = Noise(23);
        let key: [u8; 16] = noise.array();
        let memory = image(&mut Noise(8), 4096, &[(640, &laid_out(&key, LAYOUTS[0]))]);
        // TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256, or whatever it may be; TLS 1.3 is another matter.
        let kinds = [(Some(0x0303), Some(0xc027)), (None, None), (Some(0x0304), None)];
        for (version, suite) in kinds {
            let records = (0..3).map(|_| record_cbc(&key, &mut noise, b"text".to_vec(), 20));
            let kind = SampleKind::Tls { version, suite };
            let outcome = search(vec![sample(1, kind, records.collect())], &memory);
            let is_few = version != Some(0x0304);
            assert_eq!(outcome.sealed[0].1 == StillSealed::TooFew, is_few, "{outcome:?}");
        }
    }
}
