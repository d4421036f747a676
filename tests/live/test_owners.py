"""Who is named as the server and as the client, where that is not who made the socket."""

import collections
import subprocess
import sys
import unittest

import sandbox as place
import servers
from cases import LiveTest, each

PORT, CONNECTIONS, ROUNDS, VISITS = 18100, 12, 3, 50
UNAVAILABLE = 69


class OwnersTest(LiveTest):
    """A client, whose answers say who gave them, and the lines about it."""

    def start(self, name, *others):
        """Starts a program of the workshop, with others beside it for it to start."""
        for other in (name, *others):
            servers.copied(self.sandbox, "workshop.py", f"{other}.py")
        server = self.sandbox.start(name, sys.executable, self.sandbox.folder / f"{name}.py", PORT)
        self.sandbox.wait_for_port(PORT, server)
        return server

    def client(self):
        """A client with its connections open."""
        script = servers.copied(self.sandbox, "curious.py")
        client = self.sandbox.start("curious", sys.executable, script, PORT, CONNECTIONS,
                                    stdin=subprocess.PIPE)
        self.wait_for("connected", 1)
        return client

    def wait_for(self, word, count):
        """Waits until the client has said the word that often."""
        log = self.sandbox.logs / "curious"
        place.wait_until(lambda: log.read_text().split().count(word) >= count, 20, word)

    def ask(self, client, rounds=ROUNDS):
        """Lets it ask that often over each connection."""
        for number in range(rounds):
            client.stdin.write(b"\n")
            client.stdin.flush()
            self.wait_for("asked", number + 1)

    def agree(self, agent, names, clients=1):
        """Every line names the one that answered on that connection, and the client."""
        self.account(agent, clients * CONNECTIONS * ROUNDS)
        said = collections.Counter(
            (int(line["client"].rsplit(":", 1)[1]), line["service"], line["peer"], line["side"])
            for line in self.ended(agent)
        )
        answers = collections.Counter(
            (int(words[0]), words[1], "curious", "both")
            for words in map(str.split, (self.sandbox.logs / "curious").read_text().splitlines())
            if len(words) == 2
        )
        self.assertEqual(said, answers)
        answered = {name for _, name, _, _ in answers}
        self.assertTrue(answered and answered <= names, answered)
        self.say(f"{', '.join(sorted(answered))}")


@each({
    "a pre-forking server": ("forker", (), {"forker"}),
    "accepted connections passed to another program": ("acceptor", ("receiver",), {"receiver"}),
    "a listener inherited by another program": ("activator", ("activated",), {"activated"}),
})
class ServersTest(OwnersTest):
    """The service is who answers."""

    def check(self, name, others, names):
        self.start(name, *others)
        agent = self.observe()
        self.ask(self.client())
        self.agree(agent, names)


class OldTest(OwnersTest):
    """Sockets that are older than the agent."""

    def test_connections_older_than_the_agent(self):
        self.start("plain")
        client = self.client()
        agent = self.observe()
        self.ask(client)
        self.agree(agent, {"plain"})

    def test_connections_of_a_pre_forking_server_older_than_the_agent(self):
        self.start("forker")
        client = self.client()
        agent = self.observe()
        self.ask(client)
        self.agree(agent, {"forker"})

    def test_connections_that_were_passed_before_the_agent_came(self):
        self.start("acceptor", "receiver")
        client = self.client()
        agent = self.observe()
        self.ask(client)
        self.agree(agent, {"receiver"})


class SharedPortTest(OwnersTest):
    """Two programs, one port."""

    def test_two_programs_that_share_a_port(self):
        self.start("first")
        agent = self.observe()
        self.start("second")
        self.ask(self.client())
        self.agree(agent, {"first", "second"})

    def test_two_programs_that_share_a_port_and_have_connections_already(self):
        self.start("first")
        self.start("second")
        client = self.client()
        agent = self.observe()
        self.ask(client)
        self.agree(agent, {"first", "second"})


class HandedOverTest(OwnersTest):
    """One port, one program after the other."""

    def test_a_port_that_another_program_takes_over(self):
        server = self.start("first")
        agent = self.observe()
        client = self.client()
        self.ask(client)
        client.stdin.close()
        client.wait(timeout=10)
        self.sandbox.stop(server)
        self.start("second")
        before = (self.sandbox.logs / "curious").rename(self.sandbox.logs / "before").read_text()
        self.ask(self.client())
        with open(self.sandbox.logs / "curious", "a", encoding="ascii") as log:
            log.write(before)
        self.agree(agent, {"first", "second"}, 2)


class BuiltTest(OwnersTest):
    """Programs in C."""

    def test_a_server_by_io_uring(self):
        binary = servers.built(self.sandbox, "ringed.c")
        server = self.sandbox.start("ringed", binary, PORT)
        try:
            self.sandbox.wait_for_port(PORT, server)
        except place.Refused:
            if server.poll() == UNAVAILABLE:
                self.skipTest(f"no io_uring here: {self.sandbox.log('ringed')}")
            raise
        agent = self.observe()
        visitor = servers.built(self.sandbox, "visitor.c")
        for _ in range(VISITS):
            self.sandbox.run(visitor, PORT)
        self.named(agent, "ringed", "visitor")

    def test_clients_that_live_some_milliseconds(self):
        self.start("plain")
        visitor = servers.built(self.sandbox, "visitor.c")
        agent = self.observe()
        for _ in range(VISITS):
            self.sandbox.run(visitor, PORT)
        self.named(agent, "plain", "visitor")

    def test_clients_that_were_gone_before_the_agent_looked(self):
        self.start("plain")
        visitor = servers.built(self.sandbox, "visitor.c")
        agent = self.observe()
        # All within a few looks of the scanner, and none alive at the end of them.
        script = f"for n in $(seq {VISITS}); do {visitor} {PORT}; done"
        self.sandbox.run("sh", "-c", script)
        self.named(agent, "plain", "visitor")

    def named(self, agent, service, peer):
        """All lines name both."""
        self.account(agent, VISITS)
        said = collections.Counter((line["service"], line["peer"], line["side"])
                                   for line in self.ended(agent))
        self.assertEqual(said, {(service, peer, "both"): VISITS})


if __name__ == "__main__":
    unittest.main()
