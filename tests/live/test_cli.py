"""The commands that ask a running agent, and `doctor` in places where little is allowed."""

import contextlib
import json
import os
import re
import signal
import subprocess
import unittest
import urllib.error
import urllib.request

import loads
import observed
import sandbox as place
import servers
from cases import LiveTest

REQUESTS = 1000
NOBODY = 65534


def redsight(*words, before=(), **options):
    """The binary with these words, run to its end; `before` are words that start it."""
    options = {"cwd": "/", "timeout": 30} | options
    return subprocess.run([*map(str, before), observed.BINARY, *map(str, words)], text=True,
                          capture_output=True, check=False, **options)


class Tail:
    """`redsight tail` from when it follows until it is ended."""

    def __init__(self, sandbox, agent, *words):
        self.sandbox, self.path = sandbox, sandbox.folder / "tail"
        with open(self.path, "wb") as out:
            self.process = sandbox.start_outside(
                "tail", observed.BINARY, "tail", "--connect", agent.address, *words, stdout=out)
        place.wait_until(lambda: "from now on" in sandbox.log("tail"), 20, "tail follows")

    def lines(self):
        """Whole lines printed so far."""
        return self.path.read_text().split("\n")[:-1]

    def missed(self):
        """How many exchanges it said it could not show."""
        return sum(map(int, re.findall(r"(\d+) exchanges were too many", self.said())))

    def said(self):
        """Everything on its standard error."""
        return (self.sandbox.logs / "tail").read_text()

    def interrupted(self):
        """Ctrl-C; its exit code."""
        self.process.send_signal(signal.SIGINT)
        code = self.process.wait(timeout=10)
        self.sandbox.processes.remove(self.process)
        return code


class TailTest(LiveTest):
    """Exchanges as they happen."""

    def test_every_exchange_is_shown_once_as_the_lines_have_it_or_said_to_be_missed(self):
        server = servers.nginx(self.sandbox)
        agent = self.observe()
        tail = Tail(self.sandbox, agent, "--json")
        load = loads.ab(self.sandbox, server.url, REQUESTS, connections=1)
        place.wait_until(lambda: len(tail.lines()) + tail.missed() >= load.answered, 20,
                         "tail has shown them all")
        missed = tail.missed()
        self.assertEqual(tail.interrupted(), 0, self.sandbox.log("tail"))
        shown, written = [json.loads(line) for line in tail.lines()], self.ended(agent)
        self.say(f"{len(shown)} shown, {missed} missed")
        self.assertEqual(len(shown) + missed, len(written))
        # Names may have been learnt between the two.
        for row in shown + written:
            row.pop("service"), row.pop("peer")
        key = self.key
        whole = {key(row): row for row in written}
        self.assertEqual(len({key(row) for row in shown}), len(shown), "shown twice")
        for row in shown:
            self.assertEqual(row, whole[key(row)])

    @staticmethod
    def key(row):
        """What tells one exchange from another."""
        return row["start_us"], row["client"], row["server"]

    def test_a_filter_keeps_what_it_says(self):
        server = servers.nginx(self.sandbox)
        agent = self.observe()
        tail = Tail(self.sandbox, agent, "target~none/of", "service=nginx")
        loads.ab(self.sandbox, server.url, 100)
        url = f"{server.url}none/of/these?secret=1"
        # Again, if it was among those that were too many at once.
        for _ in range(5):
            self.sandbox.run(place.program("curl"), "-s", url)
            with contextlib.suppress(place.Refused):
                place.wait_until(tail.lines, 4, "the one is shown")
                break
        self.assertEqual(tail.interrupted(), 0)
        line = tail.lines()[0]
        self.say(line)
        for word in ("200", "http1", "curl → nginx", "GET /none/of/these"):
            self.assertIn(word, line)
        self.assertNotIn("secret", line)


class ServicesTest(LiveTest):
    """Who is there."""

    def test_services_by_filter_in_order_and_as_a_table(self):
        server = servers.nginx(self.sandbox)
        agent = self.observe()
        loads.ab(self.sandbox, server.url, 500)
        agent.settled(500)

        def services(*words):
            done = redsight("services", "--connect", agent.address, "--window", 0, *words)
            self.assertEqual(done.returncode, 0, done.stderr)
            return done.stdout
        names = [row["entity"]["name"] for row in json.loads(services("-o", "json"))]
        self.assertIn("nginx", names)
        [row] = json.loads(services("service=nginx", "count>=500", "-o", "json"))
        self.assertEqual((row["served"]["count"], row["protocols"]), (500, ["http1"]))
        ordered = [row["entity"]["name"]
                   for row in json.loads(services("-o", "json", "--sort", "name"))]
        self.assertEqual(ordered, sorted(names))
        table = services("service=nginx")
        self.say(table.splitlines()[1])
        self.assertIn("COVER", table.splitlines()[0])
        self.assertIn("none of", services("service=nobody"))


