"""Asks for pages over TLS: tls_client.py PORT VERSION CONNECTIONS EACH, once a line was read."""

import http.client
import ssl
import sys

port, version, connections, each = sys.argv[1:5]
context = ssl.create_default_context()
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
number = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}[version]
context.minimum_version = context.maximum_version = number
context.set_alpn_protocols(["http/1.1"])
sys.stdin.readline()
for _ in range(int(connections)):
    connection = http.client.HTTPSConnection("localhost", int(port), context=context, timeout=20)
    for request in range(int(each)):
        connection.request("GET", f"/page/{request}")
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200, answer.status
    connection.close()
