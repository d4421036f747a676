"""Load generators as they come from the distribution, bounded, and what they say they sent.

Each gives a `Load`: the answers it got, and how many requests it may have left unfinished when it
stopped: generators that stop by the clock, and ab with keep-alive, stop in mid-request.
"""

import collections
import dataclasses
import re

from sandbox import as_postgres, postgresql, program

PIPELINE = """
init = function(args)
  local one = wrk.format(nil)
  local all = {}
  for n = 1, DEPTH do all[n] = one end
  batch = table.concat(all)
end
request = function() return batch end
"""
# Words, not numbers: a number would become {id}.
TARGETS = """
local names = {NAMES}
local n = 0
request = function()
  n = n % #names + 1
  return wrk.format(nil, names[n])
end
"""


@dataclasses.dataclass
class Load:
    """What a client knows of what it sent."""

    answered: int
    unfinished_max: int = 0
    # By connection: what one connection may have left.
    depth: int = 1


def number(pattern, text):
    """The number a tool prints."""
    return int(re.search(pattern, text)[1])


def ab(sandbox, url, requests=5000, connections=8, keep_alive=False):
    """ab; with keep-alive it sends until the last answer is in, so some are too many."""
    options = ["-k"] if keep_alive else []
    text = sandbox.run(program("ab"), "-q", *options, "-n", requests, "-c", connections, url)
    assert number(r"Failed requests:\s+(\d+)", text) == 0, text
    answered = number(r"Complete requests:\s+(\d+)", text)
    return Load(answered, connections if keep_alive else 0)


def wrk(sandbox, url, seconds=1, connections=16, depth=1, targets=()):
    """wrk at full speed; whole batches of `depth` requests if that is more than one."""
    script = []
    if depth > 1 or targets:
        path = sandbox.folder / "wrk.lua"
        names = ", ".join(f'"{name}"' for name in targets)
        text = TARGETS.replace("NAMES", names) if targets else PIPELINE
        path.write_text(text.replace("DEPTH", str(depth)))
        script = ["-s", path]
    text = sandbox.run(program("wrk"), "-t1", f"-c{connections}", f"-d{seconds}s", *script, url)
    assert "Socket errors" not in text and "Non-2xx" not in text, text
    return Load(number(r"(\d+) requests in", text), connections * depth, depth)


def h2load(sandbox, url, requests, connections=4, streams=32, window=30):
    """h2load: so many requests, with so many streams at a time on each connection, and 2^`window`
    bytes of answers before it has to say that it wants more."""
    text = sandbox.run(program("h2load"), "-n", requests, "-c", connections, "-m", streams,
                       "-w", window, "-W", window, url)
    assert number(r"(\d+) succeeded", text) == requests, text
    return Load(requests)


def redis_benchmark(sandbox, port, requests, pipeline, commands="get,set,incr,lpush"):
    """redis-benchmark: as many of each command, which the pipeline must divide."""
    assert requests % pipeline == 0
    sandbox.run(program("redis-benchmark"), "-p", port, "-n", requests, "-P", pipeline, "-c", 16,
                "-t", commands, "-q")
    return collections.Counter({name.upper(): requests for name in commands.split(",")})


def pgbench(sandbox, port, mode, transactions, clients, builtin):
    """pgbench: as many transactions of each client."""
    text = sandbox.run(*as_postgres(
        postgresql("pgbench"), "-n", "-h", "127.0.0.1", "-p", port, "-M", mode, "-c", clients,
        "-t", transactions, "-b", builtin, "postgres",
    ))
    return number(r"transactions actually processed: (\d+)", text)
