"""A real Prometheus scrapes a running agent, in every form, and answers as the API does."""

import json
import subprocess
import unittest
import urllib.parse
import urllib.request

import loads
import sandbox as place
import servers
from cases import LiveTest, each
from observed import free_port

CONFIG = """
global: {scrape_interval: 250ms, scrape_timeout: 250ms}
scrape_configs:
  - job_name: redsight
    static_configs: [{targets: ["ADDRESS"]}]
"""
NAME = "http_server_request_duration_seconds"
# Both sides find the same bucket, base 2 at scale 5. The API gives its middle, Prometheus goes by
# the rank within it: half a bucket is at most 1.09 %.
OFF_MAX = 0.011


class Prometheus:
    """A server of its own that scrapes one agent."""

    def __init__(self, sandbox, agent, *options):
        self.address = f"127.0.0.1:{free_port()}"
        config = sandbox.folder / "prometheus.yml"
        config.write_text(CONFIG.replace("ADDRESS", agent.address))
        self.process = sandbox.start_outside(
            "prometheus", place.program("prometheus"), f"--config.file={config}",
            f"--storage.tsdb.path={sandbox.folder}/tsdb", f"--web.listen-address={self.address}",
            *options,
        )

    def query(self, text):
        """Labels and value of every series of an instant query."""
        query = urllib.parse.urlencode({"query": text})
        url = f"http://{self.address}/api/v1/query?{query}"
        with urllib.request.urlopen(url, timeout=10) as answer:
            result = json.load(answer)["data"]["result"]
        return [(one["metric"], one.get("value", [0, "nan"])[1]) for one in result]

    def number(self, text):
        """The value of a query with one series; 0 while there is none."""
        try:
            found = self.query(text)
        except OSError:
            return 0.0
        return float(found[0][1]) if found else 0.0

    def target(self):
        """What it says of its target."""
        with urllib.request.urlopen(f"http://{self.address}/api/v1/targets", timeout=10) as answer:
            return json.load(answer)["data"]["activeTargets"][0]


@each({
    "OpenMetrics": ([],),
    "native histograms over protobuf": (["--enable-feature=native-histograms"],),
})
class PrometheusTest(LiveTest):
    """What Prometheus has of the agent is what the agent says of itself."""

    def check(self, options):
        server = servers.nginx(self.sandbox)
        agent = self.observe()
        sent = loads.ab(self.sandbox, server.url, requests=2000).answered
        sent += loads.ab(self.sandbox, f"{server.url}files/not-there", requests=100).answered
        self.account(agent, sent)
        prometheus = Prometheus(self.sandbox, agent, *options)
        is_native = bool(options)
        count = f"histogram_count({NAME})" if is_native else f"{NAME}_count"
        place.wait_until(lambda: prometheus.number(f"sum({count})") >= sent, 30,
                         f"Prometheus has {sent} requests\n{self.sandbox.log('prometheus')}")
        self.assertEqual(prometheus.target()["lastError"], "")
        self.assertEqual(prometheus.number(f"sum({count})"), sent)
        by_status = prometheus.query(f"sum by (http_response_status_code) ({count})")
        self.assertEqual(
            {labels["http_response_status_code"]: float(value) for labels, value in by_status},
            {"200": sent - 100, "404": 100},
        )
        ledger = agent.ask("/api/v1/ledger?window=0")["total"]
        for outcome in ("parsed", "skipped", "lost", "sealed", "unknown"):
            found = prometheus.number(f'sum(redsight_bytes_total{{outcome="{outcome}"}})')
            self.assertEqual(found, ledger[outcome], outcome)
        if is_native:
            self.compare_quantiles(agent, prometheus)
        self.assertEqual(agent.stop(), 0)

    def compare_quantiles(self, agent, prometheus):
        """Quantiles of the same sums: those since the start."""
        rows = agent.ask("/api/v1/services?window=0&filter=service%3Dnginx")["services"]
        self.assertEqual(len(rows), 1, rows)
        said = []
        for share, name in ((0.5, "p50_us"), (0.95, "p95_us"), (0.99, "p99_us")):
            own = rows[0]["served"][name] / 1e6
            theirs = prometheus.number(
                f'histogram_quantile({share}, sum({NAME}{{service_name="nginx"}}))')
            off = abs(theirs / own - 1)
            said.append(f"{name[:3]} {own * 1e6:.1f} and {theirs * 1e6:.1f} µs")
            self.assertLessEqual(off, OFF_MAX, f"{name}: {own} s, Prometheus {theirs} s")
        self.say(", ".join(said))


class FormsTest(LiveTest):
    """Tools that judge an exposition have nothing to say against it."""

    def test_promtool_finds_nothing_wrong_with_the_text(self):
        server = servers.nginx(self.sandbox)
        agent = self.observe()
        self.account(agent, loads.ab(self.sandbox, server.url, requests=200).answered)
        done = subprocess.run([place.program("promtool"), "check", "metrics"], check=False,
                              input=agent.get("/metrics"), capture_output=True, text=True)
        # It also has opinions on names, which the contract has settled.
        said = [line for line in done.stderr.splitlines() if "error while linting" in line]
        self.assertEqual(said, [], done.stderr)
        self.say(done.stderr.strip().replace("\n", "; ") or "nothing to say")
        self.assertEqual(agent.stop(), 0)


if __name__ == "__main__":
    unittest.main()
