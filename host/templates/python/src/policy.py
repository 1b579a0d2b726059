"""Refuses to promote a locked service, promotes every other.

A policy reads, decides and asks for writes. It has no credentials, no network and no files: all that it can do is the
contract in `wit/`, and of that only what `promote.toml` grants. Texts from Port and GitHub are hostile until checked.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, NoReturn

# Made from `wit/` by componentize-py: a module for each interface.
from componentize_py_types import Err
from wit_world import exports
from wit_world.imports import (
    github_merge,
    github_propose,
    github_read,
    port_read,
    port_write,
    run_log,
    types,
)

# What the operator may set in `promote.toml`, under `[policy.settings]`.
SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "additionalProperties": False,
    "required": ["repository"],
    "properties": {
        "repository": {
            "x-promote-role": "repository",
            "type": "string",
            "minLength": 1,
            "description": "The GitOps repository, `owner/name`.",
        },
        "base": {
            "x-promote-role": "base-branch",
            "type": "string",
            "minLength": 1,
            "default": "main",
            "description": "The branch that production is deployed from.",
        },
    },
}


class About(exports.About):
    def describe(self) -> exports.about.Description:
        return exports.about.Description(
            name="{{name}}",
            version="0.1.0",
            summary="Refuses to promote a locked service, promotes every other",
            settings_schema=json.dumps(SCHEMA),
        )


class Promotion(exports.Promotion):
    def promote(self, request: types.Request) -> types.Outcome:
        try:
            settings = Settings.read(request.settings)
            # The request holds what Port sent, which anyone may have written: only the identifier is used, and read again.
            service = find("service", request.subject.key.identifier)
            if reasons := rules(service):
                raise Refusal(reasons)
            run_log.note(run_log.Severity.INFO, f"promoting {service.named}")
            return carry_out(service, settings)
        except Refusal as refusal:
            # An `Err` is a call that failed: it goes on, and the run ends as failed with the failure's text.
            return types.Outcome_Refused(refusal.reasons)


def rules(service: "Item") -> list[types.Reason]:
    """Your rules. Each gives a reason: a short name, and what is wrong and what to do about it. All are asked, so that
    people learn every reason at once."""
    reasons = []
    # Not set is not locked; whatever else stands there, somebody meant it.
    if service.properties.get("locked_in_prod") not in (None, False):
        why = service.properties.get("locked_reason_prod") or "no reason is given"
        reasons.append(reason("lock", f"{service.named} is locked: {why}"))
    return reasons


def carry_out(service: "Item", settings: "Settings") -> types.Outcome:
    """Brings the image that staging runs to production: a pull request, its merge, then Port's catalog."""
    staging = related(service, "test_runtime", "running_service")
    production = related(service, "prod_runtime", "running_service")
    image = related(staging, "image", "image")
    reference = f"{text(image, 'registryId')}:{text(image, 'tags', 0)}"
    path = f"{text(production, 'gitPath')}/deployment.yaml"
    file = github_read.read_file(settings.repository, path, settings.base)
    if file is None:
        refuse("manifest", f"`{path}` does not exist")
    content, previous = with_image(file, reference)
    promotion = types.Promotion(reference, previous, pull_request=None, commit=None)
    # The base branch is the truth: an earlier run may have come this far and been cut off.
    if previous == reference:
        record(production, image)
        return types.Outcome_Unchanged(promotion)
    pull = propose(service, image, settings, file, content)
    promotion = replace(promotion, pull_request=pull.number)
    squash = github_read.MergeMethod.SQUASH
    with conflict_refuses():
        merged = github_merge.merge(settings.repository, pull.number, pull.head_commit, squash)
    if isinstance(merged, github_merge.Merged_Later):
        return types.Outcome_Pending(types.Waiting(reference, pull.number, merged.value))
    # After the merge, never before: the host denies an update that is ahead of git.
    record(production, image)
    github_propose.delete_branch(settings.repository, pull.head)
    return types.Outcome_Promoted(replace(promotion, commit=merged.value))


