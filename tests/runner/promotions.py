"""Acts of the action: what it installs and refuses to install, what it hands out, and how a promotion ends in a workflow."""

import copy
import json
import os
import re
import socket
import subprocess
import time

from runner import ROOT
from stage import OURS, PORT_RUN, RESUME, SECRETS, THEIRS, WORKFLOW, Stage, expect, message

ENTERPRISE = {"server_url": "https://github.initech.example"}
RELEASES = f"https://github.com/{OURS}/releases/download"


def first_run_and_rerun(origin, _):
    with Stage(origin) as stage:
        first = stage.promote()
        expect(first, 0, "as the action expects", "Promoted")
        assert first.group == ("promote-production-web", "max"), "promotions of one service wait in line"
        assert first.outputs["image"] == "ghcr.io/acme/web:1.4.2", first.outputs
        assert first.outputs["previous-image"] == "ghcr.io/acme/web:1.4.1", first.outputs
        assert re.fullmatch("[0-9a-f]{40}", first.outputs["commit"]), first.outputs
        assert first.summary.startswith("### ✅"), first.summary
        assert "| before | after |" in first.summary and "```diff" in first.summary, first.summary
        assert stage.mock.in_port(f"/v1/actions/runs/{PORT_RUN}")["run"]["status"] == "SUCCESS"
        second = stage.promote()
        expect(second, 0)
        assert second.outputs["outcome"] in ("promoted", "unchanged"), second.outputs
        assert [pull["number"] for pull in stage.mock.pulls()] == [1], "one promotion, one pull request"
        if os.environ.get("PLAY_SHOW"):
            print(first.log, first.summary, sep="\n")


def the_journal_is_kept_and_its_sum_handed_out(origin, folder):
    with Stage(origin) as stage:
        end = stage.promote()
        kept = end.artifacts["promote-journal-promote-1"]
        assert kept["days"] == 90, kept["days"]
        ((name, journal),) = kept["files"].items()
        assert end.outputs["journal"].endswith(name), end.outputs
        file = folder / "journal.jsonl"

        def verify(content):
            file.write_bytes(content)
            command = [origin.program.promote, "verify", "--sum", end.outputs["journal-sum"], file]
            return subprocess.run(command, capture_output=True).returncode
        assert verify(journal) == 0, "the sum is that of the journal"
        assert verify(journal.replace(b"dana@acme.example", b"eve@acme.example.")) == 1, "it is not that of an edited one"
        assert stage.promote(journal_artifact="").artifacts == {}
    with Stage(origin) as stage:
        # A promotion that ends badly leaves its journal too.
        stage.mock.in_port("/v1/blueprints/service/entities/web", "PATCH", {"properties": {"locked_in_prod": True}})
        locked = stage.promote(journal_artifact="audit", journal_days="400")
        expect(locked, 1)
        assert locked.artifacts["audit-promote-1"]["days"] == 400
        # Enterprise Server refuses such artifacts.
        there = stage.promote(github=ENTERPRISE, releases=RELEASES)
        expect(there, 1, "provenance: cannot be verified here")
        assert there.artifacts == {} and there.outputs["journal"]


def a_plan_is_approved_and_run(origin, _):
    with Stage(origin) as stage:
        def approve(jobs):
            """A first job plans; the second one waits for reviewers of its environment, and runs that plan."""
            plan, run = jobs["promote"], copy.deepcopy(jobs["promote"])
            kept = {"name": "plan", "path": "plan.json"}
            plan["steps"][-1]["with"] |= {"plan": "true", "plan-out": "plan.json"}
            plan["steps"].append({"uses": "actions/upload-artifact@" + "0" * 40, "with": kept})
            run["steps"][-1]["with"] |= {"plan-file": "plan.json"}
            run["steps"].insert(1, {"uses": "actions/download-artifact@" + "0" * 40, "with": {"name": "plan"}})
            del plan["environment"]
            return {"plan": plan, "promote": {**run, "needs": "plan"}}
        refused = stage.dispatch(approve, reviewers=lambda environment, ref: False)
        plan = refused["plan"]
        expect(plan, 0, "would promote ghcr.io/acme/web:1.4.2", "would merge acme/gitops#(new)")
        told = {name: plan.outputs[name] for name in ("outcome", "pull-request", "commit")}
        assert told == {"outcome": "would-promote", "pull-request": "", "commit": ""}, told
        assert plan.summary.startswith("### 📋 service/web: Plan: would promote"), plan.summary
        assert "40000000" not in plan.summary + plan.log + plan.outputs["reason"], plan.summary
        assert refused["promote"].result == "failure" and stage.mock.pulls() == []
        done = stage.dispatch(approve)
        expect(done["promote"], 0, "keeping to plan.json", "Promoted")
        assert [pull["number"] for pull in stage.mock.pulls()] == [1]
        assert set(done["promote"].artifacts) == {"plan", "promote-journal-plan-2", "promote-journal-promote-2"}


