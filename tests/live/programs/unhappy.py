"""Exchanges that end badly, or carry a lot, each on a connection of its own.

    unhappy.py serve|ask PORT
"""

import socket
import struct
import sys
import time

BULK = bytes(range(256)) * 4096
RESET = struct.pack("ii", 1, 0)
HEAD = b"%b /%b HTTP/1.1\r\nHost: a\r\n%b\r\n"


def request(method, target, headers=b""):
    """A request's head."""
    return HEAD % (method, target, headers)


def upload(headers, body):
    """A POST with a body."""
    return request(b"POST", b"upload", headers) + body


CHUNKED = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (BULK, b"abc", BULK[:70_000]))
# What is sent, and whether the client waits for the answer. The server does what the target says.
ASKED = [
    (request(b"GET", b"well"), True),
    (request(b"GET", b"fail"), True),
    (request(b"GET", b"missing"), True),
    (request(b"GET", b"reset"), True),
    (request(b"GET", b"close"), True),
    (request(b"GET", b"half"), True),
    (request(b"GET", b"hang"), False),
    (request(b"GET", b"until-the-end"), True),
    (request(b"GET", b"pieces"), True),
    (request(b"HEAD", b"well"), True),
    (upload(b"Content-Length: %d\r\n" % len(BULK), BULK), True),
    (upload(b"Transfer-Encoding: chunked\r\n", CHUNKED + b"0\r\n\r\n"), True),
    (request(b"GET", b"well") * 20, True),
    (b"this is no HTTP\r\n\r\n", True),
    (b"", False),
]
WELL = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n"
ANSWERS = {
    b"well": WELL + b"well",
    b"upload": WELL + b"have",
    b"fail": b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n",
    b"missing": b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n",
    b"half": b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nsome",
    b"until-the-end": b"HTTP/1.1 200 OK\r\n\r\n" + BULK,
    b"pieces": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKED + b"0\r\n\r\n",
}
ENDING = (b"half", b"until-the-end", b"close", b"reset")


def body_end(head, text):
    """Where the body after the head ends in the text, or None if it has not all come."""
    if b"chunked" in head:
        end = text.find(b"\r\n0\r\n\r\n")
        return None if end < 0 else end + 7
    size = head.partition(b"Content-Length: ")[2].split(b"\r\n")[0]
    size = int(size) if size else 0
    return size if len(text) >= size else None


def serve_one(connection):
    """Does what the requests of one connection say."""
    text = b""
    while got := connection.recv(1 << 20):
        text += got
        while b"\r\n\r\n" in text:
            head, _, rest = text.partition(b"\r\n\r\n")
            end = body_end(head + b"\r\n", rest)
            if end is None:
                break
            text = rest[end:]
            words = head.split(b" ")
            target = words[1][1:] if words[0] in (b"GET", b"HEAD", b"POST") else b"missing"
            answer = ANSWERS.get(target, b"")
            if words[0] == b"HEAD":
                answer = answer.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
            connection.sendall(answer)
            if target == b"reset":
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            if target in ENDING:
                return


def serve(port):
    """One connection after the other."""
    listener = socket.create_server(("127.0.0.1", port))
    while True:
        connection, _ = listener.accept()
        with connection:
            serve_one(connection)


def ask(port):
    """All of it."""
    for text, waits in ASKED:
        with socket.create_connection(("127.0.0.1", port)) as connection:
            try:
                connection.sendall(text)
                # Long enough to get what comes at all, unless the end comes first.
                connection.settimeout(0.3)
                while waits and connection.recv(1 << 20):
                    pass
            except OSError:
                pass
            time.sleep(0.05)


def main():
    """One of both roles."""
    (serve if sys.argv[1] == "serve" else ask)(int(sys.argv[2]))


main()
