"""TLS by every engine the machine has: its secrets are found, and its requests are counted.

With BLESS=1 what was found is written as docs/tls-coverage.md.
"""

import collections
import contextlib
import os
import re
import time
import unittest

import coverage
import sandbox as place
import secured
from cases import LiveTest, each
from secured import EACH, PORT, Scene

CONNECTIONS = 4
# Secrets of one handshake that open records: the master secret; two of the handshake, two of data.
SECRETS = {"1.2": 1, "1.3": 4}
TAKEN = re.compile(r"; (\d+) secrets taken$")
# What the requests of the programs here are called; databases ask more on their own.
OPERATIONS = ("GET", "SELECT", "Turn", "/shop.Pages/Turn")


def tearDownModule():
    """Writes the page, if that was asked for."""
    coverage.write()


class TlsTest(LiveTest):
    """One end is watched, the other is not: what opens the connection is of the watched one."""

    def setUp(self):
        super().setUp()
        self.scene = Scene(self.sandbox)
        self.agent = None
        self.before = 0

    @contextlib.contextmanager
    def row(self, who, end, engine, version):
        """A row of the page: exact, if nothing goes wrong within."""
        with coverage.row(who, end, coverage.ANCHOR, version) as self.found:
            self.found[0] = self.found[0] or engine
            yield

    def watch(self):
        """An agent for the watched end."""
        self.agent = self.observe("--tls-cache", self.sandbox.folder / "cache",
                                  cgroups=[self.scene.watched])

    def engines(self):
        """What is told of the engines of the watched processes."""
        processes = self.agent.ask("/api/v1/tls")["processes"]
        return [engine for process in processes for engine in process["engines"]]

    def anchored(self, name):
        """Waits until a process with the engine has its probe, and says how long that took."""
        since = time.monotonic()

        def has_probe():
            probed = [row for row in self.engines()
                      if row["engine"] == name and row["way"] == "anchor"]
            for row in probed:
                self.found[0] = f"{row['engine']} {row['version']}".strip()
            return bool(probed)
        place.wait_until(has_probe, 5, f"{name} has a probe")
        self.say(f"{time.monotonic() - since:.2f} s")

    def taken(self):
        """Secrets taken so far, as the agent said in the last second."""
        for line in self.agent.ask("/api/v1/health")["health"]:
            if line["name"] == "key-log probes" and (found := TAKEN.search(line["detail"])):
                return int(found[1])
        return 0

    def go(self, client):
        """Lets the client begin, and waits for its end."""
        self.before = self.taken()
        client.stdin.write(getattr(client, "lines", "go\n").encode())
        client.stdin.close()
        self.assertEqual(client.wait(timeout=60), 0, self.sandbox.log(client.label))

    def account_of(self, version, handshakes, protocol="http1", **wanted):
        """Every secret there was is taken once, and every request is a line that says what its
        connection is."""
        requests = CONNECTIONS * EACH
        if handshakes is not None:
            secrets = handshakes * SECRETS[version]
            place.wait_until(lambda: self.taken() - self.before >= secrets, 5,
                             f"{secrets} secrets are taken")
            self.assertEqual(self.taken() - self.before, secrets)
        sums = self.account(self.agent, requests)
        self.assertEqual(sums.bytes.get("sealed", 0), 0, f"something is sealed: {sums}")
        processes = self.agent.ask("/api/v1/tls")["processes"]
        opened = [process["opened"] for process in processes]
        terms = [terms for process in processes for terms in process["terms"]]
        lines = [line for line in self.ended(self.agent)
                 if line["protocol"] == protocol and line["kind"] == "request" and line["tls"]
                 and line["operation"] in OPERATIONS]
        self.assertEqual(len(lines), requests)
        for line in lines:
            self.assertIsNone(line["incomplete"], line)
            for key, value in {"version": version, **wanted}.items():
                self.assertEqual(line["tls"][key], value, line)
        # Of a client that has ended no process is left to tell of.
        if opened and handshakes is not None:
            self.assertEqual(sum(opened), handshakes)
            terms = [agreed for agreed in terms if agreed["version"] == version]
            self.assertNotIn("", [agreed["cipher"] for agreed in terms])
            # A session that is resumed shows no certificate.
            subjects = {agreed["subject"]: agreed["names"] for agreed in terms}
            self.assertEqual(subjects["CN=localhost"], ["localhost", "127.0.0.1"])


