//! Memory images with real schedules, secrets and keys among random bytes, and records sealed with
//! them: what is there is found, and nothing else opens anything.

use std::ops::ControlFlow;

use aes::cipher::{KeyIvInit, StreamCipher};
use model::{ConnectionId, Direction};

use super::gcm::{Gcm, Nonce};
use super::secrets::{Labels, Secret};
use super::*;
use crate::crypto::Cipher;

/// Bytes that look random, always the same.
pub(super) struct Noise(pub u64);

impl Noise {
    fn next(&mut self) -> u64 {
        // splitmix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(super) fn bytes(&mut self, length: usize) -> Vec<u8> {
        std::iter::repeat_with(|| self.next().to_le_bytes()).flatten().take(length).collect()
    }

    pub(super) fn array<const N: usize>(&mut self) -> [u8; N] {
        self.bytes(N).try_into().expect("as long as asked for")
    }
}

/// How a schedule lies in memory.
#[derive(Clone, Copy, Debug)]
pub(super) enum Layout {
    Natural,
    Swapped,
    Inverse,
    InverseSwapped,
}

pub(super) const LAYOUTS: [Layout; 4] =
    [Layout::Natural, Layout::Swapped, Layout::Inverse, Layout::InverseSwapped];

pub(super) fn laid_out(key: &[u8], layout: Layout) -> Vec<u8> {
    let words = schedule::expand(key);
    let backwards = schedule::inverse(&words);
    let to_bytes = |words: &[u32], write: fn(u32) -> [u8; 4]| -> Vec<u8> {
        words.iter().flat_map(|word| write(*word)).collect()
    };
    match layout {
        Layout::Natural => to_bytes(&words, u32::to_be_bytes),
        Layout::Swapped => to_bytes(&words, u32::to_le_bytes),
        Layout::Inverse => to_bytes(&backwards, u32::to_be_bytes),
        Layout::InverseSwapped => to_bytes(&backwards, u32::to_le_bytes),
    }
}

/// Seals with AES-GCM.
fn seal(key: &[u8], nonce: &Nonce, header: &[u8], plain: &[u8]) -> Vec<u8> {
    let mut counter = [0; 16];
    counter[..12].copy_from_slice(nonce);
    counter[15] = 1;
    let mut block = [0; 16];
    let mut sealed = plain.to_vec();
    match key.len() {
        16 => {
            let mut stream =
                ctr::Ctr32BE::<aes::Aes128>::new(key.try_into().expect("16"), &counter.into());
            stream.apply_keystream(&mut block);
            stream.apply_keystream(&mut sealed);
        }
        _ => {
            let mut stream =
                ctr::Ctr32BE::<aes::Aes256>::new(key.try_into().expect("32"), &counter.into());
            stream.apply_keystream(&mut block);
            stream.apply_keystream(&mut sealed);
        }
    }
    let hash = Gcm::new(key).expect("a key").hash_for_tests(header, &sealed);
    sealed.extend((u128::from_be_bytes(block) ^ hash).to_be_bytes());
    sealed
}

fn nonce_of(iv: &Nonce, sequence: u64) -> Nonce {
    let mut nonce = *iv;
    nonce[4..].iter_mut().zip(sequence.to_be_bytes()).for_each(|(to, byte)| *to ^= byte);
    nonce
}

fn record_13(key: &[u8], iv: &Nonce, sequence: u64, plain: &[u8]) -> Vec<u8> {
    let mut inner = plain.to_vec();
    inner.push(0x17);
    let mut record = vec![0x17, 3, 3];
    record.extend((inner.len() as u16 + 16).to_be_bytes());
    let sealed = seal(key, &nonce_of(iv, sequence), &record, &inner);
    record.extend(sealed);
    record
}

