//! Header sections of other encoders, and instructions that are wrong.

use std::path::{Path, PathBuf};

use super::*;

/// Wanted fields of a section, in order.
type Fields = Vec<(Name, Vec<u8>)>;

fn read(decoder: &mut Decoder, section: &[u8]) -> Result<Fields, Unread> {
    let mut fields = Vec::new();
    decoder.section(section, Patience::Waits, |name, value| {
        fields.push((name, value.unwrap_or(b"?").to_vec()));
    })?;
    Ok(fields)
}

/// Reads a whole stream of instructions.
fn instruct(decoder: &mut Decoder, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        let taken = decoder.instruction(bytes).expect("instructions are well-formed");
        bytes = &bytes[taken..];
    }
}

/// The header lists of a `.qif` file, their wanted fields only.
fn lists(path: &Path) -> Vec<Fields> {
    let text = std::fs::read(path).expect("a list is readable");
    let text = String::from_utf8_lossy(&text);
    let mut lists = vec![Fields::new()];
    let mut is_empty = true;
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        match line.split_once('\t') {
            Some((name, value)) => {
                is_empty = false;
                let name = Name::of(name.as_bytes());
                if name.is_wanted() {
                    let value = value.as_bytes().to_vec();
                    lists.last_mut().expect("there is a list").push((name, value));
                }
            }
            None if !is_empty => {
                is_empty = true;
                lists.push(Fields::new());
            }
            None => {}
        }
    }
    lists
}

/// The blocks of an encoded file: stream, bytes. Stream 0 is the encoder's.
fn blocks(mut bytes: &[u8]) -> Vec<(u64, Vec<u8>)> {
    let mut blocks = Vec::new();
    while let Some((head, rest)) = bytes.split_first_chunk::<12>() {
        let stream = u64::from_be_bytes(head[..8].try_into().expect("eight bytes"));
        let length = u32::from_be_bytes(head[8..].try_into().expect("four bytes")) as usize;
        blocks.push((stream, rest[..length].to_vec()));
        bytes = &rest[length..];
    }
    blocks
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("the folder is readable").flatten() {
        let path = entry.path();
        if path.is_dir() && !path.is_symlink() {
            files(&path, found);
        } else {
            found.push(path);
        }
    }
}

/// Plays one file; gives the wanted fields of each list, in the order of the lists.
fn play(decoder: &mut Decoder, capacity: u64, encoded: &[u8]) -> Vec<Fields> {
    decoder.allow(capacity);
    let (mut found, mut waiting, mut held) = (Vec::new(), Vec::new(), Vec::new());
    for (stream, bytes) in blocks(encoded) {
        if stream != 0 {
            waiting.push((stream, bytes));
        } else {
            held.extend(bytes);
            let mut at = 0;
            while at < held.len() {
                match decoder.instruction(&held[at..]) {
                    Ok(taken) => at += taken,
                    Err(Broken::Short) => break,
                    Err(Broken::Malformed) => panic!("instructions are well-formed"),
                }
            }
            held.drain(..at);
        }
        waiting.retain(|(stream, section)| match read(decoder, section) {
            Ok(fields) => {
                found.push((*stream, fields));
                false
            }
            Err(Unread::Blocked) => true,
            Err(Unread::Malformed) => panic!("the section of stream {stream} is malformed"),
        });
    }
    assert!(waiting.is_empty() && held.is_empty(), "nothing is left over");
    found.sort_by_key(|(stream, _)| *stream);
    found.into_iter().map(|(_, fields)| fields).collect()
}

#[test]
fn sections_of_every_encoder_are_read() {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/protocols/http3/qpack/interop");
    let root = std::env::var_os("QPACK_INTEROP").map_or(kept, PathBuf::from);
    let mut encoded = Vec::new();
    let newest = ["encoded/qpack-05", "encoded"].map(|folder| root.join(folder));
    let newest = newest.iter().find(|folder| folder.is_dir()).expect("there are encoded files");
    files(newest, &mut encoded);
    let (mut played, mut sections, mut compared) = (0, 0, 0);
    for path in encoded {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let mut numbers = name.rsplit('.').map_while(|number| number.parse::<u64>().ok());
        let (Some(_ack), Some(_streams), Some(capacity)) =
            (numbers.next(), numbers.next(), numbers.next())
        else {
            continue;
        };
        let stem = name.split('.').next().unwrap_or_default();
        let list = root.join("qifs").join(format!("{stem}.qif"));
        if !list.is_file() {
            println!("skipped {}: it encodes a list that is not there", path.display());
            continue;
        }
        let expected = lists(&list);
        let bytes = std::fs::read(&path).expect("an encoded file is readable");
        let found = play(&mut Decoder::new(true), capacity, &bytes);
        for (number, fields) in found.iter().enumerate() {
            assert_eq!(fields, &expected[number], "{} list {number}", path.display());
            compared += fields.len();
        }
        let whole = expected.iter().take_while(|fields| !fields.is_empty()).count();
        assert!(found.len() >= whole, "{}: {} of {whole} lists", path.display(), found.len());
        // With the first instructions lost, less is known, and nothing else.
        let mut late = Decoder::new(false);
        let known = |(name, value): &&(Name, Vec<u8>)| *name != Name::Unknown && value != b"?";
        for (number, fields) in play(&mut late, capacity, &bytes).iter().enumerate() {
            let mut left = expected[number].iter();
            for field in fields.iter().filter(known) {
                assert!(left.any(|other| other == field), "{} {number}", path.display());
            }
        }
        (played, sections) = (played + 1, sections + found.len());
    }
    println!("{played} files, {sections} sections, {compared} fields");
    assert!(compared > 100);
}

