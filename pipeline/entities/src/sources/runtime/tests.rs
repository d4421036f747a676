//! Rules by name and library, and files that the test writes byte by byte.

use super::constants::Budget;
use super::elf::{Bytes, Elf};
use super::{Mapped, NAMELESS, Program, by_library, is_called, name};
use crate::process::{Process, Runtime};

#[test]
fn a_program_is_known_by_its_name_with_or_without_a_version() {
    let rows = [
        ("python3.11", "cpython"),
        ("python", "cpython"),
        ("python3.13t", "cpython"),
        ("python2.7", "cpython"),
        ("pypy3.9", "pypy"),
        ("node", "node"),
        ("nodejs", "node"),
        ("node-18", "node"),
        ("bun", "bun"),
        ("deno", "deno"),
        ("java", "hotspot"),
        ("ruby3.1", "cruby"),
        ("php8.2", "php"),
        ("php-fpm8.2", "php"),
        ("php-cgi8.2", "php"),
        ("perl5.36.0", "perl"),
        ("dotnet", "coreclr"),
        ("mono-sgen", "mono"),
        ("beam.smp", "beam"),
        ("lua5.4", "lua"),
        ("bash", "bash"),
        ("pythonista", ""),
        ("nodeagent", ""),
        ("node_exporter", ""),
        ("perlbal", ""),
        ("javaws", ""),
        ("", ""),
    ];
    for (file, runtime) in rows {
        let rule = Program::default().rule(file);
        assert_eq!(rule.map_or("", |rule| rule.runtime), runtime, "{file}");
    }
    assert!(!is_called("pythonm", "python"));
}

#[test]
fn a_mapped_library_tells_what_an_embedding_program_runs() {
    let rows = [
        ("/usr/lib/jvm/java-17-openjdk-amd64/lib/server/libjvm.so", "hotspot"),
        ("/usr/share/dotnet/shared/Microsoft.NETCore.App/8.0.1/libcoreclr.so", "coreclr"),
        ("/memfd:doublemapper (deleted)", "coreclr"),
        ("/usr/lib/x86_64-linux-gnu/libpython3.11.so.1.0", "cpython"),
        ("/usr/lib/apache2/modules/libphp8.2.so", "php"),
        ("/usr/lib/x86_64-linux-gnu/libruby-3.1.so.3.1.2", "cruby"),
        ("/usr/lib/x86_64-linux-gnu/libperl.so.5.36.0", "perl"),
        ("/usr/lib/x86_64-linux-gnu/libnode.so.108", "node"),
        ("/usr/lib/x86_64-linux-gnu/libc.so.6", ""),
    ];
    for (path, runtime) in rows {
        let mapped = [Mapped { path: path.into(), ..Mapped::default() }];
        let rule = by_library(&mapped);
        assert_eq!(rule.map_or("", |rule| rule.runtime), runtime, "{path}");
    }
    // PostgreSQL with a procedural language is still PostgreSQL, Unbound with its Python module C.
    for host in ["postgres", "unbound"] {
        assert_eq!(Program::default().rule(host).map(|rule| rule.language), Some(""), "{host}");
    }
}

#[test]
fn gos_own_name_helps_where_the_file_has_none() {
    let rows = [
        ("/app/server", "example.com/acme/shop/cmd/server", Some("shop")),
        ("/app/main", "example.com/acme/shop/v2", Some("shop")),
        ("/app/app", "example.com/acme/shop/cmd/worker", Some("worker")),
        ("/dbg/__debug_bin123", "example.com/acme/shop", Some("shop")),
        ("/app/main", "command-line-arguments", None),
        ("/usr/bin/etcd", "go.etcd.io/etcd/server/v3", None),
        ("/app/main", "", None),
    ];
    for (executable, program, expected) in rows {
        let runtime = Runtime { program: program.into(), ..Runtime::default() };
        let process = Process { executable: executable.into(), runtime, ..Process::default() };
        let named = name(&process, &()).map(|named| named.name);
        assert_eq!(named.as_deref(), expected, "{executable} {program}");
    }
    assert!(NAMELESS.is_sorted());
}

/// A file of 64 bits with one variables' segment and one of constants, without sections.
fn stripped(variables: &[u8], constants: &[u8]) -> Vec<u8> {
    let mut file = b"\x7fELF\x02\x01\x01".to_vec();
    file.resize(32, 0);
    file.extend_from_slice(&64_u64.to_le_bytes());
    file.extend_from_slice(&0_u64.to_le_bytes());
    file.extend_from_slice(&[0, 0, 0, 0, 64, 0, 56, 0, 2, 0, 64, 0, 0, 0, 0, 0]);
    let first = 64 + 2 * 56;
    let second = first + variables.len() as u64;
    let segments = [(6_u32, first, variables.len() as u64), (4, second, constants.len() as u64)];
    for (flags, offset, length) in segments {
        file.extend_from_slice(&1_u32.to_le_bytes());
        file.extend_from_slice(&flags.to_le_bytes());
        for field in [offset, 0x10_000 + offset, 0, length, length, 0x1000] {
            file.extend_from_slice(&field.to_le_bytes());
        }
    }
    file.extend_from_slice(variables);
    file.extend_from_slice(constants);
    file
}

impl Bytes for Vec<u8> {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> usize {
        let rest = usize::try_from(offset).ok().and_then(|offset| self.get(offset..));
        let rest = rest.unwrap_or_default();
        let length = rest.len().min(buffer.len());
        buffer[..length].copy_from_slice(&rest[..length]);
        length
    }
}

