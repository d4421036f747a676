//! A library made by hand: the smallest that an engine could be, to change byte by byte.

use super::super::{Located, Place, Register, locate};

/// Where the code and the constants are, in the file and in memory.
const CODE: usize = 0x1000;
const CONSTANTS: usize = 0x2000;
const SIZE: usize = 0x3000;
/// The function that is given the secrets, and where it is called.
const LOG: usize = CODE + 0x100;
const CALLERS: usize = CODE + 0x200;

const WORDS: [&[u8]; 3] = [b"CLIENT_RANDOM", b"CLIENT_TRAFFIC_SECRET_0", b"EXPORTER_SECRET"];

fn put(file: &mut [u8], at: usize, bytes: &[u8]) {
    file[at..at + bytes.len()].copy_from_slice(bytes);
}

fn header(file: &mut [u8]) {
    put(file, 0, b"\x7fELF\x02\x01\x01");
    put(file, 16, &3_u16.to_le_bytes());
    put(file, 18, &62_u16.to_le_bytes());
    put(file, 20, &1_u32.to_le_bytes());
    put(file, 32, &64_u64.to_le_bytes());
    put(file, 52, &64_u16.to_le_bytes());
    put(file, 54, &56_u16.to_le_bytes());
    put(file, 56, &2_u16.to_le_bytes());
    put(file, 58, &64_u16.to_le_bytes());
    for (number, flags, from) in [(0, 5_u32, CODE), (1, 4, CONSTANTS)] {
        let at = 64 + number * 56;
        put(file, at, &1_u32.to_le_bytes());
        put(file, at + 4, &flags.to_le_bytes());
        for (field, value) in [(8, from), (16, from), (24, from), (32, 0x1000), (40, 0x1000)] {
            put(file, at + field, &(value as u64).to_le_bytes());
        }
    }
}

/// A library of position-independent code in which three functions hand over a secret each.
fn library() -> Vec<u8> {
    let mut file = vec![0; SIZE];
    header(&mut file);
    file[CODE..CONSTANTS].fill(0xcc);
    // Functions that do nothing, so that there are beginnings to tell.
    for at in (CODE..CODE + 0x100).step_by(16) {
        put(&mut file, at, &[0xc3]);
    }
    // push rbx; mov rbx, rdi; lea rsi, [rbx+0x160]; mov edx, 0x20; call …; pop rbx; ret
    let log =
        [0x53, 0x48, 0x89, 0xfb, 0x48, 0x8d, 0xb3, 0x60, 0x01, 0x00, 0x00, 0xba, 0x20, 0, 0, 0];
    put(&mut file, LOG, &log);
    put(&mut file, LOG + log.len(), &[0xe8, 0, 0, 0, 0, 0x5b, 0xc3]);
    let mut word_at = CONSTANTS + 0x10;
    for (number, word) in WORDS.iter().enumerate() {
        put(&mut file, word_at, word);
        let caller = CALLERS + number * 32;
        // lea rsi, [rip + word]; call log; ret
        let to_word = (word_at - (caller + 7)) as i32;
        let to_log = LOG as i32 - (caller + 12) as i32;
        put(&mut file, caller, &[0x48, 0x8d, 0x35]);
        put(&mut file, caller + 3, &to_word.to_le_bytes());
        put(&mut file, caller + 7, &[0xe8]);
        put(&mut file, caller + 8, &to_log.to_le_bytes());
        put(&mut file, caller + 12, &[0xc3]);
        word_at += word.len() + 1;
    }
    put(&mut file, CONSTANTS + 0x200, b"../ssl/ssl_lib.c\0");
    put(&mut file, CONSTANTS + 0x300, b"OpenSSL 3.0.19 27 Jan 2026\0");
    file
}

fn offsets(located: &Located) -> Vec<u64> {
    let anchors = located.engines.iter().flat_map(|engine| &engine.anchors);
    anchors.map(|anchor| anchor.offset).collect()
}

#[test]
fn a_library_made_by_hand_has_its_probe_at_the_push() {
    let located = locate(&library()).expect("it is a program");
    assert_eq!(located.openssl, "3.0.19");
    assert_eq!(offsets(&located), [LOG as u64]);
    let engine = &located.engines[0];
    assert_eq!(engine.name, "OpenSSL");
    let anchor = &engine.anchors[0];
    assert!(anchor.is_emulated);
    assert_eq!((anchor.label, anchor.secret), (Register::Rsi, Register::Rdx));
    assert_eq!(anchor.length, Place::Register(Register::Rcx));
    let random = anchor.random.expect("the function shows it");
    assert_eq!((random.base, random.through, random.offset), (Register::Rdi, None, 0x160));
    let near = (CONSTANTS + 0x10 - LOG) as i64;
    assert!(anchor.labels.iter().any(|(distance, _)| *distance == near));
    assert_eq!(anchor.labels.len(), 2, "exporters open nothing");
}

/// What is done to the library, and whether the probe survives it.
#[test]
fn what_is_not_proven_is_refused() {
    type Change = fn(&mut Vec<u8>);
    let changes: &[(&str, Change, bool)] = &[
        ("untouched", |_| {}, true),
        ("one caller of three passes another word", |f| f[CALLERS + 3] ^= 0x40, true),
        (
            "two callers of three do",
            |f| {
                f[CALLERS + 3] ^= 0x40;
                f[CALLERS + 32 + 3] ^= 0x40;
            },
            false,
        ),
        ("the function begins with no instruction", |f| f[LOG] = 0x06, false),
        ("no padding is before the function", |f| f[LOG - 16..LOG].fill(0xb8), false),
        (
            "the callers are in the midst of an instruction",
            |f| {
                // movabs rax, … swallows the load.
                for number in 0..3 {
                    put(f, CALLERS + number * 32 - 2, &[0x48, 0xb8]);
                }
                f[CALLERS - 16..CALLERS - 2].fill(0x40);
            },
            false,
        ),
        ("another machine", |f| f[18] = 0xb7, false),
        ("cut off in the constants", |f| f.truncate(CONSTANTS + 0x10), false),
        ("empty", Vec::clear, false),
    ];
    for (what, change, survives) in changes {
        let mut file = library();
        change(&mut file);
        let located = locate(&file).unwrap_or_default();
        assert_eq!(offsets(&located).contains(&(LOG as u64)), *survives, "{what}: {located:?}");
    }
}

/// Whatever the owner of a file writes into it, it is read to the end and nothing panics.
#[test]
fn a_damaged_file_is_read_without_panic() {
    let whole = library();
    bolero::check!().with_type::<Vec<(u16, u8)>>().for_each(|changes: &Vec<(u16, u8)>| {
        let mut file = whole.clone();
        for (at, byte) in changes {
            let at = usize::from(*at) % file.len();
            file[at] = *byte;
        }
        let _ = locate(&file);
    });
}
