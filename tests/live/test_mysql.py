"""MariaDB: every command once, by the server's own log and by what each client says it asked."""

import collections
import json
import re
import unittest

import mariadb
import sandbox as place
import servers
from cases import each
from sandbox import program
from test_stores import StoreTest

EVENTS, THREADS = 150, 4
CLIENT = servers.PROGRAMS / "mysql_client.py"
LOGGED = re.compile(r"^(?:\d{6} [ \d:]+)?\t+ *(\d+) ([A-Z][a-z]+(?: [a-zA-Z]+)?)\t(.*)")
# Words of the server's log that are requests here, and sessions.
REQUESTS = ("Query", "Execute", "Prepare", "Init DB", "Field List", "Statistics")
UNLOGGED = ("PING", "STMT_RESET", "SET_OPTION")
# One event of sysbench's oltp_read_write, as operations on its table.
READ_WRITE = {("SELECT", "sbtest1"): 14, ("UPDATE", "sbtest1"): 2, ("DELETE", "sbtest1"): 1,
              ("INSERT", "sbtest1"): 1, ("BEGIN", ""): 1, ("COMMIT", ""): 1}


class MariadbTest(StoreTest):
    """A server that logs each command, and an agent."""

    protocol = "mysql"

    def setUp(self):
        super().setUp()
        self.log = self.sandbox.folder / "mariadb" / "data" / "general.log"
        mariadb.start(self.sandbox, "--general-log=1", f"--general-log-file={self.log}")

    def logged(self):
        """How often each command came over TCP, in the words of the server's log."""
        over_tcp, counted = set(), collections.Counter()
        for line in self.log.read_text(errors="replace").splitlines():
            if not (found := LOGGED.match(line)):
                continue
            connection, command, argument = found.groups()
            if command == "Connect" and ("using TCP/IP" in argument or "denied" in argument):
                over_tcp.add(connection)
            if connection in over_tcp:
                counted[command] += 1
        return counted

    def told(self, agent):
        """The lines of the agent, once all add up; nothing may be lost, and all is whole."""
        sums = self.account(agent)
        lines = self.ended(agent)
        if sums.lost:
            # Tens of megabytes at full speed, and no core for the agent: that is said, not hidden.
            self.assertGreater(sums.seen, 1 << 20, sums)
            self.skipTest(f"{sums.lost} of {sums.seen} bytes were lost on this machine")
        self.assertEqual({line["protocol"] for line in lines}, {"mysql"})
        self.assertEqual({line["side"] for line in lines}, {"both"})
        self.assertEqual([line for line in lines if line["incomplete"]], [])
        requests = sum(line["kind"] == "request" for line in lines)
        self.assertEqual(sums.requests, requests, "metrics and lines differ")
        self.say(f"{requests} requests, lost {sums.lost} of {sums.seen} bytes")
        return lines

    def agrees_with_the_log(self, lines):
        """Requests, logins and farewells are as many as the server logged."""
        logged = self.logged()
        kinds = collections.Counter(line["operation"] for line in lines
                                    if line["kind"] in ("session", "oneway"))
        found = {
            "requests": sum(line["kind"] == "request" and line["operation"] not in UNLOGGED
                            for line in lines),
            "Connect": kinds["Login"],
            "Quit": kinds["QUIT"],
            "Close stmt": kinds["STMT_CLOSE"],
        }
        # A refused login is logged twice: as it comes, and as it is refused.
        denied = sum(line["operation"] == "Login" and line["error"] for line in lines)
        # A database that is refused is not.
        refused = sum(line["operation"] == "INIT_DB" and line["error"] for line in lines)
        expected = {
            "requests": sum(logged[word] for word in REQUESTS) + refused,
            "Connect": logged["Connect"] - denied,
            "Quit": logged["Quit"],
            "Close stmt": logged["Close stmt"],
        }
        self.assertEqual(found, expected, logged)


