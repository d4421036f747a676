"""Connections that were open before the agent started, of every engine: what it takes until they
are opened, and that every request from then on is counted."""

import os
import time
import unittest

import coverage
import scanned
import secured
from cases import each
from sandbox import as_postgres, postgresql, program
from scanned import client_deno, client_java, client_rustls, java, piped, rustls
from secured import PORT, Scene
from test_keyscan import OPENED_S, WITHOUT_SCHEDULE_S
from test_tls_scan import CONNECTIONS, LATER, ScanTest

# Whose engine keeps no key schedule.
WITHOUT_SCHEDULE = {"Erlang", "RabbitMQ"}
# Before the agent starts; some keys are only told from others by the number of a record.
WARM = 20


def tearDownModule():
    """Writes the page, if that was asked for."""
    coverage.write()


def client_redis(scene, port, _version, connections):
    return piped(scene, connections, program("redis-cli"), "--tls", "--insecure", "-h",
                 "127.0.0.1", "-p", port, request="ECHO hello\n", end="hello\n",
                 cgroup=scene.unwatched)


def client_mariadb(scene, port, _version, connections):
    return piped(scene, connections, program("mariadb"), "--no-defaults", "-n", "-N", "-s", "-h",
                 "127.0.0.1", "-P", port, "-u", "app", "-psecret", "--ssl",
                 "--ssl-verify-server-cert=OFF", "shop", request="SELECT 'hello';\n",
                 end="hello\n", cgroup=scene.unwatched)


def client_psql(scene, port, _version, connections):
    where = f"host=127.0.0.1 port={port} dbname=postgres sslmode=require gssencmode=disable"
    home = {"HOME": str(scene.folder / "postgresql")}
    return piped(scene, connections, *as_postgres(postgresql("psql"), "-X", "-A", "-t", where),
                 request="SELECT 'hello';\n", end="hello\n", env=os.environ | home)


def tried(name, versions):
    """All for the page, and of engines that keep their keys each in a way of its own; else the
    newest alone, and none of a program whose engine another row has."""
    if os.environ.get("BLESS") or name in OF_THEIR_OWN:
        return versions
    return [] if name in FOR_THE_PAGE else versions[-1:]


OF_THEIR_OWN = {"Envoy", "Erlang", "Go, PIE, stripped", "nginx"}
FOR_THE_PAGE = {"Apache", "Bun", "Caddy", "Deno", "Go, stripped", "HAProxy", "Java, ZGC",
                "lighttpd, GnuTLS", "lighttpd, Mbed TLS", "lighttpd, NSS", "MariaDB", "Python",
                "Python, asyncio", "Python, threads", "Python, uvloop", "Redis",
                "rustls, AWS-LC"}


class OlderTest(ScanTest):
    """One end is watched, from a time on at which the connections are open."""

    def follow(self, name, end, version, client, others=()):
        """What the agent makes of a client that has connected; `others` are the versions of the
        server's own requests, one for each of the client's."""
        with coverage.older(name, end, version):
            self.ask(client, WARM)
            self.heard(client.label, "asked", 1)
            began = time.monotonic()
            self.agent = self.observe(cgroups=[self.scene.watched])
            self.ask(client, 3)
            self.heard(client.label, "asked", 2)
            self.shown(1, WITHOUT_SCHEDULE_S if name in WITHOUT_SCHEDULE else OPENED_S)
            seconds = time.monotonic() - began
            # The other connections are given the time that the first one took.
            time.sleep(1.5)
            since_us = time.time_ns() // 1000
            self.ask(client, LATER)
            self.heard(client.label, "asked", 3)
            wanted = CONNECTIONS * LATER * (1 + len(others))

            def later():
                return [line for line in self.agent.lines()
                        if line["kind"] == "request" and line["start_us"] >= since_us]
            self.shown(wanted)
            self.account(self.agent)
            told = next(line["detail"] for line in self.agent.ask("/api/v1/health")["health"]
                        if line["name"] == "key scan")
            # A proxy keeps as many to its server as it likes.
            opened = self.told_of(CONNECTIONS + len(others))
            if not others:
                self.assertEqual(opened, CONNECTIONS)
            self.ended(self.agent)
            self.assertEqual(len(later()), wanted)
            self.assertEqual({line["tls"]["version"] for line in later()}, {version, *others})
            self.assertEqual(len({line["status"] for line in later()}), 1)
            # What HTTP/2 has told its table before is not known: nothing is guessed.
            incomplete = "mid-stream" if name == "grpcio" else None
            self.assertEqual({line["incomplete"] for line in later()}, {incomplete})
            self.assertEqual({line["error"] for line in later()}, {False})
            self.say(f"{seconds:.2f} s; {told}")


