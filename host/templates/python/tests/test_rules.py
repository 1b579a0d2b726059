import sys
import unittest
from pathlib import Path
from typing import Any

# The policy, and the contract's types as `promote build` lays them there.
sys.path[:0] = [str(Path(__file__).parents[1] / folder) for folder in ("src", "bindings")]

from manifest import with_image
from rules import Item, rules
from wit_world.imports import types


def refused(properties: dict[str, Any]) -> list[str]:
    """The names of the rules that refuse a service with these properties."""
    service = Item(types.EntityKey("service", "web"), properties, {})
    return [reason.rule for reason in rules(service)]


class Rules(unittest.TestCase):
    def test_a_lock_is_whatever_somebody_set(self) -> None:
        for unlocked in ({}, {"locked_in_prod": None}, {"locked_in_prod": False}):
            self.assertEqual(refused(unlocked), [])
        for locked in (True, "yes", 0):
            self.assertEqual(refused({"locked_in_prod": locked}), ["lock"])

    def test_one_value_of_a_manifest_changes_and_nothing_else(self) -> None:
        before = 'spec:\n  - image: "acme/web:1" # ours\r\n'
        after = 'spec:\n  - image: "acme/web:2" # ours\r\n'
        self.assertEqual(with_image(before, "acme/web:2"), (after, "acme/web:1"))
        for unclear in ("", "image:\n", "image: a\nimage: b\n"):
            self.assertIsNone(with_image(unclear, "c"))


if __name__ == "__main__":
    unittest.main()