@each({
    f"sysbench oltp_read_write, {name}": (options,)
    for name, options in (
        ("text", {"db_ps_mode": "disable"}),
        ("prepared", {"db_ps_mode": "auto"}),
        ("compressed", {"db_ps_mode": "disable", "mysql_compression": "on"}),
        ("prepared and compressed", {"db_ps_mode": "auto", "mysql_compression": "on"}),
    )
})
class SysbenchTest(MariadbTest):
    """sysbench counts its events and queries."""

    def check(self, options):
        script = "oltp_read_write"
        self.sandbox.run(*mariadb.sysbench(script, "prepare"))
        before = self.logged()
        agent = self.observe()
        text = self.sandbox.run(*mariadb.sysbench(
            script, "run", threads=THREADS, events=EVENTS, time=0, **options))
        events = int(re.search(r"transactions: +(\d+)", text)[1])
        queries = int(re.search(r"total: +(\d+)", text)[1])
        self.assertEqual(events, EVENTS, text)
        lines = self.told(agent)
        said = collections.Counter((line["operation"], line["target"]) for line in lines)
        # What met a deadlock is rolled back and done again.
        failed = {line["status"] for line in lines if line["error"]}
        self.assertLessEqual(failed, {"1213"})
        repeated = queries - 20 * EVENTS
        for name, count in READ_WRITE.items():
            self.assertIn(said[name] - count * EVENTS, range(repeated + 1), (name, said))
        self.assertEqual(said["COMMIT", ""], EVENTS, said)
        # What sysbench prepared before the agent ran is no part of it.
        logged = self.logged()
        logged.subtract(before)
        requests = sum(line["kind"] == "request" for line in lines)
        self.assertEqual(requests, sum(logged[word] for word in REQUESTS), logged)
        self.assertEqual(said["STMT_CLOSE", "sbtest1"] + said["STMT_CLOSE", ""],
                         logged["Close stmt"], logged)


@each({f"PyMySQL: {part}": (part,)
       for part in ("text", "errors", "several", "load", "large")})
class PymysqlTest(MariadbTest):
    """A program that says what it asked, with what outcome."""

    # As on a network: the packets of a loopback device hold more than the tap copies of one.
    mtu = 1500

    def check(self, part):
        python = servers.python_with("pymysql")
        agent = self.observe()
        text = self.sandbox.run(python, CLIENT, mariadb.PORT, self.sandbox.folder, part)
        lines = self.told(agent)
        said = collections.Counter(f"{line['operation']} {line['target'] or ''} {line['status']}"
                                   for line in lines)
        for name, count in json.loads(text).items():
            self.assertEqual(said[name], count, (name, said))
        failed = {line["status"] for line in lines if line["error"]}
        self.assertEqual(failed, {line["status"] for line in lines} - {"OK", None, ""})
        self.assertFalse("secret" in str(lines), "a literal left the parser")
        self.agrees_with_the_log(lines)


class CommandLineTest(MariadbTest):
    """The client of the distribution."""

    def test_a_compressed_client_with_results_of_every_size(self):
        agent = self.observe()
        # Each answer fits in what is copied of a turn before anyone asked for more: of compressed
        # packets every byte is needed.
        statements = ["SELECT 1", "SELECT REPEAT('long', 50000)", "SHOW TABLES",
                      "SELECT seq, MD5(seq) FROM seq_1_to_20000 LIMIT 2000", "SELECT 2"]
        self.sandbox.run(program("mariadb"), "--no-defaults", "--compress", "-h", "127.0.0.1",
                         "-P", mariadb.PORT, "-u", "app", "-psecret", "shop",
                         "-e", "; ".join(statements))
        lines = self.told(agent)
        # Lines wait for the names of who speaks, so their order is not that of the wire.
        lines.sort(key=lambda line: line["start_us"])
        said = [f"{line['operation']} {line['target'] or ''}" for line in lines]
        named = ["SELECT ", "SELECT ", "SHOW TABLES", "SELECT seq_1_to_{id}", "SELECT ", "QUIT "]
        self.assertEqual(said[-len(named):], named, said)
        self.assertEqual([line for line in lines if line["error"]], [])
        self.agrees_with_the_log(lines)


class LateTest(MariadbTest):
    """An agent that starts when all connections are in use."""

    def test_a_late_start_misses_and_never_invents(self):
        script = "oltp_read_write"
        self.sandbox.run(*mariadb.sysbench(script, "prepare"))
        load = self.sandbox.start("sysbench", *mariadb.sysbench(
            script, "run", threads=THREADS, events=0, time=6, db_ps_mode="auto", rate=60))
        place.wait_until(lambda: self.logged()["Execute"] > 50, 20, "sysbench runs")
        before = self.logged()
        agent = self.observe()
        self.assertEqual(load.wait(timeout=60), 0, self.sandbox.log("sysbench"))
        sums = self.account(agent)
        logged = self.logged()
        lines = [line for line in self.ended(agent) if line["kind"] == "request"]
        self.assertEqual(sums.lost, 0, sums)
        whole = [line for line in lines if line["incomplete"] is None]
        sent = sum(logged[word] - before[word] for word in REQUESTS)
        self.say(f"{len(whole)} of at most {sent}, {len(lines) - len(whole)} in part")
        self.assertLessEqual(len(whole), sent)
        self.assertGreater(len(whole), 50 * THREADS)
        self.assertLessEqual(len(lines) - len(whole), THREADS, lines[:20])
        # Their texts were sent before.
        self.assertEqual({line["operation"] for line in whole}, {"EXECUTE"})
        self.assertLessEqual({line["status"] for line in whole if line["error"]}, {"1213"})


if __name__ == "__main__":
    unittest.main()