def compiled_policies_are_kept_if_asked(origin, _):
    with Stage(origin) as stage:
        assert stage.promote().cache_hit is None, "the built-in policy needs no cache"
        assert stage.promote(cache="true").cache_hit is False
        again = stage.promote(cache="true")
        assert again.cache_hit is bool(stage.machine.caches), stage.machine.caches
        config = stage.repository / "promote.toml"
        config.write_text(config.read_text() + "\n[limits]\nwall = \"4m\"\n")
        assert stage.promote(cache="true").cache_hit is False, "another configuration may name another component"


def refusal(origin, _):
    with Stage(origin) as stage:
        locked = {"properties": {"locked_in_prod": True, "locked_reason_prod": "audit ::error::x <img>"}}
        stage.mock.in_port("/v1/blueprints/service/entities/web", "PATCH", locked)
        end = stage.promote()
        expect(end, 1, "::warning title=promotion refused::", "promote explain lock")
        assert end.outputs["outcome"] == "refused" and end.summary.startswith("### ⛔"), end.summary
        assert "<img>" not in end.summary and "audit" in end.outputs["reason"]
        assert stage.mock.in_port(f"/v1/actions/runs/{PORT_RUN}")["run"]["statusLabel"] == "Refused"
        assert stage.mock.pulls() == []


def a_promotion_waits_for_a_person_and_is_resumed(origin, _):
    def told():
        return stage.mock.in_port(f"/v1/actions/runs/{PORT_RUN}")["run"]

    def pull_event(action, number=1, head="promote/web/production", repository=THEIRS):
        head = {"ref": head, "repo": {"full_name": repository}}
        return {"action": action, "pull_request": {"number": number, "head": head}}
    with Stage(origin) as stage:
        config = stage.repository / "promote.toml"
        whole = config.read_text()
        settings = "[policy.settings]\n"
        assert settings in whole, whole
        config.write_text(whole.replace(settings, settings + 'mode = "pull-request"\n'))
        first = stage.promote()
        expect(first, 0, "Waits for merge")
        assert first.summary.startswith("### ⏳"), first.summary
        assert (told()["status"], told()["statusLabel"]) == ("IN_PROGRESS", "Waits for merge"), told()
        said = len(told_lines(stage))
        # The schedule finds nothing to do, and leaves no line.
        idle = stage.resume("schedule")
        assert idle["tell"].result == "skipped", idle["tell"].log
        expect(idle["resume"], 0, "still waiting for something else: 1 promotion")
        assert len(told_lines(stage)) == said and idle["resume"].artifacts == {}
        # A comment of a reviewer, or somebody's fork, starts nothing that has secrets.
        foreign = stage.resume("pull_request", pull_event("closed", repository="mallory/gitops"))
        assert {end.result for end in foreign.values()} == {"skipped"}, foreign
        other = stage.resume("pull_request", pull_event("closed", head="feature/x"))
        assert {end.result for end in other.values()} == {"skipped"}, other
        # A person merges: the event reaches a job without secrets, which starts the one that has them on the default branch.
        stage.mock.ask(f"{stage.mock.api}/repos/{THEIRS}/pulls/1/merge", SECRETS["GITHUB_TOKEN"], "PUT", {"merge_method": "squash"})
        seen = []
        ends = stage.resume("pull_request", pull_event("closed", head=stage.mock.pulls()[0]["head"]["ref"]),
                            reviewers=lambda environment, ref: seen.append((environment["name"], ref)) or True)
        assert ends["tell"].result == "success", ends["tell"].log
        assert seen == [("production-resume", "refs/heads/main")], seen
        expect(ends["resume"], 0, "promoted")
        assert (told()["status"], told()["statusLabel"]) == ("SUCCESS", "Promoted"), told()
        production = stage.mock.in_port("/v1/blueprints/running_service/entities/web-prod")["entity"]
        assert production["relations"]["image"] == "web-1.4.2", production
        # The schedule comes too late, and changes nothing.
        after = len(told_lines(stage))
        expect(stage.resume("schedule")["resume"], 0, "still waiting for something else: 0 promotions")
        assert len(told_lines(stage)) == after
        if os.environ.get("PLAY_SHOW"):
            print(first.log, *told_lines(stage), ends["resume"].log, sep="\n")


