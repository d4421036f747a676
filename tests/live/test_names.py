"""Processes of every kind that the machine can start, and what the agent calls each.

`processes/*.toml` are the table, and its head says how a row is read. All of a batch run at once,
one agent watches them all, and whatever is called otherwise is told at the end.
"""

import contextlib
import json
import os
import pathlib
import shlex
import shutil
import subprocess
import time
import tomllib
import unittest
import zipfile

import observed
import sandbox as place
import servers
from cases import LiveTest

TABLE = pathlib.Path(__file__).resolve().parent / "processes"
FIRST_PORT, BATCH = 20_000, 20
# A slow machine starts a Java machine or an Erlang one in many seconds.
LISTENING_S, NAMED_S = 40, 15
PATH = ":".join(("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin",
                 *(str(path.parent) for path in servers.GO),
                 *(str(place.TOOLS / folder) for folder in place.TOOL_FOLDERS)))
# Of the fields of a service, those that a row may say.
SAID = ("name", "reason", "language", "aliases", "version", "namespace")


class Row:
    """One row of the table: a process, and what it is called."""

    def __init__(self, told, number):
        self.told = told
        self.id = told["id"]
        self.port = FIRST_PORT + 2 * number
        self.process = None

    def lacks(self):
        """What of its needs is not installed, or None."""
        first = shlex.split(self.told["run"])[0]
        programs = [first] if first[0] not in "{./" else []
        for name in [*programs, *self.told.get("needs", [])]:
            if not (os.path.exists(name) if "/" in name else shutil.which(name, path=PATH)):
                return f"{name} ({self.told.get('package', name)})"
        if check := self.told.get("check"):
            done = subprocess.run(shlex.split(check), capture_output=True, check=False)
            if done.returncode != 0:
                return f"{self.told['package']}"
        return None

    def filled(self, text):
        """The text with its places and ports."""
        return servers.filled(text, here=self.here, shared=self.here.parent / "shared",
                              port=self.port, port2=self.port + 1)

    def words(self, text):
        """A command line, filled."""
        return shlex.split(self.filled(text))

    def start(self, sandbox):
        """Writes its files and starts it."""
        self.here = sandbox.folder / self.id
        self.here.mkdir()
        for name, text in self.told.get("files", {}).items():
            path = self.here / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(self.filled(text))
            path.chmod(0o755)
        for name, entries in self.told.get("archives", {}).items():
            with zipfile.ZipFile(self.here / name, "w", zipfile.ZIP_DEFLATED) as archive:
                for inner, text in entries.items():
                    source = self.filled(text)
                    data = pathlib.Path(source).read_bytes() if source[0] == "/" else source
                    archive.writestr(inner, data)
        environment = {"PATH": PATH, "HOME": str(self.here), "LANG": "C.UTF-8"}
        environment |= {name: self.filled(v) for name, v in self.told.get("env", {}).items()}
        options = {"cwd": self.here / self.told.get("cwd", "."), "env": environment}
        words = self.words(self.told["run"])
        if user := self.told.get("user"):
            for path in [self.here, *self.here.rglob("*")]:
                shutil.chown(path, user)
            words = ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", *words]
        for command in self.told.get("prepare", []):
            prefix = words[:4] if user else []
            sandbox.run(*prefix, *self.words(command), inside=False, **options)
        if beside := self.told.get("beside"):
            server = sandbox.start(f"{self.id}-server", *self.words(beside), **options)
            sandbox.wait_for_port(self.port, server)
        words[0] = shutil.which(words[0], path=PATH) or words[0]
        self.process = sandbox.start(self.id, *words, start_new_session=True, **options)

    def service(self, rows):
        """The service that listens on its port, or that its process belongs to."""
        if self.told.get("asks"):
            return next((row for row in rows if self.process.pid in row["pids"]), None)
        ends = (f":{self.port}", f":{self.port}/udp")
        return next((row for row in rows if any(on.endswith(ends) for on in row["listens"])), None)

    def is_listening(self, ports):
        """True once its port is in the tables of the namespace."""
        return self.port in ports

    def fault(self, rows):
        """How the service differs from what the row says, or None."""
        service = self.service(rows)
        if service is None:
            return "no service listens on its port, or is its process"
        wrong = [f"{key} is {service.get(key)!r}, not {self.told[key]!r}"
                 for key in SAID if key in self.told and service.get(key) != self.told[key]]
        return "; ".join(wrong) or None


