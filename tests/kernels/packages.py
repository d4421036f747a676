"""Kernels as Debian packages, fetched by name and taken apart; nothing is installed.

apt works with lists and a cache of its own, so that the machine's stay as they are.
"""

import lzma
import pathlib
import re
import subprocess

from sandbox import Refused, program

# Version → the suites that have it. Of several packages the newest is taken. From 7.0 on the kernel
# itself is in a package `linux-binary`, and modules are in `linux-modules`.
KERNELS = {
    "5.10": "bullseye-security",
    "6.1": "bookworm-security",
    "6.12": "bookworm-security",
    "6.16": "trixie-backports",
    "7.3": "trixie-backports",
}
SECURITY = "-security"
MIRROR = "http://deb.debian.org/debian"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


def _apt(folder, command, *words):
    """A command of apt with the private state; gives its output."""
    state = folder / "apt"
    options = {
        "Dir::Etc::sourcelist": state / "sources.list", "Dir::Etc::sourceparts": "/dev/null",
        "Dir::State::lists": state / "lists", "Dir::Cache": state / "cache",
        "APT::Sandbox::User": "root",
    }
    settings = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
    done = subprocess.run([program(command), *settings, *words], text=True, capture_output=True,
                          cwd=folder, check=False)
    if done.returncode:
        raise Refused(f"{command} {words[0]}: {done.stderr.strip()[-300:]}")
    return done.stdout


def _update(folder):
    """Reads the lists of every suite, once."""
    state = folder / "apt"
    if (state / "sources.list").exists():
        return
    for name in ("lists/partial", "cache/archives/partial"):
        (state / name).mkdir(parents=True, exist_ok=True)
    lines = "".join(
        f"deb [signed-by={KEYRING}] {MIRROR}{SECURITY * suite.endswith(SECURITY)} {suite} main\n"
        for suite in sorted(set(KERNELS.values()))
    )
    sources = state / "sources.list"
    sources.write_text(lines)
    try:
        _apt(folder, "apt-get", "update")
    except Refused:
        sources.unlink()
        raise


def _numbers(package):
    return [int(number) for number in re.findall(r"\d+", package)]


def _newest(folder, version):
    """The newest package of that version, and the one that has the kernel in it."""
    wanted = re.compile(rf"linux-(image|binary)-{re.escape(version)}\.\d.*-cloud-amd64")
    listed = _apt(folder, "apt-cache", "search", "--names-only", "^linux-(image|binary)-")
    # A name, and what it is: that of debug symbols speaks of packages that may not be there.
    names = [line.split()[0] for line in listed.splitlines()]
    found = [name for name in names if wanted.fullmatch(name)]
    if not found:
        raise Refused(f"no suite has Linux {version}")
    best = max(found, key=_numbers)
    binary = best.replace("linux-image", "linux-binary")
    return binary if binary in found else best


def kernel(folder, version):
    """The path of a bootable kernel of that version, and the name of its package."""
    kept = folder / version
    known = kept / "package"
    if not known.exists():
        _update(folder)
        package = _newest(folder, version)
        kept.mkdir(exist_ok=True)
        modules = package.replace("linux-binary", "linux-modules")
        for part in {package, modules}:
            _apt(folder, "apt-get", "download", part)
            archive = max(folder.glob(f"{part}_*.deb"))
            subprocess.run([program("dpkg-deb"), "-x", archive, kept], check=True)
            archive.unlink()
        known.write_text(package)
    images = [*kept.glob("boot/vmlinuz-*"), *kept.glob("usr/lib/modules/*/vmlinuz")]
    if not images:
        raise Refused(f"{known.read_text()} has no kernel in it")
    return pathlib.Path(images[0]), known.read_text()


def modules(folder, version, names):
    """Those of its modules that it has, by name, as they are loaded."""
    found = {}
    for path in (folder / version).glob("**/*.ko*"):
        name = path.name.split(".ko")[0]
        if name in names:
            packed = path.read_bytes()
            found[name] = lzma.decompress(packed) if path.suffix == ".xz" else packed
    return found
