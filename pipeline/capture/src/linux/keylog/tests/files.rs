//! Every engine's file that this machine has: what is found in it, and that it is refused if it is
//! changed.

use std::fs::File;
use std::path::{Path, PathBuf};

use iced_x86::{Decoder, DecoderOptions};

use super::super::image::Image;
use super::super::{Anchor, Located, Place, Random, Register, locate};

/// Where more files may be: wheels and programs unpacked for the tests.
const MORE: &str = "REDSIGHT_TLS_FILES";

/// One file and what must be found.
struct Case {
    /// Patterns of paths, `*` stands for one part of a name; the first file there is.
    paths: &'static [&'static str],
    engine: &'static str,
    anchors: std::ops::RangeInclusive<usize>,
    /// The client's random from the object, if one passes.
    random: Option<(Option<i32>, i32)>,
    labels: usize,
}

const CASES: &[Case] = &[
    // Debian's OpenSSL 3.0.
    Case {
        paths: &["/usr/lib/x86_64-linux-gnu/libssl.so.3"],
        engine: "OpenSSL",
        anchors: 1..=1,
        random: None,
        labels: 6,
    },
    // OpenSSL renamed by a Python wheel.
    Case {
        paths: &["psycopg2_binary.libs/libssl-*.so.3"],
        engine: "OpenSSL",
        anchors: 1..=1,
        random: None,
        labels: 6,
    },
    // OpenSSL in the program, at a fixed address.
    Case {
        paths: &["/usr/bin/node", "/usr/local/bin/node"],
        engine: "OpenSSL",
        anchors: 1..=1,
        random: None,
        labels: 6,
    },
    // OpenSSL in a library of another name, stripped.
    Case {
        paths: &["cryptography/hazmat/bindings/_rust.abi3.so"],
        engine: "OpenSSL",
        anchors: 1..=1,
        random: None,
        labels: 6,
    },
    Case {
        paths: &["grpc/_cython/cygrpc.*.so"],
        engine: "BoringSSL",
        anchors: 1..=1,
        random: Some((Some(0x30), 0x30)),
        labels: 6,
    },
    Case {
        paths: &["envoy/_bin/envoy"],
        engine: "BoringSSL",
        anchors: 1..=1,
        random: Some((Some(0x30), 0x30)),
        labels: 6,
    },
    Case {
        paths: &["curl_cffi/_wrapper.abi3.so"],
        engine: "BoringSSL",
        anchors: 1..=1,
        random: Some((Some(0x30), 0x30)),
        labels: 6,
    },
    // No table of functions, at a fixed address.
    Case {
        paths: &["/usr/lib/node_modules/bun/bin/bun.exe", "bun/bin/bun*.exe"],
        engine: "BoringSSL",
        anchors: 1..=1,
        random: Some((Some(0x30), 0x30)),
        labels: 6,
    },
    Case {
        paths: &["/usr/lib/x86_64-linux-gnu/libgnutls.so.30"],
        engine: "GnuTLS",
        anchors: 1..=1,
        random: None,
        labels: 6,
    },
    Case {
        paths: &["/usr/lib/x86_64-linux-gnu/libssl3.so"],
        engine: "NSS",
        anchors: 0..=0,
        random: None,
        labels: 0,
    },
    // Go, symbols in place.
    Case {
        paths: &["/usr/local/go/bin/go", "/usr/lib/go/bin/go"],
        engine: "Go crypto/tls",
        anchors: 1..=1,
        random: Some((None, 0)),
        labels: 5,
    },
    // Go of 2022, stripped, with a second copy of the package.
    Case {
        paths: &["/usr/bin/caddy"],
        engine: "Go crypto/tls",
        anchors: 1..=2,
        random: Some((None, 0)),
        labels: 5,
    },
    Case {
        paths: &["primp/primp.abi3.so"],
        engine: "rustls",
        anchors: 1..=8,
        random: Some((None, 0)),
        labels: 1,
    },
    // No table of functions, small rather than aligned.
    Case {
        paths: &["/usr/lib/node_modules/deno/deno", "deno/den*o"],
        engine: "rustls",
        anchors: 1..=8,
        random: Some((None, 0)),
        labels: 1,
    },
];