def told_lines(stage):
    """The lines of the sample's run, as Port shows them."""
    return [line["message"] for line in stage.mock.in_port(f"/v1/actions/runs/{PORT_RUN}/logs")["runLogs"]]


def failure_and_then_a_rerun(origin, _):
    with Stage(origin) as stage:
        config = stage.repository / "promote.toml"
        whole = config.read_text()
        config.write_text(whole.replace('"github.merge", ', ""))
        end = stage.promote()
        expect(end, 4, "::error title=promotion failed::", "github.merge on acme/gitops#1", "is not granted")
        assert end.outputs["outcome"] == "violation", end.outputs
        config.write_text(whole)
        again = stage.promote()
        expect(again, 0, "has ended already")
        assert [pull["number"] for pull in stage.mock.pulls()] == [1], "the same pull request"
        assert again.outputs["outcome"] == "promoted", again.outputs


def service_down(origin, _):
    with Stage(origin) as stage:
        config = stage.repository / "promote.toml"
        config.write_text(config.read_text() + "\n[limits]\nwall = \"2s\"\n")
        stage.mock.stop()
        end = stage.promote()
        expect(end, 3, "::error title=promotion failed::", "reading the Port run")
        assert end.outputs["outcome"] == "failed" and end.summary.startswith("### ❌"), end.summary


def a_cancelled_job_ends_within_the_time_of_the_runner(origin, _):
    for silent_one in ("GitHub", "Port"):
        with Stage(origin) as stage, socket.create_server(("127.0.0.1", 0)) as silent:
            # A service that takes the connection and never answers.
            address, held = f"http://127.0.0.1:{silent.getsockname()[1]}", []

            def connected():
                held.append(silent.accept())
                time.sleep(0.3)
                held.append(time.monotonic())
            given = {"github": {"api_url": address}} if silent_one == "GitHub" else {"port_api_url": address}
            end = stage.promote(cancel_when=connected, **given)
            assert end.result == "cancelled", end.log
            assert end.outputs["outcome"] == "cancelled", f"the program itself got the signal, and said so:\n{end.log}"
            assert time.monotonic() - held[1] < 10, "nobody had to kill it"
            assert list(end.artifacts) == ["promote-journal-promote-1"], "the journal is kept all the same"
            told = stage.mock.in_port(f"/v1/actions/runs/{PORT_RUN}")["run"]["status"]
            assert told == ("FAILURE" if silent_one == "GitHub" else "IN_PROGRESS"), f"Port was told, if it listened: {told}"


def nothing_from_port_is_run(origin, _):
    with Stage(origin) as stage:
        hostile = message()
        hostile["properties"] = {"reason": "$(touch pwned) `touch pwned` \"; touch pwned; '\n::set-env::x"}
        hostile["note"] = "${{ github.token }}"
        expect(stage.promote(hostile), 0)
        by_input = stage.promote({"entity": "web"}, payload=json.dumps(hostile))
        expect(by_input, 0)
        assert not list(stage.folder.rglob("pwned"))


def not_installed(stage, said, **more):
    """The job fails before anything of ours ran."""
    end = stage.promote(**more)
    expect(end, 2, "::error title=promote is not installed::", said)
    assert "::add-mask" not in end.log and end.outputs["outcome"] == "", "nothing was run"
    assert stage.mock.pulls() == [] and end.artifacts == {}


