"""QUIC by every engine the machine has: new connections and older ones, one end under watch."""

import os
import subprocess
import time

import coverage
import sandbox as place
import servers
import test_keyscan as old
from cases import each
from test_http3 import CADDY

# What the client asks before it says that it is connected.
WARM_REQUESTS = 20
EXPECTED = old.CONNECTIONS * (WARM_REQUESTS + old.ROUNDS)
# Of what was said before, the dynamic table of the client's encoder is not known.
NAMES = {("GET", "/"), ("GET", "/files/{id}"), ("GET", "")}


def tearDownModule():
    """Writes the page, if that was asked for."""
    coverage.write()


def caddy(sandbox):
    """Caddy: Go's QUIC."""
    config = sandbox.folder / "Caddyfile"
    config.write_text(CADDY.format(port=old.PORT, body="a page"))
    environment = os.environ | {"XDG_DATA_HOME": str(sandbox.folder), "HOME": "/nowhere"}
    process = sandbox.start("caddy", *old.placed(
        sandbox, "served", place.program("caddy"), "run", "--config", config, "--adapter",
        "caddyfile"), env=environment)
    sandbox.wait_for_port(old.PORT, process)


def aioquic(sandbox):
    """aioquic: its own QUIC, and the packet keys of OpenSSL's libcrypto."""
    script = servers.copied(sandbox, "h3_server.py")
    sandbox.start("h3-server", *old.placed(
        sandbox, "served", place.python_with("aioquic"), script, *old.certificate(sandbox),
        old.PORT))
    place.wait_until(lambda: "serving" in sandbox.log("h3-server"), 20, "the server serves")


def client(sandbox):
    """aioquic that keeps its connections and has warmed them up."""
    return sandbox.start("keeper", *old.placed(
        sandbox, "asking", place.python_with("aioquic"), servers.copied(sandbox, "h3_client.py"),
        old.PORT, old.CONNECTIONS, WARM_REQUESTS, 0, "kept"), stdin=subprocess.PIPE)


ROWS = {
    "Caddy serves HTTP/3": ("Caddy", "server", caddy, coverage.ANCHOR),
    "aioquic serves HTTP/3": ("aioquic", "server", aioquic, coverage.KEY_SCAN),
    "aioquic asks by HTTP/3": ("aioquic", "client", caddy, coverage.KEY_SCAN),
}
WATCHED = {"server": "served", "client": "asking"}


@each({name: (f"{who}, HTTP/3", end, server, way)
       for name, (who, end, server, way) in ROWS.items()})
class NewTest(old.KeyScanTest):
    """Connections whose beginning is seen: what passes until the keys are found is held."""

    PROTOCOL = "http3"

    @staticmethod
    def engines(agent):
        """The engines of the process under watch, once all its connections are opened."""
        process = {}

        def is_told():
            process.update(agent.ask("/api/v1/tls")["processes"][0])
            return (process["opened"], process["sealed"]) == (old.CONNECTIONS, 0)
        place.wait_until(is_told, 10, "all connections are opened")
        return {f"{engine['engine']} {engine['version']}" for engine in process["engines"]}

    def check(self, who, end, server, way):
        with coverage.row(who, end, way, "1.3") as found:
            watched = self.sandbox.cgroup / WATCHED[end]
            watched.mkdir(exist_ok=True)
            agent = self.observe(cgroups=[watched])
            server(self.sandbox)
            # The process is looked at meanwhile.
            time.sleep(1)
            asking = client(self.sandbox)
            self.wait_for("connected", 1)
            self.ask(asking, old.ROUNDS, 1)
            place.wait_until(lambda: len(self.pages(agent)) >= EXPECTED, 20, "all requests")
            found[0] = ", ".join(sorted(self.engines(agent))).strip()
            agent.stop()
            lines = self.pages(agent)
            self.assertEqual(len(lines), EXPECTED)
            self.assertEqual({(line["status"], line["incomplete"], line["tls"]["version"])
                              for line in lines}, {("200", None, "1.3")})


@each({name: (f"{who}, HTTP/3", end, server) for name, (who, end, server, _) in ROWS.items()})
class OlderTest(old.AskingTest):
    """Two keys a direction, those of the headers and those of the packets. That it is QUIC is known
    by the keys alone: what passed before them is not held."""

    PROTOCOL = "http3"

    def check(self, who, end, server):
        with coverage.older(who, end, "1.3"):
            server(self.sandbox)
            asking = client(self.sandbox)
            self.wait_for("connected", 1)
            agent = self.observe(cgroups=[self.sandbox.cgroup / WATCHED[end]])
            self.exact(agent, asking)
            names = {(line["operation"], line["target"]) for line in self.pages(agent)}
            self.assertLessEqual(names, NAMES, "a name was guessed")
