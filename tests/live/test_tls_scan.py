"""New connections of engines without an anchor: their keys are found in memory, and every request
is counted from the first."""

import time
import unittest

import coverage
import sandbox as place
import scanned
import secured
from cases import LiveTest, each
from scanned import client_java, client_rustls, java, rustls
from secured import PORT, Scene

CONNECTIONS = 3
# What keeper.py asks over each connection before anything else.
WARM = 20
# Requests over each connection, once the first were shown.
LATER = 5
# Where no key schedule is kept memory is read several times, at the lowest priority.
SHOWN_S = 8


def tearDownModule():
    """Writes the page, if that was asked for."""
    coverage.write()


class ScanTest(LiveTest):
    """One end is watched; what opens the connection is of its memory."""

    def watch(self, *options):
        """A scene, and an agent for its watched end."""
        self.scene = Scene(self.sandbox)
        self.agent = self.observe("--tls-cache", self.sandbox.folder / "cache", *options,
                                  cgroups=[self.scene.watched])

    def shown(self, count, seconds=SHOWN_S):
        """Waits until so many requests were shown, and says how long that took."""
        since = time.monotonic()

        def is_there():
            return len([line for line in self.agent.lines() if line["kind"] == "request"]) >= count
        place.wait_until(is_there, seconds, f"{count} requests")
        return time.monotonic() - since

    def heard(self, label, word, count, seconds=60):
        """Waits until a program has said the word that often."""
        log = self.sandbox.logs / label
        place.wait_until(lambda: log.read_text().split().count(word) >= count, seconds,
                         f"{label}: {word}")

    def ask(self, client, times):
        client.stdin.write(f"{times}\n".encode())
        client.stdin.flush()

    def opened(self):
        """Connections that were opened, of all processes."""
        processes = self.agent.ask("/api/v1/tls")["processes"]
        return sum(process["opened"] for process in processes)

    def told_of(self, least=CONNECTIONS):
        """The same, once it is so many: they are told of once a second."""
        place.wait_until(lambda: self.opened() >= least, 5, "all connections are told of")
        return self.opened()

    def account_of(self, client, version, requests, server=None):
        """What the agent knows of the engine, after every request was one line with its TLS."""
        self.shown(requests)
        self.assertEqual(self.told_of(), CONNECTIONS)
        processes = self.agent.ask("/api/v1/tls")["processes"]
        client.stdin.close()
        self.assertEqual(client.wait(timeout=10), 0, self.sandbox.log(client.label))
        if server:
            # RabbitMQ has connections of its own, of which something waits until they end.
            self.sandbox.stop(server)
        sums = self.account(self.agent, requests)
        lines = self.ended(self.agent)
        # The handshake of TLS 1.3 has keys of its own, which are gone by the time of the scan.
        shaken = [line for line in lines if line["protocol"] == "tls"]
        self.assertEqual([line["status"] for line in shaken], ["OK"] * CONNECTIONS)
        most = sum(line["request_bytes"] + line["response_bytes"] for line in shaken)
        self.assertLess(sums.bytes.get("sealed", 0), most if version == "1.3" else 1,
                        f"more is sealed than handshakes: {sums}")
        lines = [line for line in lines if line["kind"] == "request"]
        self.assertEqual(len(lines), requests)
        for line in lines:
            self.assertIsNone(line["incomplete"], line)
            tls = {"version": version, "sni": "localhost", "alpn": ""}
            self.assertEqual(line["tls"], tls, line)
        engines = [engine for process in processes for engine in process["engines"]
                   if process["opened"]]
        return next((f"{engine['engine']} {engine['version']}".strip() for engine in engines), "")


SERVERS = {
    "Deno": ("", secured.deno, ["1.3"]),
    "lighttpd, Mbed TLS": ("Mbed TLS", scanned.lighttpd("mod_mbedtls"), ["1.2"]),
    "lighttpd, NSS": ("NSS", scanned.lighttpd("mod_nss"), ["1.2", "1.3"]),
    "lighttpd, wolfSSL": ("wolfSSL", scanned.lighttpd("mod_wolfssl"), ["1.2", "1.3"]),
    "rustls, ring": ("", rustls("ring"), ["1.3"]),
    "rustls, AWS-LC": ("", rustls("aws_lc"), ["1.3"]),
    "Java, G1": ("JSSE", java("-XX:+UseG1GC"), ["1.2", "1.3"]),
    "Java, ZGC": ("JSSE", java("-XX:+UseZGC"), ["1.3"]),
    "Erlang": ("Erlang ssl", scanned.erlang, ["1.2"]),
    "RabbitMQ": ("Erlang ssl", scanned.rabbitmq, ["1.3"]),
}


@each({f"{name} serves TLS {version}": (name, engine, start, version)
       for name, (engine, start, versions) in SERVERS.items() for version in versions})
