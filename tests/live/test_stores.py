"""Redis and PostgreSQL: every command of a pipeline, every execution, in every way to send them."""

import collections
import json
import re
import subprocess
import unittest

import loads
import observed
import servers
from cases import LiveTest, each
from sandbox import program

REDIS_REQUESTS = 48_000
TRANSACTIONS, CLIENTS = 250, 4
LONG_ANSWERS, LOADED = 12, 10_000


def reads(protocol):
    """True if the agent under test knows the protocol."""
    done = subprocess.run([observed.BINARY, "protocols", "-o", "json"], capture_output=True,
                          text=True, check=True)
    return protocol in {row["name"] for row in json.loads(done.stdout)}


class StoreTest(LiveTest):
    """A store and a benchmark of its own."""

    protocol = ""

    def setUp(self):
        super().setUp()
        if not reads(self.protocol):
            self.skipTest(f"this build does not read {self.protocol}")

    def counted(self, agent, key, expected=None):
        """How often each key is among the requests, once the sums add up without loss."""
        sums = self.account(agent, expected)
        lines = [line for line in self.ended(agent) if line["kind"] == "request"]
        self.say(f"{len(lines)} requests, lost {sums.lost} of {sums.seen} bytes")
        self.assertEqual(sums.lost, 0, sums)
        self.assertEqual(sums.requests, len(lines), "metrics and lines differ")
        self.assertEqual({line["protocol"] for line in lines}, {self.protocol})
        self.assertEqual({line["side"] for line in lines}, {"both"})
        failed = [line for line in lines if line["error"] or line["incomplete"]]
        self.assertEqual(failed, [])
        return collections.Counter(map(key, lines))


@each({f"redis-benchmark -P{depth}": (depth,) for depth in (1, 16)})
class RedisTest(StoreTest):
    """The server's own count of each command is the truth."""

    protocol = "redis"

    def check(self, depth):
        server = servers.redis(self.sandbox)
        agent = self.observe()
        sent = loads.redis_benchmark(self.sandbox, server.port, REDIS_REQUESTS, depth)
        text = self.sandbox.run(program("redis-cli"), "-p", server.port, "INFO", "commandstats")
        calls = {name.upper(): int(count)
                 for name, count in re.findall(r"cmdstat_(\w+):calls=(\d+)", text)}
        said = self.counted(agent, lambda line: line["operation"], 4 * REDIS_REQUESTS)
        for name, count in sent.items():
            self.assertEqual((said[name], calls[name]), (count, count), name)


# One transaction of each built-in script, as operations on tables; END is another word for COMMIT.
SELECT_ONLY = {("SELECT", "pgbench_accounts"): 1}
TPCB = {
    ("BEGIN", ""): 1,
    ("UPDATE", "pgbench_accounts"): 1,
    ("SELECT", "pgbench_accounts"): 1,
    ("UPDATE", "pgbench_tellers"): 1,
    ("UPDATE", "pgbench_branches"): 1,
    ("INSERT", "pgbench_history"): 1,
    ("END", ""): 1,
}
MODES = ("simple", "extended", "prepared")


@each({
    f"pgbench, {script}, {mode}": (script, mode, statements)
    for script, statements in (("select-only", SELECT_ONLY), ("tpcb-like", TPCB))
    for mode in MODES
})
class PostgresqlTest(StoreTest):
    """pgbench counts its transactions."""

    protocol = "postgresql"

    def check(self, script, mode, statements):
        server = servers.database(self.sandbox)
        agent = self.observe()
        done = loads.pgbench(self.sandbox, server.port, mode, TRANSACTIONS, CLIENTS, script)
        self.assertEqual(done, TRANSACTIONS * CLIENTS)
        expected = {key: count * done for key, count in statements.items()}
        said = self.counted(agent, self.statement, sum(expected.values()))
        found = {key: said.get(key, 0) for key in expected}
        self.assertEqual(found, expected, said)
        # What is left is what pgbench asks before it begins.
        self.assertLessEqual(said.total() - sum(expected.values()), 5 * CLIENTS, said)

    @staticmethod
    def statement(line):
        """Operation and first table of a line."""
        return line["operation"], line["target"].split(" ")[-1]


class BulkTest(StoreTest):
    """redis-cli loads a file: one pipeline, far longer than what the tap copies of a turn."""

    protocol = "redis"
    mtu = 1500

    def test_the_first_pipeline_of_a_connection_is_read_whole(self):
        server = servers.redis(self.sandbox)
        agent = self.observe()
        commands = self.sandbox.folder / "commands"
        with open(commands, "wb") as file:
            for number in range(LOADED):
                key = b"key:%d" % number
                file.write(b"*3\r\n$3\r\nSET\r\n$%d\r\n%s\r\n$5\r\nvalue\r\n" % (len(key), key))
        for _ in range(LONG_ANSWERS):
            with open(commands, "rb") as file:
                self.sandbox.run(program("redis-cli"), "-p", server.port, "--pipe", stdin=file)
        said = self.counted(agent, lambda line: line["operation"], LONG_ANSWERS * (LOADED + 1))
        self.assertEqual(said, {"SET": LONG_ANSWERS * LOADED, "ECHO": LONG_ANSWERS})


class LongAnswersTest(StoreTest):
    """Every program connects, asks for a megabyte, and goes."""

    protocol = "postgresql"
    mtu = 1500

    def test_the_first_answer_of_a_connection_is_read_whole(self):
        server = servers.database(self.sandbox)
        agent = self.observe()
        statement = "SELECT n, md5(n::text) FROM generate_series(1, 25000) n"
        for _ in range(LONG_ANSWERS):
            self.sandbox.run(*loads.as_postgres(
                loads.postgresql("psql"), "-h", "127.0.0.1", "-p", server.port, "-c", statement,
                "postgres"))
        said = self.counted(agent, lambda line: line["operation"], LONG_ANSWERS)
        self.assertEqual(said, {"SELECT": LONG_ANSWERS})


if __name__ == "__main__":
    unittest.main()
