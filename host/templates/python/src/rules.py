"""Your rules. They read nothing and write nothing: what they are given decides, so `python3 -m unittest discover tests` tries
them without a world."""

from dataclasses import dataclass
from typing import Any

from wit_world.imports import types


@dataclass
class Item:
    """An entity of Port's catalog, its properties parsed."""

    key: types.EntityKey
    properties: dict[str, Any]
    relations: dict[str, list[str]]

    @property
    def named(self) -> str:
        return f"{self.key.blueprint} `{self.key.identifier}`"


def reason(rule: str, message: str) -> types.Reason:
    """A reason that stops the proposal, and that nothing but another decision of somebody cures."""
    return types.Reason(rule, message, types.StopPoint.PROPOSE, types.ReasonCure_Nothing())


def rules(service: Item) -> list[types.Reason]:
    """Every reason not to promote a service: a short name that never changes, and what is wrong and what to do about it. All
    rules are asked, so that people learn every reason at once."""
    reasons = []
    # Not set is not locked; whatever else stands there, somebody meant it.
    locked = service.properties.get("locked_in_prod")
    if locked is not None and locked is not False:
        why = service.properties.get("locked_reason_prod") or "no reason is given"
        reasons.append(reason("lock", f"{service.named} is locked: {why}"))
    return reasons
