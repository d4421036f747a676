"""The shop of `make demo` opens and serves, without the agent."""

import json
import os
import unittest

import sandbox as place
import shop


class ShopTest(unittest.TestCase):
    """Starts the whole shop once."""

    def setUp(self):
        if os.geteuid() != 0:
            self.skipTest("needs root: network namespaces and cgroups")

    def test_every_service_of_the_shop_answers(self):
        with place.Sandbox("redsight-test-shop") as sandbox:
            shoppers = shop.open_shop(sandbox, seconds=2)
            shoppers.wait(timeout=30)
            said = json.loads(sandbox.log("shoppers", lines=1))
        self.assertGreater(said["status"].get("200", 0), 20, said)
        self.assertGreater(said["status"].get("201", 0), 0, said)
        self.assertNotIn("broken", said["status"])
        self.assertNotIn("502", said["status"])


if __name__ == "__main__":
    unittest.main()
