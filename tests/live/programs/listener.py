"""Reads every TCP packet of the namespace from a raw socket, as scanners and failover tools do."""

import socket

with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP) as raw:
    while True:
        raw.recv(1 << 16)