def table():
    """Every row, in the order of the files."""
    rows = []
    for path in sorted(TABLE.glob("*.toml")):
        rows.extend(tomllib.loads(path.read_text())["process"])
    ids = [row["id"] for row in rows]
    assert len(set(ids)) == len(ids), "two rows of one id"
    return [Row(told, number) for number, told in enumerate(rows)]


def listening(pid):
    """Ports on which anybody listens, or which are bound, in the namespace of the process."""
    ports = set()
    for name, states in (("tcp", "0A"), ("tcp6", "0A"), ("udp", "07"), ("udp6", "07")):
        with contextlib.suppress(OSError):
            for line in pathlib.Path(f"/proc/{pid}/net/{name}").read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == states:
                    ports.add(int(fields[1].rsplit(":", 1)[1], 16))
    return ports


class NamesTest(LiveTest):
    """One agent, batches of processes."""

    def services(self, agent):
        """What `redsight services` says."""
        done = subprocess.run(
            [observed.BINARY, "services", "-o", "json", "--connect", agent.address],
            capture_output=True, text=True, check=True, timeout=30)
        found = json.loads(done.stdout)
        found = found.get("services", found) if isinstance(found, dict) else found
        return [row.get("entity", row) for row in found]

    def shared(self):
        """What several rows need: a Java class that listens."""
        folder = self.sandbox.folder / "shared"
        folder.mkdir()
        if shutil.which("javac", path=PATH):
            for name in ("Depot", "kafka/Kafka"):
                path = folder / f"{name}.java"
                path.parent.mkdir(exist_ok=True)
                package = f"package {path.parent.name};" if "/" in name else ""
                path.write_text(package + (TABLE / "Depot.java").read_text()
                                .replace("class Depot", f"class {path.stem}"))
            self.sandbox.run("javac", "Depot.java", "kafka/Kafka.java", cwd=folder, inside=False,
                             env={"PATH": PATH})

    def test_every_process_that_the_machine_can_start_gets_its_name(self):
        rows, skipped = [], []
        wanted = os.environ.get("REDSIGHT_NAMES", "").split()
        for row in table():
            if wanted and not any(word in row.id for word in wanted):
                continue
            if lack := row.lacks():
                skipped.append(f"{row.id}: {lack}")
            else:
                rows.append(row)
        self.shared()
        keeper = self.sandbox.start("keeper", "sleep", 3600)
        agent = self.observe()
        faults = {}
        for at in range(0, len(rows), BATCH):
            self.batch(agent, rows[at:at + BATCH], keeper, faults)
        for line in skipped:
            self.say(f"\n  skipped {line}, which is not installed")
        self.say(f"\n  {len(rows) - len(faults)} of {len(rows)} named right")
        self.assertFalse(faults, "\n" + "\n".join(f"{id}: {text}" for id, text in faults.items()))

    def batch(self, agent, rows, keeper, faults):
        """Starts them, looks until each has its name, and ends them."""
        for row in rows:
            try:
                row.start(self.sandbox)
            except place.Refused as refused:
                faults[row.id] = str(refused)
        started = [row for row in rows if row.process]

        def wait(seconds, condition):
            deadline = time.monotonic() + seconds
            while not condition() and time.monotonic() < deadline:
                time.sleep(0.2)
        wait(LISTENING_S, lambda: {row.port for row in started} <= listening(keeper.pid)
             or all(row.process.poll() is not None for row in started))
        ports = listening(keeper.pid)
        for row in [row for row in started if row.port not in ports]:
            code = row.process.poll()
            faults[row.id] = f"does not listen (exit {code}):\n{self.sandbox.log(row.id)}"
        alive = [row for row in started if row.port in ports]
        found = {}

        def named():
            services = self.services(agent)
            found.update({row.id: row.fault(services) for row in alive})
            return not any(found.values())
        wait(NAMED_S, named)
        faults.update({id: text for id, text in found.items() if text})
        for row in started:
            row.process.kill()
        self.end_all(keeper, agent)

    def end_all(self, keeper, agent):
        """Ends what the processes of a batch left behind in the cgroup."""
        def others():
            text = (self.sandbox.cgroup / "cgroup.procs").read_text()
            return [int(pid) for pid in text.split() if int(pid) != keeper.pid]

        def is_empty():
            for pid in others():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, 9)
            for process in list(self.sandbox.processes):
                process.poll()
            return not others()
        place.wait_until(is_empty, 20, "the processes of a batch are gone")


if __name__ == "__main__":
    unittest.main()
