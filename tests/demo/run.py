#!/usr/bin/env python3
"""`make demo`: a small shop under load, and the agent that watches it.

Everything observed runs in a network namespace and a cgroup of its own; the agent is attached to
that cgroup only. In a terminal the live view opens; elsewhere a table is printed. Leaving the view,
Ctrl-C, or the end of the script removes all of it.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import sandbox as place  # noqa: E402
import shop  # noqa: E402

TRY_NEXT = """
Try next, while the demo runs (`make demo` in a terminal, or `make demo ARGS=--stay`):
{commands}and on a cgroup of your own:
  {binary} run --cgroup {mount}/YOURS"""


def arguments():
    """What can be chosen."""
    parser = argparse.ArgumentParser(description="a small shop under load, observed")
    parser.add_argument("--listen", default="127.0.0.1:9464", help="where the agent serves HTTP")
    parser.add_argument("--seconds", type=float, default=15, help="how long before the table")
    parser.add_argument("--stay", action="store_true", help="keep running until Ctrl-C")
    parser.add_argument("--binary", type=pathlib.Path, help="do not build, take this one")
    parser.add_argument("--no-agent", action="store_true", help="only the shop and its load")
    return parser.parse_args()


def build():
    """Builds the agent; gives its path."""
    print("building redsight (release) …", flush=True)
    command = ["cargo", "build", "--release", "--locked", "-p", "redsight"]
    subprocess.run(command, cwd=place.ROOT, check=True)
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", place.ROOT / "target"))
    return target / "release" / "redsight"


def start_agent(sandbox, binary, listen):
    """Starts the agent on that cgroup, and waits until its taps are attached."""
    if not place.port_is_free(listen):
        raise place.Refused(f"something listens on {listen}: choose another with ARGS=--listen …")
    agent = sandbox.start_outside(
        "redsight", binary, "run", "--cgroup", sandbox.cgroup, "--listen", listen
    )

    def is_ready():
        if agent.poll() is not None:
            raise place.Refused(f"redsight ended ({agent.returncode}):\n{sandbox.log('redsight')}")
        try:
            with urllib.request.urlopen(f"http://{listen}/readyz", timeout=1) as answer:
                return answer.status == 200
        except OSError:
            return False

    place.wait_until(is_ready, 15, "redsight is ready")
    return agent


def show_table(binary, listen, seconds):
    """What a person sees who has no terminal: everything since the start, and where it went."""
    print(f"watching for {seconds:.0f} s …\n", flush=True)
    time.sleep(seconds)
    # The window 0 is all of it: the sums of the services and the ledger cover the same time.
    top = [binary, "top", "--once", "--window", "0", "--connect", listen]
    subprocess.run(top, check=True)


def told(said):
    """What the shoppers say of themselves, in words."""
    try:
        counts = json.loads(said)
    except ValueError:
        return f"the shoppers ended early: {said}"
    answers = sorted(counts["status"].items(), key=lambda pair: -pair[1])
    listed = ", ".join(f"{count:,} × {status}" for status, count in answers)
    return f"the shoppers sent {counts['sent']:,} requests; what came back: {listed}"


def next_steps(binary, listen):
    """The commands to try, with the path as a person would type it."""
    if binary.is_relative_to(place.ROOT):
        binary = os.path.relpath(binary)
    commands = {
        f"{binary} top --connect {listen}": "the live view",
        f"{binary} services --connect {listen}": "who runs here, and why it is called that",
        f"{binary} doctor --connect {listen}": "what is on, off or refused here",
        f"curl http://{listen}/metrics": "the numbers for Prometheus",
        f"curl http://{listen}/api/v1/snapshot": "all of it as JSON",
    }
    width = max(map(len, commands))
    listed = "".join(f"  {command:<{width}}  {what}\n" for command, what in commands.items())
    return TRY_NEXT.format(commands=listed, binary=binary, mount=place.cgroup_mount())


def observe(options, binary):
    """Shows the shop through the agent."""
    hint = next_steps(binary, options.listen)
    if sys.stdout.isatty() and not options.stay:
        print(hint, flush=True)
        # A moment, so that the first screen has rows.
        time.sleep(3)
        subprocess.run([binary, "top", "--connect", options.listen], check=False)
        return
    show_table(binary, options.listen, options.seconds)
    print(hint, flush=True)
    if options.stay:
        print("running until Ctrl-C", flush=True)
        time.sleep(3600)


def main():
    """Sets the stage, shows it, clears it."""
    options = arguments()
    place.end_on_signal()
    binary = None if options.no_agent else options.binary or build()
    with place.Sandbox("redsight-demo") as sandbox:
        # The agent comes first: of a connection older than itself it says only what it can know.
        if binary is not None:
            start_agent(sandbox, binary, options.listen)
        print("starting nginx, Python, gRPC, Node, Redis, PostgreSQL …", flush=True)
        shoppers = shop.open_shop(sandbox, 3600)
        if binary is None:
            time.sleep(options.seconds)
        else:
            observe(options, binary)
        sandbox.stop(shoppers)
        print(f"\n{told(sandbox.log('shoppers', lines=1))}")
    print("the demo is gone: no process, cgroup, namespace or file is left")


if __name__ == "__main__":
    try:
        main()
    except place.Refused as refusal:
        sys.exit(f"demo: {refusal}")
