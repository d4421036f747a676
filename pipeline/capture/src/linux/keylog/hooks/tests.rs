//! Every file of this machine that has functions of the table: each place is proven, and a file
//! that was changed is refused.

use std::fs::{self, File};

use iced_x86::{Decoder, DecoderOptions};

use super::super::bytes::Bytes;
use super::super::image::Image;
use super::{Spot, spots};

/// A file, and functions that must have a place in it.
const CASES: &[(&str, &[&str])] = &[
    ("/usr/lib/x86_64-linux-gnu/libssl.so.3", &["SSL_write", "SSL_read_ex", "SSL_free"]),
    ("/usr/lib/x86_64-linux-gnu/libgnutls.so.30", &["gnutls_record_send2", "gnutls_record_recv"]),
    ("/usr/lib/x86_64-linux-gnu/libc.so.6", &["write", "recvmsg", "sendto"]),
    ("/usr/bin/node", &["SSL_write", "SSL_read"]),
];

fn each(mut check: impl FnMut(&str, Vec<u8>, Vec<Spot>)) {
    let mut checked = 0;
    for (path, wanted) in CASES {
        let Ok(file) = fs::read(path) else {
            eprintln!("skipped: {path} is not installed");
            continue;
        };
        let found = spots(&file, path);
        if path.ends_with("node") && found.is_empty() {
            eprintln!("skipped: {path} has no OpenSSL within");
            continue;
        }
        for name in *wanted {
            assert!(found.iter().any(|spot| spot.function == *name), "{path}: {name}");
        }
        check(path, file, found);
        checked += 1;
    }
    assert!(checked > 0, "none of the files is there");
}

/// Start of the function around an offset of a file, by the table that unwinding needs.
fn start_of(image: &Image<'_>, spot: &Spot) -> (u64, u64) {
    let code = image.segments.iter().find(|segment| {
        let within = spot.offset.checked_sub(segment.offset);
        segment.is_code && within.is_some_and(|within| within < segment.length)
    });
    let code = code.expect("it is code");
    let address = code.address + (spot.offset - code.offset);
    (image.function_at(address).expect("it is in a function").0, address)
}

#[test]
fn every_place_begins_an_instruction() {
    each(|path, file, found| {
        let image = Image::new(&file).expect("it is a program");
        for spot in &found {
            let (start, address) = start_of(&image, spot);
            let code = image.code(start, 64).expect("it is code");
            let decoder = Decoder::with_ip(64, &code, start, DecoderOptions::NONE);
            let mut begins = decoder.into_iter().map(|instruction| instruction.ip());
            assert!(begins.any(|begin| begin == address), "{path}: {spot:x?}");
        }
        eprintln!("{path}: {} places", found.len());
    });
}

#[test]
fn stack_and_arguments_are_untouched_before_a_place() {
    each(|path, file, found| {
        let image = Image::new(&file).expect("it is a program");
        for spot in &found {
            let (start, address) = start_of(&image, spot);
            let code = image.code(start, (address - start) as usize).unwrap_or_default();
            for instruction in Decoder::with_ip(64, &code, start, DecoderOptions::NONE) {
                assert_eq!(instruction.stack_pointer_increment(), 0, "{path}: {spot:x?}");
                let target = instruction.op0_register().full_register();
                let is_written = !matches!(
                    instruction.mnemonic(),
                    iced_x86::Mnemonic::Cmp | iced_x86::Mnemonic::Test
                );
                use iced_x86::Register::{RCX, RDI, RDX, RSI, RSP};
                let kept = [RDI, RSI, RDX, RCX, RSP];
                assert!(!is_written || !kept.contains(&target), "{path}: {spot:x?}");
            }
        }
    });
}

#[test]
fn a_file_that_was_changed_is_refused() {
    each(|path, mut file, found| {
        let spot = found.first().expect("there is one");
        assert!(spot.still_holds(&file), "{path}");
        let offset = spot.offset as usize;
        file[offset] ^= 0x55;
        assert!(!spot.still_holds(&file), "{path}: changed code");
        file.truncate(offset);
        assert!(!spot.still_holds(&file), "{path}: cut off");
    });
}

#[test]
fn a_symbol_that_begins_no_function_is_refused() {
    each(|path, mut file, found| {
        let image = Image::new(&file).expect("it is a program");
        let moved: Vec<(u64, &str)> =
            found.iter().map(|spot| (start_of(&image, spot).0, spot.function)).collect();
        // The value of a symbol, wherever it stands in the file, leads into the function.
        for at in (0..file.len().saturating_sub(8)).step_by(8) {
            let value = u64::from_le_bytes(file[at..at + 8].try_into().expect("eight"));
            if moved.iter().any(|(start, _)| *start == value) {
                file[at..at + 8].copy_from_slice(&(value + 1).to_le_bytes());
            }
        }
        let left = spots(&file, path);
        for (_, name) in &moved {
            assert!(left.iter().all(|spot| spot.function != *name), "{path}: {name}");
        }
    });
}

#[test]
fn damaged_files_give_nothing_false() {
    let Ok(file) = fs::read(CASES[0].0) else {
        eprintln!("skipped: {} is not installed", CASES[0].0);
        return;
    };
    let whole = spots(&file, CASES[0].0);
    for cut in [0, 64, 4096, file.len() / 2, file.len() - 1] {
        for spot in spots(&file[..cut].to_vec(), CASES[0].0) {
            assert!(whole.contains(&spot), "{spot:x?}");
        }
    }
    assert!(spots(&File::open("/dev/null").expect("there is one"), "/dev/null").is_empty());
    assert_eq!(Bytes::size(&file), file.len() as u64);
}
