"""Plays a promotion as a workflow of GitHub would run it: first run, re-run, refusal, failure, and what must not be run.

play.py PROMOTE: everything else is made here: a release, a repository set up by `promote init`, a mock of Port and GitHub.
"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import traceback
import urllib.request

from runner import MACHINE, ROOT, Runner, read_yaml

PROMOTE = pathlib.Path(sys.argv[1]).resolve()
ARCHIVE = "promote-{}-" + MACHINE[1] + "-unknown-linux-gnu.tar.gz"
SECRETS = {"PORT_CLIENT_ID": "mock-client-id", "PORT_CLIENT_SECRET": "mock-client-secret", "GITHUB_TOKEN": "mock-github-token"}
RELEASED_HELD = tempfile.TemporaryDirectory(prefix="promote-release-")
RELEASED = pathlib.Path(RELEASED_HELD.name)
RUN = "r_Ab12Cd34Ef56Gh78"


def version():
    return re.search(r'^version = "(.+)"', (ROOT / "Cargo.toml").read_text(), re.M)[1]


class Stage:
    """A mock, a release, a repository and a runner, gone when it is left."""

    def __enter__(self):
        self.held = tempfile.TemporaryDirectory(prefix="promote-play-")
        self.folder = pathlib.Path(self.held.name)
        self.mock = subprocess.Popen(
            [PROMOTE, "mock", "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        lines = (self.mock.stdout.readline() for _ in range(5))
        told = dict(line.strip().removeprefix("export ").split("=", 1) for line in lines)
        self.port, self.github = told["PORT_API_URL"], told["GITHUB_API_URL"]
        self.repository = self.folder / "repository"
        self.init("--yes")
        self.release()
        self.runner = Runner(self.folder, self.repository, {"GITHUB_API_URL": self.github})
        return self

    def __exit__(self, *_):
        self.mock.kill()
        self.mock.wait()
        self.held.cleanup()

    def init(self, *more):
        environment = {"PATH": os.environ["PATH"], "PORT_API_URL": self.port, "PORT_CLIENT_ID": SECRETS["PORT_CLIENT_ID"],
                       "PORT_CLIENT_SECRET": SECRETS["PORT_CLIENT_SECRET"]}
        uses = "acme/promote@0123456789abcdef0123456789abcdef01234567"
        subprocess.run([PROMOTE, "init", "--repository", "acme/gitops", "--uses", uses, "--folder", self.repository, *more],
                       env=environment, check=True, capture_output=True)

    def release(self):
        self.releases = self.folder / "releases"
        self.files = self.releases / f"v{version()}"
        shutil.copytree(RELEASED / "dist", self.files)

    def promote(self, payload=None, attempt=1, payload_input=None, **more):
        """Dispatches the workflow as Port does; `payload_input` gives the message to the action instead."""
        if payload_input:
            more["payload"] = payload_input
        inputs = {"port_payload": json.dumps(payload or message())}
        more = {"releases": self.releases.as_uri(), "port-api-url": self.port, **more}
        ended = self.runner.dispatch(inputs, SECRETS, attempt, {k.replace("_", "-"): v for k, v in more.items()})
        said = ended.log + ended.summary + json.dumps(ended.outputs)
        for secret in ("mock-client-secret", "mock-github-token"):
            assert secret not in said, f"a secret is in: {said}"
        return ended

    def ask(self, base, path, token, method="GET", body=None):
        headers = {"Authorization": f"Bearer {token}", "User-Agent": "play", "Content-Type": "application/json"}
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(base + path, data=data, headers=headers, method=method)
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    def in_port(self, path, method="GET", body=None):
        login = {"clientId": SECRETS["PORT_CLIENT_ID"], "clientSecret": SECRETS["PORT_CLIENT_SECRET"]}
        token = self.ask(self.port, "/v1/auth/access_token", "", "POST", login)["accessToken"]
        return self.ask(self.port, path, token, method, body)

    def pulls(self):
        return self.ask(self.github, "/repos/acme/gitops/pulls?state=all", SECRETS["GITHUB_TOKEN"])


def message():
    """What the action that `promote init` made sends for the sample's run."""
    return {"context": {"runId": RUN, "entity": "web", "blueprint": "service"},
            "payload": {"entity": {"identifier": "web", "blueprint": "service"}, "properties": {}},
            "trigger": {"by": {"user": {"email": "dana@acme.example"}}, "origin": "UI", "at": "2026-01-06T10:00:00.000Z"}}