def propose(
    service: "Item", image: "Item", settings: "Settings", file: github_read.File, content: str
) -> github_read.PullRequest:
    """Opens the pull request, or finds the one that an earlier run opened."""
    name, identifier = service.key.identifier, image.key.identifier
    proposal = github_propose.Proposal(
        repository=settings.repository,
        base=settings.base,
        base_commit=file.commit,
        # The same promotion always has the same branch: it is how a second run finds the work of the first.
        head=f"promote/{name}/production/{identifier}",
        title=f"Promote {name} to production: {identifier}",
        body="",
        changes=[github_propose.FileChange(file.path, content, file.blob)],
    )
    with conflict_refuses():
        return github_propose.propose(proposal)


@contextmanager
def conflict_refuses() -> Iterator[None]:
    """Somebody else was faster, or closed the pull request: a no, where any other failure is a failure."""
    try:
        yield
    except Err as error:
        if isinstance(error.value, types.Failure_Conflict):
            refuse("conflict", error.value.value)
        raise


def record(production: "Item", image: "Item") -> None:
    """Points production at the image in Port's catalog, unless it is there already."""
    target = image.key.identifier
    if production.relations.get("image") != [target]:
        relations = [types.Relation("image", [target])]
        port_write.update_entity(production.key, port_write.Change(None, None, relations))


def with_image(file: github_read.File, image: str) -> tuple[str, str]:
    """The manifest with another image, and the image that it had."""
    line = re.compile(r"""^([ -]*image: *["']?)([^\s"']+)""", re.MULTILINE)
    found = line.findall(file.content)
    if len(found) != 1:
        refuse("manifest", f"`{file.path}` has not exactly one `image:`")
    return line.sub(lambda match: match[1] + image, file.content), found[0][1]


@dataclass
class Item:
    """An entity of Port's catalog, its properties parsed."""

    key: types.EntityKey
    properties: dict[str, Any]
    relations: dict[str, list[str]]

    @property
    def named(self) -> str:
        return f"{self.key.blueprint} `{self.key.identifier}`"


def find(blueprint: str, identifier: str) -> Item:
    entity = port_read.get_entity(types.EntityKey(blueprint, identifier))
    if entity is None:
        refuse(blueprint, f"{blueprint} `{identifier}` is not in Port's catalog")
    relations = {relation.name: relation.targets for relation in entity.relations}
    return Item(entity.key, json.loads(entity.properties), relations)


def related(item: Item, relation: str, blueprint: str) -> Item:
    targets = item.relations.get(relation)
    if not targets:
        refuse(relation, f"{item.named} has no `{relation}`")
    return find(blueprint, targets[0])


def text(item: Item, name: str, index: int | None = None) -> str:
    """A property that holds text, or an item of one that holds a list."""
    value = item.properties.get(name)
    if index is not None:
        value = value[index] if isinstance(value, list) and len(value) > index else None
    if not isinstance(value, str) or not value:
        refuse("catalog", f"{item.named} has no `{name}`")
    return value


@dataclass
class Settings:
    repository: str
    base: str = "main"

    @classmethod
    def read(cls, text: str) -> "Settings":
        try:
            return cls(**json.loads(text))
        except TypeError as error:
            raise Err(types.Failure_Rejected(f"policy.settings: {error}")) from None


class Refusal(Exception):
    """Ends the policy, wherever it is, with reasons."""

    def __init__(self, reasons: list[types.Reason]):
        super().__init__("refused")
        self.reasons = reasons


def refuse(rule: str, message: str) -> NoReturn:
    raise Refusal([reason(rule, message)])


def reason(rule: str, message: str) -> types.Reason:
    return types.Reason(rule, message, types.StopPoint.PROPOSE, types.ReasonCure_Nothing())
