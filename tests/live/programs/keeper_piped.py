"""TLS clients that keep their connections: keeper_piped.py CONNECTIONS REQUEST END COMMAND...

The command is a client that passes on its input, and what it is answered to its output, and has
one connection a process. Starts them at the first line of input; for each line, COUNT, sends the
request that often over each connection, waits for what the answer ends with, and says `asked`.
"""

import subprocess
import sys

connections, request, end = int(sys.argv[1]), sys.argv[2].encode(), sys.argv[3].encode()
clients = []


def ask(client):
    """One request and its answer."""
    client.stdin.write(request)
    client.stdin.flush()
    answer = b""
    while not answer.endswith(end):
        piece = client.stdout.read1()
        assert piece, "the client has ended"
        answer += piece


for line in sys.stdin:
    while len(clients) < connections:
        clients.append(subprocess.Popen(sys.argv[4:], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE))
    for _ in range(int(line)):
        for each in clients:
            ask(each)
    print("asked", flush=True)
for each in clients:
    # The end of its input is not the end of its connection.
    each.terminate()
    each.wait(timeout=10)
