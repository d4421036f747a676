"""TLS clients by NSS that keep their connections: keeper_nss.py TSTCLNT PORT VERSION CONNECTIONS.

tstclnt has one connection a process. Starts them at the first line of input; for each line, COUNT,
asks that often over each connection and says `asked`.
"""

import subprocess
import sys

tstclnt, port, version, count = sys.argv[1:5]
PAGE = b"a page\n"
# It asks for the name of the host, believes every certificate, and speaks first.
WORDS = [tstclnt, "-h", "localhost", "-p", port, "-D", "-o", "-f", "-4", "-V",
         f"tls{version}:tls{version}"]
clients = []


def ask(client):
    """One request and its answer, which ends with the page."""
    client.stdin.write(b"GET /page HTTP/1.1\r\nHost: localhost\r\n\r\n")
    client.stdin.flush()
    answer = b""
    while not answer.endswith(PAGE):
        piece = client.stdout.read1()
        assert piece, "tstclnt has ended"
        answer += piece


for line in sys.stdin:
    while len(clients) < int(count):
        clients.append(subprocess.Popen(WORDS, stdin=subprocess.PIPE, stdout=subprocess.PIPE))
    for _ in range(int(line)):
        for each in clients:
            ask(each)
    print("asked", flush=True)
for each in clients:
    # The end of its input is not the end of its connection.
    each.terminate()
    each.wait(timeout=10)
