"""A connection to itself that carries TLS records.

One end speaks at a line of input, the other at the next.

    sealed.py      prints how many bytes it has sent
"""

import socket
import sys

RECORD = b"\x17\x03\x03\x10\x00" + bytes(4096)


def main():
    """First what the server says, then what the client does."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        server, _ = listener.accept()
    sent = 0
    for sender, receiver, records in ((server, client, 3), (client, server, 2)):
        sys.stdin.readline()
        for _ in range(records):
            sender.sendall(RECORD)
            receiver.recv(len(RECORD), socket.MSG_WAITALL)
            sent += len(RECORD)
    client.close()
    server.close()
    print(sent, flush=True)


if __name__ == "__main__":
    main()
