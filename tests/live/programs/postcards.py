"""UDP in both roles: a server that sends every datagram back, a client that sends and waits.

    postcards.py serve HOST PORT
    postcards.py ask HOST PORT HOW COUNT SIZE…

HOW: `connected` and `unconnected` use one socket, `fresh` a new one each time, `joined` lets the
kernel cut one long write into COUNT datagrams of SIZE bytes each (UDP_SEGMENT). The client says how
many bytes it sent and got back, and ends with its input: who has gone cannot be asked who he was.
"""

import socket
import sys

UDP_SEGMENT = 103
BUFFER_BYTES = 8 << 20
ANSWER_S = 5


def opened(host):
    """A socket of the host's family with much room."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_DGRAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
    made.settimeout(ANSWER_S)
    return made


def serve(host, port):
    """Answers from one socket, whoever asks."""
    server = opened(host)
    server.settimeout(None)
    server.bind((host, port))
    print("ready", flush=True)
    while True:
        text, peer = server.recvfrom(65536)
        server.sendto(text, peer)


def joined(client, address, count, size):
    """One write, many datagrams."""
    client.connect(address)
    client.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, size)
    client.send(bytes(count * size))
    return count * size, sum(len(client.recv(65536)) for _ in range(count))


def ask(address, how, count, sizes):
    """Sends all sizes, COUNT times, and adds up both ways."""
    client = opened(address[0])
    if how == "joined":
        return joined(client, address, count, sizes[0])
    if how == "connected":
        client.connect(address)
    sent = got = 0
    for size in sizes * count:
        if how == "fresh":
            client.close()
            client = opened(address[0])
        text = size.to_bytes(4, "big") * (size // 4) + bytes(size % 4)
        sent += client.send(text) if how == "connected" else client.sendto(text, address)
        got += len(client.recv(65536))
    return sent, got


def main():
    """One of both roles."""
    role, host, port, *rest = sys.argv[1:]
    if role == "serve":
        serve(host, int(port))
    sent, got = ask((host, int(port)), rest[0], int(rest[1]), [int(size) for size in rest[2:]])
    print(sent, got, flush=True)
    sys.stdin.read()


main()
