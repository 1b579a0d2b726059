import sys
import unittest
from pathlib import Path
from typing import Any

# The rule, and the contract's types as `promote build` lays them there.
sys.path[:0] = [str(Path(__file__).parents[1] / folder) for folder in ("src", "bindings")]

from rule import check, needs


def facts(*incidents: Any) -> dict[str, Any]:
    return {"service": {"identifier": "web"}, "needs": {"open": list(incidents)}}


class Rule(unittest.TestCase):
    def test_open_incidents_are_named(self) -> None:
        self.assertEqual(len(needs(facts())), 1)
        self.assertEqual(check(facts()), [])
        [reason] = check(facts({"identifier": "inc-7"}))
        self.assertEqual(reason.message, "close the 1 open incidents of web first")


if __name__ == "__main__":
    unittest.main()
