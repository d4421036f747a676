"""The agent under test, and what it says: its lines, its metrics, its ledger."""

import collections
import dataclasses
import json
import os
import pathlib
import re
import socket
import time
import urllib.request

import sandbox as place

BINARY = pathlib.Path(
    os.environ.get("REDSIGHT_BIN", place.ROOT / "target" / "release" / "redsight")
).resolve()
SERIES = re.compile(r'^(\w+)(?:\{(.*)\})? (\S+)$')
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
# A window closes once a second; two looks that agree are farther apart than that.
SETTLED_S = 1.3
SETTLED_MAX_S = 12


@dataclasses.dataclass
class Sums:
    """What /metrics says of everything since the start."""

    requests: int
    bytes: dict
    seen: int
    lost: int


def free_port():
    """A port of this machine that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Agent:
    """`redsight run` on the sandbox's cgroup (or some within), outside of it."""

    def __init__(self, sandbox, *options, cgroups=None, lines=None):
        if not BINARY.exists():
            raise place.Refused(f"{BINARY} is not built: `make test` builds it")
        self.sandbox = sandbox
        self.address = f"127.0.0.1:{free_port()}"
        self.json = lines or sandbox.folder / f"lines-{self.address[10:]}.jsonl"
        scope = [word for path in cgroups or [sandbox.cgroup] for word in ("--cgroup", path)]
        self.process = sandbox.start_outside(
            "redsight", BINARY, "run", *scope, "--listen", self.address, "--json", self.json,
            *options,
        )
        place.wait_until(self._is_ready, 20, "redsight is ready")

    def _is_ready(self):
        if self.process.poll() is not None:
            raise place.Refused(f"redsight ended ({self.process.returncode}):\n"
                                f"{self.sandbox.log('redsight')}")
        try:
            return self.get("/readyz") is not None
        except OSError:
            return False

    def get(self, path):
        """The body that the agent serves at the path."""
        with urllib.request.urlopen(f"http://{self.address}{path}", timeout=10) as answer:
            return answer.read().decode()

    def ask(self, path):
        """The same, read as JSON."""
        return json.loads(self.get(path))

    def metrics(self):
        """name → list of (labels, value)."""
        found = collections.defaultdict(list)
        for line in self.get("/metrics").splitlines():
            if series := SERIES.match(line):
                name, labels, value = series.groups()
                found[name].append((dict(LABEL.findall(labels or "")), float(value)))
        return found

    def sums(self):
        """The sums as they are now."""
        metrics = self.metrics()

        def total(name, **wanted):
            return int(sum(value for labels, value in metrics[name]
                           if wanted.items() <= labels.items()))
        outcomes = collections.Counter()
        for labels, value in metrics["redsight_bytes_total"]:
            outcomes[labels["outcome"]] += int(value)
        return Sums(
            requests=total("redsight_exchanges_total", kind="request"),
            bytes={name: count for name, count in outcomes.items() if count},
            seen=total("redsight_tap_bytes_total"),
            lost=total("redsight_tap_lost_total"),
        )

    def settled(self, exchanges=None):
        """The sums once they have all that was sent: as many as expected, and the ledger adds up;
        or once they no longer change."""
        deadline = time.monotonic() + SETTLED_MAX_S
        before, since = None, time.monotonic()
        while True:
            now = self.sums()
            adds_up = sum(now.bytes.values()) == now.seen
            if adds_up and exchanges is not None and now.requests >= exchanges:
                return now
            if now != before:
                before, since = now, time.monotonic()
            is_old = time.monotonic() - since > (SETTLED_S if adds_up else 3 * SETTLED_S)
            if is_old or time.monotonic() > deadline:
                return now
            time.sleep(0.1)

    def memory_kib(self):
        """Resident memory."""
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", text)[1])

    def stop(self):
        """Ends it in order; gives its exit code."""
        return self.sandbox.stop(self.process)

    def kill(self):
        """Ends it as the kernel would if memory ran out."""
        self.process.kill()
        self.process.wait()
        self.sandbox.processes.remove(self.process)

    def lines(self):
        """Every line written so far. One that is being written belongs to the next look; once the
        agent has ended, a line that is cut is an error."""
        is_ended = self.process.poll() is not None
        whole, _, rest = self.json.read_bytes().rpartition(b"\n")
        assert not (is_ended and rest), f"the last line is cut: {rest[:80]}"
        return [json.loads(line) for line in whole.splitlines()]
