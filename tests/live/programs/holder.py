"""Opens COUNT connections to 127.0.0.1:PORT, makes one request on each, and holds them open.

    holder.py PORT COUNT     prints `holding`, then waits to be ended
"""

import signal
import socket
import sys

REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


def main():
    """Opens them one after the other, so that no backlog overflows."""
    held = []
    for _ in range(int(sys.argv[2])):
        connection = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
        connection.sendall(REQUEST)
        if not connection.recv(4096).startswith(b"HTTP/1.1 200"):
            sys.exit("the server does not answer")
        held.append(connection)
    print("holding", flush=True)
    signal.pause()


main()
