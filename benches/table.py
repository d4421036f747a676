"""docs/benchmarks.md: one section a group, of which a run replaces those that it measured."""

import datetime
import pathlib
import platform
import subprocess

import sandbox as place

PAGE = place.ROOT / "docs" / "benchmarks.md"
HEAD = """# Benchmarks

Written by `make bench` (`benches/run.py`); do not edit. A ratio is the throughput left with the
agent attached: on/off, paired within rounds of 0.8 s under one running load, median and
[quartiles] ([how](../benches/paired.py)). Client, server and agent share the same cores. The figure
on the right is what we aim at.
"""


class Row:
    """One figure, and how to get it again."""

    def __init__(self, what, figure, command, aim=""):
        self.what = what
        self.figure = figure
        self.command = " ".join(str(command).split())
        self.aim = aim

    def __str__(self):
        return f"| {self.what} | {self.figure} | {self.aim} | `{self.command}` |"


def machine():
    """Where and when, in one line."""
    cpu = "unknown processor"
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            cpu = line.split(":", 1)[1].strip()
            break
    cores = pathlib.Path("/proc/cpuinfo").read_text().count("processor\t:")
    command = ["git", "describe", "--always", "--dirty"]
    done = subprocess.run(command, cwd=place.ROOT, text=True, capture_output=True, check=False)
    today = datetime.date.today().isoformat()
    return f"{today}, {done.stdout.strip()}, {cpu}, {cores} cores, Linux {platform.release()}"


def write(name, title, rows):
    """Replaces or adds the section of one group."""
    sections = read()
    lines = [f"## {title}", "", machine(), ""]
    lines += ["| what | figure | aim | command |", "|---|---|---|---|"]
    sections[name] = "\n".join([*lines, *map(str, rows)]) + "\n"
    text = HEAD
    for key, section in sections.items():
        text += f"\n<!-- group: {key} -->\n{section}"
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(text)


def read():
    """The sections that the page has, by group."""
    if not PAGE.exists():
        return {}
    sections = {}
    for part in PAGE.read_text().split("\n<!-- group: ")[1:]:
        name, section = part.split(" -->\n", 1)
        sections[name] = section
    return sections