SERVERS = {
    "nginx": ("OpenSSL", secured.nginx),
    "Apache": ("OpenSSL", secured.apache),
    "HAProxy": ("OpenSSL", secured.haproxy),
    "Python, threads": ("OpenSSL", secured.python_threads),
    "Python, asyncio": ("OpenSSL", secured.python_asyncio),
    "Python, uvloop": ("OpenSSL", secured.python_uvloop),
    "Node": ("OpenSSL", secured.node),
    "Go": ("Go crypto/tls", secured.go),
    "Go, stripped": ("Go crypto/tls", secured.go_stripped),
    "Go, PIE, stripped": ("Go crypto/tls", secured.go_pie),
    "Caddy": ("Go crypto/tls", secured.caddy),
    "Bun": ("BoringSSL", secured.bun),
    "Envoy": ("BoringSSL", secured.envoy),
    "gnutls-serv": ("GnuTLS", secured.gnutls),
    "Deno": ("rustls", secured.deno),
}
# rustls hands over no secret of TLS 1.3 unasked.
VERSIONS = {"Deno": ["1.2"]}
# Of the other programs both versions are tried for the page; else the newest alone.
BOTH = {"Bun", "Go", "gnutls-serv", "nginx", "curl", "wget"}


def tried(name):
    """The versions to try."""
    versions = VERSIONS.get(name, ["1.2", "1.3"])
    return versions if os.environ.get("BLESS") or name in BOTH else versions[-1:]


@each({f"{name} serves TLS {version}": (name, engine, start, version)
       for name, (engine, start) in SERVERS.items()
       for version in tried(name)})
class ServerTest(TlsTest):
    """A server under watch, asked by a client that is not."""

    def check(self, name, engine, start, version):
        with self.row(name, "server", engine, version):
            self.watch()
            start(self.scene, PORT)
            self.anchored(engine)
            self.go(secured.ask(self.scene, PORT, version, CONNECTIONS))
            # gnutls-serv closes after every answer.
            handshakes = CONNECTIONS * (EACH if engine == "GnuTLS" else 1)
            self.account_of(version, handshakes, sni="localhost")


CLIENTS = {
    "curl": ("OpenSSL", secured.client_curl, CONNECTIONS * EACH),
    "wget": ("GnuTLS", secured.client_wget, None),
    "Python": ("OpenSSL", secured.client_python, CONNECTIONS),
    "Node": ("OpenSSL", secured.client_node, CONNECTIONS),
    "Bun": ("BoringSSL", secured.client_bun, None),
    "PHP": ("OpenSSL", secured.client_php, CONNECTIONS),
    "Ruby": ("OpenSSL", secured.client_ruby, CONNECTIONS),
    "Perl": ("OpenSSL", secured.client_perl, CONNECTIONS),
    "Go, stripped": ("Go crypto/tls", secured.client_go, CONNECTIONS),
}


@each({f"{name} asks by TLS {version}": (name, engine, start, version, handshakes)
       for name, (engine, start, handshakes) in CLIENTS.items() for version in tried(name)})
class ClientTest(TlsTest):
    """A client under watch, answered by a server that is not."""

    def check(self, name, engine, start, version, handshakes):
        with self.row(name, "client", engine, version):
            secured.nginx(self.scene, PORT, cgroup=self.scene.unwatched)
            self.watch()
            client = start(self.scene, PORT, version, CONNECTIONS)
            self.anchored(engine)
            self.go(client)
            self.account_of(version, handshakes, sni="localhost")


OTHERS = {
    "Redis answers redis-cli":
        ("Redis", "server", "OpenSSL", secured.redis, secured.ask_redis, "redis"),
    "grpcio answers grpcio":
        ("grpcio", "server", "BoringSSL", secured.grpcio, secured.ask_grpc, "grpc"),
    "MariaDB answers its client":
        ("MariaDB", "server", "OpenSSL", secured.database, secured.ask_mariadb, "mysql"),
    "grpcio asks grpcio":
        ("grpcio", "client", "BoringSSL", secured.grpcio_unwatched, secured.client_grpc, "grpc"),
    "psql asks PostgreSQL":
        ("psql", "client", "OpenSSL", secured.postgres, secured.ask_postgres, "postgresql"),
}


