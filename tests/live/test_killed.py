"""kill -9 at any moment: the target does not notice, nothing stays in the kernel, and the next
agent counts from where it starts."""

import json
import subprocess
import sys
import unittest

import sandbox as place
import servers
from cases import LiveTest
from sandbox import program

KILLS = 20


def bpftool(*words):
    """What bpftool says, as JSON; None if the object is gone."""
    done = subprocess.run([program("bpftool"), "-j", *map(str, words)], capture_output=True,
                          text=True, check=False)
    return json.loads(done.stdout) if done.returncode == 0 and done.stdout.strip() else None


class KilledTest(LiveTest):
    """Twenty agents, each killed under load."""

    def attached(self):
        """Programs on the sandbox's cgroup."""
        return [row["id"] for row in bpftool("cgroup", "show", self.sandbox.cgroup) or []]

    def maps_of(self, programs):
        """The maps that they use."""
        return {number for program_id in programs
                for number in bpftool("prog", "show", "id", program_id).get("map_ids", [])}

    def links_of(self, programs):
        """The links that hold them."""
        return [row["id"] for row in bpftool("link", "show") or []
                if row.get("prog_id") in programs]

    def test_kill_9_twenty_times_under_load_and_start_again(self):
        server = servers.nginx(self.sandbox)
        program("bpftool")
        script = servers.copied(self.sandbox, "asker.py")
        asker = self.sandbox.start("asker", sys.executable, script, server.port, stdin=-1)
        place.wait_until(lambda: "asking" in self.sandbox.log("asker"), 10, "the load runs")
        used = {"prog": set(), "map": set(), "link": set()}
        for _ in range(KILLS):
            agent = self.observe()
            programs = self.attached()
            self.assertGreaterEqual(len(programs), 4)
            used["prog"].update(programs)
            used["map"].update(self.maps_of(programs))
            used["link"].update(self.links_of(programs))
            agent.kill()
            # Links end with the process that held them, programs and maps a moment later.
            place.wait_until(lambda: not self.attached(), 10, "nothing is attached")
        self.say(f"{[len(ids) for ids in used.values()]} programs, maps, links")
        place.wait_until(lambda: self.gone(used), 10, "programs, maps and links are gone")
        self.nothing_counted_twice(server, asker)

    def gone(self, used):
        """True if none of the objects exists."""
        # Debian's bpftool may not know newer kinds: then it cannot show what does exist either.
        return not any(bpftool(kind, "show", "id", number)
                       for kind, ids in used.items() for number in ids)

    def nothing_counted_twice(self, server, asker):
        """The connection that lived through all of it: what it asks from now on is counted once."""
        agent = self.observe()
        before = len(agent.lines())
        place.wait_until(lambda: len(agent.lines()) > before, 10, "the load is seen")
        asker.stdin.close()
        asker.wait(timeout=10)
        self.account(agent)
        lines = self.ended(agent)
        asked, failed = map(int, self.sandbox.log("asker", lines=1).split())
        served = sum(server.counted().values())
        self.say(f"{asked} asked, {failed} failed")
        self.assertEqual(failed, 0)
        self.assertEqual(served, asked)
        numbers = [line["request_bytes"] for line in lines if line["incomplete"] is None]
        # Each request is one byte longer than the one before, in turns of 1,000.
        steps = {(after - before) % 1000 for before, after in zip(numbers, numbers[1:])}
        self.assertEqual(steps, {1}, "a request is missing or counted twice")


if __name__ == "__main__":
    unittest.main()
