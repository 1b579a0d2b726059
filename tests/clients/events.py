"""The events that GitHub sends, as Octokit keeps examples of them, against what reads them: the expressions of the workflows
that `promote init` writes, and the program, which takes its payload from the event file of a dispatch.

Arguments: the examples, the program. Where the mock is, the environment says.
"""

import copy
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

from ruamel.yaml import YAML

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "runner"))
from expressions import condition, fill  # noqa: E402

EXAMPLES, PROGRAM = json.loads(pathlib.Path(sys.argv[1]).read_text()), sys.argv[2]
WORKFLOWS = ROOT / "host" / "kit" / "src" / "init"
FIELD = re.compile(r"\bgithub\.event((?:\.\w+)+)")
PAYLOAD = json.dumps({"run_id": "r_Ab12Cd34Ef56Gh78", "blueprint": "service", "entity": "web"})
passed, failed = 0, []


def check(name, holds):
    global passed
    if holds:
        passed += 1
    else:
        failed.append(name)
        print(f"FAIL {name}")


def examples(event, actions=None):
    """The examples of an event, of these kinds of it."""
    found = [it for known in EXAMPLES if known["name"] == event for it in known["examples"]]
    return [it for it in found if not actions or it.get("action") in actions]


def contexts(event, payload):
    repository = payload["repository"]["full_name"]
    return {"github": {"event_name": event, "event": payload, "repository": repository}, "inputs": {}}


def starts(job, event, payload):
    return condition(job["if"], contexts(event, payload), {"success": lambda: True})


def with_head(payload, ref, repository):
    """The event of a pull request from this branch of this repository; none is a fork that is gone."""
    changed = copy.deepcopy(payload)
    changed["pull_request"]["head"]["ref"] = ref
    changed["pull_request"]["head"]["repo"] = repository and {"full_name": repository}
    return changed


def hold_workflow(path):
    """Every field of an event that a workflow reads is in every example of the events that start it."""
    text = path.read_text()
    workflow = YAML(typ="safe").load(text)
    # YAML 1.1 takes the key `on` for true; this reader is of 1.2.
    triggers = workflow["on"]
    fields = sorted({field[1:] for field in FIELD.findall(text)})
    for event in ("pull_request", "pull_request_review"):
        if event not in triggers:
            continue
        found = examples(event, triggers[event]["types"])
        check(f"{path.name}: examples of {event}", len(found) >= 2)
        for number, payload in enumerate(found):
            for field in fields:
                value = payload
                for part in field.split("."):
                    value = value.get(part) if isinstance(value, dict) else None
                kind = int if field.endswith("number") else str
                check(f"{path.name}: {event} {number} has {field}", isinstance(value, kind) and value)
            hold_jobs(path.name, workflow["jobs"], event, payload)
    if "push" in triggers:
        for payload in examples("push"):
            check(f"{path.name}: push", starts(workflow["jobs"]["resume"], "push", payload)
                  and not starts(workflow["jobs"]["tell"], "push", payload))
    return len(fields)


def hold_jobs(name, jobs, event, payload):
    """Of pull requests, the job without secrets starts for ours alone, and the one with secrets for none."""
    own = payload["repository"]["full_name"]
    tell, ours = jobs["tell"], with_head(payload, "promote/web/production/web-1.4.2", own)
    check(f"{name}: {event} of ours", starts(tell, event, ours))
    for case, other in {
        "of somebody else's branch": payload if not payload["pull_request"]["head"]["ref"].startswith("promote/") else None,
        "of a fork": with_head(payload, "promote/web/production/web-1.4.2", "mallory/" + own.split("/")[1]),
        "of a fork that is gone": with_head(payload, "promote/web/production/web-1.4.2", None),
    }.items():
        check(f"{name}: {event} {case}", other is None or not starts(tell, event, other))
    check(f"{name}: {event} with secrets", not starts(jobs["resume"], event, ours))
    group = fill(tell["concurrency"]["group"], contexts(event, ours))
    check(f"{name}: {event} group", group.endswith(f"-{payload['pull_request']['number']}"))
    [step] = tell["steps"]
    branch = fill(step["env"]["BRANCH"], {**contexts(event, ours), "github": {**contexts(event, ours)["github"], "token": "t"}})
    check(f"{name}: {event} branch", branch == payload["repository"]["default_branch"])


def run(folder, event):
    """The program as a step of a workflow that this event has started."""
    (folder / "event.json").write_text(json.dumps(event))
    # Every run is an attempt of one workflow run: only such may go on after Port's run has ended.
    runner = {"GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "acme/gitops", "GITHUB_RUN_ID": "1",
              "GITHUB_RUN_ATTEMPT": "2", "GITHUB_EVENT_PATH": str(folder / "event.json"), "RUNNER_TEMP": str(folder)}
    environment = {**os.environ, **runner}
    config = str(ROOT / "host" / "kit" / "src" / "sample.toml")
    return subprocess.run([PROGRAM, "run", "--config", config], env=environment, capture_output=True, text=True, timeout=120)


def hold_program(folder):
    """Of all events only a dispatch with the payload starts anything; every other one is told as what it is."""
    for known in EXAMPLES:
        for number, payload in enumerate(known["examples"]):
            ended = run(folder, payload)
            is_dispatch = known["name"].endswith("_dispatch")
            said = "payload" if is_dispatch else "this event was not a dispatch"
            check(f"run: {known['name']} {number}: {ended.returncode}, {ended.stderr[-200:]}",
                  ended.returncode == 2 and said in ended.stderr)
    for event, place in (("workflow_dispatch", "inputs"), ("repository_dispatch", "client_payload")):
        for payload in examples(event):
            payload = {**payload, place: {"port_payload": PAYLOAD}}
            ended = run(folder, payload)
            check(f"run: {event} with a payload: {ended.returncode}, {ended.stderr[-300:]}",
                  ended.returncode == 0 and "ghcr.io/acme/web:1.4.2" in ended.stdout)


with tempfile.TemporaryDirectory() as folder:
    counts = {path.name: hold_workflow(path) for path in sorted(WORKFLOWS.glob("*.yml"))}
    hold_program(pathlib.Path(folder))
print(", ".join(f"{count} fields of events in {name}" for name, count in counts.items()))
print(f"events: {passed} passed, {len(failed)} failed")
