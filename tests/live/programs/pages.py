"""Answers every request with a page; GET /count gives how many that were."""

import http.server
import itertools
import sys

_count = itertools.count()


class Pages(http.server.BaseHTTPRequestHandler):
    """One page for all targets."""

    protocol_version = "HTTP/1.1"
    # Head and body in one segment, and sent at once.
    wbufsize = -1
    disable_nagle_algorithm = True

    def do_GET(self):
        body = b"a page\n"
        if self.path == "/count":
            body = str(next(_count)).encode()
        else:
            next(_count)
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    """Threads that do not hold up the exit."""

    daemon_threads = True
    request_queue_size = 1024


Server(("127.0.0.1", int(sys.argv[1])), Pages).serve_forever()
