"""The prices: a gRPC service in Python. Some items have none, and now and then it is overloaded.

Messages are plain bytes, so no generated code is needed.
"""

import concurrent.futures
import random
import sys
import time

import grpc

MISSING_SHARE = 0.05
OVERLOADED_SHARE = 0.02
SLOW_SHARE = 0.05


def quote(item, context):
    """The price of one item."""
    chance = random.random()
    if chance < MISSING_SHARE:
        context.abort(grpc.StatusCode.NOT_FOUND, "no price")
    if chance < MISSING_SHARE + OVERLOADED_SHARE:
        context.abort(grpc.StatusCode.UNAVAILABLE, "too busy")
    if chance < MISSING_SHARE + OVERLOADED_SHARE + SLOW_SHARE:
        time.sleep(random.uniform(0.02, 0.06))
    return b"%d" % (int(item) * 7 % 100)


def main():
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(8))
    methods = {"Quote": grpc.unary_unary_rpc_method_handler(quote)}
    handler = grpc.method_handlers_generic_handler("shop.Prices", methods)
    server.add_generic_rpc_handlers((handler,))
    server.add_insecure_port(f"127.0.0.1:{sys.argv[1]}")
    server.start()
    server.wait_for_termination()


main()