fn program(file: &[u8]) -> Program {
    let file = file.to_vec();
    Elf::new(&file).map(|elf| Program::read(&elf)).unwrap_or_default()
}

/// What Go writes since 1.18, 32 bytes into the variables.
fn build_info(version: &str, modules: &str) -> Vec<u8> {
    let mut block = vec![0; 32];
    block.extend_from_slice(b"\xff Go buildinf:\x08\x02");
    block.resize(64, 0);
    block.push(version.len() as u8);
    block.extend_from_slice(version.as_bytes());
    let length = modules.len() + 32;
    block.extend_from_slice(&[length as u8 | 0x80, (length >> 7) as u8]);
    block.extend_from_slice(&[7; 16]);
    block.extend_from_slice(modules.as_bytes());
    block.extend_from_slice(&[7; 16]);
    block
}

#[test]
fn go_is_found_in_a_stripped_file() {
    let modules = "path\texample.com/shop/cmd/shop\nmod\texample.com/shop\tv1.4.2\th1:x=\n\
        dep\texample.com/x\tv9.9.9\th1:y=\nbuild\t-compiler=gc\n";
    let info = build_info("go1.22.3 X:rangefunc", modules);
    let go = program(&stripped(&info, b"")).go.expect("Go");
    assert_eq!(go.go_version, "1.22.3");
    assert_eq!(go.path, "example.com/shop/cmd/shop");
    assert_eq!(go.version, "1.4.2");
    let modules = modules.replace("v1.4.2", "(devel)");
    let go = program(&stripped(&build_info("go1.22.3", &modules), b"")).go.expect("Go");
    assert_eq!(go.version, "");
    // Cut anywhere, it says less and never fails.
    for end in 0..info.len() {
        program(&stripped(&info[..end], b""));
    }
}

#[test]
fn go_before_1_18_points_to_its_strings() {
    // The variables begin at byte 176 of the file and at this address.
    let base = 0x10_000 + 176_u64;
    let mut block = b"\xff Go buildinf:\x08\x00".to_vec();
    let (version, modules) = ("go1.16.15", format!("{0}path\tx.org/shop\n{0}", "7".repeat(16)));
    let texts = 16 + 16 + 32;
    let second = texts + version.len() as u64;
    let numbers = [
        base + 32,
        base + 48,
        base + texts,
        version.len() as u64,
        base + second,
        modules.len() as u64,
    ];
    for number in numbers {
        block.extend_from_slice(&number.to_le_bytes());
    }
    block.extend_from_slice(version.as_bytes());
    block.extend_from_slice(modules.as_bytes());
    let go = program(&stripped(&block, b"")).go.expect("Go");
    assert_eq!((go.go_version.as_str(), go.path.as_str()), ("1.16.15", "x.org/shop"));
}

#[test]
fn rust_and_cpp_are_found_among_the_constants() {
    let commit = "59807616e1fa2540724bfbac14d7976d7e4a3860";
    let rows = [
        (format!("x/rustc/{commit}/library/std/src/panicking.rs"), ("rust", "")),
        ("x/usr/src/rustc-1.63.0/library/core/src/fmt.rs".into(), ("rust", "1.63.0")),
        ("x/home/u/.cargo/registry/src/index.crates.io-6f17d22bba15001f/a".into(), ("rust", "")),
        // A tool that speaks of Rust is not written in it for that.
        ("strip /rustc/ from paths".into(), ("c", "")),
        ("xSt9bad_alloc".into(), ("cpp", "")),
        (format!("St9exception /rustc/{commit}/"), ("rust", "")),
        ("nothing".into(), ("c", "")),
    ];
    for (constants, expected) in rows {
        let constants: String = constants;
        // Also across the places at which the file is read in pieces.
        for padding in [0, 256 * 1024 - 20, 256 * 1024 - 1] {
            let padded = [vec![b'.'; padding], constants.clone().into_bytes()].concat();
            let source = stripped(b"", &padded);
            let elf = Elf::new(&source).expect("a file");
            let mut budget = Budget::full();
            let marks = || super::constants::marks(&elf, &mut budget);
            let native = Program::read(&elf).native(marks).expect("room");
            assert_eq!((native.0, native.2.as_str()), expected, "{constants} at {padding}");
        }
    }
}

#[test]
fn a_version_is_found_among_the_constants() {
    let source = stripped(b"", b"\x003.11.2\0Lua 5.4\0x Lua 5.4.4 (c)\0\x003.11.xyz\0");
    let elf = Elf::new(&source).expect("a file");
    let mut budget = Budget::full();
    assert_eq!(super::constants::patch(&elf, "3.11", &mut budget).as_deref(), Ok("3.11.2"));
    assert_eq!(super::constants::behind(&elf, "Lua ", &mut budget).as_deref(), Ok("5.4.4"));
    assert_eq!(super::constants::behind(&elf, "PHP/", &mut budget).as_deref(), Ok(""));
}

#[test]
fn what_is_no_program_is_nothing() {
    for bytes in [&b""[..], b"#!/bin/sh\n", b"\x7fELF", b"\x7fELF\x03\x01"] {
        assert_eq!(program(bytes), Program::default(), "{bytes:?}");
    }
    // Tables that claim to be anywhere and of any size.
    let mut file = stripped(b"abc", b"def");
    for at in 16..file.len() {
        let byte = std::mem::replace(&mut file[at], 0xff);
        program(&file);
        file[at] = byte;
    }
}