fn record_12(key: &[u8], salt: [u8; 4], explicit: u64, sequence: u64, plain: &[u8]) -> Vec<u8> {
    let mut nonce = Nonce::default();
    nonce[..4].copy_from_slice(&salt);
    nonce[4..].copy_from_slice(&explicit.to_be_bytes());
    let mut header = sequence.to_be_bytes().to_vec();
    header.extend([0x17, 3, 3]);
    header.extend((plain.len() as u16).to_be_bytes());
    let mut record = vec![0x17, 3, 3];
    record.extend((plain.len() as u16 + 24).to_be_bytes());
    record.extend(explicit.to_be_bytes());
    record.extend(seal(key, &nonce, &header, plain));
    record
}

pub(super) fn sample(connection: u64, kind: SampleKind, records: Vec<Vec<u8>>) -> Sample {
    let records =
        (0..).zip(records).map(|(number, bytes)| SealedRecord { number, bytes }).collect();
    Sample {
        connection: ConnectionId(connection),
        direction: Direction::Forward,
        kind,
        records,
        sequence_max: None,
    }
}

pub(super) const UNKNOWN: SampleKind = SampleKind::Tls { version: None, suite: None };

/// Runs a search over one piece of memory.
pub(super) fn search(samples: Vec<Sample>, memory: &[u8]) -> Outcome {
    search_within(SearchLimits::default(), samples, memory)
}

fn search_within(limits: SearchLimits, samples: Vec<Sample>, memory: &[u8]) -> Outcome {
    const BASE: u64 = 0x7f00_0000_0000;
    let mut search = Search::new(samples, limits);
    while let Some(wanted) = search.wanted() {
        let end = BASE + memory.len() as u64;
        let ranges = match wanted {
            Wanted::All => std::iter::once(BASE..end).collect(),
            Wanted::Ranges(ranges) => ranges,
        };
        for range in ranges {
            let (start, end) = (range.start.clamp(BASE, end), range.end.clamp(BASE, end));
            let piece = &memory[(start - BASE) as usize..(end - BASE) as usize];
            if search.memory(start, piece) == ControlFlow::Break(()) {
                break;
            }
        }
        search.end_pass();
    }
    search.finish()
}

/// Memory with `things` in it, at the offset given.
pub(super) fn image(noise: &mut Noise, length: usize, things: &[(usize, &[u8])]) -> Vec<u8> {
    let mut memory = noise.bytes(length);
    for (offset, thing) in things {
        memory[*offset..*offset + thing.len()].copy_from_slice(thing);
    }
    memory
}

#[test]
fn schedules_of_every_order_are_found_at_every_alignment() {
    let mut noise = Noise(1);
    for key_bytes in [16, 32] {
        for layout in LAYOUTS {
            for place in 0..20 {
                let (key, iv) = (noise.bytes(key_bytes), noise.array());
                let records = vec![
                    record_13(&key, &iv, 7, b"GET / HTTP/1.1"),
                    record_13(&key, &iv, 8, b"GET /again HTTP/1.1"),
                ];
                let schedule = laid_out(&key, layout);
                let memory = image(&mut noise, 2048, &[(1024 + 4 * place, &schedule)]);
                let outcome = search(vec![sample(1, UNKNOWN, records)], &memory);
                let [found] = outcome.found.as_slice() else {
                    panic!("{key_bytes} {layout:?} at {place}: {outcome:?}")
                };
                let Opens::Gcm13 { key: found, nonce, .. } = &found.opens else {
                    panic!("{found:?}")
                };
                assert_eq!((found.as_slice(), nonce), (key.as_slice(), &nonce_of(&iv, 7)));
            }
        }
    }
}

#[test]
fn a_secret_near_its_key_or_far_away_replaces_it() {
    let mut noise = Noise(2);
    for (length, key_bytes) in [(32, 16), (48, 32)] {
        for place in [64, 68, 300 << 10] {
            let bytes = noise.bytes(length);
            let secret = Secret::new(&bytes).expect("a secret");
            let key = secret.key(Labels::Tls, key_bytes).expect("a key");
            let iv = secret.iv(Labels::Tls).expect("an iv");
            let records = [90, 91].map(|n| record_13(key.as_slice(), &iv, n, b"hello")).to_vec();
            let mut memory = vec![0u8; 400 << 10];
            let schedule = laid_out(key.as_slice(), Layout::Natural);
            memory[512..512 + schedule.len()].copy_from_slice(&schedule);
            memory[place + 1024..][..length].copy_from_slice(&bytes);
            let outcome = search(vec![sample(1, UNKNOWN, records)], &memory);
            let Some(Opens::Traffic { secret, chacha20: false, sequence: 90 }) =
                outcome.found.first().map(|found| &found.opens)
            else {
                panic!("{length} at {place}: {outcome:?}")
            };
            assert_eq!(secret.as_slice(), bytes);
        }
    }
}

