"""What the agent knows of TLS stays in its memory: no secret is in anything that it gives away."""

import base64
import os
import pathlib
import signal
import subprocess
import sys
import unittest

import sandbox as place
import secured
from cases import LiveTest
from observed import BINARY

REQUESTS = 20
PAGES = ("services", "edges", "endpoints", "exchanges", "ledger", "health", "snapshot?window=0",
         "tls")
COMMANDS = ("services", "doctor", "tls", "top --once")


class SecretsTest(LiveTest):
    """nginx and curl, both watched; curl says what the secrets are."""

    def setUp(self):
        super().setUp()
        self.scene = secured.Scene(self.sandbox)

    def agent_with_secrets(self):
        """An agent that has opened requests of curl, and the secrets of their connections."""
        secured.nginx(self.scene, secured.PORT)
        agent = self.observe("--tls-cache", self.sandbox.folder / "cache")
        place.wait_until(lambda: "anchor" in agent.get("/api/v1/tls"), 5, "nginx has a probe")
        log = self.sandbox.folder / "keys"
        for number in range(REQUESTS):
            version = "--tls-max 1.2" if number % 2 else "--tlsv1.3"
            self.sandbox.run("env", f"SSLKEYLOGFILE={log}", place.program("curl"), "-sk",
                             *version.split(), f"https://127.0.0.1:{secured.PORT}/")
        agent.settled(REQUESTS)
        secrets = {line.split()[2] for line in log.read_text().splitlines() if line[0] != "#"}
        self.assertGreater(len(secrets), REQUESTS)
        return agent, secrets

    def given_away(self, agent):
        """Everything the agent says or writes, by where it is."""
        for page in PAGES:
            yield page, agent.get(f"/api/v1/{page}").encode()
        yield "metrics", agent.get("/metrics").encode()
        for command in COMMANDS:
            words = [BINARY, *command.split(), "--connect", agent.address]
            yield command, subprocess.run(words, capture_output=True, check=False).stdout
        self.assertEqual(agent.stop(), 0)
        yield "log", self.sandbox.log("redsight").encode()
        yield "lines", agent.json.read_bytes()
        for path in (self.sandbox.folder / "cache").rglob("*"):
            if path.is_file():
                yield path.name, path.read_bytes()

    def test_no_secret_is_said_or_written(self):
        agent, secrets = self.agent_with_secrets()
        forms = [form for secret in map(bytes.fromhex, secrets)
                 for form in (secret, secret.hex().encode(), secret.hex().upper().encode(),
                              base64.b64encode(secret).rstrip(b"="))]
        opened = 0
        for where, text in self.given_away(agent):
            found = [form for form in forms if form in text]
            self.assertEqual(found, [], f"a secret is in {where}")
            opened += text.count(b'"tls":{"version":"1.') if where == "lines" else 0
        # It had them.
        self.assertGreaterEqual(opened, REQUESTS)
        self.say(f"{len(secrets)} secrets")

    def test_a_crash_leaves_no_core_file(self):
        agent, _ = self.agent_with_secrets()
        pid = agent.process.pid
        limits = pathlib.Path(f"/proc/{pid}/limits").read_text()
        core = next(line for line in limits.splitlines() if line.startswith("Max core"))
        self.assertEqual(core.split()[4:6], ["0", "0"])
        os.kill(pid, signal.SIGABRT)
        ended = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        self.assertEqual((ended.si_code, ended.si_status), (os.CLD_KILLED, signal.SIGABRT))
        agent.process.wait()


if __name__ == "__main__":
    sys.exit(unittest.main())
