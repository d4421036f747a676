"""Asks three times at once and leaves without reading the answers: the close becomes a reset, sent
when the socket is closed already, and the port is free again at once. There are fifty of them.
Every second connection said before that it ends.

    quitter.py PORT TIMES TARGET
"""

import socket
import sys

PORT, TIMES, TARGET = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
ASKED = f"GET {TARGET} HTTP/1.1\r\nHost: a\r\n\r\n".encode() * 3
PORTS = range(20_000, 20_050)

for turn in range(TIMES):
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        connection.bind(("127.0.0.1", PORTS[turn % len(PORTS)]))
        connection.connect(("127.0.0.1", PORT))
        connection.sendall(ASKED)
        connection.recv(1)
        if turn % 2:
            connection.shutdown(socket.SHUT_WR)
