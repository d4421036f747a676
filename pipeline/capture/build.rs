//! Compiles the eBPF programs beside their loaders with clang.

use std::path::{Path, PathBuf};
use std::process::Command;

const PROGRAMS: &[&str] = &[
    "src/linux/wire/wire.bpf.c",
    "src/linux/keylog/keylog.bpf.c",
    "src/linux/keylog/hooks/hooks.bpf.c",
];

const HEADERS: &[&str] =
    &["record", "kernel", "packet", "state", "copy", "frames", "take", "early", "datagram"];

fn main() {
    for header in HEADERS {
        println!("cargo:rerun-if-changed=src/linux/wire/{header}.h");
    }
    for header in ["keylog", "scope", "hooks/hooks", "hooks/socket"] {
        println!("cargo:rerun-if-changed=src/linux/keylog/{header}.h");
    }
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() != Ok("linux") {
        return;
    }
    let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    for program in PROGRAMS {
        println!("cargo:rerun-if-changed={program}");
        compile(Path::new(program), &out);
    }
}

fn compile(source: &Path, out: &Path) {
    let name = source.file_stem().expect("a program has a name");
    let object = out.join(name).with_extension("bpf.o");
    let machine = std::env::var("CARGO_CFG_TARGET_ARCH").unwrap_or_else(|_| "x86_64".to_owned());
    let clang = std::env::var("CLANG").unwrap_or_else(|_| "clang".to_owned());
    let status = Command::new(&clang)
        .args(["-g", "-O2", "-mcpu=v3", "-target", "bpf", "-Wall", "-Werror"])
        // Where Debian keeps <asm/types.h>.
        .arg(format!("-I/usr/include/{machine}-linux-gnu"))
        .arg("-I")
        .arg(source.parent().expect("a program has a folder"))
        .arg("-c")
        .arg(source)
        .arg("-o")
        .arg(&object)
        .status();
    match status {
        Ok(status) if status.success() => {}
        Ok(status) => panic!("{clang} failed on {}: {status}", source.display()),
        Err(error) => {
            panic!("cannot run {clang} ({error}): `make setup` installs clang and libbpf-dev")
        }
    }
}