def expect(ended, code, *said):
    assert ended.code == code, f"exit code {ended.code}, not {code}:\n{ended.log}"
    for text in said:
        assert text in ended.log + ended.summary, f"{text!r} is not in:\n{ended.log}\n{ended.summary}"


def first_run_and_rerun(stage):
    first = stage.promote()
    expect(first, 0, "checksum ", "as listed", "Promoted")
    assert first.group == ("promote-production-web", "max"), first.group
    assert first.outputs["outcome"] == "promoted" and first.outputs["pull-request"] == "1", first.outputs
    assert first.outputs["image"] == "ghcr.io/acme/web:1.4.2", first.outputs
    assert first.outputs["previous-image"] == "ghcr.io/acme/web:1.4.1", first.outputs
    assert re.fullmatch("[0-9a-f]{40}", first.outputs["commit"]), first.outputs
    assert first.summary.startswith("### ✅"), first.summary
    assert "| before | after |" in first.summary and "```diff" in first.summary, first.summary
    assert stage.in_port(f"/v1/actions/runs/{RUN}")["run"]["status"] == "SUCCESS"
    second = stage.promote(attempt=2)
    expect(second, 0)
    assert second.outputs["outcome"] in ("promoted", "unchanged"), second.outputs
    assert [pull["number"] for pull in stage.pulls()] == [1], "one promotion, one pull request"
    if os.environ.get("PLAY_SHOW"):
        print(first.log, first.summary, sep="\n")


def compiled_policies_are_kept(stage):
    assert stage.promote().cache_hit is False
    again = stage.promote(attempt=2)
    kept = list((stage.folder / "caches").glob("*")) if (stage.folder / "caches").exists() else []
    assert again.cache_hit is bool(kept), kept
    config = stage.repository / "promote.toml"
    config.write_text(config.read_text() + "\n[limits]\nwall = \"4m\"\n")
    assert stage.promote(attempt=3).cache_hit is False, "another configuration may name another component"
    assert stage.promote(attempt=4, cache="false").cache_hit is None


def refusal(stage):
    locked = {"properties": {"locked_in_prod": True, "locked_reason_prod": "audit ::error::x <img>"}}
    stage.in_port("/v1/blueprints/service/entities/web", "PATCH", locked)
    ended = stage.promote()
    expect(ended, 1, "::warning title=promotion refused::", "promote explain lock")
    assert ended.outputs["outcome"] == "refused" and ended.summary.startswith("### ⛔"), ended.summary
    assert "<img>" not in ended.summary and "audit" in ended.outputs["reason"]
    assert stage.in_port(f"/v1/actions/runs/{RUN}")["run"]["statusLabel"] == "Refused"
    assert stage.pulls() == []


def failure_and_then_a_rerun(stage):
    config = stage.repository / "promote.toml"
    whole = config.read_text()
    config.write_text(whole.replace('"github.merge", ', ""))
    ended = stage.promote()
    expect(ended, 4, "::error title=promotion failed::", "github.merge on acme/gitops#1", "is not granted")
    assert ended.outputs["outcome"] == "violation", ended.outputs
    config.write_text(whole)
    again = stage.promote(attempt=2)
    expect(again, 0, "has ended already")
    assert [pull["number"] for pull in stage.pulls()] == [1], "the same pull request"
    assert again.outputs["outcome"] == "promoted", again.outputs


def service_down(stage):
    config = stage.repository / "promote.toml"
    config.write_text(config.read_text() + "\n[limits]\nwall = \"2s\"\n")
    stage.mock.kill()
    stage.mock.wait()
    ended = stage.promote()
    expect(ended, 3, "::error title=promotion failed::", "reading the Port run")
    assert ended.outputs["outcome"] == "failed" and ended.summary.startswith("### ❌"), ended.summary


