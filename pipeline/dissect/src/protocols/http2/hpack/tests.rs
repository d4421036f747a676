//! Header blocks of other encoders, and every way to write a block against another decoder.

use std::path::{Path, PathBuf};

use bolero::TypeGenerator;
use serde_json::Value;

use super::*;

/// Wanted fields of a block, in order.
type Fields = Vec<(Name, Vec<u8>)>;

fn read(decoder: &mut Decoder, block: &[u8]) -> Result<Fields, Malformed> {
    let mut fields = Vec::new();
    decoder.read(block, |name, value| {
        fields.push((name, value.unwrap_or(b"?").to_vec()));
    })?;
    Ok(fields)
}

fn wanted<'a>(fields: impl Iterator<Item = (&'a [u8], &'a [u8])>) -> Fields {
    fields
        .map(|(name, value)| (Name::of(name), value.to_vec()))
        .filter(|(name, _)| name.is_wanted())
        .collect()
}

/// The stories of a clone of hpack-test-case, or the few that are kept here.
fn stories() -> Vec<PathBuf> {
    fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).expect("the folder is readable").flatten() {
            let path = entry.path();
            if path.is_dir() {
                collect(&path, found);
            } else if path.extension().is_some_and(|end| end == "json") {
                found.push(path);
            }
        }
    }
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/protocols/http2/hpack/stories");
    let folder = std::env::var_os("HPACK_STORIES").map_or(kept, PathBuf::from);
    let mut found = Vec::new();
    collect(&folder, &mut found);
    found
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len() / 2)
        .map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).expect("the wire is hex"))
        .collect()
}

#[test]
fn stories_of_every_encoder_are_read() {
    let (mut read_stories, mut blocks, mut compared) = (0, 0, 0);
    for path in stories() {
        let text = std::fs::read_to_string(&path).expect("a story is readable");
        let story: Value = serde_json::from_str(&text).expect("a story is JSON");
        let (mut whole, mut late) = (Decoder::new(true), Decoder::new(false));
        for (number, case) in story["cases"].as_array().into_iter().flatten().enumerate() {
            // The data that the encoders were given has no wire.
            let Some(wire) = case["wire"].as_str().map(unhex) else { continue };
            let pairs = case["headers"].as_array().expect("a case has headers").iter();
            let pairs = pairs.flat_map(|pair| pair.as_object().expect("a header is an object"));
            let expected = wanted(pairs.map(|(name, value)| {
                (name.as_bytes(), value.as_str().unwrap_or_default().as_bytes())
            }));
            let found = read(&mut whole, &wire).expect("a block is well-formed");
            assert_eq!(found, expected, "{} block {number}", path.display());
            blocks += 1;
            compared += found.len();
            // Joined after the first block: less is known, and nothing else.
            if number > 0 {
                let found = read(&mut late, &wire).expect("a block is well-formed");
                let mut left = expected.iter();
                for field in found.iter().filter(|(name, value)| {
                    *name != Name::Unknown && value != b"?"
                }) {
                    assert!(left.any(|other| other == field), "{} {number}", path.display());
                }
            }
        }
        read_stories += usize::from(blocks > 0);
    }
    println!("{read_stories} stories, {blocks} blocks, {compared} fields");
    assert!(compared > 100);
}

/// One representation of a field, chosen among all that there are.
#[derive(Clone, Debug, TypeGenerator)]
enum Written {
    /// An index into both tables, as far as they reach.
    Indexed(u8),
    /// A literal: its kind, whether its name is an index, its strings.
    Literal { kind: u8, index: Option<u8>, name: u8, value: Vec<u8>, is_coded: bool },
    /// A table size, at the start of a block only.
    Resized(u16),
}

const NAMES: [&[u8]; 8] = [
    b":path", b":status", b"content-type", b"grpc-status", b":protocol", b"x-one", b"cookie", b"te",
];