def what_is_not_ours_is_not_run(origin, _):
    with Stage(origin) as stage:
        archive = stage.archive()
        whole, signed = archive.read_bytes(), stage.github.read("attestations", [])

        def resigned(**change):
            stage.github.write("attestations", [{**one, **change} for one in signed])
        archive.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        not_installed(stage, "it is not run")
        # SHA256SUMS of the release says what the forger likes: the action holds its own.
        archive.with_name("SHA256SUMS").write_text(f"{stage.github.digest(archive)[7:]}  {archive.name}\n")
        not_installed(stage, "the action expects")
        archive.write_bytes(whole)
        stage.github.write("attestations", [])
        not_installed(stage, "the provenance of")
        workflow = f"https://github.com/{OURS}/.github/workflows"
        resigned(identity=f"{workflow}/ci.yml@refs/tags/release/v{origin.version}")
        not_installed(stage, "the provenance of")
        for ref in ("heads/main", "tags/release/v0.0.9", f"tags/v{origin.version}", f"tags/release/v{origin.version}.1"):
            resigned(identity=f"{workflow}/release.yml@refs/{ref}")
            not_installed(stage, "the provenance of")
        resigned(source="0" * 40)
        not_installed(stage, "the provenance of")
        resigned(runner="self-hosted")
        not_installed(stage, "the provenance of")
        expect(stage.promote(attestation="off"), 0, "provenance: not verified, as the workflow says")
        resigned()
        expect(stage.promote(attestation="required"), 0, "provenance: built from")


def where_there_is_no_release_it_says_what_to_do(origin, _):
    with Stage(origin) as stage:
        not_installed(stage, "are not looked for on https://github.initech.example: say where they are (releases)", github=ENTERPRISE)
        not_installed(stage, "there is no gh that verifies", github=ENTERPRISE, attestation="required", releases=RELEASES)
        # A copy on the runner's own disk will do, or the original.
        mirror = stage.folder / "mirror" / f"v{origin.version}"
        mirror.mkdir(parents=True)
        (mirror / stage.archive().name).write_bytes(stage.archive().read_bytes())
        expect(stage.promote(github=ENTERPRISE, releases=mirror.parent.as_uri()), 0, "provenance: cannot be verified here")
        expect(stage.promote(github=ENTERPRISE, releases=RELEASES), 0, "as the action expects")
    with Stage(origin) as stage:
        not_installed(stage, "must be an https or file URL", releases="http://127.0.0.1:1")
        not_installed(stage, "program is run or full", program="half")
        not_installed(stage, "attestation is auto, required or off", attestation="maybe")
        stage.github.write("private", [OURS])
        not_installed(stage, "A private repository shows its releases to nobody without a token")
    # A commit of main, between releases.
    with Stage(origin, origin.commit) as stage:
        not_installed(stage, f"this commit of {OURS} is not a release, so it holds no checksums")


def the_whole_program_is_there_for_other_steps(origin, _):
    with Stage(origin) as stage:
        step = {"run": "promote --version && promote matrix --help >/dev/null && ! command -v promote-run", "shell": "bash"}
        end = stage.promote(program="full", install_only="true", steps=[step])
        expect(end, 0, f"promote {origin.version} for")
        assert end.outputs["outcome"] == "" and stage.mock.pulls() == [] and end.artifacts == {}
        expect(stage.promote(program="full"), 0, "Promoted")


def what_init_writes_is_clean_and_pinned(origin, _):
    with Stage(origin) as stage:
        workflows = [stage.repository / WORKFLOW, stage.repository / RESUME]
        pinned = f"uses: {OURS}@{origin.released()} # v{origin.version}\n"
        for workflow in workflows:
            assert pinned in workflow.read_text(), "a tag is written as its commit"
        lint = subprocess.run([ROOT / "tests/runner/lint", *workflows], capture_output=True, text=True)
        assert lint.returncode == 0, lint.stdout + lint.stderr
        print("  zizmor and the schema find nothing in our workflows, the action, and the workflows that init writes")


ACTS = [first_run_and_rerun, the_journal_is_kept_and_its_sum_handed_out, a_plan_is_approved_and_run,
        compiled_policies_are_kept_if_asked, refusal, a_promotion_waits_for_a_person_and_is_resumed, failure_and_then_a_rerun, service_down,
        a_cancelled_job_ends_within_the_time_of_the_runner, nothing_from_port_is_run, what_is_not_ours_is_not_run,
        where_there_is_no_release_it_says_what_to_do, the_whole_program_is_there_for_other_steps, what_init_writes_is_clean_and_pinned]
