"""HTTP/2 and gRPC: every stream of a connection, by every server and client that can be had."""

import collections
import os
import pathlib
import signal
import sys
import time
import unittest

import loads
import servers
from cases import LiveTest, each
from sandbox import program, python_with, wait_until

HTTP2 = servers.HTTP
GRPC, ETCD = 18082, 18083
CALLS = pathlib.Path(__file__).resolve().parent / "programs" / "calls.py"
UPGRADES = """
LoadModule http2_module @MODULES@/mod_http2.so
Protocols h2c http/1.1
"""
# A megabyte.
BULK, BULK_BYTES = "files/bulk", 1 << 20
# Of so much at full speed some may be lost where the agent has no core of its own.
LOT_BYTES = 64 << 20


class Http2Test(LiveTest):
    """What all of them check."""

    def counted(self, agent, expected, key):
        """Requests by key, once nothing is lost and metrics and lines agree."""
        sums = self.account(agent, expected, copied=False)
        lines = [line for line in self.ended(agent) if line["kind"] == "request"]
        lost = sums.bytes.get("lost", 0)
        self.say(f"{len(lines)} of {expected}, lost {lost} of {sums.seen} bytes")
        if lost and sums.seen > LOT_BYTES:
            self.assertLessEqual(len(lines), expected)
            self.skipTest(f"{lost} of {sums.seen} bytes were lost on this machine")
        self.assertEqual(lost, 0, sums)
        self.assertEqual(sums.requests, len(lines), "metrics and lines differ")
        self.assertEqual({line["side"] for line in lines}, {"both"})
        return collections.Counter(map(key, lines))


def page(line):
    """What a request of a page should look like."""
    return line["protocol"], line["operation"], line["target"], line["status"], line["incomplete"]


@each({
    "h2load with 32 streams a connection": ("", 20_000, 4, 32),
    "h2load with 100 streams on one connection": ("", 10_000, 1, 100),
    "h2load one after the other": ("", 2_000, 4, 1),
    "h2load with bodies of a megabyte": (BULK, 200, 2, 8, 15),
})
class PagesTest(Http2Test):
    """nginx and h2load, by prior knowledge."""

    def check(self, path, requests, connections, streams, window=30):
        server = servers.nginx(self.sandbox, listen="http2")
        agent = self.observe()
        loads.h2load(self.sandbox, server.url + path, requests, connections, streams, window)
        found = self.counted(agent, requests, page)
        self.assertEqual(found, {("http2", "GET", f"/{path}", "200", None): requests})


class WideWindowTest(Http2Test):
    """A window so wide that the server need not wait for anybody."""

    def test_bodies_at_full_speed_are_counted_whatever_of_them_is_lost(self):
        server = servers.nginx(self.sandbox, listen="http2")
        agent = self.observe()
        loads.h2load(self.sandbox, server.url + BULK, 200, 2, 8)
        sums = self.account(agent, 200, copied=False)
        lines = self.ended(agent)
        lost = sums.bytes.get("lost", 0)
        whole = sum(line["incomplete"] is None for line in lines)
        self.say(f"{whole} of {len(lines)} whole, lost {lost} of {sums.seen} bytes")
        self.assertEqual({(line["operation"], line["target"]) for line in lines},
                         {("GET", f"/{BULK}")})
        self.assertLessEqual({line["status"] for line in lines}, {"200", ""})
        self.assertLessEqual(len(lines), 200)
        # What passes before the agent has seen the connection at all is copied by the budget.
        if lost == 0:
            self.assertEqual(whole, 200)


class TapsOffTest(Http2Test):
    """Connections of which a part has passed unseen."""

    def test_bodies_are_left_out_again_after_the_taps_were_off(self):
        server = servers.nginx(self.sandbox, listen="http2")
        agent = self.observe()
        load = self.sandbox.start("h2load", program("h2load"), "-c", 2, "-m", 8, "-D", 8,
                                  server.url + BULK)

        def ledger():
            return agent.ask("/api/v1/snapshot")["ledger"]
        wait_until(lambda: ledger()["skipped"] > BULK_BYTES, 10, "bodies are left out")
        agent.process.send_signal(signal.SIGUSR1)
        time.sleep(1)
        agent.process.send_signal(signal.SIGUSR1)
        on_us = time.time() * 1e6
        self.assertEqual(load.wait(20), 0, self.sandbox.log("h2load"))
        # What passed meanwhile is lost, and no tap has counted it.
        sums = agent.settled()
        lines = [line for line in self.ended(agent) if (line["start_us"] or 0) > on_us]
        self.say(f"{len(lines)} after it, {sums.bytes}")
        self.assertEqual({line["protocol"] for line in lines}, {"http2"})
        self.assertIn("200", {line["status"] for line in lines})
        self.assertLess(sums.bytes["parsed"] + sums.bytes.get("unknown", 0), sums.seen / 10)