fn put_integer(block: &mut Vec<u8>, first: u8, bits: u32, value: usize) {
    let prefix = (1 << bits) - 1;
    if value < prefix {
        return block.push(first | value as u8);
    }
    block.push(first | prefix as u8);
    let mut rest = value - prefix;
    while rest >= 0x80 {
        block.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    block.push(rest as u8);
}

fn put_string(block: &mut Vec<u8>, text: &[u8], is_coded: bool) {
    if is_coded {
        let coded = http::huffman::tests::encode(text);
        put_integer(block, 0x80, 7, coded.len());
        block.extend(coded);
    } else {
        put_integer(block, 0, 7, text.len());
        block.extend(text);
    }
}

/// Writes a block that is well-formed for a table of `entries` entries, as far as an index goes.
fn write(fields: &[Written], entries: usize) -> Vec<u8> {
    let mut block = Vec::new();
    for (position, field) in fields.iter().enumerate() {
        match field {
            Written::Indexed(index) => {
                put_integer(&mut block, 0x80, 7, 1 + usize::from(*index) % (61 + entries));
            }
            Written::Literal { kind, index, name, value, is_coded } => {
                let (first, bits) = [(0x40, 6), (0, 4), (0x10, 4)][usize::from(kind % 3)];
                match index {
                    Some(index) => {
                        let index = 1 + usize::from(*index) % (61 + entries);
                        put_integer(&mut block, first, bits, index);
                    }
                    None => {
                        put_integer(&mut block, first, bits, 0);
                        put_string(&mut block, NAMES[usize::from(name % 8)], *is_coded);
                    }
                }
                put_string(&mut block, value, *is_coded);
            }
            Written::Resized(bytes) if position == 0 => {
                put_integer(&mut block, 0x20, 5, usize::from(bytes % 4_097));
            }
            Written::Resized(_) => {}
        }
    }
    block
}

#[test]
fn any_block_means_what_another_decoder_says() {
    bolero::check!().with_type::<Vec<Vec<Written>>>().for_each(|blocks| {
        let mut ours = Decoder::new(true);
        let mut theirs = fluke_hpack::Decoder::new();
        for fields in blocks {
            let block = write(fields, 4);
            // An index beyond the table, and what comes after: they say no, and so is the end.
            let Ok(expected) = theirs.decode(&block) else { return };
            let pairs = expected.iter().map(|(name, value)| (&name[..], &value[..]));
            assert_eq!(read(&mut ours, &block), Ok(wanted(pairs)), "{block:x?}");
        }
    });
}

#[test]
fn entries_from_before_are_unknown_and_new_ones_are_not() {
    let mut decoder = Decoder::new(false);
    // Index 62, then a literal with indexing, then the same and the one before it.
    let fields = read(&mut decoder, b"\xbe\x44\x02/a\xbe\xbf");
    let path = (Name::Path, b"/a".to_vec());
    let unknown = (Name::Unknown, b"?".to_vec());
    let expected = vec![unknown.clone(), path.clone(), path.clone(), unknown.clone()];
    assert_eq!(fields, Ok(expected));
    decoder.lose();
    assert_eq!(read(&mut decoder, b"\xbe"), Ok(vec![unknown]));
    // A table that was emptied is known again: now no index may reach beyond it.
    assert_eq!(read(&mut decoder, b"\x20\x3f\xe1\x1f\x44\x02/a\xbe"), Ok(vec![path.clone(), path]));
    assert_eq!(read(&mut decoder, b"\xbf"), Err(Malformed));
}

#[test]
fn blocks_that_end_inside_a_field_are_malformed() {
    let endless = b"\xff\xff\xff\xff\xff\xff\x7f";
    for block in [&b"\x44"[..], b"\x44\x05/a", b"\xff", b"\x3f", b"\x80", endless] {
        assert_eq!(read(&mut Decoder::new(false), block), Err(Malformed), "{block:x?}");
    }
}
