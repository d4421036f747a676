"""Pages over TLS: tls_pages.py PORT CERT KEY [asyncio|uvloop]. Threads, or an event loop."""

import asyncio
import http.server
import ssl
import sys

port, cert, key = int(sys.argv[1]), sys.argv[2], sys.argv[3]
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(cert, key)
BODY = b"a page\n"


class Pages(http.server.BaseHTTPRequestHandler):
    """One page for all targets."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()
        self.wfile.write(BODY)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    """The handshake is the connection's own thread's."""

    daemon_threads = True
    request_queue_size = 128

    def finish_request(self, request, client_address):
        with context.wrap_socket(request, server_side=True) as secured:
            self.RequestHandlerClass(secured, client_address, self)


async def answer(reader, writer):
    """One connection: every request gets the page."""
    while True:
        try:
            await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            break
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(BODY)}\r\n\r\n"
        writer.write(head.encode() + BODY)
        await writer.drain()
    writer.close()


async def serve():
    """The event loop's server."""
    server = await asyncio.start_server(answer, "127.0.0.1", port, ssl=context)
    await server.serve_forever()


if sys.argv[4:] == ["uvloop"]:
    import uvloop
    uvloop.run(serve())
elif sys.argv[4:] == ["asyncio"]:
    asyncio.run(serve())
else:
    Server(("127.0.0.1", port), Pages).serve_forever()