class UpgradeTest(Http2Test):
    """From HTTP/1.1, where the first answer is on stream 1."""

    def test_upgrade_at_Apache(self):
        server = servers.apache(self.sandbox, "event", UPGRADES)
        agent = self.observe()
        root = f"http://127.0.0.1:{server.port}"
        self.sandbox.run(program("nghttp"), "-u", "-n", f"{root}/index.html", f"{root}/none")
        found = self.counted(agent, 2, lambda line: (line["protocol"], line["target"]))
        self.assertEqual(found, {("http1", "/index.html"): 1, ("http2", "/none"): 1})


def outcome(line):
    """What a call should look like."""
    return line["operation"], line["target"], line["status"]


class GrpcTest(Http2Test):
    """Calls by their method, and failures by their code."""

    def setUp(self):
        super().setUp()
        self.python = python_with("grpc")

    def serve(self):
        """The server of calls in Python."""
        script = servers.copied(self.sandbox, "calls.py")
        process = self.sandbox.start("calls", self.python, script, "serve", GRPC)
        self.sandbox.wait_for_port(GRPC, process)
        return script

    def test_calls_of_every_kind_in_Python(self):
        script, agent = self.serve(), self.observe()
        self.sandbox.run(self.python, script, "call", GRPC, 200)
        found = self.counted(agent, 205, outcome)
        cancelled = sum(count for (name, _, status), count in found.items()
                        if name == "Sleep" and status in ("CANCELLED", "DEADLINE_EXCEEDED"))
        self.assertEqual(cancelled, 2, found)
        found = {key: count for key, count in found.items() if key[0] != "Sleep"}
        self.assertEqual(found, {
            ("Get", "shop.v1.Cart", "OK"): 180,
            ("Get", "shop.v1.Cart", "NOT_FOUND"): 20,
            ("Watch", "shop.v1.Cart", "OK"): 1,
            ("Upload", "shop.v1.Cart", "OK"): 1,
            ("Chat", "shop.v1.Cart", "OK"): 1,
        })

    def test_an_agent_that_comes_late_says_what_it_cannot_know(self):
        script = self.serve()
        gate = self.sandbox.folder / "gate"
        client = self.sandbox.start("client", self.python, script, "call", GRPC, 100, gate)
        ready = self.sandbox.logs / "client"
        wait_until(lambda: "ready" in ready.read_text(), 20, "the client is ready")
        agent = self.observe()
        gate.touch()
        wait_until(lambda: client.poll() is not None, 20, "the client has ended")
        found = self.counted(agent, 100, lambda line: (
            line["protocol"], line["operation"], line["target"], line["incomplete"]))
        # By now every field stands in the table: a POST, of whatever.
        self.assertEqual(found, {("http2", "POST", "", "mid-stream"): 100})

    def test_calls_in_Go_sixteen_at_a_time(self):
        binary = servers.go_module(self.sandbox, "calls_go")
        process = self.sandbox.start("calls-go", binary, "serve", GRPC)
        self.sandbox.wait_for_port(GRPC, process)
        agent = self.observe()
        self.sandbox.run(binary, "call", GRPC, 2_000)
        found = self.counted(agent, 2_000, outcome)
        self.assertEqual(found, {
            ("Get", "shop.v1.Cart", "OK"): 1_800,
            ("Get", "shop.v1.Cart", "NOT_FOUND"): 200,
        })


class EtcdTest(Http2Test):
    """etcd's own client and server."""

    def test_etcdctl_puts_and_gets(self):
        url, peers = f"http://127.0.0.1:{ETCD}", f"http://127.0.0.1:{ETCD + 1}"
        process = self.sandbox.start(
            "etcd", program("etcd"), "--data-dir", self.sandbox.folder / "etcd",
            "--listen-client-urls", url, "--advertise-client-urls", url,
            "--listen-peer-urls", peers, "--initial-advertise-peer-urls", peers,
            "--initial-cluster", f"default={peers}", env=os.environ | {"ETCD_UNSUPPORTED_ARCH": ""})
        self.sandbox.wait_for_port(ETCD, process)
        ask = lambda *words: self.sandbox.run(  # noqa: E731
            program("etcdctl"), f"--endpoints={url}", *words, env=os.environ | {"ETCDCTL_API": "3"})
        ask("put", "ready", "yes")
        agent = self.observe()
        for number in range(5):
            ask("put", f"key{number}", "value")
            ask("get", f"key{number}")
        found = self.counted(agent, 10, lambda line: (line["protocol"], *outcome(line)))
        self.assertEqual(found, {
            ("grpc", "Put", "etcdserverpb.KV", "OK"): 5,
            ("grpc", "Range", "etcdserverpb.KV", "OK"): 5,
        })


if __name__ == "__main__":
    sys.exit(unittest.main())
