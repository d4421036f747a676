#!/usr/bin/env python3
"""`make bench`: measures what the agent costs and counts, and writes docs/benchmarks.md.

    benches/run.py                      every group
    benches/run.py --only nginx redis   some; the other sections of the page stay
    benches/run.py --quick              few rounds, to see that it runs; writes nothing

Each group makes a sandbox of its own, attaches the agent to that cgroup only and removes both.
"""

import argparse
import importlib
import os
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
TESTS = HERE.parent / "tests"
sys.path[:0] = [str(path) for path in (HERE, TESTS, TESTS / "demo", TESTS / "live")]

import sandbox as place  # noqa: E402
import table  # noqa: E402
from agent import Agent  # noqa: E402

GROUPS = [
    "nginx", "http2", "tls", "handshakes", "keyscan", "redis", "postgresql", "mysql", "kernel",
    "cost", "scale", "counted", "durations", "replay",
]


class Bench:
    """What a group needs: the binary, how many rounds, a sandbox and an agent in front of it."""

    def __init__(self, binary, rounds):
        self.binary = binary
        self.rounds = rounds

    def sandbox(self):
        """A fresh sandbox."""
        return place.Sandbox("redsight-bench")

    def agent(self, sandbox, *options):
        """A fresh agent on that sandbox."""
        return Agent(sandbox, self.binary, *options)


def arguments():
    """What can be chosen."""
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", HERE.parent / "target"))
    parser = argparse.ArgumentParser(description="measures the agent")
    parser.add_argument("--only", nargs="+", choices=GROUPS, default=GROUPS)
    parser.add_argument("--rounds", type=int, default=60, help="paired rounds a ratio")
    parser.add_argument("--quick", action="store_true", help="8 rounds, and no page")
    parser.add_argument("--binary", type=pathlib.Path, default=target / "release" / "redsight")
    return parser.parse_args()


def main():
    """Measures group by group; a refusal of one does not stop the others."""
    options = arguments()
    place.end_on_signal()
    bench = Bench(options.binary.resolve(), 8 if options.quick else options.rounds)
    if not bench.binary.exists():
        raise place.Refused(f"{bench.binary} is not built: cargo build --release -p redsight")
    refused = []
    for name in options.only:
        group = importlib.import_module(f"groups.{name}")
        print(f"\n{group.TITLE}", flush=True)
        rows = []
        try:
            for row in group.rows(bench):
                print(row, flush=True)
                rows.append(row)
        except place.Refused as refusal:
            print(f"bench: {name}: {refusal}", flush=True)
            refused.append(name)
        if rows and not options.quick:
            table.write(name, group.TITLE, rows)
    if refused:
        raise place.Refused(f"not measured: {', '.join(refused)}")


if __name__ == "__main__":
    try:
        main()
    except place.Refused as refusal:
        sys.exit(f"bench: {refusal}")
