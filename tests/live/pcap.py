"""Captures: tcpdump beside a run, and the packets of its files, as far as tests compare them."""

import contextlib
import dataclasses
import re
import signal
import struct
import time

import sandbox as place
from sandbox import program

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
TIMESTAMP = 8
# tcpdump reads the ring at least every second.
FLUSH_S = 1.1


@contextlib.contextmanager
def capturing(sandbox, name, port):
    """tcpdump on the loopback for as long as the block lasts; gives the path of the file."""
    path = sandbox.folder / f"{name}.pcap"
    command = sandbox.command(
        program("tcpdump"), "-i", "lo", "-w", path, "-s", 262144, "-B", 131072, "-Z", "root",
        f"tcp port {port}",
    )
    process = sandbox.start_outside(f"tcpdump-{name}", *command)
    log = f"tcpdump-{name}"
    place.wait_until(lambda: "listening on" in sandbox.log(log), 10, "tcpdump listens")
    yield path
    # What is still in the kernel's buffer at SIGINT would be missing: wait until the file, flushed
    # on SIGUSR2, no longer grows.
    sizes = [-1, path.stat().st_size]
    while sizes[-2] != sizes[-1]:
        process.send_signal(signal.SIGUSR2)
        time.sleep(FLUSH_S)
        sizes.append(path.stat().st_size)
    process.send_signal(signal.SIGINT)
    process.wait(timeout=20)
    sandbox.processes.remove(process)
    dropped = re.search(r"(\d+) packets dropped by kernel", sandbox.log(log))
    if not dropped or int(dropped[1]):
        raise place.Refused(f"tcpdump dropped packets: {sandbox.log(log)}")


@dataclasses.dataclass(frozen=True)
class Packet:
    """What of a TCP packet must not depend on whether somebody looks, and where it belongs."""

    source: int
    destination: int
    sequence: int
    flags: int
    ttl: int
    service: int
    fragment: int
    options: tuple
    payload: bytes


def packets(path):
    """The TCP packets over IPv4 of an Ethernet capture in microseconds."""
    data = path.read_bytes()
    magic, link = struct.unpack_from("<I16xI", data)
    assert (magic, link) == (0xA1B2C3D4, 1), "not what tcpdump writes here"
    at = 24
    while at < len(data):
        captured, length = struct.unpack_from("<8xII", data, at)
        assert captured == length, "a packet is cut"
        frame = data[at + 16:at + 16 + captured]
        at += 16 + captured
        if frame[12:14] == b"\x08\x00" and frame[23] == 6:
            yield packet(frame[14:])


def packet(ip):
    """One packet from its IP header on."""
    total, fragment = struct.unpack_from(">2xHxxH", ip)
    tcp = ip[(ip[0] & 15) * 4:total]
    header = (tcp[12] >> 4) * 4
    source, destination, sequence = struct.unpack_from(">HHI", tcp)
    return Packet(
        source=source, destination=destination, sequence=sequence, flags=tcp[13], ttl=ip[8],
        service=ip[1], fragment=fragment, options=tuple(options(tcp[20:header])),
        payload=tcp[header:],
    )


def options(data):
    """TCP options in order; a timestamp without its value."""
    at = 0
    while at < len(data):
        kind = data[at]
        size = 1 if kind < 2 else data[at + 1]
        yield (kind,) if kind == TIMESTAMP else (kind, data[at + 1:at + size])
        at += size