@each(OTHERS)
class OtherTest(TlsTest):
    """Other protocols within TLS 1.3, in databases after a start in clear."""

    def check(self, who, end, engine, start, ask, protocol):
        with self.row(who, end, engine, "1.3"):
            self.watch()
            start(self.scene, PORT)
            client = ask(self.scene, PORT, "1.3", CONNECTIONS)
            self.anchored(engine)
            # A database has had handshakes before: in a second they are among the sums.
            time.sleep(1.3)
            self.go(client)
            self.account_of("1.3", CONNECTIONS, protocol)


class HopsTest(TlsTest):
    """A proxy under watch that speaks TLS to both sides."""

    def test_both_hops_of_Envoy(self):
        with self.row("Envoy, both hops", "both", "BoringSSL", "1.3"):
            secured.nginx(self.scene, PORT + 1, cgroup=self.scene.unwatched)
            self.watch()
            secured.envoy_between(self.scene, PORT, PORT + 1)
            self.anchored("BoringSSL")
            self.go(secured.ask(self.scene, PORT, "1.3", CONNECTIONS))
            requests = CONNECTIONS * EACH
            sums = self.account(self.agent, 2 * requests)
            self.assertEqual(sums.bytes.get("sealed", 0), 0, f"something is sealed: {sums}")
            hops = collections.Counter(
                (line["server"], line["tls"]["version"], line["tls"]["sni"], line["incomplete"])
                for line in self.ended(self.agent) if line["kind"] == "request")
            self.assertEqual(hops, {
                (f"127.0.0.1:{PORT}", "1.3", "localhost", None): requests,
                (f"127.0.0.1:{PORT + 1}", "1.3", "pages.test", None): requests,
            })


class MannersTest(TlsTest):
    """Libraries that come late or are gone, and processes that are nobody's business."""

    def test_a_library_that_is_loaded_late_is_found_when_its_records_stay_sealed(self):
        secured.nginx(self.scene, PORT, cgroup=self.scene.unwatched)
        self.watch()
        client = secured.client_late(self.scene, PORT)
        # By now it was looked at for the last time in a while.
        time.sleep(2)
        self.assertEqual(self.engines(), [])
        self.go(client)
        place.wait_until(lambda: self.taken() >= SECRETS["1.3"], 5, "secrets are taken")
        lines = [line for line in self.ended(self.agent) if line["target"] == "/second"]
        self.assertEqual([line["tls"]["version"] for line in lines], ["1.3"] * EACH)

    def test_a_library_whose_file_was_deleted_is_found(self):
        secured.nginx(self.scene, PORT, cgroup=self.scene.unwatched)
        client = secured.client_with_own_library(self.scene, PORT, CONNECTIONS)
        self.watch()
        self.found = ["", {}]
        self.anchored("OpenSSL")
        self.go(client)
        self.account_of("1.3", CONNECTIONS)

    def test_outside_of_the_scope_no_instruction_is_touched(self):
        near = secured.nginx(self.scene, PORT)
        far = secured.nginx(self.scene, PORT + 1, cgroup=self.scene.unwatched)
        self.watch()
        self.found = ["", {}]
        self.anchored("OpenSSL")
        self.go(secured.ask(self.scene, PORT, "1.3", CONNECTIONS))
        self.assertEqual(secured.changed_code(near.pid, "libssl"), {b"\xcc"})
        self.assertEqual(secured.changed_code(far.pid, "libssl"), set())
        pids = {process["pid"] for process in self.agent.ask("/api/v1/tls")["processes"]}
        inside = set(map(int, (self.scene.watched / "cgroup.procs").read_text().split()))
        self.assertLessEqual(pids, inside)
        self.assertEqual(self.agent.stop(), 0)
        place.wait_until(lambda: not secured.changed_code(near.pid, "libssl"), 5,
                         "the probe is gone with the agent")

    def test_without_tls_nothing_is_put_anywhere(self):
        server = secured.nginx(self.scene, PORT)
        self.agent = self.observe("--no-tls", cgroups=[self.scene.watched])
        self.go(secured.ask(self.scene, PORT, "1.3", CONNECTIONS))
        sums = self.account(self.agent)
        self.assertGreater(sums.bytes["sealed"], 0)
        self.assertEqual(secured.changed_code(server.pid, "libssl"), set())
        report = self.agent.ask("/api/v1/tls")
        self.assertEqual(report, {"enabled": False, "processes": []})


if __name__ == "__main__":
    unittest.main()
