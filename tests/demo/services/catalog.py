"""The catalog: an HTTP service in Python that keeps its items in Redis and asks for prices by gRPC.

Some of its answers are slow and some fail, on purpose: about 5 % and 3 % of what the shop serves.
Redis is spoken by hand.
"""

import http.server
import json
import random
import socket
import sys
import threading
import time

import grpc

SLOW_SHARE = 0.08
FAILING_SHARE = 0.05

_connections = threading.local()


class Redis:
    """One connection that asks and waits: RESP2, as much of it as the catalog needs."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.reader = self.socket.makefile("rb")

    def ask(self, *words):
        words = [str(word).encode() for word in words]
        parts = [b"*%d\r\n" % len(words)]
        parts += [b"$%d\r\n%b\r\n" % (len(word), word) for word in words]
        self.socket.sendall(b"".join(parts))
        line = self.reader.readline().rstrip()
        if line[:1] == b"$":
            length = int(line[1:])
            return None if length < 0 else self.reader.read(length + 2)[:-2]
        if line[:1] == b"-":
            raise RuntimeError(line.decode())
        return line[1:]


def redis():
    """The connection of this thread."""
    if not hasattr(_connections, "redis"):
        _connections.redis = Redis(int(sys.argv[2]))
    return _connections.redis


_channel = grpc.insecure_channel(f"127.0.0.1:{sys.argv[3]}")
_quote = _channel.unary_unary("/shop.Prices/Quote")


def price(number):
    """What the item costs, or None if that is not known just now."""
    try:
        return int(_quote(str(number).encode(), timeout=1))
    except grpc.RpcError:
        return None


class Catalog(http.server.BaseHTTPRequestHandler):
    """GET /catalog/items/NUMBER"""

    protocol_version = "HTTP/1.1"
    # Head and body in one segment, and sent at once.
    wbufsize = -1
    disable_nagle_algorithm = True

    def do_GET(self):
        number = self.path.split("?")[0].rsplit("/", 1)[-1]
        if not number.isdigit():
            return self.answer(404, {"error": "no such item"})
        chance = random.random()
        if chance < FAILING_SHARE:
            return self.answer(500, {"error": "the catalog is on fire"})
        if chance < FAILING_SHARE + SLOW_SHARE:
            time.sleep(random.uniform(0.08, 0.25))
        item = redis().ask("GET", f"item:{number}")
        if item is None:
            item = json.dumps({"item": int(number), "price": price(number)}).encode()
            redis().ask("SET", f"item:{number}", item.decode(), "EX", 2)
        redis().ask("INCR", "views")
        return self.answer(200, json.loads(item))

    def answer(self, status, body):
        body = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    """Threads that do not hold up the exit."""

    daemon_threads = True
    request_queue_size = 128


Server(("127.0.0.1", int(sys.argv[1])), Catalog).serve_forever()
