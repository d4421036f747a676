"""Asks over one keep-alive connection until its standard input is closed.

    asker.py PORT      ends with a line `asked failed`

Each request is one byte longer than the one before, in turns of 1,000: so that whoever sees them
can tell one from the next.
"""

import select
import socket
import sys
import time

PAUSE_S = 0.001


def answer(connection):
    """Reads one answer; true if it is a good one."""
    text = b""
    while b"\r\n\r\n" not in text:
        got = connection.recv(65536)
        if not got:
            return False
        text += got
    head, _, body = text.partition(b"\r\n\r\n")
    size = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
    while len(body) < size:
        body += connection.recv(65536)
    return head.startswith(b"HTTP/1.1 200")


def main():
    """One after the other."""
    connection = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
    connection.settimeout(5)
    asked = failed = 0
    print("asking", flush=True)
    while not select.select([sys.stdin], [], [], PAUSE_S)[0]:
        padding = b"x" * (asked % 1000)
        connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nX: %b\r\n\r\n" % padding)
        asked += 1
        try:
            failed += not answer(connection)
        except OSError:
            failed += 1
    print(asked, failed, flush=True)


main()
