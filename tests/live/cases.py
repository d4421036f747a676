"""What every live test stands on: a sandbox, an agent, rows of cases, and one line a case.

A class that observes derives from `LiveTest`. `@each(ROWS)` makes a test of every row, named by its
sentence. A test skips aloud where the machine lacks root, BPF or a program that it needs.
"""

import ctypes
import functools
import os
import platform
import re
import struct
import sys
import unittest

import sandbox as place
from observed import Agent

# Another name lets two runs go on beside each other.
SANDBOX = os.environ.get("REDSIGHT_SANDBOX", "redsight-live")


@functools.cache
def refusal():
    """Why nothing can be observed here, or None. The agent is not asked: one that the kernel
    refuses for a fault of its own has to fail."""
    if os.geteuid() != 0:
        return "needs root: network namespaces, cgroups and BPF"
    # bpf(BPF_MAP_CREATE): an array of one number.
    attributes = struct.pack("=IIII", 2, 4, 4, 1) + bytes(112)
    libc = ctypes.CDLL(None, use_errno=True)
    number = {"x86_64": 321, "aarch64": 280}[platform.machine()]
    created = libc.syscall(number, 0, attributes, len(attributes))
    if created < 0:
        return f"BPF is refused here: {os.strerror(ctypes.get_errno())}"
    os.close(created)
    return None


def each(rows):
    """Makes a test of every row `sentence: arguments`, which calls `check` with the arguments."""
    def install(cls):
        for sentence, arguments in rows.items():
            def test(self, arguments=arguments):
                self.check(*arguments)
            name = "test_" + re.sub(r"\W+", "_", sentence)
            test.__name__, test.sentence = name, sentence
            setattr(cls, name, test)
        return cls
    return install


class LiveTest(unittest.TestCase):
    """A test with a sandbox of its own in `self.sandbox`."""

    mtu = 65536

    def __str__(self):
        method = getattr(self, self._testMethodName)
        sentence = getattr(method, "sentence", self._testMethodName[5:].replace("_", " "))
        return f"{type(self).__module__[5:]}: {sentence}"

    def setUp(self):
        if reason := refusal():
            self.skipTest(reason)
        self.sandbox = self.enterContext(place.Sandbox(SANDBOX, loopback_mtu=self.mtu))

    def run(self, result=None):
        # A program that is not installed is no failure of the agent.
        method = getattr(self, self._testMethodName)

        @functools.wraps(method)
        def skipping():
            try:
                method()
            except place.Refused as refused:
                if "is not installed" in str(refused):
                    self.skipTest(str(refused))
                raise
        setattr(self, self._testMethodName, skipping)
        return super().run(result)

    def say(self, text):
        """Puts a figure on the line of the case."""
        print(text, end=" ... ", file=sys.stderr, flush=True)

    def observe(self, *options, cgroups=None):
        """An agent that watches the sandbox, ready, and ended with it."""
        return Agent(self.sandbox, *options, cgroups=cgroups)

    def ended(self, agent):
        """Ends the agent in order and gives its lines by their times: in the file, a line of a
        process not yet read waits for its name, and others go before it."""
        code = agent.stop()
        self.assertEqual(code, 0, self.sandbox.log("redsight"))
        return sorted(agent.lines(), key=lambda line: line["start_us"] or 0)

    def account(self, agent, exchanges=None, copied=True):
        """The settled sums of the agent, which must add up to the byte. Of bodies that have heads
        within (`copied=False`), what was not copied although it was needed is lost as well."""
        sums = agent.settled(exchanges)
        lost = sums.bytes.get("lost", 0)
        self.assertEqual(sum(sums.bytes.values()), sums.seen, f"the ledger is off: {sums}")
        if copied:
            self.assertEqual(lost, sums.lost, f"losses are off: {sums}")
        self.assertGreaterEqual(lost, sums.lost, f"losses are off: {sums}")
        return sums
