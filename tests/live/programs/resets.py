"""Speaks nothing known, and ends by a reset: resets.py serve PORT | resets.py call PORT TIMES.

The server answers each piece with one of its own. The caller goes on until nobody is interested any
more, lets the last answers lie and resets the connection. It prints how many bytes were sent.
"""

import socket
import struct
import sys
import time

PIECE, ROUNDS, UNREAD = b"\xfe\xdc\xba\x98" * 64, 40, 3


def serve(port):
    """Answers until each connection is reset."""
    with socket.create_server(("127.0.0.1", port)) as listener:
        while True:
            connection, _ = listener.accept()
            with connection:
                try:
                    while asked := connection.recv(len(PIECE), socket.MSG_WAITALL):
                        connection.sendall(asked)
                except ConnectionResetError:
                    pass


def call(port, times):
    """As many connections, one after the other."""
    for _ in range(times):
        with socket.create_connection(("127.0.0.1", port)) as connection:
            for turn in range(ROUNDS):
                connection.sendall(PIECE)
                if turn < ROUNDS - UNREAD:
                    connection.recv(len(PIECE), socket.MSG_WAITALL)
                # The server's word is heard of once a second.
                time.sleep(1.5 if turn == ROUNDS // 2 else 0.005)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    print(2 * times * ROUNDS * len(PIECE))


if sys.argv[1] == "serve":
    serve(int(sys.argv[2]))
else:
    call(*map(int, sys.argv[2:]))