#[test]
fn tls_12_gives_salt_and_sequence_number() {
    let mut noise = Noise(3);
    for key_bytes in [16, 32] {
        // As Go and NSS count, as OpenSSL does, as rustls does.
        for explicit in [|n: u64| n, |n| n + 0x1234_5678_9abc_def0, |n| n ^ 0x0fed_cba9_8765_4321] {
            let (key, salt) = (noise.bytes(key_bytes), noise.array());
            let records =
                [700, 701].map(|n| record_12(&key, salt, explicit(n), n, b"hello")).to_vec();
            let memory = image(&mut noise, 2048, &[(1024, &laid_out(&key, Layout::Natural))]);
            let outcome = search(vec![sample(1, UNKNOWN, records)], &memory);
            let Some(Opens::Gcm12 { salt: found, sequence: 700, .. }) =
                outcome.found.first().map(|found| &found.opens)
            else {
                panic!("{outcome:?}")
            };
            assert_eq!(*found, salt);
        }
    }
}

#[test]
fn tls_12_opens_however_much_was_sent_before() {
    let mut noise = Noise(13);
    let (key, salt) = (noise.bytes(32), noise.array::<4>());
    let number_of = |memory: &[u8], n: u64| {
        let explicit = |n: u64| n + 0x1234_5678_9abc_def0;
        let records = [n, n + 1].map(|n| record_12(&key, salt, explicit(n), n, b"hello")).to_vec();
        let outcome = search(vec![sample(1, UNKNOWN, records)], memory);
        match outcome.found.first().map(|found| &found.opens) {
            Some(Opens::Gcm12 { sequence, .. }) => Some(*sequence),
            _ => None,
        }
    };
    let schedule = laid_out(&key, Layout::Natural);
    let memory = image(&mut noise, 2048, &[(1024, &schedule)]);
    assert_eq!(number_of(&memory, 700_000), Some(700_000));
    // As Erlang has it: binaries after their lengths, that of the IV before the key.
    let iv = [4u64.to_le_bytes(), [salt, [0; 4]].concat().try_into().expect("a word")].concat();
    let kept = [iv.as_slice(), &[0xa4; 8], &32u64.to_le_bytes(), &key].concat();
    let memory = image(&mut noise, 2048, &[(1024, &kept)]);
    assert_eq!(number_of(&memory, 50_000), Some(50_000));
}

#[test]
fn ccm_of_tls_12_opens_by_a_key_and_four_bytes_beside_it() {
    use ::ccm::aead::{AeadInOut, KeyInit};
    let mut noise = Noise(12);
    let (key, salt): ([u8; 16], [u8; 4]) = (noise.array(), noise.array());
    let record = |n: u64| {
        let mut sealed = b"hello, by CCM".to_vec();
        let mut header = n.to_be_bytes().to_vec();
        header.extend([0x17, 3, 3, 0, sealed.len() as u8]);
        let nonce: Vec<u8> = salt.into_iter().chain(n.to_be_bytes()).collect();
        let nonce: [u8; 12] = nonce.try_into().expect("12 bytes");
        let cipher =
            ::ccm::Ccm::<aes::Aes128, ::ccm::consts::U8, ::ccm::consts::U12>::new(&key.into());
        let tag = cipher
            .encrypt_inout_detached(&nonce.into(), &header, sealed.as_mut_slice().into())
            .expect("sealed");
        sealed.extend(tag);
        let mut record = vec![0x17, 3, 3, 0, sealed.len() as u8 + 8];
        record.extend(n.to_be_bytes());
        record.extend(sealed);
        record
    };
    let schedule = laid_out(&key, Layout::Natural);
    let memory = image(&mut noise, 4096, &[(1024, &schedule), (1300, &salt)]);
    let outcome = search(vec![sample(1, UNKNOWN, vec![record(41), record(42)])], &memory);
    let Some(Opens::Ccm12 { salt: found, cipher: Cipher::Aes128Ccm8, sequence: 41, .. }) =
        outcome.found.first().map(|found| &found.opens)
    else {
        panic!("{outcome:?}")
    };
    assert_eq!(*found, salt);
}