/// RFC 9204 Appendix B: one connection, as instructions and sections in turn.
#[test]
fn the_examples_of_the_rfc_are_read() {
    let field = |name, value: &str| (name, value.as_bytes().to_vec());
    let mut decoder = Decoder::new(true);
    decoder.allow(220);
    let literal = b"\x00\x00\x51\x0b/index.html";
    assert_eq!(read(&mut decoder, literal), Ok(vec![field(Name::Path, "/index.html")]));
    let both = b"\x03\x81\x10\x11";
    assert_eq!(read(&mut decoder, both), Err(Unread::Blocked));
    instruct(&mut decoder, b"\x3f\xbd\x01\xc0\x0fwww.example.com\xc1\x0c/sample/path");
    let expected =
        vec![field(Name::Authority, "www.example.com"), field(Name::Path, "/sample/path")];
    assert_eq!(read(&mut decoder, both), Ok(expected));
    instruct(&mut decoder, b"\x4acustom-key\x0ccustom-value");
    instruct(&mut decoder, b"\x02");
    let expected = vec![
        field(Name::Authority, "www.example.com"),
        field(Name::Path, "/"),
    ];
    assert_eq!(read(&mut decoder, b"\x05\x00\x80\xc1\x81"), Ok(expected));
    // The entry that is inserted last pushes the first one out.
    instruct(&mut decoder, b"\x81\x0dcustom-value2");
    assert_eq!(read(&mut decoder, b"\x06\x00\x80"), Ok(vec![]));
}

#[test]
fn what_was_lost_is_unknown_from_then_on() {
    let mut decoder = Decoder::new(true);
    decoder.allow(4096);
    instruct(&mut decoder, b"\x3f\xe1\x1f\xc1\x02/a");
    assert_eq!(read(&mut decoder, b"\x02\x00\x80"), Ok(vec![(Name::Path, b"/a".to_vec())]));
    decoder.lose();
    let unknown = (Name::Unknown, b"?".to_vec());
    let expected = vec![(Name::Method, b"GET".to_vec()), unknown.clone()];
    assert_eq!(read(&mut decoder, b"\x02\x00\xd1\x80"), Ok(expected));
    instruct(&mut decoder, b"\xc1\x02/b");
    assert_eq!(read(&mut decoder, b"\x02\x00\x80"), Ok(vec![unknown]));
}

#[test]
fn sections_and_instructions_that_nobody_writes_are_malformed() {
    let mut decoder = Decoder::new(true);
    decoder.allow(64);
    // A static entry that there is none of, a count beyond the table, an end inside a field.
    for section in [&b"\x00\x00\xff\x24"[..], b"\x06\x00", b"\x00\x00\x51\x0b/index", b"\x00"] {
        assert_eq!(read(&mut decoder, section), Err(Unread::Malformed), "{section:x?}");
    }
    assert_eq!(decoder.instruction(b"\xff\x24\x00"), Err(Broken::Malformed));
    for instruction in [&b""[..], b"\xc0", b"\xc0\x05ab", b"\x3f", b"\x45ab"] {
        assert_eq!(decoder.instruction(instruction), Err(Broken::Short), "{instruction:x?}");
    }
}

#[test]
fn mangled_instructions_and_sections_are_survived() {
    bolero::check!().with_type::<Vec<(bool, Vec<u8>)>>().for_each(|pieces| {
        let mut decoder = Decoder::new(true);
        decoder.allow(128);
        for (is_section, bytes) in pieces {
            if *is_section {
                let _ = read(&mut decoder, bytes);
                continue;
            }
            let mut rest = &bytes[..];
            while let Ok(taken) = decoder.instruction(rest) {
                assert!(taken > 0 && taken <= rest.len());
                rest = &rest[taken..];
            }
        }
    });
}
