"""Where no key is found, and only if it is asked for, functions of the TLS library are probed."""

import subprocess
import sys
import time
import unittest

import sandbox as place
import secured
import servers
import test_keyscan as old
from cases import each
from scanned import GET

# The key scan is off, so that a connection older than the agent has no key. It is given up after
# ten seconds; tests share the machine.
GIVEN_UP_S = 30
NEITHER = ("--no-key-scan",)
HOOKS = (*NEITHER, "--tls-hooks", "on")


def python(sandbox):
    """Python's ssl, one thread a connection: SSL_read_ex and SSL_write_ex."""
    script = servers.copied(sandbox, "tls_pages.py")
    return old.started(sandbox, "tls_pages.py", old.PORT, "sh", "-c",
                       'exec "$0" "$1" "$4" "$2" "$3"', sys.executable, script,
                       *old.certificate(sandbox))


class HooksTest(old.KeyScanTest):
    """A server with connections older than the agent, and no scan for keys."""

    @staticmethod
    def line(agent):
        """What the agent says of its plaintext probes."""
        health = agent.ask("/api/v1/health")["health"]
        return next((line["detail"] for line in health if line["name"] == "plaintext probes"), "")

    def hooked(self, agent):
        """The processes with probes, once there are some."""
        def found():
            processes = agent.ask("/api/v1/tls")["processes"]
            return [process["pid"] for process in processes
                    if any(engine["way"] == "hooks" for engine in process["engines"])]
        place.wait_until(found, GIVEN_UP_S, f"a process is probed: {self.line(agent)}")
        return found()

    def counted(self, agent, client, times, so_far, connections=old.CONNECTIONS):
        """Asks, and expects every request of it."""
        since_us = time.time_ns() // 1000
        self.ask(client, times, so_far)
        wanted = connections * times
        place.wait_until(lambda: len(self.pages(agent, since_us)) >= wanted, 10,
                         f"{wanted} requests: {len(self.pages(agent, since_us))}")
        lines = self.pages(agent, since_us)
        self.assertEqual(len(lines), wanted)
        self.assertEqual({line["status"] for line in lines}, {"200"})
        return lines


@each({
    "nginx, TLS 1.2, ChaCha20": (old.nginx, "1.2", "ECDHE-ECDSA-CHACHA20-POLY1305"),
    "Python, TLS 1.3": (python, "1.3", None),
})
class EngineTest(HooksTest):
    """The libraries of the table."""

    def check(self, server, version, suite):
        server(self.sandbox)
        client = self.client(version=version, suite=suite)
        agent = self.served(*HOOKS)
        self.ask(client, 3, 1)
        pids = self.hooked(agent)
        self.assertEqual(len(pids), 1)
        # What was under way when the probes came is not seen: a thread that waits in SSL_read.
        self.ask(client, 1, 2)
        time.sleep(1)
        self.counted(agent, client, old.ROUNDS, 3)
        self.counted(agent, client, 100, 4)
        time.sleep(2.5)
        told = self.line(agent)
        self.assertIn(f"in 1 processes (pid {pids[0]})", told)
        self.assertNotIn("lost", told)
        self.sandbox.stop(client)
        # A socket older than the agent that was reset says nothing of its last bytes.
        sums = self.settle(agent) if server is old.nginx else agent.settled()
        self.assertGreater(sums.bytes["parsed"], 0)
        self.assertLessEqual(sum(sums.bytes.values()), sums.seen)
        self.assertEqual(agent.stop(), 0)
        self.say(told)


class GnuTlsTest(HooksTest):
    """A client with GnuTLS, which is all that the agent sees."""

    def test_a_client_with_gnutls(self):
        old.nginx(self.sandbox, start=self.sandbox.start)
        script = servers.copied(self.sandbox, "keeper_piped.py")
        client = self.sandbox.start("keeper", *old.placed(
            self.sandbox, "served", "/usr/bin/python3", script, 1, GET, "a page\n",
            place.program("gnutls-cli"), "--insecure", "--port", old.PORT, "localhost"),
            stdin=subprocess.PIPE)
        self.ask(client, 1, 1)
        agent = self.served(*HOOKS)
        self.ask(client, 3, 2)
        self.hooked(agent)
        self.ask(client, 1, 3)
        time.sleep(1)
        self.counted(agent, client, old.ROUNDS, 4, connections=1)
        lines = self.counted(agent, client, 100, 5, connections=1)
        self.assertEqual({line["peer"] for line in lines}, {"gnutls-cli"})
        time.sleep(2.5)
        told = self.line(agent)
        self.assertNotIn("lost", told)
        self.assertEqual(agent.stop(), 0)
        self.say(told)


class CareTest(HooksTest):
    """What probes are put where, and what becomes of them."""

    def test_new_connections_are_opened_by_keys_and_counted_once(self):
        old.nginx(self.sandbox)
        client = self.client()
        agent = self.served(*HOOKS)
        self.ask(client, 3, 1)
        self.hooked(agent)
        since_us = time.time_ns() // 1000
        self.client()
        self.wait_for("connected", 2)
        wanted = old.CONNECTIONS * 20
        place.wait_until(lambda: len(self.pages(agent, since_us)) >= wanted, 10, "new connections")
        time.sleep(1)
        lines = self.pages(agent, since_us)
        self.assertEqual(len(lines), wanted)
        self.assertEqual({line["tls"]["version"] for line in lines}, {"1.3"})
        self.counted(agent, client, old.ROUNDS, 2)
        agent.stop()

    def test_probes_are_gone_with_the_agent(self):
        old.nginx(self.sandbox)
        client = self.client()
        agent = self.served(*HOOKS)
        self.ask(client, 3, 1)
        pid, = self.hooked(agent)
        self.assertEqual(secured.changed_code(pid, "libc.so"), {b"\xcc"})
        self.assertEqual(agent.stop(), 0)
        place.wait_until(lambda: not secured.changed_code(pid, "libc.so"), 10, "they are gone")
        self.assertEqual(secured.changed_code(pid, "libssl"), set())
        self.ask(client, old.ROUNDS, 2)

    def test_nothing_is_probed_unless_it_is_asked_for(self):
        old.nginx(self.sandbox)
        client = self.client()
        agent = self.served(*NEITHER)
        self.ask(client, 3, 1)
        place.wait_until(lambda: agent.sums().bytes.get("sealed"), GIVEN_UP_S, "they are given up")
        time.sleep(1)
        for process in agent.ask("/api/v1/tls")["processes"]:
            self.assertEqual(secured.changed_code(process["pid"], "libc.so"), set())
        self.assertEqual(self.line(agent), "")
        self.ask(client, old.ROUNDS, 2)
        agent.stop()
        self.assertEqual(self.pages(agent), [])


if __name__ == "__main__":
    unittest.main()
