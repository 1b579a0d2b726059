"""Your rule. It reads nothing and writes nothing: the same facts always have the same answer, so `python3 -m unittest discover
tests` tries it alone."""

import json
from typing import Any

from wit_world.exports import ruling
from wit_world.imports import types


def needs(facts: dict[str, Any]) -> list[ruling.Need]:
    """What the rule must know of a promotion, besides the facts that every rule is told."""
    rules = [
        {"property": "status", "operator": "=", "value": "open"},
        {"operator": "relatedTo", "blueprint": "service", "value": facts["service"]["identifier"]},
    ]
    query = json.dumps({"combinator": "and", "rules": rules})
    return [ruling.Need("open", ruling.FactRead_Search(ruling.EntitySearch("incident", query)))]


def check(facts: dict[str, Any]) -> list[types.Reason]:
    """What the rule has against a promotion; nothing means that it agrees. The host puts the rule's own name to a reason."""
    count = len(facts["needs"]["open"])
    if count == 0:
        return []
    message = f"close the {count} open incidents of {facts['service']['identifier']} first"
    return [types.Reason("", message, types.StopPoint.PROPOSE, types.ReasonCure_People())]
