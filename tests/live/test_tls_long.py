"""Long answers over TLS: most of them is passed over, and what follows them is read as ever."""

import json
import subprocess
import unittest

import sandbox as place
import secured
from cases import LiveTest
from secured import PORT, Scene

SIZE = 64 << 20
SMALL = 40
NGINX = secured.NGINX.replace("location / {", "location /long { alias @FOLDER@/long; }\n"
                              "        location / {")


class LongTest(LiveTest):
    """nginx answers with a file between small requests, on one connection."""

    def check(self, version):
        scene = Scene(self.sandbox)
        (self.sandbox.folder / "long").write_bytes(bytes(range(256)) * (SIZE // 256))
        config = scene.write("nginx.conf", NGINX, port=PORT)
        agent = self.observe("--tls-cache", self.sandbox.folder / "cache", cgroups=[scene.watched])
        scene.serve("nginx", PORT, secured.program("nginx"), "-p", self.sandbox.folder, "-c",
                    config)
        place.wait_until(lambda: any(engine["way"] == "anchor"
                                     for process in agent.ask("/api/v1/tls")["processes"]
                                     for engine in process["engines"]), 5, "nginx has its probe")
        paths = [f"{n}" for n in range(SMALL)] + ["long"] + [f"{n}" for n in range(SMALL)]
        paths += ["long", "last"]
        urls = "".join(f'url = "https://localhost:{PORT}/{path}"\noutput = /dev/null\n'
                       for path in paths)
        words = f"insecure\nsilent\nhttp1.1\ntls-max {version}\ntlsv{version}\n"
        curl = scene.start("curl", secured.program("curl"), "-K", "-", cgroup=scene.unwatched,
                           stdin=subprocess.PIPE)
        curl.stdin.write((words + urls).encode())
        curl.stdin.close()
        self.assertEqual(curl.wait(timeout=60), 0, self.sandbox.log("curl"))

        def requests():
            lines = [json.loads(line) for line in agent.json.read_text().splitlines()]
            return [line for line in lines if line["kind"] == "request"]
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

    def test_long_answers_of_tls_1_3(self):
        self.check("1.3")

    def test_long_answers_of_tls_1_2(self):
        self.check("1.2")


if __name__ == "__main__":
    unittest.main()
