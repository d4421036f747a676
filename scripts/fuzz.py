#!/usr/bin/env python3
"""Runs the fuzz targets under libFuzzer: fuzz.py [--seconds N] [WORD…]

The targets are the bolero tests of the workspace; `cargo test` plays each for a moment. Here the
same tests are built with coverage instrumentation, which stable Rust does, and run for as long as
asked, those whose name contains one of the words. Inputs are kept in target/fuzz/corpus from run to
run. A crash is left in target/fuzz/crashes: make it a case, then fix it.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve() / "fuzz"
LAYERS = ("apps", "pipeline", "surfaces", "foundation")
FLAGS = ["--cfg=fuzzing", "--cfg=fuzzing_libfuzzer", "-Cpasses=sancov-module"] + [
    f"-Cllvm-args=-sanitizer-coverage-{name}"
    for name in ("inline-8bit-counters", "level=4", "pc-table", "trace-compares", "stack-depth")
]
# A single input may take this long before it counts as a hang.
HANG_S = 10


def test_targets(crate):
    """The cargo targets of a crate that hold bolero tests; only they link libFuzzer."""
    def fuzzes(path):
        files = path.rglob("*.rs") if path.is_dir() else [path]
        return any("bolero::check!" in file.read_text() for file in files)

    if fuzzes(crate / "src"):
        yield from ("--lib",)
    for path in sorted((crate / "tests").glob("*")):
        if path.suffix in ("", ".rs") and fuzzes(path):
            yield from ("--test", path.stem)


def build(crate):
    """Builds the test programs of a crate; gives their paths."""
    chosen = list(test_targets(crate))
    if not chosen:
        return []
    host = subprocess.run(["rustc", "-vV"], text=True, capture_output=True, check=True).stdout
    host = next(line.split()[1] for line in host.splitlines() if line.startswith("host:"))
    command = ["cargo", "test", "--locked", "--profile", "fuzz", "--no-run", "--target", host]
    command += ["--target-dir", TARGET, "--message-format", "json-render-diagnostics", *chosen]
    environment = os.environ | {"RUSTFLAGS": " ".join(FLAGS), "BOLERO_FUZZER": "libfuzzer"}
    done = subprocess.run(command, cwd=crate, env=environment, text=True, stdout=subprocess.PIPE,
                          check=True)
    messages = (json.loads(line) for line in done.stdout.splitlines())
    return [message["executable"] for message in messages if message.get("executable")]


def tests(executable):
    """The names of the bolero tests in a program: asked like this, they only say who they are."""
    environment = os.environ | {"CARGO_BOLERO_SELECT": "all"}
    done = subprocess.run([executable, "--nocapture"], env=environment, text=True, cwd=ROOT,
                          capture_output=True, check=False)
    for line in done.stdout.splitlines():
        if line.startswith('{"__bolero_target"'):
            yield json.loads(line)["test_name"]


def fuzz(executable, crate, test, seconds):
    """Runs one test under libFuzzer; true if it found nothing."""
    name = f"{crate.name}-{test.replace('::', '-')}"
    corpus, crashes = TARGET / "corpus" / name, TARGET / "crashes" / name
    corpus.mkdir(parents=True, exist_ok=True)
    crashes.mkdir(parents=True, exist_ok=True)
    options = [f"-artifact_prefix={crashes}/", f"-timeout={HANG_S}", f"-max_total_time={seconds}"]
    arguments = " ".join([str(corpus), str(crashes), *options, "-verbosity=0", "-print_funcs=0"])
    environment = os.environ | {"BOLERO_LIBFUZZER_ARGS": arguments}
    command = [executable, test, "--exact", "--nocapture", "--quiet", "--test-threads", "1"]
    return subprocess.run(command, cwd=crate, env=environment, check=False).returncode == 0


def main():
    """Every target of every crate."""
    parser = argparse.ArgumentParser(description="runs the fuzz targets under libFuzzer")
    parser.add_argument("words", nargs="*", help="only targets whose name contains one of these")
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    options = parser.parse_args()
    ran, crashed = 0, []
    for crate in sorted(path for layer in LAYERS for path in (ROOT / layer).iterdir()):
        for executable in build(crate):
            for test in tests(executable):
                name = f"{crate.name} {test}"
                if options.words and not any(word in name for word in options.words):
                    continue
                print(f"=== {name}, {options.seconds} s", flush=True)
                ran += 1
                if not fuzz(executable, crate, test, options.seconds):
                    crashed.append(name)
    print(f"{ran} fuzz targets ran, {len(crashed)} found something")
    for name in crashed:
        print(f"  {name}: see {TARGET}/crashes")
    return 1 if crashed or not ran else 0


if __name__ == "__main__":
    sys.exit(main())
