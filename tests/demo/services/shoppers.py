"""The shoppers: a few customers that browse and order through the shop's front door.

Bounded in time and count. On SIGTERM, or when done, prints as JSON what it sent and what came back,
so that the agent's numbers can be held against it.
"""

import collections
import http.client
import json
import random
import signal
import sys
import threading
import time

SHOPPERS = 6
REQUESTS_MAX = 1_000_000
PAUSE_S = 0.01


def steps():
    """What shoppers do, endlessly: mostly look, sometimes buy, now and then mistype."""
    while True:
        chance = random.random()
        if chance < 0.20:
            yield "GET", "/", None
        elif chance < 0.65:
            yield "GET", f"/catalog/items/{random.randrange(200)}?from=search", None
        elif chance < 0.85:
            yield "GET", f"/orders/{random.randrange(1, 101)}", None
        elif chance < 0.98:
            yield "POST", "/orders", json.dumps({"item": random.randrange(50)})
        else:
            yield "GET", "/catalog/items/unknown", None


class Shoppers:
    """Runs the shoppers until they are told to stop, the time is over or the count is reached."""

    def __init__(self, port, seconds):
        self.port = port
        self.deadline = time.monotonic() + seconds
        self.counts = collections.Counter()
        self.lock = threading.Lock()
        self.stopping = False

    def is_over(self):
        return self.stopping or time.monotonic() > self.deadline

    def shop(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        for method, target, body in steps():
            if self.is_over():
                break
            try:
                connection.request(method, target, body)
                answer = connection.getresponse()
                answer.read()
                outcome = str(answer.status)
            except (OSError, http.client.HTTPException):
                connection.close()
                outcome = "broken"
            with self.lock:
                self.counts[outcome] += 1
                self.stopping |= sum(self.counts.values()) >= REQUESTS_MAX
            time.sleep(random.expovariate(1 / PAUSE_S))
        connection.close()

    def run(self):
        threads = [threading.Thread(target=self.shop) for _ in range(SHOPPERS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        print(json.dumps({"sent": sum(self.counts.values()), "status": dict(self.counts)}))


def main():
    shoppers = Shoppers(int(sys.argv[1]), float(sys.argv[2]))

    def stop(*_):
        shoppers.stopping = True

    signal.signal(signal.SIGTERM, stop)
    shoppers.run()


main()
