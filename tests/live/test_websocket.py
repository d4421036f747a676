"""A WebSocket chat: each message, ping and closing handshake once, also from a late start."""

import collections
import json
import subprocess
import unittest

import sandbox as place
import servers
from cases import LiveTest

PORT, CLIENTS, MESSAGES = 8765, 8, 40
CHAT = servers.PROGRAMS / "chat.py"


class ChatTest(LiveTest):
    """Clients, a server, and what both said."""

    def setUp(self):
        super().setUp()
        self.python = servers.python_with("websockets")
        server = self.sandbox.start("chat", self.python, CHAT, "serve", PORT)
        self.sandbox.wait_for_port(PORT, server)

    def start_talk(self):
        """The talkers, who wait after their first message."""
        pipe = subprocess.PIPE
        return self.sandbox.start(
            "talk", self.python, CHAT, "talk", PORT, CLIENTS, MESSAGES, "pause",
            stdin=pipe, stdout=pipe,
        )

    def heard(self, lines):
        """What the lines say, in the words of the talkers."""
        heard = collections.Counter()
        for line in lines:
            if line["protocol"] != "websocket":
                continue
            self.assertEqual(line["incomplete"], None, line)
            name = line["operation"]
            if name == "CLOSE":
                name += f" {line['status']}"
                self.assertEqual(line["error"], line["status"] == "1011", line)
            heard[line["kind"], name] += 1
        return heard

    def expected(self, sent):
        """The same of what was sent."""
        text, binary = sent["TEXT"], sent["BINARY"]
        return collections.Counter({
            ("oneway", "TEXT"): text, ("push", "TEXT"): text - sent["TEXT unanswered"],
            ("oneway", "BINARY"): binary, ("push", "BINARY"): binary,
            ("session", "PING"): sent["PING"],
            ("session", "CLOSE 1000"): sent["CLOSE 1000"],
            ("session", "CLOSE 1011"): sent["CLOSE 1011"],
        })

    def test_everything_said_is_counted_once(self):
        agent = self.observe()
        output, _ = self.start_talk().communicate(b"\n", timeout=60)
        sent = json.loads(output)
        sums = self.account(agent)
        lines = self.ended(agent)
        self.say(f"{sum(sent.values())} sent, lost {sums.lost}")
        self.assertEqual(sums.lost, 0)
        self.assertEqual(self.heard(lines), self.expected(sent))
        targets = {line["target"] for line in lines}
        self.assertEqual(targets, {"/rooms/lobby", "/rooms/kitchen"})
        versions = {line["version"] for line in lines if line["protocol"] == "websocket"}
        self.assertEqual(versions, {"13", "13+permessage-deflate"})

    def test_a_late_start_misses_and_never_invents(self):
        talk = self.start_talk()
        counted = "len([s for s in open('/proc/net/tcp') if ':223D' in s and ' 01 ' in s])"
        established = ["python3", "-c", f"print({counted})"]
        place.wait_until(lambda: int(self.sandbox.run(*established)) >= 2 * CLIENTS, 20, "all talk")
        agent = self.observe()
        output, _ = talk.communicate(b"\n", timeout=60)
        expected = self.expected(json.loads(output))
        sums = self.account(agent)
        lines = [line for line in self.ended(agent) if line["incomplete"] is None]
        heard = self.heard(lines)
        self.say(f"{sum(heard.values())} of {sum(expected.values())}, lost {sums.lost}")
        for what, count in heard.items():
            self.assertLessEqual(count, expected[what], what)
        self.assertGreater(heard["oneway", "TEXT"], 0)
        self.assertEqual({line["target"] for line in lines}, {""})


if __name__ == "__main__":
    unittest.main()
