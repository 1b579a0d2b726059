"""The played runner itself, held to what actions/runner does: contexts, variables, conditions, files, exit codes, signals."""

import threading
import time

from github import GitHub
from runner import Machine, Run

ACTION = """
name: probe
description: Shows what a composite action sees
inputs:
  word: { description: a word, default: nothing }
outputs:
  said: { description: what was said, value: "${{ steps.probe.outputs.said }}" }
runs:
  using: composite
  steps:
    - id: probe
      shell: bash
      env:
        BY_EXPRESSION: ${{ github.action_repository }}
        GITHUB_ACTION_REPOSITORY: ${{ github.action_repository }}
      run: |
        echo "own=$BY_EXPRESSION blanked=<$GITHUB_ACTION_REPOSITORY> ref=<$GITHUB_ACTION_REF>"
        echo "inner=${{ github.action_repository }} input=<${INPUT_WORD-unset}> word=${{ inputs.word }} outer=$OUTER"
        test -f "$GITHUB_ACTION_PATH/action.yml"
        echo said=something >> "$GITHUB_OUTPUT"
        exit 3
    - { shell: bash, run: echo not reached }
    - { if: always(), shell: bash, run: "echo reached, status ${{ github.action_ref }}" }
"""


def play(folder, steps, cancel_once=None, files=(), **job):
    """Runs one job on a machine of its own, with the action above in a repository."""
    github = GitHub(folder / "github")
    content = folder / "content"
    content.mkdir()
    (content / "action.yml").write_text(ACTION)
    for name, text in files:
        (content / name).parent.mkdir(parents=True, exist_ok=True)
        (content / name).write_text(text)
    commit = github.create_repository("acme/probe", content)
    steps = [{**step, "uses": f"acme/probe@{commit}"} if step.get("uses") == "probe" else step for step in steps]
    workflow = {"jobs": {"job": {"permissions": {"contents": "read"}, "steps": steps, **job}}, "env": {"OUTER": "workflow"}}
    run = Run(Machine(folder / "machine", github), workflow, {"inputs": {"name": "x"}}, repository="acme/probe", run_id="1",
              sha=commit, ref="refs/heads/main")
    if cancel_once:
        threading.Thread(target=lambda: (wait_for(cancel_once), run.cancel.set()), daemon=True).start()
    return run.play()["job"]


def wait_for(file):
    while not file.exists():
        time.sleep(0.05)


def variables_of_a_composite_action(_, folder):
    end = play(folder, [{"id": "own", "uses": "probe", "env": {"OUTER": "step"}, "with": {"word": "w"}},
                        {"run": "echo outside", "if": "failure()"}])
    assert "own=acme/probe blanked=<> ref=<>" in end.log, end.log
    assert "inner= input=<unset> word=w outer=step" in end.log, end.log
    assert "not reached" not in end.log and "reached, status\n" in end.log and "outside" in end.log, end.log
    assert (end.result, end.code) == ("failure", 3) and end.actions["acme/probe"] == {"said": "something"}, vars(end)


def files_that_steps_leave(_, folder):
    end = play(folder, [
        {"id": "a", "run": 'echo "LATER=yes" >> "$GITHUB_ENV"; mkdir bin; printf "#!/bin/sh\\necho found\\n" > bin/tool; '
                           'chmod +x bin/tool; echo "$PWD/bin" >> "$GITHUB_PATH"; printf "many<<E\\n1\\n2\\nE\\n" >> "$GITHUB_OUTPUT"; '
                           'echo "now=<$LATER>"; echo "# Sum" >> "$GITHUB_STEP_SUMMARY"'},
        {"run": 'tool; echo "later=$LATER"; echo "${{ steps.a.outputs.many }}"; echo "state=${{ steps.a.conclusion }}"'},
    ], outputs={"many": "${{ steps.a.outputs.many }}"})
    assert "now=<>" in end.log and "found\nlater=yes\n1\n2\nstate=success" in end.log, end.log
    assert end.outputs == {"many": "1\n2"} and end.summary == "# Sum\n", vars(end)


def hashes_of_files(_, folder):
    names = " ".join("<${{ hashFiles(%s) }}>" % patterns for patterns in (
        "'a.txt'", "'a.txt', 'none'", "'**/*.txt'", "'none'", "'../content/a.txt'"))
    checkout = {"uses": "actions/checkout@" + "0" * 40, "with": {"persist-credentials": False}}
    end = play(folder, [checkout, {"env": {"NAMES": names}, "run": 'echo "$NAMES"'}], files=[("a.txt", "a"), ("b/b.txt", "b")])
    one, same, all_, none, outside = end.log.strip().split(" ")
    assert one == same != all_ and len(one) == 66 and none == outside == "<>", end.log


def shells_and_exit_codes(_, folder):
    # Without a name: no pipefail. With one: pipefail, and no start files.
    end = play(folder, [{"run": "false | true; echo on"}, {"shell": "bash", "run": "false | true; echo never"},
                        {"run": "echo skipped"}, {"if": "always() && !cancelled()", "run": "exit 9"}])
    assert end.log.splitlines() == ["on", "##[error]Process completed with exit code 1.",
                                    "##[error]Process completed with exit code 9."], end.log
    assert (end.result, end.code) == ("failure", 9)


def signals_and_their_times(_, folder):
    polite = "trap 'echo INT; exit 1' INT; touch {ready}; sleep 30 & wait"
    deaf = "trap 'echo INT' INT; trap 'echo TERM' TERM; touch {ready}; while :; do sleep 0.1; done"
    for number, (script, said, least, most) in enumerate(((polite, ["INT"], 0, 7), (deaf, ["INT", "TERM"], 10, 13))):
        started = time.monotonic()
        (folder / str(number)).mkdir()
        ready = folder / str(number) / "ready"
        steps = [{"run": script.replace("{ready}", str(ready))}, {"if": "always()", "run": "echo after"}, {"run": "echo no"}]
        end = play(folder / str(number), steps, cancel_once=ready)
        assert [line for line in end.log.splitlines() if not line.startswith("##")] == [*said, "after"], end.log
        assert least <= time.monotonic() - started <= most and end.result == "cancelled", (time.monotonic() - started, end.result)


ACTS = [variables_of_a_composite_action, files_that_steps_leave, hashes_of_files, shells_and_exit_codes, signals_and_their_times]
