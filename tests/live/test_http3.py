"""HTTP/3: every request of QUIC connections whose keys the server's key-log function gave away."""

import collections
import os
import pathlib

from cases import LiveTest, each
from sandbox import program, python_with

PORT = 18443
CLIENT = pathlib.Path(__file__).resolve().parent / "programs" / "h3_client.py"
CADDY = """
{{
    admin off
    auto_https disable_redirects
    skip_install_trust
    default_sni localhost
}}
https://localhost:{port} {{
    tls internal
    respond "{body}"
}}
"""


@each({
    "Caddy and aioquic, one after the other": (4, 100, 0, 1_000, ""),
    "Caddy and aioquic, all together": (4, 80, 0, 1_000, "together"),
    "Caddy and aioquic, with bodies": (2, 20, 200_000, 1_000, ""),
    "Caddy and aioquic, with large answers": (2, 20, 0, 400_000, ""),
})
class CaddyTest(LiveTest):
    """A Go server, whose secrets its key-log function has, and a client that nobody looks into."""

    def check(self, connections, requests, body_bytes, answer_bytes, together):
        client, config = python_with("aioquic"), self.sandbox.folder / "Caddyfile"
        config.write_text(CADDY.format(port=PORT, body="x" * answer_bytes))
        environment = os.environ | {"XDG_DATA_HOME": str(self.sandbox.folder), "HOME": "/nowhere"}
        server = self.sandbox.start(
            "caddy", program("caddy"), "run", "--config", config, "--adapter", "caddyfile",
            env=environment)
        self.sandbox.wait_for_port(PORT, server)
        agent = self.observe()
        answered = int(self.sandbox.run(
            client, CLIENT, PORT, connections, requests, body_bytes, together))
        self.assertEqual(answered, connections * requests, "the client is not content")
        self.account(agent, answered)
        health = {line["name"]: line["detail"] for line in agent.ask("/api/v1/health")["health"]}
        self.assertIn(f"{connections} connections seen from their start", health["quic"])
        lines = [line for line in self.ended(agent) if line["kind"] == "request"]
        found = collections.Counter(
            (line["protocol"], line["operation"], line["target"], line["status"]) for line in lines)
        self.say(f"{len(lines)} of {answered}")
        method = "POST" if body_bytes else "GET"
        self.assertEqual({line["incomplete"] for line in lines}, {None})
        least = min(line["response_bytes"] for line in lines)
        self.assertGreater(least, answer_bytes)
        half = connections * requests // 2
        self.assertEqual(found, {
            ("http3", method, "/", "200"): half, ("http3", method, "/files/{id}", "200"): half})
        said = {tuple(line["tls"].values()) for line in lines}
        self.assertEqual(said, {("1.3", "localhost", "h3")})
