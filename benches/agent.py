"""The agent under measurement: start, pause, ask, and read what it used from /proc."""

import json
import os
import pathlib
import re
import signal
import time
import urllib.request

import sandbox as place

LISTEN = "127.0.0.1:19464"
TICKS = os.sysconf("SC_CLK_TCK")


class Agent:
    """`redsight run` on the cgroup of a sandbox, outside of both cgroup and namespace."""

    def __init__(self, sandbox, binary, *options, cgroup=None):
        self.sandbox = sandbox
        self.process = sandbox.start_outside(
            "redsight", binary, "run", "--cgroup", cgroup or sandbox.cgroup, "--listen", LISTEN,
            *options,
        )
        place.wait_until(self._is_ready, 15, "redsight is ready")

    def _is_ready(self):
        if self.process.poll() is not None:
            raise place.Refused(f"redsight ended:\n{self.sandbox.log('redsight')}")
        try:
            return self.get("/readyz") is not None
        except OSError:
            return False

    def get(self, path):
        """The body that the agent serves at the path."""
        with urllib.request.urlopen(f"http://{LISTEN}{path}", timeout=10) as answer:
            return answer.read().decode()

    def snapshot(self):
        """Everything since the start."""
        return json.loads(self.get("/api/v1/snapshot?window=0"))

    def toggle(self):
        """Detaches the taps, or attaches them again."""
        self.process.send_signal(signal.SIGUSR1)

    def stop(self):
        """Ends it in order."""
        code = self.sandbox.stop(self.process)
        if code != 0:
            raise place.Refused(f"redsight ended with {code}:\n{self.sandbox.log('redsight')}")

    def cpu_seconds(self):
        """User and system time of all its threads."""
        text = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text()
        fields = text.rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def memory_mib(self):
        """Resident memory."""
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", text)[1]) / 1024

    def served(self, protocol, operation=None, target=None):
        """How many exchanges servers answered, of those that match; the patterns are regexes."""
        count = 0
        for service in self.snapshot()["services"]:
            for row in service["endpoints"]:
                fits = row["protocol"] == protocol
                fits &= operation is None or bool(re.fullmatch(operation, row["operation"]))
                fits &= target is None or bool(re.search(target, row["target"]))
                count += row["red"]["count"] if fits else 0
        return count

    def settled(self, *what):
        """The same, once it no longer changes: windows close once a second."""
        before, now = -1, self.served(*what)
        deadline = time.monotonic() + 15
        while now != before and time.monotonic() < deadline:
            time.sleep(2.2)
            before, now = now, self.served(*what)
        return now
