#!/usr/bin/env python3
"""Adds up the test counts of a log and says them on one plain line: count_tests.py LOG…

Reads the closing lines of cargo test (`test result: …`) and of tests/run_live.py. Fails if any
test failed or none ran, so that a run which tests nothing is not a success.
"""

import pathlib
import re
import sys

CARGO = re.compile(r"^test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored;")
PLAIN = re.compile(r"^(\d+) passed, (\d+) failed, (\d+) skipped$")


def main():
    """Sums passed, failed, skipped over all logs."""
    total = [0, 0, 0]
    for log in sys.argv[1:]:
        for line in pathlib.Path(log).read_text(errors="replace").splitlines():
            if counts := CARGO.match(line) or PLAIN.match(line):
                total = [sum(pair) for pair in zip(total, map(int, counts.groups()))]
    passed, failed, skipped = total
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
