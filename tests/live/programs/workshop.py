"""Servers that come by their sockets in unusual ways. Each answers with its own program's name.

    forker.py PORT       listens, then forks workers that accept
    acceptor.py PORT     accepts, and passes each connection to another program (receiver.py)
    activator.py PORT    listens, and starts another program (activated.py) that inherits it
    first.py|second.py PORT   listens with SO_REUSEPORT

The program's name is that of the file; all are copies of this one, as names come from there.
"""

import os
import pathlib
import socket
import subprocess
import sys
import threading

NAME = pathlib.Path(sys.argv[0]).stem
WORKERS = 4
LISTENER = 3
REUSED = ("first", "second")


def serve(connection):
    """Answers until the client has had enough."""
    text = b""
    body = NAME.encode()
    with connection:
        while got := connection.recv(65536):
            *heads, text = (text + got).split(b"\r\n\r\n")
            for _ in heads:
                connection.sendall(
                    b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))


def accept(listener):
    """A thread for each connection."""
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve, args=(connection,), daemon=True).start()


def listen():
    """The socket of the port."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if NAME in REUSED:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listener.bind(("127.0.0.1", int(sys.argv[1])))
    listener.listen(256)
    return listener


def other(name, passed):
    """Another program, to which a socket is passed as file 3."""
    path = pathlib.Path(sys.argv[0]).with_name(f"{name}.py")
    return subprocess.Popen([sys.executable, path, "0"],
                            preexec_fn=lambda: os.dup2(passed, LISTENER), pass_fds=[LISTENER])


def forker(listener):
    """Workers that accept; the parent only waits."""
    for _ in range(WORKERS):
        if os.fork() == 0:
            accept(listener)
    os.wait()


def acceptor(listener):
    """Accepts and hands on."""
    mine, theirs = socket.socketpair()
    other("receiver", theirs.fileno())
    while True:
        connection, _ = listener.accept()
        socket.send_fds(mine, [b"x"], [connection.fileno()])
        connection.close()


def receiver():
    """Serves what it is handed."""
    with socket.socket(fileno=LISTENER) as door:
        while True:
            _, files, _, _ = socket.recv_fds(door, 1, 1)
            threading.Thread(target=serve, args=(socket.socket(fileno=files[0]),),
                             daemon=True).start()


def main():
    """What the name says."""
    if NAME == "receiver":
        receiver()
    elif NAME == "activated":
        accept(socket.socket(fileno=LISTENER))
    listener = listen()
    if NAME == "forker":
        forker(listener)
    elif NAME == "acceptor":
        acceptor(listener)
    elif NAME == "activator":
        other("activated", listener.fileno()).wait()
    else:
        accept(listener)


main()
