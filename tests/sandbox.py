"""A place of its own for programs under observation: a network namespace, a cgroup, a folder.

Demos, live tests and benchmarks start what they observe in here and nowhere else. Nothing is ever
attached to, or started in, the root cgroup. Leaving the `with` block ends every process that is
in the cgroup, by its id, and removes all three; entering does the same for what an earlier run
left behind if it was killed.
"""

import contextlib
import ctypes
import fcntl
import importlib
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

PR_SET_PDEATHSIG = 1
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# How long to wait for another run of the same name to end.
LOCK_WAIT_S = 1800
ROOT = pathlib.Path(__file__).resolve().parent.parent
# Where scripts/setup.sh puts what no distribution has: its words for it are the same.
CACHE = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
TOOLS = pathlib.Path(os.environ.get("REDSIGHT_TOOLS") or f"{CACHE}/redsight-tools")
# Where Debian puts Python modules; a Python that is not Debian's does not look there.
DISTRIBUTION = "/usr/lib/python3/dist-packages"
TOOL_FOLDERS = ("python/bin", "node/node_modules/.bin")
_libc = ctypes.CDLL(None, use_errno=True)


class Refused(Exception):
    """This machine cannot do what was asked; the text says why and what to do."""


def cgroup_mount():
    """Where cgroup v2 is mounted; on hybrid hosts that is not /sys/fs/cgroup itself."""
    for line in pathlib.Path("/proc/self/mounts").read_text().splitlines():
        fields = line.split()
        if fields[2] == "cgroup2":
            return pathlib.Path(fields[1])
    raise Refused("no cgroup v2 is mounted: mount -t cgroup2 none /sys/fs/cgroup")


def program(*names):
    """The first of the programs that is installed, also where PATH of a user does not look."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    path += "".join(f":{TOOLS / folder}" for folder in TOOL_FOLDERS)
    for name in names:
        if found := shutil.which(name, path=path):
            return found
    raise Refused(f"{names[0]} is not installed: `make setup-test` installs it")


def python_with(module):
    """A Python that has the module: the one at work, the distribution's, or that of the setup."""
    for python in (sys.executable, "/usr/bin/python3", TOOLS / "python/bin/python"):
        if not os.path.exists(python):
            continue
        done = subprocess.run([python, "-c", f"import {module}"], capture_output=True, check=False)
        if done.returncode == 0:
            return str(python)
    raise Refused(f"the Python module {module} is not installed")


def imported(module):
    """A module of the distribution, whichever Python is at work; it is not of machine code."""
    if DISTRIBUTION not in sys.path:
        sys.path.append(DISTRIBUTION)
    try:
        return importlib.import_module(module)
    except ImportError:
        raise Refused(f"the Python module {module} is not installed") from None


def wheels_with(module):
    """The Python that the setup made, if the module came: a distribution builds it otherwise."""
    python = TOOLS / "python/bin/python"
    folders = (TOOLS / "python/packages").glob(f"{module}/__init__.py")
    if not any(folders) or not python.exists():
        raise Refused(f"the wheel of {module} is not installed: `make setup-test` fetches it")
    return str(python)


def postgresql(name):
    """A program of the newest installed PostgreSQL."""
    folders = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), key=lambda f: f.parent.name)
    if not folders or not (folders[-1] / name).exists():
        raise Refused("PostgreSQL is not installed: `make setup-test` installs it")
    return str(folders[-1] / name)


def as_postgres(*command):
    """A command as the user postgres: the server refuses to run as root."""
    setpriv = program("setpriv")
    return [setpriv, "--reuid=postgres", "--regid=postgres", "--init-groups", *map(str, command)]


def _die_with_parent(signal_number):
    _libc.prctl(PR_SET_PDEATHSIG, signal_number, 0, 0, 0)