#[test]
fn bare_keys_and_bare_secrets_are_found_where_no_schedule_is() {
    let mut noise = Noise(4);
    let key = noise.bytes(32);
    let iv = noise.array();
    let records = [3, 4].map(|n| record_13(&key, &iv, n, b"from a beam")).to_vec();
    let memory = image(&mut noise, 4096, &[(800, &key)]);
    let outcome = search(vec![sample(1, UNKNOWN, records)], &memory);
    assert!(matches!(outcome.found[0].opens, Opens::Gcm13 { .. }), "{outcome:?}");

    let bytes = noise.bytes(48);
    let secret = Secret::new(&bytes).expect("a secret");
    let (key, iv) = (secret.key(Labels::Tls, 32).expect("a key"), secret.iv(Labels::Tls));
    let iv = iv.expect("an iv");
    let records = [3, 4].map(|n| record_13(key.as_slice(), &iv, n, b"from a beam")).to_vec();
    let memory = image(&mut noise, 4096, &[(808, &bytes)]);
    let outcome = search(vec![sample(1, UNKNOWN, records)], &memory);
    assert!(matches!(outcome.found[0].opens, Opens::Traffic { sequence: 3, .. }), "{outcome:?}");
}

#[test]
fn chacha20_opens_by_its_secret_and_a_guessed_sequence_number() {
    let mut noise = Noise(5);
    let bytes = noise.bytes(32);
    let secret = Secret::new(&bytes).expect("a secret");
    let (key, iv) = (secret.key(Labels::Tls, 32).expect("a key"), secret.iv(Labels::Tls));
    let (key, iv) = (key.as_slice().try_into().expect("32 bytes"), iv.expect("an iv"));
    let record = |n, plain: &[u8]| chacha::seal_for_tests(key, &iv, n, plain);
    let records = vec![record(9333, b"hello again, and again"), record(9334, &[7; 200])];
    let mut memory = vec![0; 8192];
    // Half a word off, as OpenSSL has it.
    memory[812..844].copy_from_slice(&bytes);
    memory[4096..4128].copy_from_slice(key);
    let outcome = search(vec![sample(1, UNKNOWN, records)], &memory);
    let opens = outcome.found.first().map(|found| &found.opens);
    assert!(
        matches!(opens, Some(Opens::Traffic { chacha20: true, sequence: 9333, .. })),
        "{outcome:?}"
    );
}

#[test]
fn quic_opens_by_two_keys() {
    let mut noise = Noise(6);
    for key_bytes in [16, 32] {
        for id in [0, 8, 20] {
            let (key, mask, iv) = (noise.bytes(key_bytes), noise.bytes(key_bytes), noise.array());
            let id_bytes = noise.bytes(id);
            let packets = [0x1_0203, 0x1_0205].map(|number| {
                quic::seal_for_tests(&mask, &id_bytes, number, |header, plain| {
                    seal(&key, &nonce_of(&iv, u64::from(number)), header, plain)
                })
            });
            let kind = SampleKind::Quic { connection_id_bytes: None };
            let mut sample = sample(1, kind, packets.to_vec());
            sample.records[1].number = 1;
            let schedules = [&key, &mask].map(|key| laid_out(key, Layout::Natural));
            let things = [(512, &*schedules[0]), (2048, &*schedules[1])];
            let memory = image(&mut noise, 4096, &things);
            let outcome = search(vec![sample], &memory);
            let Some(Opens::Quic { key: found, header_key, connection_id_bytes, .. }) =
                outcome.found.first().map(|found| &found.opens)
            else {
                panic!("{key_bytes} {id}: {outcome:?}")
            };
            assert_eq!((found.as_slice(), header_key.as_slice()), (&*key, &*mask));
            assert_eq!(usize::from(*connection_id_bytes), id);
        }
    }
}

