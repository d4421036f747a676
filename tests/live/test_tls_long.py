"""Long answers over TLS: most of them is passed over, and what follows them is read as ever."""

import signal
import subprocess
import sys
import time
import unittest

import sandbox as place
import scanned
import secured
import servers
from cases import LiveTest
from secured import PORT, Scene

sys.path.append(str(servers.PROGRAMS))
import keeper  # noqa: E402

SIZE = 64 << 20
SMALL = 40
NGINX = secured.NGINX.replace("location / {", "location /long { alias @FOLDER@/long; }\n"
                              "        location / {")


class LongTest(LiveTest):
    """nginx answers with a file between small requests, on one connection."""

    def begin(self):
        """The server with its probe, and the agent."""
        self.scene = Scene(self.sandbox)
        (self.sandbox.folder / "long").write_bytes(bytes(range(256)) * (SIZE // 256))
        config = self.scene.write("nginx.conf", NGINX, port=PORT)
        agent = self.observe("--tls-cache", self.sandbox.folder / "cache",
                             cgroups=[self.scene.watched])
        self.scene.serve("nginx", PORT, secured.program("nginx"), "-p", self.sandbox.folder, "-c",
                         config)
        place.wait_until(lambda: any(engine["way"] == "anchor"
                                     for process in agent.ask("/api/v1/tls")["processes"]
                                     for engine in process["engines"]), 5, "nginx has its probe")
        return agent

    def shown(self, agent, paths):
        """Every request is one line, whole, and nothing stays sealed."""
        def requests():
            return [line for line in agent.lines() if line["kind"] == "request"]
        place.wait_until(lambda: len(requests()) >= len(paths), 5, "every request is opened")
        self.assertEqual([line["target"] for line in requests() if line["target"] == "/long"],
                         ["/long"] * 2)
        self.assertEqual(len(requests()), len(paths))
        for line in requests():
            self.assertIsNone(line["incomplete"], line)
            self.assertEqual(line["response_bytes"] > SIZE, line["target"] == "/long", line)
        sums = agent.settled()
        self.say(f"{sums.bytes} of {sums.seen}")
        self.assertEqual(sums.bytes.get("sealed", 0), 0)
        return sums

    def check(self, version):
        agent = self.begin()
        paths = [f"{n}" for n in range(SMALL)] + ["long"] + [f"{n}" for n in range(SMALL)]
        paths += ["long", "last"]
        urls = "".join(f'url = "https://localhost:{PORT}/{path}"\noutput = /dev/null\n'
                       for path in paths)
        words = f"insecure\nsilent\nhttp1.1\ntls-max {version}\ntlsv{version}\n"
        curl = self.scene.start("curl", secured.program("curl"), "-K", "-",
                                cgroup=self.scene.unwatched, stdin=subprocess.PIPE)
        curl.stdin.write((words + urls).encode())
        curl.stdin.close()
        self.assertEqual(curl.wait(timeout=60), 0, self.sandbox.log("curl"))
        self.shown(agent, paths)

    def test_long_answers_of_tls_1_3(self):
        self.check("1.3")

    def test_long_answers_of_tls_1_2(self):
        self.check("1.2")

    def test_a_long_answer_before_the_agent_has_said_what_it_wants(self):
        """Its heads are there all the same: what follows is no pipeline, and not copied whole."""
        agent = self.begin()
        client = scanned.keeper(self.scene, PORT, "1.3", 1)
        paths = ["warm"] * keeper.WARM + ["long", "page", "long", "page"]
        agent.process.send_signal(signal.SIGSTOP)
        for asked, path in enumerate(paths[keeper.WARM:], 1):
            client.stdin.write(f"1 /{path}\n".encode())
            client.stdin.flush()
            log = self.sandbox.logs / "keeper"
            place.wait_until(lambda asked=asked: log.read_text().count("asked") == asked, 20, path)
            if path == "long":
                agent.process.send_signal(signal.SIGCONT)
                time.sleep(0.5)
        sums = self.shown(agent, paths)
        self.assertLess(sums.bytes["parsed"], SIZE // 16)
        self.assertEqual(sums.bytes.get("lost", 0), 0)


if __name__ == "__main__":
    unittest.main()
