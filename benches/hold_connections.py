"""Opens COUNT connections to 127.0.0.1:PORT, makes one request on each, and holds them open.

    hold_connections.py PORT COUNT     ends by itself after ten minutes
"""

import resource
import socket
import sys
import time

REQUEST = b"GET /small HTTP/1.1\r\nHost: bench\r\n\r\n"


def main():
    """Opens them one after the other, so that no backlog overflows."""
    port, count = int(sys.argv[1]), int(sys.argv[2])
    resource.setrlimit(resource.RLIMIT_NOFILE, (count + 100, count + 100))
    held = []
    for _ in range(count):
        connection = socket.create_connection(("127.0.0.1", port))
        connection.sendall(REQUEST)
        if not connection.recv(4096).startswith(b"HTTP/1.1 200"):
            sys.exit("the server does not answer")
        held.append(connection)
    print(f"holding {len(held)}", flush=True)
    time.sleep(600)


main()
