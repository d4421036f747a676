"""Loads TLS late: tls_late.py PORT EACH. Once a line was read it imports ssl and asks on a first
connection; a while later on a second one."""

import sys
import time

port, each = map(int, sys.argv[1:3])
sys.stdin.readline()
import http.client  # noqa: E402
import ssl  # noqa: E402

context = ssl.create_default_context()
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
for target in ("first", "second"):
    connection = http.client.HTTPSConnection("localhost", port, context=context, timeout=20)
    for _ in range(each):
        connection.request("GET", f"/{target}")
        connection.getresponse().read()
    if target == "first":
        time.sleep(2.5)
    connection.close()