/// Folders below which patterns without a leading slash are looked for.
fn folders() -> Vec<PathBuf> {
    let more = std::env::var(MORE).unwrap_or_default();
    let mut found: Vec<PathBuf> =
        more.split(':').filter(|f| !f.is_empty()).map(PathBuf::from).collect();
    found.push(PathBuf::from("/usr/lib/python3/dist-packages"));
    let home = std::env::var("HOME").unwrap_or_default();
    for versions in [format!("{home}/.pyenv/versions"), "/usr/local/lib".to_owned()] {
        for entry in std::fs::read_dir(versions).into_iter().flatten().flatten() {
            for below in std::fs::read_dir(entry.path().join("lib")).into_iter().flatten().flatten()
            {
                found.push(below.path().join("site-packages"));
            }
        }
    }
    found
}

fn find(case: &Case) -> Option<PathBuf> {
    case.paths.iter().find_map(|pattern| {
        if pattern.starts_with('/') {
            let path = PathBuf::from(pattern);
            return path.exists().then_some(path);
        }
        folders().into_iter().find_map(|folder| {
            let (directory, name) = pattern.rsplit_once('/')?;
            let (before, after) = name.split_once('*').unwrap_or((name, ""));
            let entries = std::fs::read_dir(folder.join(directory)).ok()?;
            let mut paths = entries.flatten().map(|entry| entry.path());
            paths.find(|path| {
                let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
                name.starts_with(before) && name.ends_with(after) && has_words(path)
            })
        })
    })
}

/// A distribution may link what a wheel brings along: such a file has no words.
fn has_words(path: &Path) -> bool {
    let bytes = std::fs::read(path).unwrap_or_default();
    memchr::memmem::find(&bytes, b"CLIENT_RANDOM").is_some()
}

fn located(path: &PathBuf) -> Located {
    let file = File::open(path).expect("it was found");
    locate(&file).expect("it is a program")
}

fn anchors<'a>(located: &'a Located, name: &str) -> &'a [Anchor] {
    let engine = located.engines.iter().find(|engine| engine.name == name);
    engine.map_or(&[], |engine| &engine.anchors)
}

/// The instruction decodes as one, and it stands where decoding from the function's beginning, by
/// another road than the locator's, comes by.
fn is_boundary(bytes: &[u8], anchor: &Anchor) -> bool {
    let image = Image::new(&bytes).expect("it is a program");
    let segment = image.segments.iter().find(|s| {
        s.is_code && anchor.offset.checked_sub(s.offset).is_some_and(|within| within < s.length)
    });
    let segment = segment.expect("probes are in code");
    let address = segment.address + (anchor.offset - segment.offset);
    // Wherever decoding starts, it falls into step with the true instructions within a few of them.
    let agreed = (1..=128).filter(|back| {
        let start = anchor.offset - 64 - back;
        let code = &bytes[start as usize..anchor.offset as usize + 16];
        let mut decoder = Decoder::with_ip(64, code, address - 64 - back, DecoderOptions::NONE);
        while decoder.ip() < address {
            let _ = decoder.decode();
        }
        decoder.ip() == address
    });
    agreed.count() >= 120
}

#[test]
fn every_engine_of_this_machine_is_found_and_its_probe_begins_an_instruction() {
    let mut tried = 0;
    for case in CASES {
        let Some(path) = find(case) else {
            eprintln!("skipped: none of {:?} is here", case.paths);
            continue;
        };
        tried += 1;
        let (located, name) = (located(&path), path.display());
        let engine = located.engines.iter().find(|engine| engine.name == case.engine);
        let engine = engine.unwrap_or_else(|| panic!("{name}: no {}", case.engine));
        assert!(case.anchors.contains(&engine.anchors.len()), "{name}: {engine:?}");
        let bytes = std::fs::read(&path).expect("it was read before");
        for anchor in &engine.anchors {
            assert!(anchor.labels.len() >= case.labels, "{name}: {anchor:?}");
            assert!(anchor.random.is_some(), "{name}: {anchor:?}");
            if let Some((through, offset)) = case.random {
                let random = anchor.random.expect("just asserted");
                assert_eq!((random.through, random.offset), (through, offset), "{name}");
            }
            assert!(is_boundary(&bytes, anchor), "{name}: {anchor:?}");
            assert_eq!(bytes[anchor.offset as usize..][..anchor.code.len()], anchor.code);
        }
        changed_is_refused(&path, &bytes, case, &engine.anchors);
    }
    eprintln!("{tried} of {} files are here", CASES.len());
}

