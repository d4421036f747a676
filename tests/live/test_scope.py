"""One line an exchange, whichever ends are in scope: IPv6, two namespaces, one end, UDP beside."""

import contextlib
import pathlib
import subprocess
import unittest

import loads
import servers
from cases import LiveTest, each
from sandbox import program

FAR = "redsight-live-far"
NEAR_ADDRESS, FAR_ADDRESS = "10.211.0.1", "10.211.0.2"
REQUESTS = 1000


class ScopeTest(LiveTest):
    """A server and a client with a cgroup each, both children of the sandbox's."""

    def setUp(self):
        super().setUp()
        for name in ("client", "server"):
            (self.sandbox.cgroup / name).mkdir()

    def placed(self, name, *words, namespace=None):
        """A command that runs in the child cgroup, in the namespace if one is given."""
        join = 'echo 0 > "$0/cgroup.procs"; exec "$@"'
        enter = [program("nsenter"), f"--net=/run/netns/{namespace}"] if namespace else []
        return ["sh", "-c", join, self.sandbox.cgroup / name, *enter, *words]

    def serve(self, host, namespace=None):
        """nginx in the server's cgroup."""
        def start(label, *words):
            words = self.placed("server", *words, namespace=namespace)
            return self.sandbox.start(label, *words)
        server = servers.nginx(self.sandbox, host=host, start=start)
        if namespace is None:
            self.sandbox.wait_for_port(server.port, server.process)
        return server

    def ask(self, host, port):
        """ab in the client's cgroup."""
        command = self.placed("client", program("ab"), "-q", "-n", REQUESTS, "-c", 4,
                              f"http://{host}:{port}/")
        text = self.sandbox.run(*command)
        self.assertEqual(loads.number(r"Complete requests:\s+(\d+)", text), REQUESTS)

    def reported(self, agent, side, service, peer, host):
        """One line a request, and each says the same about who spoke."""
        sums = self.account(agent, REQUESTS)
        self.assertEqual(sums.lost, 0)
        lines = self.ended(agent)
        self.assertEqual(len(lines), REQUESTS)
        said = {(line["side"], line["service"], line["peer"], line["status"], line["incomplete"],
                 line["server"].rsplit(":", 1)[0]) for line in lines}
        self.assertEqual(said, {(side, service, peer, "200", None, host)})


SCOPES = {
    "both ends in scope": (("client", "server"), "both", "nginx", "ab"),
    "the server only": (("server",), "server", "nginx", NEAR_ADDRESS),
    "the client only": (("client",), "client", f"{FAR_ADDRESS}:{servers.HTTP}", "ab"),
}


@each({f"two namespaces joined by a veth pair, {name}": row for name, row in SCOPES.items()})
class FarTest(ScopeTest):
    """The client is in the sandbox's namespace, the server in another."""

    def check(self, scope, side, service, peer):
        self.join()
        server = self.serve(FAR_ADDRESS, namespace=FAR)
        self.wait_for_far(server)
        agent = self.observe(cgroups=[self.sandbox.cgroup / name for name in scope])
        self.ask(FAR_ADDRESS, server.port)
        self.reported(agent, side, service, peer, FAR_ADDRESS)

    def join(self):
        """Makes the other namespace and the pair."""
        ip = program("ip")
        near = self.sandbox.name
        remove = [ip, "netns", "del", FAR]
        if pathlib.Path(f"/run/netns/{FAR}").exists():
            subprocess.run(remove, check=True)
        subprocess.run([ip, "netns", "add", FAR], check=True)
        self.addCleanup(subprocess.run, remove, check=True)
        for words in (
            f"-n {near} link add near type veth peer name far netns {FAR}",
            f"-n {near} addr add {NEAR_ADDRESS}/24 dev near",
            f"-n {near} link set near up",
            f"-n {FAR} addr add {FAR_ADDRESS}/24 dev far",
            f"-n {FAR} link set far up",
        ):
            subprocess.run([ip, *words.split()], check=True)

    def wait_for_far(self, server):
        """Until it answers: the sandbox looks into its own namespace only."""
        probe = ("import socket, sys, time\n"
                 "while socket.socket().connect_ex((sys.argv[1], int(sys.argv[2]))):\n"
                 "    time.sleep(0.02)\n")
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.sandbox.run("python3", "-c", probe, FAR_ADDRESS, server.port, inside=False,
                             timeout=20)
            return
        self.fail(self.sandbox.log("nginx-errors"))


@each({
    "one namespace, both ends in scope": ("127.0.0.1", ("client", "server"), "both", "nginx", "ab"),
    "one namespace, the server only": ("127.0.0.1", ("server",), "server", "nginx", "127.0.0.1"),
    "one namespace, the client only":
        ("127.0.0.1", ("client",), "client", f"127.0.0.1:{servers.HTTP}", "ab"),
    "IPv6, both ends in scope": ("[::1]", ("client", "server"), "both", "nginx", "ab"),
    "IPv6, the server only": ("[::1]", ("server",), "server", "nginx", "::1"),
    "IPv6, the client only": ("[::1]", ("client",), "client", f"[::1]:{servers.HTTP}", "ab"),
})
class NearTest(ScopeTest):
    """Both on one loopback."""

    def check(self, host, scope, side, service, peer):
        server = self.serve(host)
        agent = self.observe(cgroups=[self.sandbox.cgroup / name for name in scope])
        self.ask(host, server.port)
        self.reported(agent, side, service, peer, host)


class LaterTest(ScopeTest):
    """What comes into scope after the agent has started."""

    def test_a_cgroup_made_later_with_a_server_and_a_client(self):
        agent = self.observe()
        (self.sandbox.cgroup / "server" / "inner").mkdir()
        server = servers.nginx(self.sandbox, start=lambda label, *words: self.sandbox.start(
            label, *self.placed("server/inner", *words)))
        self.ask("127.0.0.1", server.port)
        self.reported(agent, "both", "nginx", "ab", "127.0.0.1")


if __name__ == "__main__":
    unittest.main()
