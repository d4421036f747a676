"""Connections that were open before the agent started: their keys are found in memory."""

import os
import signal
import subprocess
import sys
import time

import sandbox as place
import servers
from cases import LiveTest, each

PORT, SERVER_PORT = 18443, 18444
CONNECTIONS, ROUNDS = 3, 5
# From the first bytes the agent sees to the first request it shows. Where no key schedule is kept,
# memory is read several times; the scan has the lowest priority, and tests share the machine.
OPENED_S, WITHOUT_SCHEDULE_S = 2.0, 5.0
# More records than are guessed of every key at first.
SENT_BEFORE = 70_000
# Longer with KEYSCAN_SECONDS: so many key updates, one a second, and so long of garbage collection.
LONG_S = int(os.environ.get("KEYSCAN_SECONDS", "0"))
UPDATES, UPDATE_EVERY_S = (LONG_S, 1.0) if LONG_S else (10, 0.2)
CHURN_S = LONG_S or 5
LOCATIONS = """
        ssl_certificate @CERTIFICATE@;
        ssl_certificate_key @KEY@;
        ssl_protocols TLSv1.2 TLSv1.3;
        ssl_ciphers ALL:@SECLEVEL=0;
        location / { return 200 "a page\\n"; }
"""


def certificate(sandbox):
    """A certificate and its key, made for the test."""
    files = sandbox.folder / "certificate.pem", sandbox.folder / "key.pem"
    sandbox.run(place.program("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt",
                "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=localhost", "-days", 1,
                "-out", files[0], "-keyout", files[1], inside=False)
    return files


def placed(sandbox, name, *words):
    """A command that runs in a child of the sandbox's cgroup."""
    (sandbox.cgroup / name).mkdir(exist_ok=True)
    join = 'echo 0 > "$0/cgroup.procs"; exec "$@"'
    return ["sh", "-c", join, sandbox.cgroup / name, *words]


def started(sandbox, name, port, *command):
    """A server of this suite."""
    process = sandbox.start(name, *placed(sandbox, "served", *command, port))
    sandbox.wait_for_port(port, process, seconds=60)
    return process


def nginx(sandbox, port=PORT, start=None):
    """nginx: the distribution's OpenSSL."""
    files = certificate(sandbox)
    locations = LOCATIONS.replace("@CERTIFICATE@", str(files[0])).replace("@KEY@", str(files[1]))
    def start_served(name, *words):
        return sandbox.start(name, *placed(sandbox, "served", *words))
    return servers.nginx(sandbox, port=port, listen="ssl", locations=locations,
                         start=start or start_served).process


def go(sandbox):
    """Go's crypto/tls."""
    compiler = next((str(path) for path in servers.GO if path.exists()), None)
    compiler = compiler or place.program("go")
    binary = sandbox.folder / "secure-go"
    environment = os.environ | {"GOCACHE": "/tmp/redsight-live-go", "GO111MODULE": "off",
                                "CGO_ENABLED": "0", "GOTOOLCHAIN": "local"}
    sandbox.run(compiler, "build", "-ldflags", "-s -w", "-o", binary,
                servers.PROGRAMS / "secure.go", inside=False, env=environment)
    return started(sandbox, "secure-go", PORT, binary, *certificate(sandbox))


def java(*options):
    """Java's JSSE, with a collector."""
    def start(sandbox):
        source = servers.copied(sandbox, "Secure.java")
        files, store = certificate(sandbox), sandbox.folder / "store.p12"
        sandbox.run(place.program("openssl"), "pkcs12", "-export", "-in", files[0], "-inkey",
                    files[1], "-out", store, "-passout", "pass:redsight", inside=False)
        return started(sandbox, "Secure", PORT, place.program("java"), "-Xmx256m", *options,
                       source, store)
    return start


class KeyScanTest(LiveTest):
    """A server and a client whose connections are older than the agent."""

    def client(self, connections=CONNECTIONS, version="1.3", suite=None, port=PORT, options=""):
        """The client, connected and warm; the options are of OpenSSL's configuration."""
        environment = dict(os.environ)
        ciphers = [suite] if suite and version == "1.2" else []
        if suite and version == "1.3":
            options = f"Ciphersuites = {suite}"
        if options:
            config = self.sandbox.folder / "openssl.cnf"
            config.write_text("openssl_conf = a\n[a]\nssl_conf = b\n[b]\nsystem_default = c\n[c]\n"
                              f"{options}\n")
            environment["OPENSSL_CONF"] = str(config)
        script = servers.copied(self.sandbox, "keeper.py")
        client = self.sandbox.start("keeper", "/usr/bin/python3", script, port, connections,
                                    version, *ciphers, stdin=subprocess.PIPE, env=environment)
        self.wait_for("connected", 1)
        return client

    def served(self, *options):
        """An agent that observes the server alone: the keys are not to be the client's."""
        return self.observe(*options, cgroups=[self.sandbox.cgroup / "served"])

    def wait_for(self, word, count, seconds=60):
        """Waits until the client has said the word that often."""
        log = self.sandbox.logs / "keeper"
        place.wait_until(lambda: log.read_text().split().count(word) >= count, seconds, word)

    def ask(self, client, times, so_far):
        """Lets it ask so often over each connection."""
        client.stdin.write(f"{times}\n".encode())
        client.stdin.flush()
        self.wait_for("asked", so_far)

    PROTOCOL = "http1"

    @classmethod
    def pages(cls, agent, since_us=0):
        """Requests shown, of those that began since then."""
        return [line for line in agent.lines()
                if line["protocol"] == cls.PROTOCOL and line["start_us"] >= since_us]

    def opened_within(self, agent, seconds):
        """How long until the first request was shown."""
        began = time.monotonic()
        while not self.pages(agent):
            if time.monotonic() - began > seconds:
                self.fail(f"nothing was opened within {seconds} s: {self.scan(agent)}")
            time.sleep(0.02)
        return time.monotonic() - began

    def opened(self, agent, _client, within):
        """How long until the first request was shown, and how often the client has been told to
        ask by then."""
        return self.opened_within(agent, within), 1

    @staticmethod
    def scan(agent):
        """What the agent says of its scans."""
        health = agent.ask("/api/v1/health")["health"]
        return next((line["detail"] for line in health if line["name"] == "key scan"), None)

    def settle(self, agent):
        """The sums once what waited for a key has been given up: a connection that rests is seen to
        twice a minute."""
        def adds_up():
            sums = agent.sums()
            return sums.seen and sum(sums.bytes.values()) == sums.seen
        place.wait_until(adds_up, 60, "the ledger adds up")
        return self.account(agent)

    def exact(self, agent, client, connections=CONNECTIONS, rounds=ROUNDS, version="1.3",
              within=OPENED_S):
        """A few requests show the keys; all that follow are counted."""
        self.ask(client, 3, 1)
        seconds, asked = self.opened(agent, client, within)
        # Connections beyond the first ones.
        time.sleep(1.5)
        since_us = time.time_ns() // 1000
        self.ask(client, rounds, asked + 1)
        wanted = connections * rounds
        place.wait_until(lambda: len(self.pages(agent, since_us)) >= wanted, 10, "all requests")
        self.account(agent)
        told = self.scan(agent)
        processes = agent.ask("/api/v1/tls")["processes"]
        agent.stop()
        self.assertEqual(sum(process["opened"] for process in processes), connections)
        lines = self.pages(agent, since_us)
        self.assertEqual(len(lines), wanted)
        self.assertEqual({line["status"] for line in lines}, {"200"})
        self.assertEqual({line["tls"]["version"] for line in lines}, {version})
        self.say(f"{seconds:.2f} s; {told}")


@each({
    "nginx, TLS 1.3, AES-128": (nginx, "1.3", "TLS_AES_128_GCM_SHA256"),
    "nginx, TLS 1.3, ChaCha20": (nginx, "1.3", "TLS_CHACHA20_POLY1305_SHA256"),
    "nginx, TLS 1.2, AES-256-GCM": (nginx, "1.2", "ECDHE-ECDSA-AES256-GCM-SHA384"),
    "nginx, TLS 1.2, AES-128-GCM": (nginx, "1.2", "ECDHE-ECDSA-AES128-GCM-SHA256"),
    "nginx, TLS 1.2, ChaCha20": (nginx, "1.2", "ECDHE-ECDSA-CHACHA20-POLY1305"),
    "nginx, TLS 1.2, AES-128-CCM": (nginx, "1.2", "ECDHE-ECDSA-AES128-CCM"),
    "nginx, TLS 1.2, AES-256-CCM8": (nginx, "1.2", "ECDHE-ECDSA-AES256-CCM8"),
    "Go, TLS 1.3, ChaCha20": (go, "1.3", "TLS_CHACHA20_POLY1305_SHA256"),
})
class OldTest(KeyScanTest):
    """The ciphers; the engines are in test_tls_older."""

    def check(self, server, version, suite):
        server(self.sandbox)
        client = self.client(version=version, suite=suite)
        within = WITHOUT_SCHEDULE_S if "CHACHA" in suite else OPENED_S
        self.exact(self.served(), client, version=version, within=within)


class AskingTest(KeyScanTest):
    """The client goes on asking until its connections are opened."""

    def opened(self, agent, client, within):
        began, asked = time.monotonic(), 1
        while not self.pages(agent):
            if time.monotonic() - began > within:
                self.fail(f"nothing was opened within {within} s: {self.scan(agent)}")
            asked += 1
            self.ask(client, 1, asked)
            time.sleep(0.05)
        return time.monotonic() - began, asked


@each({
    "nginx, TLS 1.2, AES-128-CBC": ("ECDHE-ECDSA-AES128-SHA256", ""),
    "nginx, TLS 1.2, AES-128-CBC, MAC inside": (
        "ECDHE-ECDSA-AES128-SHA256", "Options = -EncryptThenMac"),
    "nginx, TLS 1.2, AES-256-CBC, MAC inside": (
        "ECDHE-ECDSA-AES256-SHA384", "Options = -EncryptThenMac"),
})
class CbcTest(AskingTest):
    """AES-CBC is proven on eight records."""

    def check(self, suite, options):
        nginx(self.sandbox)
        client = self.client(version="1.2", suite=suite, options=options)
        self.exact(self.served(), client, version="1.2")


class ManyTest(KeyScanTest):
    """Many connections, foreign keys, keys that change, and a switch."""

    def test_a_thousand_connections_of_one_nginx(self):
        nginx(self.sandbox)
        client = self.client(connections=1000)
        self.exact(self.served(), client, connections=1000, rounds=2)

    def test_records_of_tls_1_2_with_high_numbers(self):
        nginx(self.sandbox)
        client = self.client(connections=1, version="1.2")
        # OpenSSL's explicit nonces begin anywhere, so how many there were is guessed.
        self.ask(client, SENT_BEFORE, 1)
        agent = self.served()
        self.ask(client, 3, 2)
        seconds = self.opened_within(agent, WITHOUT_SCHEDULE_S)
        since_us = time.time_ns() // 1000
        self.ask(client, ROUNDS, 3)
        place.wait_until(lambda: len(self.pages(agent, since_us)) >= ROUNDS, 10, "all requests")
        told = self.scan(agent)
        self.account(agent)
        agent.stop()
        self.assertEqual(len(self.pages(agent, since_us)), ROUNDS)
        self.say(f"{seconds:.2f} s; {told}")

    def test_connections_opened_while_the_taps_were_off(self):
        nginx(self.sandbox)
        agent = self.served()
        agent.process.send_signal(signal.SIGUSR1)
        time.sleep(1)
        client = self.client(version="1.2")
        agent.process.send_signal(signal.SIGUSR1)
        time.sleep(0.5)
        # Nobody has seen who made the sockets.
        self.exact(agent, client, version="1.2")

    def test_keys_of_another_process_open_nothing(self):
        files = certificate(self.sandbox)
        nginx(self.sandbox, port=SERVER_PORT)
        relay = servers.copied(self.sandbox, "relay.py")
        process = self.sandbox.start("relay", *placed(
            self.sandbox, "relay", sys.executable, relay, PORT, SERVER_PORT, *files))
        self.sandbox.wait_for_port(PORT, process)
        client = self.client()
        agent = self.observe(cgroups=[self.sandbox.cgroup / "relay"])
        for number in range(1, 5):
            self.ask(client, 3, number)
            time.sleep(1)
        told = self.scan(agent)
        # What passes once nobody hopes for a key is told of although the connections go on.
        sums = self.settle(agent)
        self.sandbox.stop(client)
        agent.stop()
        self.assertEqual(self.pages(agent), [])
        self.assertGreater(sums.bytes.get("sealed", 0), 0)
        self.assertIn(" 0 keys proven", told)
        self.say(told)

    def test_key_updates_are_followed(self):
        nginx(self.sandbox)
        log = self.sandbox.logs / "s_client"
        client = self.sandbox.start(
            "s_client", place.program("openssl"), "s_client", "-connect", f"127.0.0.1:{PORT}",
            "-tls1_3", stdin=subprocess.PIPE)

        def ask(times):
            for _ in range(times):
                before = log.read_bytes().count(b"a page")
                client.stdin.write(b"GET /page HTTP/1.1\r\nHost: localhost\r\n\r\n")
                client.stdin.flush()
                place.wait_until(lambda: log.read_bytes().count(b"a page") > before, 10, "a page")
        ask(5)
        agent = self.served()
        ask(3)
        seconds = self.opened_within(agent, OPENED_S)
        # The secret may be found after the key.
        time.sleep(1.5)
        since_us = time.time_ns() // 1000
        for _ in range(UPDATES):
            # With a request that the peer does the same.
            client.stdin.write(b"K\n")
            client.stdin.flush()
            began = time.monotonic()
            # In one read with what follows, that would be of the command.
            time.sleep(0.1)
            ask(2)
            time.sleep(max(0, UPDATE_EVERY_S - (time.monotonic() - began)))
        wanted = 2 * UPDATES
        place.wait_until(lambda: len(self.pages(agent, since_us)) >= wanted, 10, "all requests")
        told = self.scan(agent)
        agent.stop()
        self.assertEqual(len(self.pages(agent, since_us)), wanted)
        self.say(f"{seconds:.2f} s; {told}")

    def test_a_jvm_that_collects_garbage_all_the_time(self):
        java("-XX:+UseG1GC", "-Dredsight.churn=true")(self.sandbox)
        client = self.client()
        agent = self.served()
        self.ask(client, 3, 1)
        seconds = self.opened_within(agent, OPENED_S)
        time.sleep(1.5)
        since_us, rounds, began = time.time_ns() // 1000, 0, time.monotonic()
        while time.monotonic() - began < CHURN_S:
            rounds += 1
            self.ask(client, 10, 1 + rounds)
            time.sleep(0.2)
        wanted = CONNECTIONS * 10 * rounds
        place.wait_until(lambda: len(self.pages(agent, since_us)) >= wanted, 10, "all requests")
        told = self.scan(agent)
        self.account(agent)
        agent.stop()
        self.assertEqual(len(self.pages(agent, since_us)), wanted)
        self.say(f"{seconds:.2f} s, {wanted} requests; {told}")

    def test_a_scan_that_is_switched_off_reads_nothing(self):
        nginx(self.sandbox)
        client = self.client()
        agent = self.served("--no-key-scan")
        self.ask(client, 5, 1)
        # Longer than sealed bytes are held.
        time.sleep(11)
        self.ask(client, 1, 2)
        self.settle(agent)
        self.assertIsNone(self.scan(agent))
        agent.stop()
        self.assertEqual(self.pages(agent), [])
