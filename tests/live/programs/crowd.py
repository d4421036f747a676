"""A crowd of processes, each with a connection of its own to 127.0.0.1:PORT, asking twice a second.

    crowd.py PORT COUNT     prints `crowded` when all have asked once
"""

import os
import select
import signal
import socket
import sys
import time

REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


def ask(connection):
    """One request and its answer."""
    connection.sendall(REQUEST)
    if not connection.recv(4096).startswith(b"HTTP/1.1 200"):
        os._exit(1)


def member(port, told):
    """One of them."""
    connection = socket.create_connection(("127.0.0.1", port))
    ask(connection)
    os.write(told, b"x")
    while True:
        time.sleep(0.5)
        ask(connection)


def main():
    """Forks them and waits to be ended."""
    port, count = int(sys.argv[1]), int(sys.argv[2])
    heard, told = os.pipe()
    for _ in range(count):
        if os.fork() == 0:
            member(port, told)
    said = 0
    while said < count and select.select([heard], [], [], 20)[0]:
        said += len(os.read(heard, 4096))
    print("crowded", flush=True)
    signal.pause()


main()
