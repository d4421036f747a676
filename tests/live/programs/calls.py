"""gRPC in Python, without generated code: a server of four kinds of calls, and their client.

    calls.py serve PORT
    calls.py call PORT COUNT [WAIT]

The client makes COUNT unary calls, each tenth to a cart that is not there, then one call of each
other kind, one that it cancels and one whose deadline passes. With WAIT (a path) it makes COUNT
calls, says "ready", waits until the path exists, and makes as many again on the same connection.
"""

import concurrent.futures
import pathlib
import sys
import time

import grpc

SERVICE = "shop.v1.Cart"


def get(request, context):
    """Unary: a cart, or none."""
    if request == b"none":
        context.abort(grpc.StatusCode.NOT_FOUND, "no such cart")
    return b"a cart"


def watch(_, context):
    """The server streams; `sleepy` never comes to an end by itself."""
    for number in range(5):
        yield b"news %d" % number


def upload(requests, _):
    """The client streams."""
    return b"%d" % sum(1 for _ in requests)


def chat(requests, _):
    """Both stream."""
    yield from requests


def sleep(_, context):
    """Answers when it is too late."""
    while context.is_active():
        time.sleep(0.05)
    return b"awake"


HANDLERS = {
    "Get": grpc.unary_unary_rpc_method_handler(get),
    "Watch": grpc.unary_stream_rpc_method_handler(watch),
    "Upload": grpc.stream_unary_rpc_method_handler(upload),
    "Chat": grpc.stream_stream_rpc_method_handler(chat),
    "Sleep": grpc.unary_unary_rpc_method_handler(sleep),
}


def serve(port):
    """Serves until it is ended."""
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(max_workers=8))
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, HANDLERS),))
    server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    server.wait_for_termination()


def unary(channel, count):
    """Calls of which each tenth fails."""
    method = channel.unary_unary(f"/{SERVICE}/Get")
    for number in range(count):
        try:
            method(b"none" if number % 10 == 9 else b"mine")
        except grpc.RpcError as error:
            assert error.code() == grpc.StatusCode.NOT_FOUND, error


def others(channel):
    """One of each other kind, one cancelled, one too late."""
    assert len(list(channel.unary_stream(f"/{SERVICE}/Watch")(b""))) == 5
    assert channel.stream_unary(f"/{SERVICE}/Upload")(iter([b"1", b"2", b"3"])) == b"3"
    assert len(list(channel.stream_stream(f"/{SERVICE}/Chat")(iter([b"1", b"2"])))) == 2
    sleepy = channel.unary_unary(f"/{SERVICE}/Sleep")
    cancelled = sleepy.future(b"cancelled")
    time.sleep(0.2)
    cancelled.cancel()
    try:
        sleepy(b"late", timeout=0.2)
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.DEADLINE_EXCEEDED, error


def call(port, count, wait=None):
    """The client."""
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        grpc.channel_ready_future(channel).result(timeout=20)
        unary(channel, count)
        if wait is None:
            return others(channel)
        print("ready", flush=True)
        while not pathlib.Path(wait).exists():
            time.sleep(0.02)
        unary(channel, count)
    return None


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(int(sys.argv[2]))
    else:
        call(int(sys.argv[2]), int(sys.argv[3]), *sys.argv[4:])