HTTP = scanned.keeper
SERVERS = {
    "Apache": (secured.apache, HTTP, ["1.2", "1.3"]),
    "Bun": (secured.bun, HTTP, ["1.2", "1.3"]),
    "Caddy": (secured.caddy, HTTP, ["1.2", "1.3"]),
    "Deno": (secured.deno, HTTP, ["1.2", "1.3"]),
    "Envoy": (secured.envoy, HTTP, ["1.2", "1.3"]),
    "Erlang": (scanned.erlang, HTTP, ["1.2", "1.3"]),
    "Go, PIE, stripped": (secured.go_pie, HTTP, ["1.2", "1.3"]),
    "grpcio": (secured.grpcio, scanned.client_grpc_unwatched, ["1.3"]),
    "HAProxy": (secured.haproxy, HTTP, ["1.2", "1.3"]),
    "Java, G1": (java("-XX:+UseG1GC"), HTTP, ["1.2", "1.3"]),
    "Java, ZGC": (java("-XX:+UseZGC"), HTTP, ["1.3"]),
    "lighttpd, GnuTLS": (scanned.lighttpd("mod_gnutls"), HTTP, ["1.2", "1.3"]),
    "lighttpd, Mbed TLS": (scanned.lighttpd("mod_mbedtls"), HTTP, ["1.2"]),
    "lighttpd, NSS": (scanned.lighttpd("mod_nss"), HTTP, ["1.2", "1.3"]),
    "lighttpd, wolfSSL": (scanned.lighttpd("mod_wolfssl"), HTTP, ["1.2", "1.3"]),
    "MariaDB": (secured.database, client_mariadb, ["1.3"]),
    "nginx": (secured.nginx, HTTP, ["1.2", "1.3"]),
    "Node": (secured.node, HTTP, ["1.2", "1.3"]),
    "Python, asyncio": (secured.python_asyncio, HTTP, ["1.2", "1.3"]),
    "Python, threads": (secured.python_threads, HTTP, ["1.2", "1.3"]),
    "Python, uvloop": (secured.python_uvloop, HTTP, ["1.2", "1.3"]),
    "RabbitMQ": (scanned.rabbitmq, HTTP, ["1.3"]),
    "Redis": (secured.redis, client_redis, ["1.3"]),
    "rustls, AWS-LC": (rustls("aws_lc"), HTTP, ["1.2", "1.3"]),
    "rustls, ring": (rustls("ring"), HTTP, ["1.2", "1.3"]),
}


@each({f"{name} serves TLS {version}": (name, start, connect, version)
       for name, (start, connect, versions) in SERVERS.items()
       for version in tried(name, versions)})
class ServerTest(OlderTest):
    """A server under watch, and a client that is not."""

    def check(self, name, start, connect, version):
        self.scene = Scene(self.sandbox)
        start(self.scene, PORT)
        self.follow(name, "server", version, connect(self.scene, PORT, version, CONNECTIONS))


class HopsTest(OlderTest):
    """A proxy under watch that speaks TLS to both sides."""

    def test_both_hops_of_Envoy(self):
        self.scene = Scene(self.sandbox)
        secured.envoy_as_it_comes(self.scene, PORT)
        client = HTTP(self.scene, PORT, "1.3", CONNECTIONS)
        self.follow("Envoy, both hops", "both", "1.3", client, others=["1.2"])


CLIENTS = {
    "BusyBox": (scanned.client_busybox, ["1.2"]),
    "Bun": (scanned.client_javascript("bun"), ["1.2", "1.3"]),
    "Deno": (client_deno, ["1.3"]),
    "gnutls-cli": (scanned.client_gnutls, ["1.2", "1.3"]),
    "Go, stripped": (scanned.client_go, ["1.2", "1.3"]),
    "Java, G1": (client_java("-XX:+UseG1GC"), ["1.3"]),
    "Java, ZGC": (client_java("-XX:+UseZGC"), ["1.3"]),
    "Node": (scanned.client_javascript("node"), ["1.2", "1.3"]),
    "Python": (scanned.client_python, ["1.2", "1.3"]),
    "rustls, AWS-LC": (client_rustls("aws_lc"), ["1.3"]),
    "rustls, ring": (client_rustls("ring"), ["1.3"]),
    "tstclnt": (scanned.client_nss, ["1.2", "1.3"]),
}


@each({f"{name} asks by TLS {version}": (name, start, version)
       for name, (start, versions) in CLIENTS.items() for version in tried(name, versions)})
class ClientTest(OlderTest):
    """A client under watch, and a server that is not."""

    def check(self, name, start, version):
        self.scene = Scene(self.sandbox)
        scanned.nginx(self.scene, PORT, version)
        self.follow(name, "client", version, start(self.scene, PORT, version, CONNECTIONS))

    def test_grpcio_asks(self):
        self.scene = Scene(self.sandbox)
        secured.grpcio_unwatched(self.scene, PORT)
        client = scanned.client_grpc(self.scene, PORT, "1.3", CONNECTIONS)
        self.follow("grpcio", "client", "1.3", client)

    def test_psql_asks(self):
        self.scene = Scene(self.sandbox)
        secured.postgres(self.scene, PORT)
        self.follow("psql", "client", "1.3", client_psql(self.scene, PORT, "1.3", CONNECTIONS))


if __name__ == "__main__":
    unittest.main()
