"""What is reported is what was sent, to the request, at the full speed the client can send.

The servers' own counts are the truth: load generators stop in mid-request, and then only the server
knows whether it saw the last one.
"""

import collections
import functools
import unittest

import loads
import servers
from cases import LiveTest, each

ab = loads.ab
ab_k = functools.partial(loads.ab, keep_alive=True)
pipelined = functools.partial(loads.wrk, depth=8)
few = functools.partial(loads.ab, requests=1000, connections=4)
nginx_2 = functools.partial(servers.nginx, workers=2)
prefork = functools.partial(servers.apache, mpm="prefork")
event = functools.partial(servers.apache, mpm="event")


def port_of(address):
    """The port of `ip:port`."""
    return int(address.rsplit(":", 1)[1])


@each({
    "ab without keep-alive to nginx": (servers.nginx, ab),
    "ab with keep-alive to nginx": (servers.nginx, ab_k),
    "wrk to nginx": (servers.nginx, loads.wrk),
    "wrk to nginx with two workers": (nginx_2, loads.wrk),
    "wrk, pipelines of 8, to nginx": (servers.nginx, pipelined),
    "ab without keep-alive to Apache, prefork": (prefork, few),
    "wrk to Apache, prefork": (prefork, loads.wrk),
    "ab without keep-alive to Apache, event": (event, few),
    "wrk to Apache, event": (event, loads.wrk),
    "ab without keep-alive to Go": (servers.go, few),
    "wrk to Go": (servers.go, loads.wrk),
    "ab without keep-alive to Node": (servers.node, few),
    "wrk to Node": (servers.node, loads.wrk),
    "ab without keep-alive to Java": (servers.java, few),
    "wrk to Java": (servers.java, loads.wrk),
    "ab without keep-alive to Python": (servers.python, few),
    "wrk to Python": (servers.python, loads.wrk),
})
class HttpTest(LiveTest):
    """One client, one server, both in scope."""

    def check(self, serve, send):
        server = serve(self.sandbox)
        agent = self.observe()
        load = send(self.sandbox, server.url)
        answered = server.counted()
        sums = self.account(agent)
        lines = [line for line in self.ended(agent) if line["target"] != "/count"]
        self.assertEqual({line["protocol"] for line in lines}, {"http1"})
        self.assertEqual({line["side"] for line in lines}, {"both"})
        self.assertEqual({line["service"] for line in lines}, {server.name})
        complete = sum(line["incomplete"] is None for line in lines)
        asked = int(server.log is None)
        self.say(f"{complete} of {load.answered}, lost {sums.lost}")
        if sums.lost:
            self.assertLess(complete, sum(answered.values()) + 1)
            self.fail(f"lost {sums.lost} of {sums.seen} bytes: {sums}")
        self.assertEqual(sums.requests, len(lines) + asked, "metrics and lines differ")
        self.agree(load, answered, lines)

    def agree(self, load, answered, lines):
        """Per connection: answered on the wire ≤ the server's count ≤ asked on the wire, and
        what lies between is at most what the client left unfinished."""
        asked, complete = collections.Counter(), collections.Counter()
        for line in lines:
            port = port_of(line["client"]) if 0 not in answered else 0
            asked[port] += 1
            complete[port] += line["incomplete"] is None
        self.assertGreaterEqual(complete.total(), load.answered)
        self.assertLessEqual(complete.total(), load.answered + load.unfinished_max)
        depth = load.unfinished_max if 0 in answered else min(load.depth, load.unfinished_max)
        for port in asked.keys() | answered.keys():
            served = answered.get(port, 0)
            self.assertLessEqual(complete[port], served, f"invented on port {port}")
            self.assertLessEqual(served, asked[port], f"missed on port {port}")
            self.assertLessEqual(asked[port] - complete[port], depth, f"cut on port {port}")


class ProxyTest(LiveTest):
    """A proxy in the middle."""

    def test_both_hops_of_a_proxy_are_counted_and_named(self):
        backend = servers.python(self.sandbox, servers.BACKEND)
        proxy = servers.proxy(self.sandbox)
        agent = self.observe()
        load = loads.ab(self.sandbox, proxy.url, requests=2000, connections=8)
        self.account(agent, 2 * load.answered)
        edges = collections.Counter(
            (line["peer"], line["service"], line["side"], line["status"])
            for line in self.ended(agent)
        )
        self.assertEqual(edges, {
            ("ab", "nginx", "both", "200"): load.answered,
            ("nginx", backend.name, "both", "200"): load.answered,
        })


    def test_both_hops_of_a_proxy_at_full_speed(self):
        backend = servers.nginx(self.sandbox, port=servers.BACKEND)
        proxy = servers.proxy(self.sandbox)
        agent = self.observe()
        load = loads.wrk(self.sandbox, proxy.url)
        sums = self.account(agent)
        lines = self.ended(agent)
        self.assertEqual(sums.lost, 0)
        hops = {server: [line for line in lines if port_of(line["server"]) == server.port]
                for server in (proxy, backend)}
        self.assertEqual(len(lines), sum(map(len, hops.values())))
        self.assertEqual({line["peer"] for line in hops[backend]}, {"nginx"})
        for server, hop in hops.items():
            self.say(f"{len(hop)} of {load.answered}")
            self.check_hop(load, server, hop)

    def check_hop(self, load, server, lines):
        """As many as the server counted, or as many more as the client left unfinished."""
        served = sum(server.counted().values())
        complete = sum(line["incomplete"] is None for line in lines)
        self.assertLessEqual(complete, served)
        self.assertLessEqual(served, len(lines))
        self.assertLessEqual(len(lines) - complete, load.unfinished_max)
        self.assertGreaterEqual(complete, load.answered)


if __name__ == "__main__":
    unittest.main()