#[test]
fn every_key_of_many_opens_its_own_connection() {
    let mut noise = Noise(9);
    let keys: Vec<_> = (0..40).map(|_| (noise.bytes(32), noise.array::<12>())).collect();
    let mut memory = noise.bytes(1 << 16);
    let samples = (0..).zip(&keys).map(|(n, (key, iv))| {
        let schedule = laid_out(key, Layout::Swapped);
        let at = 1024 * (n as usize + 1) + 4 * n as usize;
        memory[at..at + schedule.len()].copy_from_slice(&schedule);
        let records = [n, n + 1].map(|n| record_13(key, iv, n, b"hello")).to_vec();
        sample(n, UNKNOWN, records)
    });
    let samples = samples.collect();
    let outcome = search(samples, &memory);
    assert_eq!(outcome.found.len(), 40);
    for found in outcome.found {
        let Opens::Gcm13 { key, .. } = &found.opens else { panic!("{found:?}") };
        assert_eq!(key.as_slice(), keys[found.connection.0 as usize].0);
    }
}

#[test]
fn what_no_search_opens_is_not_searched_for() {
    let kind = SampleKind::Tls { version: Some(0x0304), suite: Some(0x1304) };
    let records = vec![vec![0x17; 60], vec![0x17; 60]];
    let search = Search::new(vec![sample(1, kind, records)], SearchLimits::default());
    assert_eq!(search.wanted(), None);
    assert_eq!(search.finish().sealed[0].1, StillSealed::NotInvertible);
}

/// The keys of another process open nothing. The full number of tests is run by
/// `FALSE_OPENINGS=10000000 cargo test --release -p redsight-decrypt --lib foreign`.
#[test]
fn foreign_keys_open_nothing() {
    let tests: u64 =
        std::env::var("FALSE_OPENINGS").ok().and_then(|n| n.parse().ok()).unwrap_or(20_000);
    let mut noise = Noise(10);
    // Schedules look random: as windows they would be tried too.
    let limits = SearchLimits { secrets_max: 10, bare_keys_max: 10, ..SearchLimits::default() };
    let mut done = 0;
    while done < tests {
        let samples = (0..50).map(|n| {
            let (key, iv) = (noise.bytes(32), noise.array());
            let explicit = noise.next();
            let records = match n % 2 {
                0 => [5, 6].map(|n| record_13(&key, &iv, n, b"hello")).to_vec(),
                _ => [5, 6]
                    .map(|n| record_12(&key, [1; 4], explicit.wrapping_add(n), n, b"hello"))
                    .to_vec(),
            };
            let mut sample = sample(n, UNKNOWN, records);
            sample.sequence_max = Some(20);
            sample
        });
        let samples = samples.collect();
        let memory: Vec<u8> = (0..50)
            .flat_map(|n| laid_out(&noise.bytes(if n % 2 == 0 { 16 } else { 32 }), LAYOUTS[n % 4]))
            .collect();
        let outcome = search_within(limits, samples, &memory);
        assert!(outcome.found.is_empty(), "{outcome:?}");
        assert_eq!(outcome.counters.keys, 50);
        done += outcome.counters.tests + outcome.counters.guesses;
    }
    println!("{done} tests, nothing opened");
}

/// Samples and memory come from others: whatever they hold, the search ends.
#[test]
fn any_records_in_any_memory_end_the_search() {
    bolero::check!().with_type::<(Vec<Vec<u8>>, bool, Vec<u8>)>().for_each(
        |(records, is_quic, memory)| {
            let quic = SampleKind::Quic { connection_id_bytes: None };
            let kind = if *is_quic { quic } else { UNKNOWN };
            let key = laid_out(&[7; 16], Layout::Natural);
            let memory = [memory.as_slice(), &key, memory].concat();
            search(vec![sample(1, kind, records.clone())], &memory);
        },
    );
}
