#!/usr/bin/env python3
"""Runs the live tests: `tests/live/test_*.py`, each in a sandbox of its own.

    tests/run_live.py [NAME…]      all, or those whose file name contains one of the words

The agent under test is $REDSIGHT_BIN, else target/release/redsight. Ends with one plain line of
counts.
"""

import os
import pathlib
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE / "demo"), str(HERE / "live")]


def chosen(words):
    """The test files to run, as module names."""
    names = sorted(path.stem for path in (HERE / "live").glob("test_*.py"))
    return [name for name in names if not words or any(word in name for word in words)]


def main():
    """Runs them one after the other: they measure, and the machine is small."""
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", HERE.parent / "target"))
    os.environ.setdefault("REDSIGHT_BIN", str(target / "release" / "redsight"))
    suite = unittest.defaultTestLoader.loadTestsFromNames(chosen(sys.argv[1:]))
    result = unittest.TextTestRunner(verbosity=2).run(suite)
    for test, reason in result.skipped:
        print(f"skipped {test}: {reason}")
    failed = len(result.failures) + len(result.errors)
    skipped = len(result.skipped)
    print(f"{result.testsRun - failed - skipped} passed, {failed} failed, {skipped} skipped")
    return 1 if failed or not result.testsRun else 0


if __name__ == "__main__":
    sys.exit(main())
