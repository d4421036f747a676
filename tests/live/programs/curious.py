"""Opens connections to 127.0.0.1:PORT, and asks over all of them each time it reads a line.

    curious.py PORT CONNECTIONS     prints `CLIENT_PORT BODY` an answer, then `asked`
"""

import http.client
import sys


def main():
    """A round a line of standard input."""
    connections = [http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]), timeout=10)
                   for _ in range(int(sys.argv[2]))]
    for connection in connections:
        connection.connect()
    print("connected", flush=True)
    for _ in sys.stdin:
        for connection in connections:
            connection.request("GET", "/asked")
            body = connection.getresponse().read().decode()
            print(connection.sock.getsockname()[1], body)
        print("asked", flush=True)


main()
