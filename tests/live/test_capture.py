"""Live durations and counts are those of a packet capture of the same run."""

import json
import statistics
import subprocess
import unittest

import loads
import observed
import pcap
import servers
from cases import LiveTest, each

# As the numbers are given: whole microseconds, and a percentile may lie between two of them.
SHARE, ROUNDING_US = 0.011, 2


def percentile(lines, share):
    """Of the durations."""
    durations = sorted(line["duration_us"] for line in lines)
    return statistics.quantiles(durations, n=100, method="inclusive")[share - 1]


def replayed(path):
    """The lines of a capture."""
    done = subprocess.run([observed.BINARY, "replay", "--json", path], capture_output=True,
                          text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def exchange(line):
    """What must be the same, seen live or in a capture."""
    same = ("protocol", "version", "client", "server", "operation", "target", "status",
            "request_bytes", "response_bytes", "incomplete")
    return tuple(line[name] for name in same)


@each({
    "nginx, in its microseconds, over keep-alive": (servers.nginx, True, "/"),
    "nginx, files of 1 MB": (servers.nginx, True, "/files/bulk"),
    "nginx, a connection a request": (servers.nginx, False, "/"),
    "Python, in its milliseconds": (servers.python, False, "/"),
    "Node": (servers.node, True, "/"),
})
class CaptureTest(LiveTest):
    """tcpdump and the agent watch the same run."""

    # What a capture can hold: packets of the loopback's own size are cut at 65535 bytes.
    mtu = 16436

    def check(self, serve, keep_alive, path):
        server = serve(self.sandbox)
        url = server.url.rstrip("/") + path
        agent = self.observe()
        # What the ring of tcpdump holds.
        count = 60 if "bulk" in path else 3000
        with pcap.capturing(self.sandbox, "run", server.port) as capture:
            loads.ab(self.sandbox, url, count, connections=4, keep_alive=keep_alive)
            sums = self.account(agent, count)
        live, capture_lines = self.ended(agent), replayed(capture)
        if sums.lost:
            self.say(f"lost {sums.lost} of {sums.seen} bytes")
        self.assertEqual(sorted(map(exchange, live), key=str),
                         sorted(map(exchange, capture_lines), key=str))
        live, capture_lines = ([line for line in lines if line["incomplete"] is None]
                               for lines in (live, capture_lines))
        for share in (50, 99):
            seen, truth = percentile(live, share), percentile(capture_lines, share)
            self.say(f"p{share} {seen:.0f} µs, capture {truth:.0f} µs")
            self.assertLessEqual(abs(seen - truth), truth * SHARE + ROUNDING_US)


class WholeTest(LiveTest):
    """A capture of a shop's worth of services."""

    mtu = 16436

    def test_a_proxy_and_its_backend_are_the_same_live_and_in_a_capture(self):
        servers.python(self.sandbox, servers.BACKEND)
        proxy = servers.proxy(self.sandbox)
        agent = self.observe()
        ports = f"{servers.HTTP} or tcp port {servers.BACKEND}"
        with pcap.capturing(self.sandbox, "run", ports) as capture:
            loads.ab(self.sandbox, proxy.url, 1000, connections=4)
            self.account(agent, 2000)
        live = self.ended(agent)
        self.assertEqual(sorted(map(exchange, live), key=str),
                         sorted(map(exchange, replayed(capture)), key=str))


if __name__ == "__main__":
    unittest.main()
