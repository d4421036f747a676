#!/usr/bin/env python3
"""`make test-kernels`: the static agent on real loopback traffic, in each kernel, under QEMU.

    tests/kernels/run.py                 every kernel
    tests/kernels/run.py 5.10 7.3        some
    tests/kernels/run.py --no-btf 6.1    the same kernel with its type information hidden

Emulated, so it needs neither KVM nor rights: it tells what works, and nothing of what it costs.
Kernels come as Debian packages, by name and through apt with a state of its own, and stay in
target/kernels. Ends with a table; exit code 1 if a kernel has a row that is not as it should be.
"""

import argparse
import os
import pathlib
import re
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import findings  # noqa: E402
import packages  # noqa: E402
from sandbox import Refused, program  # noqa: E402

TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
FOLDER = TARGET / "kernels"
AGENT = TARGET / "static" / "release" / "redsight"
# What busybox is called in the guest.
TOOLS = """sh mount mkdir ip uname grep usleep wget touch test sleep kill dmesg tar gzip base64
    poweroff unshare nsenter readlink awk insmod""".split()
# Kernel TLS, and whom to ask which sockets are under it.
MODULES = """tls inet_diag tcp_diag gcm ctr ghash-generic gf128mul crypto_null""".split()
GUEST_S = 600
# An emulated timer is late on a busy machine, which the kernel would take for a broken one.
KERNEL_WORDS = "console=ttyS0 quiet panic=-1 no_timer_check rdinit=/init"
MEMORY_MIB = 768


def built(folder):
    """The guest's programs: the services and their client, under four names."""
    binary = folder / "traffic"
    source = HERE / "guest" / "traffic.c"
    subprocess.run([program("cc"), "-O2", "-Wall", "-static", "-o", binary, source], check=True)
    return {"bin/shop": binary, "bin/walker": binary, "bin/holder": binary, "bin/vault": binary}


def secured(folder):
    """OpenSSL with its libraries, and who it is."""
    openssl = program("openssl")
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subprocess.run([openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                    "-nodes", "-subj", "/CN=safe", "-days", "30", "-keyout", key,
                    "-out", certificate], check=True, capture_output=True)
    listed = subprocess.run([program("ldd"), openssl], check=True, capture_output=True, text=True)
    libraries = re.findall(r"(/\S+) \(0x", listed.stdout)
    return {"bin/safe": openssl, "key.pem": key, "certificate.pem": certificate} | {
        path.lstrip("/"): path for path in libraries}


def image(agent, folder):
    """The initial file system of the guest, packed."""
    root = folder / "root"
    subprocess.run(["rm", "-rf", root], check=True)
    for name in ("bin", "proc", "sys", "dev", "tmp"):
        (root / name).mkdir(parents=True)
    for name in TOOLS:
        (root / "bin" / name).symlink_to("busybox")
    files = {"bin/busybox": program("busybox"), "bin/redsight": agent,
             "init": HERE / "guest" / "init"} | built(folder) | secured(folder)
    for name, path in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["cp", "-L", path, root / name], check=True)
        (root / name).chmod(0o755)
    return packed(root)


def packed(root):
    """A folder as the archive that a kernel unpacks."""
    command = "find . | cpio -o -H newc --quiet | gzip -1"
    return subprocess.run(command, shell=True, check=True, cwd=root, capture_output=True).stdout


def with_modules(root, name):
    """The initial file system with the modules of one kernel behind it, as a file."""
    extra = FOLDER / "modules"
    subprocess.run(["rm", "-rf", extra], check=True)
    (extra / "modules").mkdir(parents=True)
    for module, content in packages.modules(FOLDER, name, MODULES).items():
        (extra / "modules" / f"{module}.ko").write_bytes(content)
    path = FOLDER / "root.cpio.gz"
    path.write_bytes(root + packed(extra))
    return path


def boot(kernel, root, words):
    """Boots it and gives what the guest wrote to its console, and the seconds it took."""
    command = [
        program("qemu-system-x86_64"), "-accel", "tcg", "-cpu", "max", "-m", str(MEMORY_MIB),
        "-smp", "2", "-nographic", "-no-reboot", "-nodefaults", "-serial", "stdio",
        "-kernel", kernel, "-initrd", root,
        "-append", " ".join([KERNEL_WORDS, *words]),
    ]
    started = time.monotonic()
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=GUEST_S, check=False)
        text = done.stdout
    except subprocess.TimeoutExpired as late:
        text = (late.stdout or b"") + b"\n@fault it did not end in time"
    return text.decode(errors="replace"), time.monotonic() - started


def arguments():
    """What can be chosen."""
    parser = argparse.ArgumentParser(description="runs the agent in several kernels")
    parser.add_argument("kernels", nargs="*", default=list(packages.KERNELS), metavar="KERNEL")
    parser.add_argument("--agent", type=pathlib.Path, default=AGENT)
    parser.add_argument("--no-btf", action="store_true", help="hide the kernel's types")
    options = parser.parse_args()
    for kernel in options.kernels:
        if kernel not in packages.KERNELS:
            parser.error(f"{kernel} is none of {', '.join(packages.KERNELS)}")
    return options


def main():
    """Each kernel one after the other."""
    options = arguments()
    if not options.agent.exists():
        raise Refused(f"{options.agent} is not built: `make test-kernels` builds it")
    FOLDER.mkdir(parents=True, exist_ok=True)
    root = image(options.agent, FOLDER)
    rows = []
    for name in options.kernels:
        try:
            path, package = packages.kernel(FOLDER, name)
        except Refused as refused:
            rows.append(findings.refused(name, str(refused)))
            continue
        print(f"{name}: boots {package} …", file=sys.stderr, flush=True)
        text, seconds = boot(path, with_modules(root, name), ["hide_btf"] if options.no_btf else [])
        (FOLDER / f"console-{name}").write_text(text)
        row = findings.of(package, text, seconds)
        rows.append(row)
        for fault in row.faults:
            print(f"{name}: {fault}", file=sys.stderr, flush=True)
    print(findings.table(rows))
    return 1 if any(row.faults for row in rows) else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Refused as refusal:
        sys.exit(f"test-kernels: {refusal}")
