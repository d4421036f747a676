"""Hands bytes on between a client and a server, and knows TLS keys of its own that are of neither.

    relay.py PORT SERVER_PORT CERTIFICATE KEY

With $BALLAST_MB it has so much memory beside them, half of it like chance.
"""

import os
import socket
import ssl
import sys
import threading


def own_connection(certificate, key):
    """A TLS connection with itself: its keys lie in this process's memory."""
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(certificate, key)
    asking = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    asking.check_hostname, asking.verify_mode = False, ssl.CERT_NONE
    ends = socket.socketpair()
    made = []
    thread = threading.Thread(
        target=lambda: made.append(serving.wrap_socket(ends[0], server_side=True)))
    thread.start()
    made.append(asking.wrap_socket(ends[1]))
    thread.join()
    return made


def pump(source, target):
    """One direction."""
    while piece := source.recv(65536):
        target.sendall(piece)
    target.shutdown(socket.SHUT_WR)


def main():
    """Accepts and connects, for ever."""
    port, server, certificate, key = sys.argv[1:]
    block = os.urandom(500_000) + bytes(500_000)
    ballast = [bytearray(block) for _ in range(int(os.environ.get("BALLAST_MB", "0")))]
    kept = [own_connection(certificate, key) for _ in range(4)]
    with socket.create_server(("127.0.0.1", int(port)), backlog=64) as listener:
        while kept and ballast is not None:
            client, _ = listener.accept()
            other = socket.create_connection(("127.0.0.1", int(server)))
            for ends in ((client, other), (other, client)):
                threading.Thread(target=pump, args=ends, daemon=True).start()


if __name__ == "__main__":
    main()
