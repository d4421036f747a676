"""HTTPS, both ends observed: small pages, big bodies, HTTP/2, and a handshake for each request."""

import time

import paired
import sandbox as place
import servers
from table import Row

TITLE = "HTTPS: nginx, both ends observed and opened"


def certified(sandbox):
    """What turns the plain server into one of TLS; the certificate is its own."""
    cert, key = sandbox.folder / "cert.pem", sandbox.folder / "key.pem"
    sandbox.run(place.program("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt",
                "ec_paramgen_curve:prime256v1", "-nodes", "-days", 2, "-subj", "/CN=localhost",
                "-keyout", key, "-out", cert, inside=False)
    return f"ssl http2; ssl_certificate {cert}; ssl_certificate_key {key}"


def secured(command):
    """The same command with another scheme."""
    return [str(word).replace("http://", "https://") for word in command]


def rows(bench):
    """The agent comes first: keys are taken as the handshakes pass."""
    seconds = paired.seconds(bench.rounds) + 10
    loads = (
        ("small, 16 connections", servers.wrk(seconds), paired.segments, "≥ 0.90"),
        ("10 MB bodies", servers.wrk(seconds, "bulk", 2), paired.octets, "≥ 0.90"),
        ("HTTP/2, small, 4 connections × 32 streams", servers.h2load(seconds, "small", 4, 32),
         paired.octets, "≥ 0.88"),
        ("a handshake for each request, 8 at a time",
         [place.program("ab"), "-q", "-c", 8, "-t", seconds, "-n", 50_000_000,
          f"{servers.URL}/small"], paired.segments, "≥ 0.80"),
    )
    with bench.sandbox() as sandbox:
        server = servers.nginx(sandbox, listen=certified(sandbox))
        agent = bench.agent(sandbox)
        for what, command, count, aim in loads:
            command = secured(command)
            before = agent.snapshot()["ledger"]
            # Its handshakes come after the taps are on again, and before they are off for the first
            # time.
            time.sleep(1)
            load = sandbox.start("load", *command)
            time.sleep(1)
            ratios = paired.ratios(agent, load, bench.rounds, count)
            sandbox.stop(load)
            assert server.poll() is None, sandbox.log("nginx")
            figure = paired.spread(ratios)
            # Handshakes that pass while the taps are off are nobody's.
            if "ab" not in command[0].rsplit("/", 1)[-1]:
                after = agent.snapshot()["ledger"]
                seen, sealed = (after[word] - before[word] for word in ("seen", "sealed"))
                share = 1 - sealed / max(seen, 1)
                figure += f", {share:.1%} of the bytes opened"
            yield Row(what, figure, servers.shown(command), aim)
        agent.stop()
