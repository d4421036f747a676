//! On which records a key found in memory is proven.

use super::*;

#[test]
fn samples_are_of_data_and_not_of_the_handshake() {
    let mut talk = shaken13(0x1301);
    let shaken = talk.wire.len();
    ask(&mut talk);
    let mut played = Played::new(Sources::Live);
    for (number, (way, record)) in talk.wire.iter().enumerate() {
        played.chunk(*way, Content::Bytes(record), number as u64 + 1);
        if number < shaken {
            assert!(played.opener.samples().is_empty(), "the keys of a handshake are gone soon");
        }
    }
    let samples = played.opener.samples();
    assert_eq!(samples.len(), 2);
    for sample in samples {
        let newest = talk.wire.iter().rev().filter(|(way, _)| *way == sample.direction).take(2);
        let sampled = sample.records.iter().rev().map(|record| &record.bytes);
        assert!(sampled.eq(newest.map(|(_, record)| record)));
    }
}

#[test]
fn where_no_handshake_was_seen_any_record_is_of_data() {
    let talk = shaken13(0x1301);
    let sealed: Vec<_> = talk.wire.iter().filter(|(way, _)| *way == SERVER).skip(2).collect();
    let mut played = Played::new(Sources::Live);
    for (number, (way, record)) in sealed.iter().enumerate() {
        played.chunk(*way, Content::Bytes(record), number as u64 + 1);
    }
    let samples = played.opener.samples();
    assert_eq!(samples.len(), 1);
    assert_eq!(samples[0].direction, SERVER);
}
