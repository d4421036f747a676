"""A TLS client that keeps its connections.

    keeper.py PORT CONNECTIONS VERSION [CIPHERS]    VERSION is 1.2 or 1.3

Warms each connection up, says `connected`, then for each line of input, `COUNT [PATH]`, asks that
often over each connection and says `asked`. CIPHERS are of OpenSSL; those of TLS 1.3 come by
$OPENSSL_CONF.
"""

import socket
import ssl
import sys

WARM = 20


def ask(connection, path):
    """One request and its answer."""
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    answer = b""
    while b"\r\n\r\n" not in answer:
        piece = connection.recv(65536)
        if not piece:
            raise EOFError("the server has closed the connection")
        answer += piece
    head, _, body = answer.partition(b"\r\n\r\n")
    if b"chunked" in head.lower():
        while not body.endswith(b"0\r\n\r\n"):
            body += connection.recv(65536)
        return
    length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n")
                  if line.lower().startswith(b"content-length:"))
    left = length - len(body)
    while left > 0:
        left -= len(connection.recv(65536))


def main():
    """Connects, then asks as told."""
    port, count, version, *ciphers = sys.argv[1:]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    versions = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
    context.minimum_version = context.maximum_version = versions[version]
    if ciphers:
        context.set_ciphers(ciphers[0])
    connections = [context.wrap_socket(socket.create_connection(("127.0.0.1", int(port))),
                                       server_hostname="localhost")
                   for _ in range(int(count))]
    for connection in connections:
        for _ in range(WARM if len(connections) < 100 else 2):
            ask(connection, "/warm")
    print("connected", connections[0].cipher()[0], flush=True)
    for line in sys.stdin:
        times, path = (line.split() + ["/page"])[:2]
        for _ in range(int(times)):
            for connection in connections:
                ask(connection, path)
        print("asked", flush=True)


if __name__ == "__main__":
    main()
