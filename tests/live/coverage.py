"""The table of docs/tls-coverage.md, filled by the tests that run; with BLESS=1 it is written."""

import collections
import contextlib
import os

import sandbox as place

PAGE = place.ROOT / "docs" / "tls-coverage.md"
HEAD = """<!-- Written by `BLESS=1 tests/run_live.py test_tls`: edit tests/live/coverage.py. -->
# TLS: what is opened

Secrets are taken where a program hands them to its key log, by one probe a program (*anchor*,
[ADR 7](adr/0007-secrets-at-the-key-log.md)); nobody has to ask the program for a key log. Where
there is no such place, keys are found in the memory of the process that owns the socket (*key
scan*). The live test runs each of these with the agent watching one end only, and asks that every
request of new connections, from the first, is one line with the version of its TLS; that nothing
stays sealed, but what TLS 1.3 seals of handshakes where keys are scanned for; and with an anchor,
that every secret is taken once.

*Older* are the versions whose connections were open before the agent, with a client that keeps
them: all requests from a second after the first one shown are lines. Those of HTTP/2 and HTTP/3
have no name where the one side has told it to the other before.

| who | watched | engine | TLS | secrets by | requests | older |
|---|---|---|---|---|---|---|
"""
TAIL = """
## Without an anchor

| engine | why | instead |
|---|---|---|
| rustls, TLS 1.3 | its secrets are handed over only to who asks for a key log | key scan |
| NSS | its key log is given an object of the key store, not the secret | key scan |
| Java, Erlang, .NET's own code | no key log in the machine code of a file | key scan |
| OpenSSL before 1.1.1 | there is no key log | key scan |
| Go before 1.18 | arguments are on the stack | key scan |
| any, connections older than the agent | the handshake is over | key scan |

A process that is forked for one connection and ends with it, or a client that connects at once,
may be through its handshake before its probe is in place: processes are found within a second.
The other end has the same secrets, if it is in scope. The key scan reads a process some 0.3 s after
it has shown sealed records: a connection that is closed by then stays sealed.

## Connections older than the agent

The key scan opens them by what their process keeps, of any engine:

| what | how it is proven | what it cannot do |
|---|---|---|
| AES-GCM, TLS 1.3 | the tag gives the nonce back, on two records | – |
| AES-GCM, TLS 1.2 | the same, its number guessed | begin after 2²⁰ records (Erlang: 2¹⁶) |
| ChaCha20-Poly1305, TLS 1.3 | a secret gives the key and the tag is right | – |
| ChaCha20-Poly1305, TLS 1.2 | the tag, with the nonce that OpenSSL and BoringSSL keep \
beside the key | be of other engines; begin after 2¹⁴ records of BoringSSL |
| AES-CCM, TLS 1.2 | the tag, with four bytes from beside the key | open many at once |
| QUIC with AES-GCM | keys of headers and packets, on two packets | open what passed before |
| AES-CBC | the padding of eight records (2⁻⁶³) | check the MAC; find it within, but behind text |

Of several QUIC connections between the same two sockets the scan may open some in one direction
only. Early data of Go's QUIC has no secret in its key log, and no memory shows it: the requests in
it are not seen.

Sealed they stay with ChaCha20-Poly1305 in TLS 1.2 of other engines, where key, nonce and sequence
number lie apart and nothing but the tag tells of a guess of all three; with AES-CCM in TLS 1.3; and
QUIC with ChaCha20.
Ciphers, nginx with a thousand connections, a JVM that collects garbage all the time and key updates
are in a [live test of their own](../tests/live/test_keyscan.py).

## What stays sealed

`redsight tls` and `/api/v1/tls` count such connections by the reason, `redsight_sealed_bytes_total`
their bytes:

| reason | what it says |
|---|---|
| `no_key` | no probe brought a secret and no scan found a key |
| `engine_unknown` | the same, and nothing in the process is a TLS engine that is known |
| `kernel_tls` | the same, and the kernel makes the records: it has the keys |
| `started_before` | the connection is older than the agent, and memory is not looked into |
| `memory_not_readable` | the kernel does not let the agent read the process |
| `cipher_unsupported` | of this cipher no key can be proven |
| `budget` | so much waited for a key that a limit was reached |
| `key_lost` | a key that opened records no longer does |
| `off` | TLS is not read: `--no-tls` |

Kernel TLS is no hindrance where the key-log probe has the secret, which the program still makes. It
is told by the counters of the network namespace and, if there is any, by `sock_diag`; tried in the
kernels of `make test-kernels` that have it.
"""
ANCHOR, KEY_SCAN = "anchor", "key scan"
MISSING = "not on the machine of this run"
# (who, end, way) → engine as `redsight tls` tells it, and TLS version → what came of it.
_found = collections.defaultdict(lambda: ["", {}])
# (who, end) → TLS versions whose connections were opened although the agent came later.
_older = collections.defaultdict(set)


@contextlib.contextmanager
def row(who, end, way, version):
    """A row of the page: exact, if nothing goes wrong within. What is yielded takes the engine."""
    found = _found[who, end, way]
    came = found[1]
    came[version] = "failed"
    try:
        yield found
    except place.Refused as refused:
        if "is not installed" in str(refused):
            came[version] = MISSING
        raise
    came[version] = "exact"


@contextlib.contextmanager
def older(who, end, version):
    """The same row, of connections older than the agent."""
    yield
    _older[who, end].add(version)


def write():
    """Writes the page, if that was asked for; the modules that fill it call it when they end."""
    if not os.environ.get("BLESS"):
        return
    lines = []
    for who, end in _older.keys() - {(who, end) for who, end, _ in _found}:
        _found[who, end, KEY_SCAN] = ["–", {}]
    for (who, end, way), (engine, came) in sorted(_found.items(), key=_order):
        exact = [version for version, what in sorted(came.items()) if what == "exact"]
        rest = sorted({what for what in came.values() if what != "exact"})
        result = ", ".join((["exact"] if exact else []) + rest) or "–"
        before = ", ".join(sorted(_older[who, end])) or "–"
        cells = who, end, engine, ", ".join(exact) or "–", way if exact else "–", result, before
        lines.append(f"| {' | '.join(cells)} |")
    PAGE.write_text(HEAD + "\n".join(lines) + "\n" + TAIL, encoding="utf-8")


def _order(found):
    (who, end, way), _ = found
    return who.lower(), end, way
