"""Name servers as they come from the distribution, with one small zone, and who asks them."""

import re

import sandbox as place
from sandbox import program
from servers import Server, filled

UNBOUND, BIND = 18653, 18654
# An address that only this zone knows, of this machine.
PEER = "127.0.0.9"

UNBOUND_CONF = """
server:
    interface: 127.0.0.1
    port: @PORT@
    do-daemonize: no
    use-syslog: no
    logfile: ""
    username: ""
    chroot: ""
    directory: "@FOLDER@"
    pidfile: "@FOLDER@/unbound.pid"
    num-threads: 1
    module-config: "iterator"
    access-control: 127.0.0.0/8 allow
    outgoing-range: 4096
    incoming-num-tcp: 100
    local-zone: "x.test." static
    local-data: "www.x.test. A 192.0.2.1"
    local-data: "www.x.test. AAAA 2001:db8::1"
    local-data: "api.x.test. A @PEER@"
    local-zone: "refused.test." refuse
remote-control:
    control-enable: no
"""

BIND_CONF = """
options {
    directory "@FOLDER@";
    pid-file none;
    session-keyfile none;
    listen-on port @PORT@ { 127.0.0.1; };
    listen-on-v6 { none; };
    recursion no;
    empty-zones-enable no;
    dnssec-validation no;
    allow-transfer { 127.0.0.1; };
    notify no;
    tcp-clients 200;
    transfer-format many-answers;
};
controls { };
zone "x.test" { type primary; file "x.test.zone"; };
zone "broken.test" { type primary; file "not-there.zone"; };
"""

ZONE = """
$TTL 60
@ SOA ns root 7 3600 600 86400 60
@ NS ns
ns A 127.0.0.1
www A 192.0.2.1
www AAAA 2001:db8::1
api CNAME front
front A @PEER@
big TXT @LONG@
"""


def unbound(sandbox):
    """Unbound, which answers from what it was given."""
    config = sandbox.folder / "unbound.conf"
    config.write_text(filled(UNBOUND_CONF, port=UNBOUND, folder=sandbox.folder, peer=PEER))
    process = sandbox.start("unbound", program("unbound"), "-d", "-c", config)
    sandbox.wait_for_port(UNBOUND, process)
    return Server(sandbox, "unbound", process, UNBOUND)


def bind(sandbox, names=2000):
    """BIND, with a zone that takes several messages to transfer."""
    config = sandbox.folder / "named.conf"
    config.write_text(filled(BIND_CONF, port=BIND, folder=sandbox.folder))
    strings = " ".join(f'"{"t" * 200}"' for _ in range(8))
    hosts = "".join(f"host-{number:04} A 198.51.100.{number % 250}\n" for number in range(names))
    zone = filled(ZONE, peer=PEER, long=strings) + hosts
    (sandbox.folder / "x.test.zone").write_text(zone)
    process = sandbox.start("named", program("named"), "-g", "-c", config)
    sandbox.wait_for_port(BIND, process)
    log = sandbox.logs / "named"
    place.wait_until(lambda: "running" in log.read_text(), 20, "named has its zones")
    return Server(sandbox, "named", process, BIND)


def dnsperf(sandbox, port, questions, seconds_max=20, clients=4, times=1000, mode="udp"):
    """dnsperf: each question so many times; gives the answers by status."""
    path = sandbox.folder / "questions"
    path.write_text("".join(f"{question}\n" for question in questions))
    text = sandbox.run(program("dnsperf"), "-d", path, "-s", "127.0.0.1", "-p", port, "-m", mode,
                       "-c", clients, "-q", 50, "-n", times, "-l", seconds_max)
    assert re.search(r"Queries lost:\s+0 ", text), text
    codes = re.search(r"Response codes:\s+(.*)", text)[1]
    return {name: int(count) for name, count in re.findall(r"(\w+) (\d+) \(", codes)}


def dig(sandbox, port, *words):
    """dig: one attempt, as short as can be; gives what it printed."""
    return sandbox.run(program("dig"), "-p", port, "@127.0.0.1", "+tries=1", "+timeout=5", *words)
