"""Binds the rule to the contract in `wit/`, and describes it. The rule itself is in `rule.py`."""

import json

# Made from `wit/` by componentize-py: a module for each interface.
from wit_world import exports
from wit_world.exports import ruling
from wit_world.imports import types

import rule


class Ruling(exports.Ruling):
    def needs(self, facts: str) -> list[ruling.Need]:
        return rule.needs(json.loads(facts))

    def check(self, facts: str) -> list[types.Reason]:
        return rule.check(json.loads(facts))


class About(exports.About):
    def describe(self) -> exports.about.Description:
        return exports.about.Description(
            name="{{name}}",
            version="0.1.0",
            summary="No promotion while the service has open incidents",
            settings_schema=json.dumps({"type": "object", "additionalProperties": False}),
        )