class ConfiguredTest(LiveTest):
    """An agent that a file, the environment and a flag set up."""

    def test_what_is_set_acts(self):
        server = servers.nginx(self.sandbox)
        address, path = f"127.0.0.1:{observed.free_port()}", self.sandbox.folder / "redsight.yaml"
        lines = self.sandbox.folder / "lines"
        path.write_text(f"cgroups: [{self.sandbox.cgroup}]\nlisten: ${{AT}}\n"
                        f"hosts: [shop.internal]\njson: {lines}\nlimits: {{connections: 16}}\n")
        agent = self.sandbox.start_outside(
            "redsight", observed.BINARY, "run", "--config", path, "--ring-bytes", "1MiB",
            env=os.environ | {"AT": address, "REDSIGHT_TURN_BUDGET_BYTES": "32KiB"})

        def ask(where, host=address):
            request = urllib.request.Request(f"http://{address}{where}", headers={"Host": host})
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, answer.read().decode()

        def is_ready():
            with contextlib.suppress(OSError):
                return ask("/readyz", "shop.internal")[0] == 200
        place.wait_until(is_ready, 20, "redsight is ready")
        self.assertIn(f"settings of {path}", self.sandbox.log("redsight"))
        with self.assertRaises(urllib.error.HTTPError):
            ask("/readyz", "elsewhere.example")
        loads.wrk(self.sandbox, server.url, connections=64)

        def refused():
            health = json.loads(ask("/api/v1/snapshot")[1])["health"]
            return [line for line in health if line["name"] == "connections"]
        place.wait_until(refused, 20, "connections beyond the limit are told of")
        self.say(refused()[0]["detail"])
        self.assertIn("redsight_turn_budget_bytes 32768", ask("/metrics")[1])
        self.assertEqual(self.sandbox.stop(agent), 0)
        self.assertTrue(lines.read_text().endswith("}\n"))


