"""What is observed sends the same bytes, to the flag and the option, as if nobody looked."""

import hashlib
import re
import sys
import unittest

import loads
import observed
import pcap
import servers
from cases import LiveTest

PORT = 18090
# Headers that say when.
DATED = re.compile(rb"(Date|Last-Modified|ETag): [^\r]*")


class PassiveTest(LiveTest):
    """One conversation, captured with and without the agent."""

    mtu = 1500

    def conversation(self, name):
        """Runs it; gives its packets by sender: those that carry bytes or open and close. Bare
        acknowledgements depend on timers, with or without an agent."""
        script = servers.copied(self.sandbox, "conversation.py")
        server = self.sandbox.start(f"server-{name}", sys.executable, script, "serve", PORT)
        self.sandbox.wait_for_port(PORT, server)
        with pcap.capturing(self.sandbox, name, PORT) as path:
            self.sandbox.run(sys.executable, script, "ask", PORT)
        self.sandbox.stop(server)
        told = [packet for packet in pcap.packets(path)
                if packet.payload or packet.flags & (pcap.SYN | pcap.FIN | pcap.RST)]
        # The client's port and the first sequence numbers are the system's choice.
        chosen = {"destination": None, "sequence": None}
        return [vars(packet) | {"source": packet.source == PORT} | chosen for packet in told]

    def test_traffic_is_the_same_packet_by_packet_with_and_without_the_agent(self):
        without = self.conversation("without")
        agent = observed.Agent(self.sandbox)
        within = self.conversation("within")
        self.account(agent)
        lines = self.ended(agent)
        self.assertEqual(len(lines), 200, "the agent did look")
        again = self.conversation("again")
        payload = sum(len(packet["payload"]) for packet in without)
        self.say(f"{len(without)} packets, {payload} bytes")
        self.assertEqual(without, again, "the conversation itself is not always the same")
        self.assertEqual(without, within)


    def bulk(self, name):
        """10 files of 1 MB by sendfile; the bytes of each direction, and what kinds of packets
        carried them: how many they are depends on timing."""
        server = servers.nginx(self.sandbox)
        url = f"{server.url}files/bulk"
        with pcap.capturing(self.sandbox, name, server.port) as path:
            loads.ab(self.sandbox, url, 10, connections=1)
        self.sandbox.stop(server.process)
        sides, expected = {}, {}
        for packet in pcap.packets(path):
            # A bare acknowledgement may report a hole; what was sent again counts once. Both are
            # the timers' doing, on a machine where others work.
            if not packet.payload:
                continue
            stream, kinds = sides.setdefault(packet.source == server.port, (bytearray(), set()))
            ends = (packet.source, packet.destination)
            known = (expected.get(ends, packet.sequence) - packet.sequence) % 2**32
            if known < 2**31:
                stream += packet.payload[known:]
                expected[ends] = (packet.sequence + max(known, len(packet.payload))) % 2**32
            options = tuple(option[0] for option in packet.options)
            kinds.add((packet.ttl, packet.service, packet.fragment, options))
        return {side: (hashlib.sha256(DATED.sub(b"", stream)).hexdigest(), kinds)
                for side, (stream, kinds) in sides.items()}

    def test_bulk_by_sendfile_is_the_same_to_the_byte(self):
        without = self.bulk("without")
        agent = observed.Agent(self.sandbox)
        within = self.bulk("within")
        self.assertEqual(len(self.ended(agent)), 10)
        self.assertEqual(without, within)


if __name__ == "__main__":
    unittest.main()
