"""Answers pages by HTTP/3: python h3_server.py CERTIFICATE KEY PORT."""

import asyncio
import sys

from aioquic.asyncio import serve
from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.h3.connection import H3_ALPN, H3Connection
from aioquic.h3.events import H3Event
from aioquic.quic.configuration import QuicConfiguration


class Server(QuicConnectionProtocol):
    """One connection; a request is answered at its end."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.http = H3Connection(self._quic)

    def quic_event_received(self, event):
        for heard in self.http.handle_event(event):
            if isinstance(heard, H3Event) and getattr(heard, "stream_ended", False):
                self.http.send_headers(heard.stream_id, [(b":status", b"200")])
                self.http.send_data(heard.stream_id, b"a page", end_stream=True)
                self.transmit()


async def main(certificate, key, port):
    ways = QuicConfiguration(is_client=False, alpn_protocols=H3_ALPN)
    ways.load_cert_chain(certificate, key)
    await serve("127.0.0.1", int(port), configuration=ways, create_protocol=Server)
    print("serving", flush=True)
    await asyncio.Event().wait()


asyncio.run(main(*sys.argv[1:]))