class DoctorTest(LiveTest):
    """What doctor finds, wherever it is asked."""

    def findings(self, *words, before=(), code=None):
        """Name → finding."""
        done = redsight("doctor", "-o", "json", *words, before=before)
        self.assertNotIn("panicked", done.stderr)
        self.assertTrue(done.stdout, done.stderr)
        found = {line["name"]: line for line in json.loads(done.stdout)}
        refused = [name for name, line in found.items() if line["state"] == "refused"]
        self.assertEqual(done.returncode, 1 if refused else 0, found)
        if code is not None:
            self.assertEqual(done.returncode, code, found)
        for line in found.values():
            if line["state"] in ("refused", "degraded"):
                self.assertTrue(line["remedy"], f"no remedy: {line}")
        return found

    def copy(self):
        """The binary where everybody may read it."""
        path = self.sandbox.folder / "redsight"
        if not path.exists():
            subprocess.run(["cp", observed.BINARY, path], check=True)
        return path

    def state(self, found, **wanted):
        """The states of some findings."""
        for name, state in wanted.items():
            line = found[name.replace("_", " ")]
            self.assertEqual(line["state"], state, line)

    def test_a_running_agent_is_asked_what_it_costs(self):
        agent = self.observe()
        found = self.findings("--connect", agent.address, code=0)
        self.state(found, running_agent="on", wire_tap="on", cpu="on", kernel="on")
        self.assertRegex(found["running agent"]["detail"], r"[\d.]+ % of a core, \d+ MiB, \d+ ev")
        self.say(found["running agent"]["detail"])

    def test_a_detached_tap_is_off_until_it_is_attached_again(self):
        agent = self.observe()

        def state():
            health = agent.ask("/api/v1/snapshot")["health"]
            return next(line["state"] for line in health if line["name"] == "wire tap")
        for wanted in ("off", "on"):
            agent.process.send_signal(signal.SIGUSR1)
            place.wait_until(lambda: state() == wanted, 10, f"the tap is {wanted}")
            self.state(self.findings("--connect", agent.address, code=0), wire_tap=wanted)

    def test_nobody_is_told_how_to_get_the_rights(self):
        address = f"127.0.0.1:{observed.free_port()}"
        setpriv = [place.program("setpriv"), f"--reuid={NOBODY}", f"--regid={NOBODY}",
                   "--clear-groups"]
        before = [*setpriv, place.program("env"), "-S", f"{self.copy()} doctor -o json "
                  f"--connect {address}"]
        done = subprocess.run([*map(str, before)], capture_output=True, text=True, timeout=30,
                              check=False, cwd="/")
        self.assertEqual(done.returncode, 1, done.stderr)
        found = {line["name"]: line for line in json.loads(done.stdout)}
        self.state(found, capabilities="refused", wire_tap="refused", kernel="on")
        self.assertIn("setcap cap_", found["capabilities"]["remedy"])
        self.assertIn("AmbientCapabilities=", found["capabilities"]["remedy"])
        self.assertIn("securityContext", found["capabilities"]["remedy"])

    def test_the_rights_it_names_are_enough_and_each_is_needed(self):
        address = f"127.0.0.1:{observed.free_port()}"
        for held, state in (("+bpf,+net_admin,+perfmon", "on"), ("+bpf,+perfmon", "refused"),
                            ("+net_admin,+perfmon", "refused")):
            words = [place.program("setpriv"), f"--reuid={NOBODY}", f"--regid={NOBODY}",
                     "--clear-groups", f"--inh-caps=-all,{held}", f"--ambient-caps=-all,{held}",
                     self.copy(), "doctor", "-o", "json", "--connect", address]
            done = subprocess.run([*map(str, words)], capture_output=True, text=True, timeout=30,
                                  check=False, cwd="/")
            found = {line["name"]: line for line in json.loads(done.stdout)}
            self.assertEqual(found["wire tap"]["state"], state, (held, found["wire tap"]))
            self.assertEqual(found["capabilities"]["state"],
                             "degraded" if state == "on" else "refused", found["capabilities"])

    def inside(self, *options, prepare=":"):
        """Doctor in fresh namespaces of the sandbox's cgroup."""
        address = f"127.0.0.1:{observed.free_port()}"
        script = f"{prepare}; exec {observed.BINARY} doctor -o json --connect {address}"
        words = [place.program("unshare"), *options, "sh", "-c", script]
        # Moved into the cgroup first, as a container's processes are.
        join = ["sh", "-c", f"echo 0 > {self.sandbox.cgroup}/cgroup.procs; exec \"$@\"", "sh"]
        done = subprocess.run([*join, *words], capture_output=True, text=True, timeout=30,
                              check=False, cwd="/")
        self.assertTrue(done.stdout, done.stderr)
        return {line["name"]: line for line in json.loads(done.stdout)}

    def test_a_container_is_told_what_it_cannot_see_and_which_flags_show_it(self):
        prepare = ("mount --make-rprivate / && umount -l /sys && mount -t tmpfs none /sys"
                   " && mkdir -p /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup")
        found = self.inside("--mount", "--cgroup", "--pid", "--fork", "--mount-proc",
                            prepare=prepare)
        self.state(found, cgroup="degraded", processes="degraded", btf="off", wire_tap="on")
        self.assertIn("--cgroupns=host", found["cgroup"]["remedy"])
        self.assertIn("hostPID", found["processes"]["remedy"])
        self.say(found["cgroup"]["detail"])

    def test_without_sys_no_cgroup_is_found_and_that_is_said(self):
        found = self.inside("--mount", prepare="mount --make-rprivate / && umount -l /sys")
        self.state(found, cgroup="refused", wire_tap="refused", btf="off")
        self.assertIn("mount -t cgroup2", found["cgroup"]["remedy"])

    def test_without_btf_the_tap_works_and_that_is_said(self):
        found = self.inside("--mount", prepare="mount --make-rprivate / && "
                                               "mount -t tmpfs none /sys/kernel/btf")
        self.state(found, btf="off", wire_tap="on")
        self.say(found["btf"]["detail"])

    def test_a_user_namespace_gives_no_rights_and_that_is_said(self):
        found = self.inside("--user", "--map-root-user")
        self.state(found, capabilities="refused", wire_tap="refused")
        self.assertIn("user namespace", found["capabilities"]["detail"])


if __name__ == "__main__":
    unittest.main()
