"""DNS: as many lookups as were made, by status and type; transfers; names for those asked for."""

import collections
import re
import sys
import unittest

import nameservers
import sandbox as place
import servers
from cases import LiveTest, each
from nameservers import BIND, PEER
from sandbox import program

QUESTIONS = ["www.x.test A", "www.x.test AAAA", "api.x.test A", "nope.x.test A"]
TIMES = 1000


class DnsTest(LiveTest):
    """A name server and those who ask it."""

    def lookups(self, agent, count):
        """The lines once there are as many as that, by what they say."""
        sums = self.account(agent, count)
        self.assertEqual(sums.lost, 0)
        self.assertEqual(sums.bytes.get("unknown", 0), 0)
        return [line for line in self.ended(agent) if line["protocol"] == "dns"]


@each({
    "Unbound under dnsperf": (nameservers.unbound, "udp", QUESTIONS),
    "BIND under dnsperf": (nameservers.bind, "udp", [*QUESTIONS, "www.y.test MX"]),
    "Unbound under dnsperf over TCP": (nameservers.unbound, "tcp", QUESTIONS),
    "BIND under dnsperf over TCP": (nameservers.bind, "tcp", [*QUESTIONS, "broken.test A"]),
})
class LoadTest(DnsTest):
    """Every lookup once, with its status."""

    def check(self, start, mode, questions):
        server = start(self.sandbox)
        agent = self.observe()
        codes = nameservers.dnsperf(self.sandbox, server.port, questions, times=TIMES, mode=mode)
        count = sum(codes.values())
        self.assertEqual(count, TIMES * len(questions))
        lines = self.lookups(agent, count)
        self.assertEqual(collections.Counter(line["status"] for line in lines), codes)
        asked = collections.Counter(f'{line["target"]} {line["operation"]}' for line in lines)
        self.assertEqual(asked, {question: TIMES for question in questions})
        said = {(line["service"], line["peer"], line["side"], line["incomplete"])
                for line in lines}
        self.assertEqual(said, {(server.name, "dnsperf", "both", None)})
        self.say(f"{count} lookups")


class DigTest(DnsTest):
    """What dig asks, and what it is told."""

    def asked(self, start, *questions):
        """The lines of these questions to this server."""
        server = start(self.sandbox)
        agent = self.observe()
        for words in questions:
            nameservers.dig(self.sandbox, server.port, *words)
        return [(line["operation"], line["target"], line["status"], line["error"],
                 line["client_error"]) for line in self.lookups(agent, len(questions))]

    def test_errors_by_name(self):
        lines = self.asked(nameservers.bind, ["www.x.test"], ["nope.x.test", "AAAA"],
                           ["broken.test"], ["elsewhere.test", "SRV"], ["+tcp", "www.x.test"],
                           ["-x", "192.0.2.1"])
        self.assertEqual(lines, [
            ("A", "www.x.test", "NOERROR", False, False),
            ("AAAA", "nope.x.test", "NXDOMAIN", False, True),
            ("A", "broken.test", "SERVFAIL", True, False),
            ("SRV", "elsewhere.test", "REFUSED", True, False),
            ("A", "www.x.test", "NOERROR", False, False),
            ("PTR", "{ip}.in-addr.arpa", "REFUSED", True, False),
        ])

    def test_a_truncated_answer_and_the_same_question_over_tcp(self):
        server = nameservers.bind(self.sandbox)
        agent = self.observe()
        nameservers.dig(self.sandbox, server.port, "+bufsize=512", "big.x.test", "TXT")
        first, second = self.lookups(agent, 2)
        for line in first, second:
            self.assertEqual((line["operation"], line["target"], line["status"]),
                             ("TXT", "big.x.test", "NOERROR"))
        self.assertLess(first["response_bytes"], 512)
        self.assertGreater(second["response_bytes"], 8 * 200)

    def test_a_transfer_ends_with_its_last_message(self):
        # Less than what is copied of a turn unasked, whoever has the processor meanwhile.
        server = nameservers.bind(self.sandbox, names=2000)
        agent = self.observe()
        text = nameservers.dig(self.sandbox, server.port, "x.test", "AXFR")
        size = re.search(r"XFR size: (\d+) records \(messages (\d+), bytes (\d+)\)", text)
        records, messages, size = map(int, size.groups())
        self.assertGreater(records, 2000)
        [line] = self.lookups(agent, 1)
        self.assertEqual((line["operation"], line["target"], line["status"]),
                         ("AXFR", "x.test", "NOERROR"))
        # A length stands before each message.
        self.assertEqual(line["response_bytes"], size + 2 * messages)
        self.assertGreater(line["duration_us"], line["ttfb_us"])
        self.say(f"{messages} messages")

    def test_nobody_answers(self):
        silent = "import socket, time; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); "
        silent += f"s.bind(('127.0.0.1', {BIND})); print('bound', flush=True); time.sleep(60)"
        self.sandbox.start("silent", sys.executable, "-c", silent)
        log = self.sandbox.logs / "silent"
        place.wait_until(lambda: "bound" in log.read_text(), 20, "the server is bound")
        agent = self.observe()
        with self.assertRaises(place.Refused):
            nameservers.dig(self.sandbox, BIND, "+timeout=1", "www.x.test")
        [line] = self.lookups(agent, 1)
        self.assertEqual((line["incomplete"], line["duration_us"]), ("timeout", None))