def plan_writes_nothing(stage):
    expect(stage.promote(plan="true"), 0, "would promote ghcr.io/acme/web:1.4.2")
    assert stage.pulls() == []


def nothing_from_port_is_run(stage):
    hostile = message()
    hostile["payload"]["properties"] = {"reason": "$(touch pwned) `touch pwned` \"; touch pwned; '\n::set-env::x"}
    hostile["context"]["note"] = "${{ github.token }}"
    expect(stage.promote(hostile), 0)
    assert not list(stage.folder.rglob("pwned"))
    by_input = stage.promote({"context": {"entity": "web"}}, attempt=2, payload_input=json.dumps(hostile))
    expect(by_input, 0)
    assert not list(stage.folder.rglob("pwned"))


def tampered_releases_are_not_run(stage):
    archive, sums = stage.files / ARCHIVE.format(version()), stage.files / "SHA256SUMS"
    good, listed = archive.read_bytes(), sums.read_text()

    def refused(said, **more):
        ended = stage.promote(**more)
        expect(ended, 2, "::error title=promote is not installed::", said)
        assert "::add-mask" not in ended.log and ended.outputs["outcome"] == "", "nothing was run"
        assert stage.pulls() == []

    archive.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    refused("it is not run")
    archive.write_bytes(good)
    sums.write_text(listed.replace(archive.name, "other.tar.gz"))
    refused("SHA256SUMS says nothing")
    sums.write_text(listed)
    refused("the workflow expects", sha256="0" * 64)
    refused("could not be fetched", version="9.9.9")
    refused("the version is not one", version="1.0.0/../..")
    refused("must be an https or file URL", releases="http://127.0.0.1:1")
    refused("there is no gh", attestation="required") if not has_gh() else None
    archive.unlink()
    refused("could not be fetched")
    archive.write_bytes(good)
    expect(stage.promote(sha256=listed.split()[0]), 0)


def has_gh():
    return any((pathlib.Path(folder) / "gh").exists() for folder in os.environ["PATH"].split(":"))


def versions_agree(stage):
    assert read_yaml(ROOT / "action.yml")["inputs"]["version"]["default"] == version(), "action.yml installs this version"
    said = subprocess.run([PROMOTE, "--version"], capture_output=True, text=True, check=True).stdout
    assert said.split()[1] == version(), said
    lint = subprocess.run([ROOT / "tests/runner/lint", stage.repository / ".github/workflows/promote-production.yml"],
                          capture_output=True, text=True)
    assert lint.returncode == 0, lint.stdout + lint.stderr
    print("  zizmor and the schema find nothing in our workflows, the action, and the workflow that init writes")


def make_release(folder):
    """A release as the release workflow makes it, once for all acts, of a binary without its debug symbols."""
    binary, dist, scripts = folder / "promote", folder / "dist", ROOT / ".github/release"
    subprocess.run(["strip", "-o", binary, PROMOTE], check=True)
    subprocess.run([scripts / "pack", binary, version(), f"{MACHINE[1]}-unknown-linux-gnu", dist], check=True)
    subprocess.run([scripts / "checksums", dist], check=True)


def main():
    acts = [first_run_and_rerun, compiled_policies_are_kept, refusal, failure_and_then_a_rerun, service_down,
            plan_writes_nothing, nothing_from_port_is_run, tampered_releases_are_not_run, versions_agree]
    wanted = sys.argv[2:]
    make_release(RELEASED)
    passed = failed = 0
    for act in acts:
        if wanted and act.__name__ not in wanted:
            continue
        try:
            with Stage() as stage:
                act(stage)
            passed += 1
            print(f"ok      {act.__name__.replace('_', ' ')}")
        except Exception:
            failed += 1
            print(f"FAILED  {act.__name__.replace('_', ' ')}\n{traceback.format_exc()}")
    RELEASED_HELD.cleanup()
    print(f"{passed} passed, {failed} failed")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
