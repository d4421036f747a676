"""Asks pages by HTTP/3: python h3_client.py PORT CONNECTIONS REQUESTS BODY_BYTES [together|kept].

Prints how many were answered 200. Each connection asks `/` and `/files/N` in turn, one after the
other or all together, and posts a body with each if there is one.

With `kept` it keeps its connections: it warms them up, says `connected`, then for each line of
input, `COUNT`, asks that often over each of them and says `asked`.
"""

import asyncio
import contextlib
import ssl
import sys

from aioquic.asyncio.client import connect
from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.h3.connection import H3_ALPN, H3Connection
from aioquic.h3.events import HeadersReceived
from aioquic.quic.configuration import QuicConfiguration


class Client(QuicConnectionProtocol):
    """One connection."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.http = H3Connection(self._quic)
        self.answers = {}

    def quic_event_received(self, event):
        for heard in self.http.handle_event(event):
            waiting = self.answers.get(getattr(heard, "stream_id", None))
            if waiting is None:
                continue
            if isinstance(heard, HeadersReceived):
                waiting.status = dict(heard.headers).get(b":status", b"").decode()
            if getattr(heard, "stream_ended", False) and not waiting.done():
                waiting.set_result(waiting.status)

    def ask(self, number, body):
        stream = self._quic.get_next_available_stream_id()
        path = b"/" if number % 2 == 0 else b"/files/%d" % number
        head = [(b":method", b"POST" if body else b"GET"), (b":scheme", b"https"),
                (b":authority", b"localhost"), (b":path", path)]
        self.answers[stream] = answer = asyncio.get_running_loop().create_future()
        self.http.send_headers(stream, head, end_stream=not body)
        if body:
            self.http.send_data(stream, body, end_stream=True)
        self.transmit()
        return answer


def connected(port):
    """One connection."""
    ways = QuicConfiguration(is_client=True, alpn_protocols=H3_ALPN, server_name="localhost")
    ways.verify_mode = ssl.CERT_NONE
    ways.idle_timeout = 600
    return connect("127.0.0.1", port, configuration=ways, create_protocol=Client)


async def converse(port, requests, body, together):
    """Asks on one connection; gives the statuses."""
    async with connected(port) as client:
        if together:
            return await asyncio.gather(*(client.ask(n, body) for n in range(requests)))
        return [await client.ask(n, body) for n in range(requests)]


async def keep(port, connections, warm):
    """Asks as told, over connections that stay."""
    async with contextlib.AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(connected(port)) for _ in range(connections)]

        async def ask(times):
            for number in range(times):
                for client in clients:
                    assert await client.ask(number, b"") == "200"

        await ask(warm)
        print("connected", flush=True)
        while line := await asyncio.to_thread(sys.stdin.readline):
            await ask(int(line))
            print("asked", flush=True)


async def main(port, connections, requests, body_bytes, together=""):
    if together == "kept":
        return await keep(int(port), int(connections), int(requests))
    body = b"x" * int(body_bytes)
    all_of_them = (converse(int(port), int(requests), body, bool(together))
                   for _ in range(int(connections)))
    statuses = [status for one in await asyncio.gather(*all_of_them) for status in one]
    print(statuses.count("200"))


asyncio.run(main(*sys.argv[1:]))
