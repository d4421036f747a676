"""A conversation that is the same every time: 200 requests and answers of many sizes over HTTP.

    conversation.py serve|ask PORT

Strictly in turns, and each message is one write that is sent at once, so that packets do not depend
on who is scheduled when.
"""

import socket
import sys

COUNT = 200
PADDING_MAX = 1_100


def head_of(connection, text=b""):
    """Reads until a head is whole; gives it and what came after."""
    while b"\r\n\r\n" not in text:
        got = connection.recv(65536)
        if not got:
            return None, b""
        text += got
    head, _, rest = text.partition(b"\r\n\r\n")
    return head, rest


def serve(listener):
    """Answers with as many bytes as the number in the target says."""
    while True:
        connection, _ = listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while (head := head_of(connection)[0]) is not None:
            size = int(head.split(b"/", 2)[1].split()[0])
            body = bytes(n % 251 for n in range(size))
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (size, body))
        connection.close()


def ask(connection):
    """All requests, then the end."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for number in range(COUNT):
        padding = b"p" * (number * 37 % PADDING_MAX)
        size = number * 53 % PADDING_MAX
        connection.sendall(b"GET /%d HTTP/1.1\r\nHost: a\r\nX: %b\r\n\r\n" % (size, padding))
        _, body = head_of(connection)
        while len(body) < size:
            body += connection.recv(65536)
    connection.shutdown(socket.SHUT_WR)
    connection.recv(1)
    connection.close()


def main():
    """One of both roles."""
    address = ("127.0.0.1", int(sys.argv[2]))
    if sys.argv[1] == "serve":
        serve(socket.create_server(address))
    else:
        ask(socket.create_connection(address))


main()
