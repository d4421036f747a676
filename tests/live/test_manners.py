"""How the agent begins, refuses and ends."""

import http.server
import json
import shutil
import signal
import subprocess
import sys
import threading
import time
import unittest

import loads
import observed
import sandbox as place
import servers
from cases import LiveTest, each

USAGE, NO_PERMISSION = 2, 77
PROCESSES = 100


def run(*words, **options):
    """The agent with these words, run to its end."""
    return subprocess.run([observed.BINARY, *map(str, words)], capture_output=True, text=True,
                          timeout=20, check=False, **options)


class Refused(LiveTest):
    """What an agent that cannot begin says."""

    def refuses(self, done, code, *words):
        """The exit code, and a message that names what is wrong; no panic, no traceback."""
        self.assertEqual(done.returncode, code, done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)
        self.assertNotIn("panicked", done.stderr)
        self.say(done.stderr.strip().splitlines()[0])

    def test_another_user_is_refused_with_what_to_do(self):
        # Where that user may read it, whatever the rights of the folder it was built in.
        binary = shutil.copy(observed.BINARY, self.sandbox.folder / "redsight")
        address = f"127.0.0.1:{observed.free_port()}"
        done = subprocess.run(
            [place.program("setpriv"), "--reuid=65534", "--regid=65534", "--clear-groups",
             binary, "run", "--cgroup", self.sandbox.cgroup, "--listen", address],
            capture_output=True, text=True, timeout=20, check=False, cwd="/",
        )
        self.refuses(done, NO_PERMISSION, "root")

    def test_a_cgroup_that_is_not_there(self):
        path = self.sandbox.cgroup / "nobody"
        self.refuses(run("run", "--cgroup", path), 1, str(path))

    def test_a_folder_that_is_no_cgroup(self):
        self.refuses(run("run", "--cgroup", "/tmp"), 1, "/tmp", "cgroup")

    def test_an_address_in_use(self):
        with http.server.HTTPServer(("127.0.0.1", 0), None) as other:
            address = f"127.0.0.1:{other.server_port}"
            done = run("run", "--cgroup", self.sandbox.cgroup, "--listen", address)
        self.refuses(done, 1, address)

    def test_a_file_of_lines_that_cannot_be_written(self):
        path = self.sandbox.folder / "none" / "lines"
        done = run("run", "--cgroup", self.sandbox.cgroup, "--json", path)
        self.refuses(done, 1, str(path))

    def test_an_unknown_option(self):
        self.refuses(run("run", "--no-such-option"), USAGE, "--no-such-option")


@each({"SIGTERM under load": (signal.SIGTERM,), "SIGINT under load": (signal.SIGINT,)})
class EndedTest(LiveTest):
    """An end in order, whatever is under way."""

    def check(self, number):
        server = servers.nginx(self.sandbox)
        agent = self.observe()
        load = threading.Thread(target=loads.wrk, args=(self.sandbox, server.url, 2))
        load.start()
        place.wait_until(lambda: agent.sums().requests > 1000, 20, "the load is seen")
        agent.process.send_signal(number)
        code = agent.process.wait(timeout=10)
        load.join()
        self.assertEqual(code, 0, self.sandbox.log("redsight"))
        self.sandbox.processes.remove(agent.process)
        text = agent.json.read_text()
        self.assertTrue(text.endswith("}\n"), "the last line is cut")
        lines = [json.loads(line) for line in text.splitlines()]
        self.say(f"{len(lines)} lines")
        served = server.counted()
        self.assertLessEqual(len(lines), sum(served.values()) + 16)


class LastLinesTest(LiveTest):
    """What was sent just before the end."""

    def test_every_line_of_what_was_answered_is_written_at_the_end(self):
        server = servers.nginx(self.sandbox)
        agent = self.observe()
        load = loads.ab(self.sandbox, server.url, 5000)
        # No pause: what is in the ring, the worker and the writer has to come out.
        lines = self.ended(agent)
        whole = [line for line in lines if line["incomplete"] is None]
        self.assertEqual((len(whole), len(lines)), (load.answered, load.answered))


class StartTest(LiveTest):
    """How soon something is seen."""

    def test_the_first_exchange_with_100_processes_in_scope(self):
        server = servers.nginx(self.sandbox)
        script = servers.copied(self.sandbox, "crowd.py")
        self.sandbox.start("crowd", sys.executable, script, server.port, PROCESSES)
        place.wait_until(lambda: "crowded" in self.sandbox.log("crowd"), 30, "all have asked")
        path, began = self.sandbox.folder / "lines", time.time()
        agent = self.sandbox.start_outside(
            "redsight", observed.BINARY, "run", "--cgroup", self.sandbox.cgroup, "--listen",
            f"127.0.0.1:{observed.free_port()}", "--json", path,
        )
        first = json.loads(self.first_line(path, "\n"))
        seen = time.time() - began
        # Sockets that are older than the agent are joined with their processes meanwhile: until
        # then their end is an address.
        named = json.loads(self.first_line(path, '"peer":"crowd"'))
        known = time.time() - began
        self.assertEqual(self.sandbox.stop(agent), 0)
        self.say(f"a line after {seen:.2f} s, of a request after "
                 f"{first['start_us'] / 1e6 - began:.2f} s, both ends named after {known:.2f} s")
        self.assertIn((first["service"], first["peer"]),
                      [("nginx", "crowd"), ("nginx", "127.0.0.1")])
        self.assertEqual(named["service"], "nginx")

    @staticmethod
    def first_line(path, word):
        """The first whole line with the word. Looks closely: the moment is the figure."""
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            text = path.read_text() if path.exists() else ""
            for line in text.splitlines(keepends=True):
                if word in line and line.endswith("\n"):
                    return line
            time.sleep(0.005)
        raise place.Refused(f"no line with {word!r} within 20 s")


if __name__ == "__main__":
    unittest.main()