class Sandbox:
    """Use as `with Sandbox("redsight-demo") as sandbox:`. The name is that of all its parts."""

    def __init__(self, name, loopback_mtu=65536):
        self.name = name
        self.mtu = loopback_mtu
        self.folder = pathlib.Path("/tmp") / name
        self.logs = self.folder / "log"
        self.netns = pathlib.Path("/run/netns") / name
        self.processes = []
        self.cgroup = None
        self._lock = None

    def __enter__(self):
        if os.geteuid() != 0:
            raise Refused("network namespaces and cgroups need root: run it with sudo")
        self.cgroup = cgroup_mount() / self.name
        self._lock = self._locked()
        self._remove()
        try:
            self.logs.mkdir(parents=True)
            self.folder.chmod(0o755)
            self.cgroup.mkdir()
            ip = program("ip")
            subprocess.run([ip, "netns", "add", self.name], check=True)
            in_netns = [ip, "-n", self.name, "link", "set", "lo"]
            subprocess.run([*in_netns, "up", "mtu", str(self.mtu)], check=True)
        except BaseException:
            self.__exit__()
            raise
        return self

    def _locked(self):
        """The lock file, held until the process ends, however it ends. Waits for another run."""
        path = f"/tmp/{self.name}.lock"
        deadline = time.monotonic() + LOCK_WAIT_S
        has_said = False
        while True:
            lock = open(path, "w", encoding="ascii")
            with contextlib.suppress(BlockingIOError, FileNotFoundError):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                # Whoever held it before has removed it: then this is nobody's lock any more.
                if os.path.samestat(os.fstat(lock.fileno()), os.stat(path)):
                    return lock
            lock.close()
            if time.monotonic() > deadline:
                raise Refused(f"another run holds {path}")
            if not has_said:
                print(f"waiting for another run, which holds {path} …", file=sys.stderr, flush=True)
                has_said = True
            time.sleep(0.2)

    def __exit__(self, *_):
        # An impatient second Ctrl-C must not leave half of it behind.
        if threading.current_thread() is threading.main_thread():
            before = {number: signal.signal(number, signal.SIG_IGN) for number in ENDING}
            try:
                self._end()
            finally:
                for number, handler in before.items():
                    signal.signal(number, handler)
        else:
            self._end()

    def _end(self):
        for process in reversed(self.processes):
            if process.poll() is None:
                process.terminate()
        deadline = time.monotonic() + 5
        for process in self.processes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=max(0.0, deadline - time.monotonic()))
        self._remove()
        for process in self.processes:
            process.wait()
        # While it is held: nobody else's must go.
        os.unlink(self._lock.name)
        self._lock.close()

    def _pids(self):
        for procs in self.cgroup.rglob("cgroup.procs"):
            with contextlib.suppress(OSError):
                yield from map(int, procs.read_text().split())

    def _remove(self):
        deadline = time.monotonic() + 10
        while self.cgroup.exists():
            for pid in self._pids():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            for folder in [*sorted(self.cgroup.rglob("*/"), reverse=True), self.cgroup]:
                if folder.is_dir():
                    # Busy until the last process is reaped.
                    with contextlib.suppress(OSError):
                        folder.rmdir()
            if time.monotonic() > deadline:
                raise Refused(f"{self.cgroup} cannot be removed: see its cgroup.procs")
            time.sleep(0.02)
        if self.netns.exists():
            subprocess.run([program("ip"), "netns", "del", self.name], check=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def command(self, *words):
        """The words as a command in the network namespace."""
        return [program("nsenter"), f"--net={self.netns}", *map(str, words)]

    def _join(self):
        # Runs in the child, before it becomes the program.
        (self.cgroup / "cgroup.procs").write_text("0")
        _die_with_parent(signal.SIGKILL)

    def start(self, name, *words, **options):
        """Starts a program in the namespace and the cgroup; its output goes to log/NAME."""
        log = open(self.logs / name, "ab")
        options.setdefault("stdin", subprocess.DEVNULL)
        options.setdefault("stdout", log)
        options.setdefault("stderr", log)
        options.setdefault("cwd", self.folder)
        with log:
            process = subprocess.Popen(self.command(*words), preexec_fn=self._join, **options)
        process.label = name
        self.processes.append(process)
        return process

    def run(self, *words, inside=True, **options):
        """Runs a program to its end and gives its output; outside of the cgroup if asked."""
        join = self._join if inside else None
        options = {"stdin": subprocess.DEVNULL, "timeout": 300, "cwd": self.folder} | options
        done = subprocess.run(
            self.command(*words), preexec_fn=join, text=True, capture_output=True, **options
        )
        if done.returncode != 0:
            raise Refused(f"{words[0]} failed ({done.returncode}): {done.stderr[-2000:]}")
        return done.stdout

    def start_outside(self, name, *words, **options):
        """Starts a program on the host, out of both: the observer."""
        log = open(self.logs / name, "ab")
        options.setdefault("stdin", subprocess.DEVNULL)
        options.setdefault("stdout", log)
        options.setdefault("stderr", log)
        die = lambda: _die_with_parent(signal.SIGTERM)  # noqa: E731
        with log:
            process = subprocess.Popen([*map(str, words)], preexec_fn=die, **options)
        process.label = name
        self.processes.append(process)
        return process

    def stop(self, process, seconds=10):
        """Ends a process that this sandbox started, and gives its exit code."""
        if process.poll() is None:
            process.terminate()
        try:
            code = process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            code = process.wait()
        self.processes.remove(process)
        return code

    def log(self, name, lines=20):
        """The last lines of a program's output."""
        path = self.logs / name
        text = path.read_text(errors="replace") if path.exists() else ""
        return "\n".join(text.splitlines()[-lines:])

    def wait_for_port(self, port, process, seconds=20):
        """Waits until something listens on the port in the namespace, or says what went wrong."""
        wanted = re.compile(rf": [0-9A-F]+:{port:04X} 0+:0000 0A ")
        deadline = time.monotonic() + seconds
        while True:
            for table in ("tcp", "tcp6"):
                with contextlib.suppress(OSError):
                    if wanted.search(pathlib.Path(f"/proc/{process.pid}/net/{table}").read_text()):
                        return
            if process.poll() is not None or time.monotonic() > deadline:
                label = process.label
                raise Refused(f"{label} does not listen on {port}:\n{self.log(label)}")
            time.sleep(0.02)


def wait_until(condition, seconds, what):
    """Waits until the condition holds; the observer's answer over HTTP is the usual one."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise Refused(f"{what}: not within {seconds} s")
        time.sleep(0.05)


def port_is_free(address):
    """True if nothing listens on HOST:PORT of this machine."""
    host, port = address.rsplit(":", 1)
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) != 0


def end_on_signal():
    """Makes every signal that ends a program leave `with` blocks, once."""
    def leave(number, _):
        for other in ENDING:
            signal.signal(other, signal.SIG_IGN)
        sys.exit(128 + number)
    for number in ENDING:
        signal.signal(number, leave)