class ServerTest(ScanTest):
    """A server under watch, asked by a client that is not."""

    def check(self, name, engine, start, version):
        with coverage.row(name, "server", coverage.KEY_SCAN, version) as found:
            self.watch()
            server = start(self.scene, PORT)
            client = scanned.keeper(self.scene, PORT, version, CONNECTIONS)
            self.heard("keeper", "connected", 1)
            self.say(f"{self.shown(CONNECTIONS * WARM):.2f} s")
            self.ask(client, LATER)
            told = self.account_of(client, version, CONNECTIONS * (WARM + LATER), server)
            found[0] = engine or told


CLIENTS = {
    "Deno": ("", scanned.client_deno, ["1.3"]),
    "rustls, ring": ("", client_rustls("ring"), ["1.3"]),
    "rustls, AWS-LC": ("", client_rustls("aws_lc"), ["1.3"]),
    "tstclnt": ("NSS", scanned.client_nss, ["1.2", "1.3"]),
    "Java, G1": ("JSSE", client_java("-XX:+UseG1GC"), ["1.3"]),
    "Java, ZGC": ("JSSE", client_java("-XX:+UseZGC"), ["1.3"]),
}


@each({f"{name} asks by TLS {version}": (name, engine, start, version)
       for name, (engine, start, versions) in CLIENTS.items() for version in versions})
class ClientTest(ScanTest):
    """A client under watch, answered by a server that is not."""

    def check(self, name, engine, start, version):
        with coverage.row(name, "client", coverage.KEY_SCAN, version) as found:
            self.watch()
            scanned.nginx(self.scene, PORT, version)
            client = start(self.scene, PORT, version, CONNECTIONS)
            self.ask(client, LATER)
            self.heard("client", "asked", 1)
            self.say(f"{self.shown(CONNECTIONS * LATER):.2f} s")
            self.ask(client, LATER)
            told = self.account_of(client, version, 2 * CONNECTIONS * LATER)
            found[0] = engine or told


class SealedTest(ScanTest):
    """Connections that nobody opens."""

    def sealed(self):
        """The process under watch, once it is told that every connection stays sealed."""
        process = {"sealed": 0}

        def is_told():
            process.update(self.agent.ask("/api/v1/tls")["processes"][0])
            return process["sealed"] >= self.connections
        place.wait_until(is_told, 15, "all connections are told of")
        self.assertEqual((process["opened"], process["sealed"]), (0, self.connections))
        return process

    def connect(self, *versions):
        self.connections = CONNECTIONS * len(versions)
        for times, version in enumerate(versions, 1):
            client = scanned.keeper(self.scene, PORT, version, CONNECTIONS)
            self.heard("keeper", "connected", times)
            # The process is looked at meanwhile.
            time.sleep(1)
            self.sandbox.stop(client)

    def test_what_was_agreed_on_in_clear_is_told_of_connections_that_stay_sealed(self):
        self.watch("--no-key-scan")
        java("-XX:+UseSerialGC")(self.scene, PORT)
        self.connect("1.2", "1.3")
        process = self.sealed()
        # The engine is known, and its keys are looked for in no other way.
        self.assertEqual(process["sealed_because"], {"no_key": self.connections})
        terms = {agreed["version"]: agreed for agreed in process["terms"]}
        self.assertEqual(set(terms), {"1.2", "1.3"})
        for agreed in terms.values():
            self.assertTrue(agreed["cipher"].startswith("TLS_"), agreed)
            self.assertEqual((agreed["role"], agreed["sni"], agreed["handshakes"]),
                             ("server", "localhost", CONNECTIONS))
        self.assertEqual(terms["1.2"]["subject"], "CN=localhost")
        self.assertEqual(terms["1.2"]["names"], ["localhost", "127.0.0.1"])
        # TLS 1.3 seals the certificate.
        self.assertEqual((terms["1.3"]["subject"], terms["1.3"]["names"]), ("", []))

    def test_an_engine_that_nobody_knows_is_called_so(self):
        self.watch("--no-key-scan")
        scanned.nginx(self.scene, PORT, "1.2")
        client = scanned.client_busybox(self.scene, PORT, "1.2", CONNECTIONS)
        self.ask(client, LATER)
        self.heard("client", "asked", 1)
        # Each connection is a process of its own, and is given up after 10 s.
        wanted = [{"engine_unknown": 1}] * CONNECTIONS

        def told():
            processes = self.agent.ask("/api/v1/tls")["processes"]
            return [process["sealed_because"] for process in processes]
        place.wait_until(lambda: told() == wanted, 15, f"{told()} is {wanted}")
        self.assertIn('reason="engine_unknown"', self.agent.get("/metrics"))


if __name__ == "__main__":
    unittest.main()
