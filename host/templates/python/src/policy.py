"""Refuses to promote a locked service, promotes every other.

A policy reads, decides and asks for writes. It has no credentials, no network and no files: all that it can do is the
contract in `wit/`, and of that only what `promote.toml` grants. Texts from Port and GitHub are hostile until checked.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NoReturn, TypeVar

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

from manifest import with_image
from rules import Item, reason, rules

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
            plan = gather(service, settings)
            # The base branch is the truth: an earlier run may have merged and been cut off. What is merged needs no rule.
            if plan.promotion.previous_image == plan.promotion.image:
                finish(plan)
                return types.Outcome_Unchanged(plan.promotion)
            if reasons := rules(service):
                raise Refusal(reasons)
            run_log.note(run_log.Severity.INFO, f"promoting {service.named}")
            return carry_out(plan)
        except Refusal as refusal:
            # An `Err` is a call that failed: it goes on, and the run ends as failed with the failure's text.
            return types.Outcome_Refused(refusal.reasons)


@dataclass
class Plan:
    """The change that brings the image that staging runs to production."""

    production: Item
    image: Item
    promotion: types.Promotion
    proposal: github_propose.Proposal


def gather(service: Item, settings: "Settings") -> Plan:
    staging = related(service, "test_runtime", "running_service")
    production = related(service, "prod_runtime", "running_service")
    image = related(staging, "image", "image")
    reference = f"{text(image, 'registryId')}:{text(image, 'tags', 0)}"
    path = f"{text(production, 'gitPath')}/deployment.yaml"
    file = github_read.read_file(settings.repository, path, settings.base)
    if file is None:
        refuse("manifest", f"`{path}` does not exist")
    changed = with_image(file.content, reference)
    if changed is None:
        refuse("manifest", f"`{path}` has not exactly one `image:`")
    content, previous = changed
    name, target = service.key.identifier, image.key.identifier
    proposal = github_propose.Proposal(
        repository=settings.repository,
        base=settings.base,
        base_commit=file.commit,
        # The same promotion always has the same branch: it is how a second run finds the work of the first.
        head=f"promote/{name}/production/{target}",
        title=f"Promote {name} to production: {target}",
        body="",
        changes=[github_propose.FileChange(path, content, file.blob)],
        image=image.key.identifier,
    )
    promotion = types.Promotion(reference, previous, pull_request=None, commit=None, is_rollback=False)
    return Plan(production, image, promotion, proposal)


def carry_out(plan: Plan) -> types.Outcome:
    """A pull request, or the one that an earlier run opened; its merge; then Port's catalog."""
    repository, image = plan.proposal.repository, plan.promotion.image
    pull = or_refuse(lambda: github_propose.propose(plan.proposal))
    squash = github_read.MergeMethod.SQUASH
    merged = or_refuse(lambda: github_merge.merge(repository, pull.number, pull.head_commit, squash))
    if isinstance(merged, github_merge.Merged_Later):
        return types.Outcome_Waiting(
            types.Waiting(image, types.Awaited.QUEUE, merged.value, until=None, pull_request=pull.number)
        )
    finish(plan)
    return types.Outcome_Promoted(replace(plan.promotion, pull_request=pull.number, commit=merged.value))


def finish(plan: Plan) -> None:
    """What is left to do after the merge, never before: the host denies an update that is ahead of git. Each part may have
    been done by an earlier run."""
    target = plan.image.key.identifier
    if plan.production.relations.get("image") != [target]:
        relations = [types.Relation("image", [target])]
        port_write.update_entity(plan.production.key, port_write.Change(None, None, relations))
    github_propose.delete_branch(plan.proposal.repository, plan.proposal.head)


T = TypeVar("T")


def or_refuse(call: Callable[[], T]) -> T:
    """Somebody else was faster, or closed the pull request: a no, where any other failure is a failure."""
    # Not as a context manager: it would set the traceback of an `Err`, and no field of one can be set.
    try:
        return call()
    except Err as error:
        if isinstance(error.value, types.Failure_Conflict):
            refuse("conflict", error.value.value)
        raise


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
