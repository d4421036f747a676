"""What a guest handed out, held against what was sent in it: one row a kernel."""

import base64
import collections
import dataclasses
import io
import json
import re
import tarfile

SERIES = re.compile(r'^(\w+)(?:\{(.*)\})? (\S+)$', re.MULTILINE)
OUTCOME = re.compile(r'outcome="(\w+)"')
COLUMNS = ("kernel", "doctor", "HTTP", "Redis", "DNS", "older", "namespaces", "owners", "UDP bytes",
           "TLS", "kernel TLS", "TCP health", "lost", "ledger", "s")
SECRETS = re.compile(r"(\d+) secrets taken")
RIGHT = "ok"
# The port of two clients in two network namespaces.
TWIN = 40000
OWNERS = {("walker", "shop"), ("holder", "shop")}
# The port of TLS.
SAFE = ":8443"
# What doctor calls broken.
REFUSED = "refused"


@dataclasses.dataclass
class Row:
    """A cell for each column, and what is wrong with them."""

    cells: dict
    faults: list


def refused(name, why):
    """The row of a kernel that cannot be had."""
    return Row({"kernel": name, "doctor": why}, [why])


def of(package, console, seconds):
    """The row of a kernel that was booted."""
    faults = re.findall(r"^@fault (.*)", console.replace("\r", ""), re.MULTILINE)
    row = Row({"kernel": package, "s": f"{seconds:.0f}"}, faults)
    packed = re.search(r"@begin\s+(.*?)@end", console, re.DOTALL)
    if not packed:
        row.faults.append("the guest handed nothing out")
        return row
    archive = tarfile.open(fileobj=io.BytesIO(base64.b64decode(packed[1])))
    files = {member.name.removeprefix("./"): archive.extractfile(member).read().decode()
             for member in archive if member.isfile()}
    row.cells["kernel"] = files["release"].strip()
    _doctor(row, files)
    if "sent" in files and files.get("code", "").strip() == "0":
        _traffic(row, files)
    else:
        row.faults.append(f"the agent: {files.get('run', '')[-300:].strip()}")
    if trouble := files.get("dmesg", "").strip():
        row.faults.append(f"the kernel says: {trouble[-300:]}")
    return row


def _doctor(row, files):
    """What doctor finds wanting, by name; it must find nothing broken."""
    lines = json.loads(files.get("doctor.json") or "[]")
    row.cells["doctor"] = ", ".join(
        line["name"] for line in lines if line["state"] in ("degraded", REFUSED)) or RIGHT
    for line in lines:
        if line["state"] == REFUSED:
            row.faults.append(f"{line['name']}: {line['detail']}")
    if not lines:
        row.faults.append(f"doctor: {files.get('doctor.err', '')[-300:]}")


def _traffic(row, files):
    """Reported against sent, and the account."""
    numbers = [line.split() for line in files["sent"].splitlines()]
    sent = {name: int(count) for name, count in numbers}
    every = [json.loads(line) for line in files["lines"].splitlines()]
    lines = [line for line in every if not line["server"].endswith(SAFE)]
    opened = [line for line in every if line["server"].endswith(SAFE) and line["tls"]
              and line["protocol"] == "http1" and line["status"] == "200"]
    whole = [line for line in lines if not line["incomplete"]]
    told = collections.Counter((line["protocol"], line["peer"]) for line in whole
                               if line["service"] == "shop" and line["side"] == "both")
    apart = sum(line["client"].endswith(f":{TWIN}") for line in whole)
    # What a client that did not come to its end has asked is not known: nothing, then.
    older, *twins = (int((files[name].split() or ["", 0])[1]) for name in ("old", "near", "far")
                     if name in files)
    known = {line["name"] for line in json.loads(files["protocols.json"])}

    def check(column, found, wanted):
        row.cells[column] = RIGHT if found == wanted else f"{found}/{wanted}"
        if found != wanted:
            row.faults.append(f"{column}: {found}, not {wanted}")
    check("HTTP", told["http1", "walker"], sent["http1"])
    check("Redis", told["redis", "walker"], sent["redis"])
    if "dns" in known:
        check("DNS", told["dns", "walker"], sent["dns"])
    else:
        row.cells["DNS"] = "no parser"
    health = {line["name"]: line["detail"] for line in json.loads(files["health.json"])["health"]}
    taken = SECRETS.search(health.get("key-log probes", ""))
    # By a probe, and not by the key scan.
    check("TLS", len(opened) if taken and int(taken[1]) else 0, sent["safely"])
    _vault(row, files, check)
    check("older", sum(line["peer"] == "holder" and not line["client"].endswith(f":{TWIN}")
                       for line in whole), older)
    if twins:
        check("namespaces", apart, sum(twins))
    strangers = {(line["peer"], line["service"]) for line in lines
                 if not line["client"].endswith(f":{TWIN}")} - OWNERS
    check("owners", sorted(strangers), [])
    _account(row, files, sent, check)


def _vault(row, files, check):
    """Why the connection stays sealed whose keys the kernel has."""
    if files["vault"].split() == ["vault", "0"]:
        row.cells["kernel TLS"] = "not built"
        return
    processes = json.loads(files["tls.json"])["processes"]
    told = [process["sealed_because"] for process in processes if process["service"] == "vault"]
    check("kernel TLS", told, [{"kernel_tls": 1}])


def _account(row, files, sent, check):
    """Bytes, losses, health."""
    sums = collections.Counter()
    outcomes = collections.Counter()
    for name, labels, value in SERIES.findall(files["metrics"]):
        if name == "redsight_bytes_total":
            outcomes[OUTCOME.search(labels)[1]] += int(float(value))
        else:
            sums[name] += float(value)
    check("lost", int(sums["redsight_tap_lost_total"]) + outcomes["lost"], 0)
    check("ledger", outcomes.total(), int(sums["redsight_tap_bytes_total"]))
    if row.cells["DNS"] == RIGHT:
        check("UDP bytes", outcomes["unknown"], sent["echo_bytes"])
    else:
        row.cells["UDP bytes"] = str(outcomes["unknown"])
    edges = json.loads(files["edges.json"])["edges"]
    has_health = any(edge["rtt_us"] for edge in edges)
    check("TCP health", has_health, True)


def table(rows):
    """All rows, aligned."""
    texts = [COLUMNS, *([row.cells.get(name, "-") for name in COLUMNS] for row in rows)]
    widths = [max(len(text[n]) for text in texts) for n in range(len(COLUMNS))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(text, widths)).rstrip()
                     for text in texts)
