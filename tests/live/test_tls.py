"""TLS by every engine the machine has: its secrets are found, and its requests are counted."""

import re
import time
import unittest

import sandbox as place
import secured
from cases import LiveTest, each
from secured import PORT, Scene

CONNECTIONS = 4
# Secrets of one handshake that open records: the master secret; two of the handshake, two of data.
SECRETS = {"1.2": 1, "1.3": 4}
TAKEN = re.compile(r"; (\d+) secrets taken$")


class TlsTest(LiveTest):
    """One end is watched, the other is not: what opens the connection is of the watched one."""

    def setUp(self):
        super().setUp()
        self.scene = Scene(self.sandbox)
        self.agent = None

    def watch(self):
        """An agent for the watched end."""
        self.agent = self.observe("--tls-cache", self.sandbox.folder / "cache",
                                  cgroups=[self.scene.watched])

    def engines(self):
        """What is told of the engines of the watched processes."""
        processes = self.agent.ask("/api/v1/tls")["processes"]
        return [engine for process in processes for engine in process["engines"]]

    def anchored(self, engine):
        """Waits until a process with the engine has its probe, and gives how long that took."""
        since = time.monotonic()
        place.wait_until(lambda: any(row["engine"] == engine and row["way"] == "anchor"
                                     for row in self.engines()), 5, f"{engine} has a probe")
        return time.monotonic() - since

    def taken(self):
        """Secrets taken so far."""
        for line in self.agent.ask("/api/v1/health")["health"]:
            if line["name"] == "key-log probes" and (found := TAKEN.search(line["detail"])):
                return int(found[1])
        return 0

    def go(self, client):
        """Lets the client begin, and waits for its end."""
        client.stdin.write(getattr(client, "lines", "go\n").encode())
        client.stdin.close()
        self.assertEqual(client.wait(timeout=60), 0, self.sandbox.log(client.label))

    def account_of(self, version, handshakes, requests, **wanted):
        """Every secret there was is taken once, and every request is a line that says what its
        connection is."""
        if handshakes is not None:
            secrets = handshakes * SECRETS[version]
            place.wait_until(lambda: self.taken() >= secrets, 5, f"{secrets} secrets are taken")
            self.assertEqual(self.taken(), secrets)
        sums = self.account(self.agent, requests)
        self.assertEqual(sums.bytes.get("sealed", 0), 0, f"something is sealed: {sums}")
        opened = [process["opened"] for process in self.agent.ask("/api/v1/tls")["processes"]]
        lines = [line for line in self.ended(self.agent) if line["protocol"] != "tls"]
        self.assertEqual(len(lines), requests)
        for line in lines:
            self.assertIsNone(line["incomplete"], line)
            self.assertIsNotNone(line["tls"], line)
            for key, value in {"version": version, **wanted}.items():
                self.assertEqual(line["tls"][key], value, line)
        # Of a client that has ended no process is left to tell of.
        if opened and handshakes is not None:
            self.assertEqual(sum(opened), handshakes)


SERVERS = {
    "nginx": ("OpenSSL", secured.nginx),
    "Apache": ("OpenSSL", secured.apache),
    "HAProxy": ("OpenSSL", secured.haproxy),
    "Python threads": ("OpenSSL", secured.python_threads),
    "Python asyncio": ("OpenSSL", secured.python_asyncio),
    "Node": ("OpenSSL", secured.node),
    "Go": ("Go crypto/tls", secured.go),
    "Go stripped": ("Go crypto/tls", secured.go_stripped),
    "Go PIE stripped": ("Go crypto/tls", secured.go_pie),
    "Caddy": ("Go crypto/tls", secured.caddy),
    "Bun": ("BoringSSL", secured.bun),
    "Envoy": ("BoringSSL", secured.envoy),
    "GnuTLS": ("GnuTLS", secured.gnutls),
    "Deno": ("rustls", secured.deno),
}
# rustls hands over no secret of TLS 1.3 unasked.
VERSIONS = {"Deno": ["1.2"]}


@each({f"{name} serves TLS {version}": (engine, start, version)
       for name, (engine, start) in SERVERS.items()
       for version in VERSIONS.get(name, ["1.2", "1.3"])})
class ServerTest(TlsTest):
    """A server under watch, asked by a client that is not."""

    def check(self, engine, start, version):
        self.watch()
        start(self.scene, PORT)
        self.say(f"{self.anchored(engine):.2f} s")
        self.go(secured.ask(self.scene, PORT, version, CONNECTIONS))
        # gnutls-serv closes after every answer.
        handshakes = CONNECTIONS * (secured.EACH if engine == "GnuTLS" else 1)
        self.account_of(version, handshakes, CONNECTIONS * secured.EACH, sni="localhost")


CLIENTS = {
    "curl": ("OpenSSL", secured.client_curl, CONNECTIONS * secured.EACH),
    "wget": ("GnuTLS", secured.client_wget, None),
    "Python": ("OpenSSL", secured.client_python, CONNECTIONS),
    "Node": ("OpenSSL", secured.client_node, CONNECTIONS),
    "Bun": ("BoringSSL", secured.client_bun, None),
    "PHP": ("OpenSSL", secured.client_php, CONNECTIONS),
    "Ruby": ("OpenSSL", secured.client_ruby, CONNECTIONS),
    "Perl": ("OpenSSL", secured.client_perl, CONNECTIONS),
    "Go": ("Go crypto/tls", secured.client_go, CONNECTIONS),
}


@each({f"{name} asks by TLS {version}": (engine, start, version, handshakes)
       for name, (engine, start, handshakes) in CLIENTS.items() for version in ["1.2", "1.3"]})
class ClientTest(TlsTest):
    """A client under watch, answered by a server that is not."""

    def check(self, engine, start, version, handshakes):
        secured.nginx(self.scene, PORT, cgroup=self.scene.unwatched)
        self.watch()
        client = start(self.scene, PORT, version, CONNECTIONS)
        self.say(f"{self.anchored(engine):.2f} s")
        self.go(client)
        self.account_of(version, handshakes, CONNECTIONS * secured.EACH, sni="localhost")


OTHERS = {
    "redis-cli asks Redis": ("OpenSSL", secured.redis, secured.ask_redis),
    "grpcio serves grpcio": ("BoringSSL", secured.grpcio, secured.ask_grpc),
}


@each(OTHERS)
class OtherTest(TlsTest):
    """Other protocols within TLS 1.3."""

    def check(self, engine, start, ask):
        self.watch()
        start(self.scene, PORT)
        self.say(f"{self.anchored(engine):.2f} s")
        self.go(ask(self.scene, PORT, "1.3", CONNECTIONS))
        self.account_of("1.3", CONNECTIONS, CONNECTIONS * secured.EACH)


if __name__ == "__main__":
    unittest.main()