class NamesTest(DnsTest):
    """Those outside of the scope are called what they were asked for by."""

    def placed(self, name, *words):
        """A command that runs in a child of the sandbox's cgroup."""
        folder = self.sandbox.cgroup / name
        folder.mkdir(exist_ok=True)
        return ["sh", "-c", 'echo 0 > "$0/cgroup.procs"; exec "$@"', folder, *words]

    def test_a_peer_outside_has_the_name_that_was_asked_for(self):
        server = nameservers.bind(self.sandbox)
        port = servers.BACKEND

        def far(label, *words):
            return self.sandbox.start(label, *self.placed("far", *words))
        servers.nginx(self.sandbox, host=PEER, port=port, start=far)
        dig = [program("dig"), "-p", server.port, "@127.0.0.1", "api.x.test"]
        ask = [sys.executable, "-c", ASK, PEER, port]
        # Of another address of this machine nobody is asked for the name.
        servers.nginx(self.sandbox, host=UNASKED, port=port + 1, start=far)
        mean = [sys.executable, "-c", MEAN, UNASKED, port + 1, "meant.x.test"]
        self.placed("near")
        agent = self.observe(cgroups=[self.sandbox.cgroup / "near"])
        for command in ask, dig, ask, mean:
            self.sandbox.run(*self.placed("near", *command))
        self.account(agent, 3)
        services = agent.ask("/api/v1/services?window=0")["services"]
        entities = [row["entity"] for row in services]
        reasons = {entity["name"]: entity["reason"] for entity in entities}
        self.assertEqual(reasons["api.x.test"], "DNS answer")
        self.assertEqual(reasons["meant.x.test"], "TLS SNI")
        self.assertEqual(reasons[f"{PEER}:{port}"], "address")
        asked = [line["service"] for line in self.ended(agent) if line["protocol"] == "http1"]
        self.assertEqual(asked, [f"{PEER}:{port}", "api.x.test"])


UNASKED = "127.0.0.10"
# The server speaks no TLS: whom the client means is said before that comes out.
MEAN = """
import contextlib, socket, ssl, sys, time
for attempt in range(100):
    with contextlib.suppress(ConnectionRefusedError):
        end = socket.create_connection((sys.argv[1], int(sys.argv[2])), 10)
        break
    time.sleep(0.1)
with contextlib.suppress(ssl.SSLError, OSError):
    ssl.create_default_context().wrap_socket(end, server_hostname=sys.argv[3])
"""
ASK = """
import socket, sys, time
for attempt in range(100):
    try:
        end = socket.create_connection((sys.argv[1], int(sys.argv[2])), 10)
        break
    except ConnectionRefusedError:
        time.sleep(0.1)
end.sendall(b"GET /page HTTP/1.0\\r\\n\\r\\n")
while end.recv(4096):
    pass
"""


class FlowsTest(DnsTest):
    """A port for each question, as resolvers do it."""

    def test_a_new_port_for_each_question(self):
        server = nameservers.unbound(self.sandbox)
        agent = self.observe()
        count = 3000
        self.sandbox.run(sys.executable, "-c", FRESH, str(server.port), str(count))
        lines = self.lookups(agent, count)
        self.assertEqual(len(lines), count)
        self.assertEqual({line["status"] for line in lines}, {"NOERROR"})
        self.assertEqual(len({line["client"] for line in lines}), count)


FRESH = """
import socket, struct, sys
question = b"\\3www\\1x\\4test\\0\\0\\1\\0\\1"
for number in range(int(sys.argv[2])):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
        end.bind(("127.0.0.1", 20000 + number))
        end.connect(("127.0.0.1", int(sys.argv[1])))
        end.send(struct.pack(">6H", number, 0x100, 1, 0, 0, 0) + question)
        end.settimeout(10)
        end.recv(4096)
"""


if __name__ == "__main__":
    unittest.main()
