"""What a running agent answers at /api/v1: exchanges as they happen, pages, and its description."""

import json
import shutil
import socket
import subprocess
import unittest
import urllib.parse

import loads
import sandbox as place
import servers
from cases import LiveTest

# Schemas are checked against every answer; the time is bounded by the number of examples.
EXAMPLES = 10
# What schemathesis cannot know of a filter: which texts are in its grammar.
CONFIG = """
[parameters]
filter = "service=*"
"""


class Stream:
    """Server-sent events of an agent. HTTP/1.0 keeps the sizes of chunks out of the text."""

    def __init__(self, agent, query):
        host, port = agent.address.split(":")
        self.socket = socket.create_connection((host, int(port)), timeout=20)
        head = f"GET /api/v1/exchanges?{query} HTTP/1.0\r\nAccept: text/event-stream\r\n\r\n"
        self.socket.sendall(head.encode())
        self.lines = self.socket.makefile(encoding="utf-8")
        for line in self.lines:
            if line == "retry: 2000\n":
                break

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.lines.close()
        self.socket.close()

    def events(self):
        """Each event as its fields."""
        event = {}
        for line in self.lines:
            if line == "\n":
                # After a silence comes the place alone, which is no event.
                if "data" in event:
                    yield event
                event = {}
            elif not line.startswith(":"):
                name, value = line.rstrip("\n").split(": ", 1)
                event[name] = value


class ExchangesTest(LiveTest):
    """Readers see every exchange, once, or are told how many they do not."""

    def test_a_reader_that_polls_sees_every_exchange_once(self):
        server = servers.nginx(self.sandbox)
        agent = self.observe()
        start = agent.ask("/api/v1/exchanges?limit=0")["next"]
        after, rows, missed = start, [], 0

        def look():
            nonlocal after, missed
            answer = agent.ask(f"/api/v1/exchanges?after={after}&limit=4096")
            rows.extend(answer["rows"])
            after, missed = answer["next"], missed + answer["missed"]

        sent = 0
        for _ in range(5):
            sent += loads.ab(self.sandbox, server.url, requests=100).answered
            look()
        place.wait_until(lambda: look() or after - start >= sent, 20, "every exchange was read")
        numbers = [row["id"] for row in rows]
        self.assertEqual(len(rows) + missed, after - start)
        self.assertEqual(numbers, sorted(set(numbers)))
        # The reader looked on before the first request, so that all were kept.
        self.assertEqual((len(rows), missed), (sent, 0))
        by_number = {row.pop("id"): row for row in rows}
        self.assertEqual(len(by_number), sent)
        # A row is the line of --json with a number before it.
        lines = self.ended(agent)[start:]
        key = lambda line: json.dumps(line, sort_keys=True)  # noqa: E731
        self.assertEqual(sorted(map(key, rows)), sorted(map(key, lines)))

    def test_a_stream_brings_what_its_filter_keeps(self):
        server = servers.nginx(self.sandbox)
        agent = self.observe()
        query = urllib.parse.urlencode({"filter": "status=4xx method=GET"})
        with Stream(agent, query) as stream:
            loads.ab(self.sandbox, server.url, requests=50)
            wrong = f"{server.url}files/not-there"
            loads.ab(self.sandbox, wrong, requests=20)
            found = []
            for event in stream.events():
                if event.get("event") == "missed":
                    self.fail(f"too slow for seventy requests: {event}")
                found.append(json.loads(event["data"]))
                self.assertEqual(int(event["id"]), found[-1]["id"])
                if len(found) == 20:
                    break
        self.assertEqual({row["status"] for row in found}, {"404"})
        self.assertEqual(self.sandbox.stop(agent.process), 0)

    def test_readers_that_do_not_read_cost_no_exchange(self):
        server = servers.nginx(self.sandbox)
        agent = self.observe()
        sleepers = [Stream(agent, "after=0") for _ in range(16)]
        load = loads.wrk(self.sandbox, server.url)
        sums = self.account(agent, load.answered)
        self.assertGreaterEqual(sums.requests, load.answered)
        # They are told what they have not seen, once they read on.
        numbers, missed = 0, 0
        for event in sleepers[0].events():
            if event.get("event") == "missed":
                missed += json.loads(event["data"])["missed"]
            else:
                numbers += 1
            if numbers + missed >= load.answered:
                break
        self.say(f"{numbers} shown, {missed} told as missed")
        for sleeper in sleepers:
            sleeper.__exit__()
        self.assertEqual(agent.stop(), 0)


class DescriptionTest(LiveTest):
    """The description says what the agent does."""

    def test_schemathesis_finds_no_answer_that_is_not_described(self):
        command = shutil.which("schemathesis")
        if command is None:
            self.skipTest("schemathesis is not installed: pip install schemathesis")
        server = servers.nginx(self.sandbox)
        agent = self.observe()
        loads.ab(self.sandbox, server.url, requests=200)
        config = self.sandbox.folder / "schemathesis.toml"
        config.write_text(CONFIG)
        url = f"http://{agent.address}/api/v1/openapi.json"
        for checks, phases, options in (
            # Whatever is described is accepted, whatever is not is refused.
            ([], "coverage,fuzzing", ["--config-file", config]),
            # Any text as a filter gives an answer or a problem.
            (["--exclude-checks", "positive_data_acceptance"], "fuzzing", []),
        ):
            done = subprocess.run(
                [command, "--no-color", *options, "run", url, "--phases", phases, "--checks",
                 "all", *checks, "--max-examples", str(EXAMPLES), "-H", "Accept: application/json",
                 "--seed", "1", "--suppress-health-check", "all"],
                capture_output=True, text=True, timeout=300, cwd=self.sandbox.folder, check=False,
            )
            self.assertEqual(done.returncode, 0, done.stdout[-6000:] + done.stderr[-2000:])
            self.say(done.stdout.strip().splitlines()[-1].strip("= "))
        self.assertEqual(agent.stop(), 0)


if __name__ == "__main__":
    unittest.main()