/// The same file with other bytes at the probe, without its words, or cut off gives no such probe.
fn changed_is_refused(path: &Path, bytes: &[u8], case: &Case, found: &[Anchor]) {
    let has = |changed: &Vec<u8>, offset: u64| {
        let located = locate(changed).unwrap_or_default();
        anchors(&located, case.engine).iter().any(|anchor| anchor.offset == offset)
    };
    // Large files are searched for seconds without optimisation: one change says enough.
    let is_large = bytes.len() > 4 << 20;
    for anchor in found.iter().take(if is_large { 1 } else { found.len() }) {
        let mut changed = bytes.to_vec();
        // No instruction of 64-bit code begins with this byte.
        changed[anchor.offset as usize] = 0x06;
        assert!(!has(&changed, anchor.offset), "{}: not an instruction", path.display());
        if is_large {
            continue;
        }
        let mut changed = bytes.to_vec();
        changed.truncate(anchor.offset as usize);
        assert!(!has(&changed, anchor.offset), "{}: cut off", path.display());
        let mut changed = bytes.to_vec();
        for word in [&b"CLIENT_RANDOM"[..], b"EXPORTER_SECRET", b"TRAFFIC_SECRET"] {
            let all: Vec<usize> = memchr::memmem::find_iter(bytes, word).collect();
            for at in all {
                changed[at] = b'_';
            }
        }
        assert!(!has(&changed, anchor.offset), "{}: without words", path.display());
    }
}

/// What the library's own accessor says is where the locator found it.
#[test]
fn the_random_of_openssl_is_where_its_accessor_reads_it() {
    let case = &CASES[0];
    let Some(path) = find(case) else {
        eprintln!("skipped: none of {:?} is here", case.paths);
        return;
    };
    let (located, bytes) = (located(&path), std::fs::read(&path).expect("it is here"));
    let image = Image::new(&bytes).expect("it is a program");
    let accessor = image.exported(b"SSL_get_client_random").expect("OpenSSL exports it");
    let code = image.code(accessor, 64).expect("it is code");
    let anchor = anchors(&located, case.engine).first().expect("it has one");
    let random = anchor.random.expect("it has one");
    let read = |instruction: &iced_x86::Instruction| {
        instruction.mnemonic() == iced_x86::Mnemonic::Lea
            && instruction.memory_displacement64() == u64::from(random.offset.unsigned_abs())
    };
    let decoder = Decoder::with_ip(64, &code, accessor, DecoderOptions::NONE);
    assert!(decoder.into_iter().any(|instruction| read(&instruction)), "{random:?}");
}

#[test]
fn a_library_of_the_key_store_says_why_it_has_no_probe() {
    let case = CASES.iter().find(|case| case.engine == "NSS").expect("it is in the list");
    let Some(path) = find(case) else {
        eprintln!("skipped: none of {:?} is here", case.paths);
        return;
    };
    let located = located(&path);
    let engine = located.engines.first().expect("it has one");
    assert_eq!(engine.gap, Some(super::super::Gap::KeyObject));
}

#[test]
fn places_are_as_the_conventions_say() {
    let go = CASES.iter().find(|case| case.engine == "Go crypto/tls").and_then(find);
    let Some(path) = go else {
        eprintln!("skipped: no Go program is here");
        return;
    };
    let located = located(&path);
    let anchor = anchors(&located, "Go crypto/tls").first().expect("it has one");
    assert_eq!(anchor.label, Register::Rbx);
    assert_eq!(anchor.secret, Register::R9);
    assert_eq!(anchor.length, Place::Register(Register::R10));
    let random = Random { base: Register::Rdi, through: None, offset: 0 };
    assert_eq!(anchor.random, Some(random));
}
