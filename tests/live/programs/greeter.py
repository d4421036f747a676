"""Answers every request head with `ok`, on a listener with the options named.

    greeter.py PORT [defer] [fastopen]
"""

import socket
import sys
import threading

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
DEFER_S = 10


def answer(connection):
    """Answers until the other end has had enough."""
    text = b""
    with connection:
        while got := connection.recv(65536):
            *heads, text = (text + got).split(b"\r\n\r\n")
            connection.sendall(ANSWER * len(heads))


def main():
    """Serves for ever."""
    port, *options = sys.argv[1:]
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if "defer" in options:
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, DEFER_S)
        if "fastopen" in options:
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_FASTOPEN, 16)
        listener.bind(("127.0.0.1", int(port)))
        listener.listen(64)
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=answer, args=(connection,), daemon=True).start()


if __name__ == "__main__":
    main()
