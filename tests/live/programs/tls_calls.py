"""gRPC over TLS: tls_calls.py serve PORT CERT KEY, or call PORT CERT CONNECTIONS EACH, or keep PORT
CERT CONNECTIONS: for each line, COUNT, that calls so often over each and says `asked`."""

import concurrent.futures
import pathlib
import sys

import grpc

role, port, cert = sys.argv[1:4]
CERT = pathlib.Path(cert).read_bytes()


class Pages(grpc.GenericRpcHandler):
    """Answers every method with the question."""

    def service(self, handler_call_details):
        return grpc.unary_unary_rpc_method_handler(lambda question, _: question)


if role == "serve":
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(8))
    server.add_generic_rpc_handlers((Pages(),))
    pair = (pathlib.Path(sys.argv[4]).read_bytes(), CERT)
    server.add_secure_port(f"127.0.0.1:{port}", grpc.ssl_server_credentials([pair]))
    server.start()
    server.wait_for_termination()
else:
    credentials = grpc.ssl_channel_credentials(root_certificates=CERT)
    own = [("grpc.use_local_subchannel_pool", 1)]

    def connect():
        """A channel of one connection."""
        return grpc.secure_channel(f"localhost:{port}", credentials, own)

    def turn(channel, times):
        """Calls so often."""
        call = channel.unary_unary("/shop.Pages/Turn")
        for _ in range(times):
            assert call(b"a page", timeout=20) == b"a page"

    connections = int(sys.argv[4])
    if role == "keep":
        channels = [connect() for _ in range(connections)]
        for line in sys.stdin:
            for kept in channels:
                turn(kept, int(line))
            print("asked", flush=True)
    else:
        sys.stdin.readline()
        for number in range(connections):
            with connect() as once:
                turn(once, int(sys.argv[5]))
