"""The sandbox keeps its promise: what is started in it is in it, and nothing stays behind."""

import os
import pathlib
import unittest

import sandbox as place


class SandboxTest(unittest.TestCase):
    """Needs root, as everything that observes does."""

    def setUp(self):
        if os.geteuid() != 0:
            self.skipTest("needs root: network namespaces and cgroups")

    def test_a_program_is_in_the_cgroup_and_in_the_namespace(self):
        with place.Sandbox("redsight-test-sandbox") as sandbox:
            sleeper = sandbox.start("sleeper", "sleep", "60")
            place.wait_until(
                lambda: str(sleeper.pid) in (sandbox.cgroup / "cgroup.procs").read_text(),
                5, "the program is in the cgroup",
            )
            links = sandbox.run("ip", "-o", "link").splitlines()
            self.assertEqual(len(links), 1, "only its own loopback")

    def test_nothing_stays_behind_even_of_programs_that_will_not_end(self):
        with place.Sandbox("redsight-test-sandbox") as sandbox:
            stubborn = "trap '' TERM; echo ready; sleep 60 & while :; do sleep 1; done"
            shell = sandbox.start("stubborn", "sh", "-c", stubborn)
            place.wait_until(lambda: "ready" in sandbox.log("stubborn"), 5, "the trap is set")
            left = [sandbox.cgroup, sandbox.netns, sandbox.folder]
        self.assertEqual([path for path in left if path.exists()], [])
        self.assertFalse(pathlib.Path(f"/proc/{shell.pid}").exists())

    def test_what_a_killed_run_left_is_removed_by_the_next(self):
        first = place.Sandbox("redsight-test-sandbox").__enter__()
        sleeper = first.start("sleeper", "sleep", "60")
        first._lock.close()
        with place.Sandbox("redsight-test-sandbox") as second:
            self.assertEqual((second.cgroup / "cgroup.procs").read_text(), "")
            self.assertIsNotNone(sleeper.wait(timeout=5))


if __name__ == "__main__":
    unittest.main()
