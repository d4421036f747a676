"""Asks twice over each of several connections, which it makes in the way named.

    caller.py PORT WAY COUNT

plain     a socket a connection
fastopen  the same, with the first request in the SYN once the server has given a cookie
refused   the same, and each socket has tried a port without a listener before
again     one socket for all connections, disconnected in between
"""

import ctypes
import os
import socket
import sys

TCP_FASTOPEN_CONNECT = 30
REQUEST = b"GET /called HTTP/1.1\r\nHost: here\r\n\r\n"
# A sockaddr of family AF_UNSPEC takes a connected socket back to where it was (connect(2)).
UNSPECIFIED = bytes(16)


def ask_twice(connection):
    """Two requests and their answers."""
    for _ in range(2):
        connection.sendall(REQUEST)
        text = b""
        while not text.endswith(b"ok"):
            text += connection.recv(4096)


def disconnect(connection):
    """Resets the connection and keeps the socket."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.connect(connection.fileno(), UNSPECIFIED, len(UNSPECIFIED)):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def fresh(address, way):
    """A socket that is about to connect in this way."""
    connection = socket.socket()
    if way == "fastopen":
        connection.setsockopt(socket.IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1)
    if way == "refused" and connection.connect_ex((address[0], address[1] + 1)) == 0:
        sys.exit("somebody listens on the next port")
    return connection


def main():
    """Calls as often as told."""
    address, way, count = ("127.0.0.1", int(sys.argv[1])), sys.argv[2], int(sys.argv[3])
    connection = fresh(address, way)
    for _ in range(count):
        connection.connect(address)
        ask_twice(connection)
        if way == "again":
            disconnect(connection)
        else:
            connection.close()
            connection = fresh(address, way)
    connection.close()


if __name__ == "__main__":
    main()
