"""What a play needs: our repository with its releases on a played github.com, and somebody's repository that uses it."""

import contextlib
import itertools
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import threading
import urllib.request

import programs
from github import GitHub, Server
from runner import MACHINE, ROOT, Machine, Run, read_yaml

OURS, THEIRS = "acme/promote", "acme/gitops"
FILES = (".github", "action.yml", "Cargo.toml", "CHANGELOG.md", "LICENSE")
SECRETS = {"PORT_CLIENT_ID": "mock-client-id", "PORT_CLIENT_SECRET": "mock-client-secret", "GITHUB_TOKEN": "mock-github-token"}
PORT_RUN = "r_Ab12Cd34Ef56Gh78"
WORKFLOW = ".github/workflows/promote-production.yml"
RESUME = ".github/workflows/promote-resume.yml"
HERE = f"{MACHINE[1]}-unknown-linux-gnu"
NUMBERS = itertools.count(77)


class Program:
    """What cargo "builds" in a played release: the program of this machine, and scripts for all others."""

    def __init__(self, promote, folder, is_small=False):
        self.promote, self.built = pathlib.Path(promote).resolve(), pathlib.Path(folder)
        self.built.mkdir()
        # What is built for other machines cannot be run here; it can be asked to compile the policy.
        (self.built / "elsewhere").write_text('#!/bin/sh\n[ "$1" != compile ] || echo compiled >"$2"\n')
        (self.built / "elsewhere").chmod(0o755)
        (self.built / "policy.wasm").write_bytes(b"\0asm the default policy")
        for name in ("promote", "promote-run"):
            if is_small:
                shutil.copy(self.built / "elsewhere", self.built / name)
            else:
                subprocess.run(["strip", "-o", self.built / name, self.promote.with_name(name)], check=True)


class Origin:
    """Our repository on a played github.com, with the files of this tree or of a commit, and the machine that releases it."""

    def __init__(self, folder, program, commit=None):
        self.folder, self.program = pathlib.Path(folder), program
        self.github = GitHub(self.folder / "github")
        self.files = self.folder / "files"
        self.files.mkdir()
        if commit:
            archive = subprocess.run(["git", "-C", ROOT, "archive", commit, *FILES], check=True, capture_output=True)
            subprocess.run(["tar", "-x", "-C", self.files], input=archive.stdout, check=True)
        else:
            for name in FILES:
                copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
                copy(ROOT / name, self.files / name)
        self.version = re.search(r'^version = "(.+)"', (self.files / "Cargo.toml").read_text(), re.M)[1]
        self.commit = self.github.create_repository(OURS, self.files)
        self.tools = programs.install(self.folder / "tools", self.github.folder, program.built)

    def push(self, branch="main"):
        self.commit = self.github.push(OURS, self.files, branch)

    def change(self, name, before, after):
        """Changes a file of the repository; the text must be there."""
        file = self.files / name
        assert before in file.read_text(), f"{before!r} is not in {name}"
        file.write_text(file.read_text().replace(before, after))

    def tag(self, tag=None, commit=None):
        """Pushes a tag and returns the run that it starts, or none if it starts none."""
        tag = tag or f"release/v{self.version}"
        self.github.tag(OURS, tag, commit or self.commit)
        workflow = read_yaml(self.files / ".github/workflows/release.yml")
        triggers = workflow.get("on", workflow.get(True))["push"]["tags"]
        return Release(self, tag, commit or self.commit, workflow) if any(fits(tag, pattern) for pattern in triggers) else None

    def released(self):
        """The commit of the action that workflows use: where the version's tag is."""
        return self.github.git(OURS, "rev-parse", f"refs/tags/v{self.version}")

    def archive(self, program="promote-run", target=HERE):
        """The file of a published archive."""
        release = self.github.release(OURS, f"v{self.version}")
        return self.github.asset(release["id"], f"{program}-{self.version}-{target}.tar.xz")


def fits(tag, pattern):
    """Whether a tag fits a pattern of GitHub's: `*` is anything but a slash, `+` and `[]` are as in regular expressions."""
    return re.fullmatch(pattern.replace(".", r"\.").replace("*", "[^/]*"), tag) is not None


class Release:
    """One run of the release workflow, which can be run again."""

    def __init__(self, origin, tag, commit, workflow):
        self.origin, self.tag, self.commit, self.workflow = origin, tag, commit, workflow
        self.number, self.attempt, self.ends = next(NUMBERS), 0, {}

    def play(self, again=None, approve=lambda environment, ref: True, **variables):
        """Runs it, or again: `failed` runs what did not succeed, `all` everything."""
        if not self.attempt or again == "all":
            self.machine = Machine(self.origin.folder / f"releasing-{self.number}-{self.attempt}", self.origin.github,
                                   self.origin.tools, **variables)
        self.machine.variables.update(variables)
        self.attempt += 1
        run = Run(self.machine, self.workflow, {"ref": f"refs/tags/{self.tag}"}, approve=approve, repository=OURS,
                  run_id=str(self.number), run_attempt=str(self.attempt), ref=f"refs/tags/{self.tag}", ref_name=self.tag,
                  ref_type="tag", sha=self.commit, event_name="push",
                  workflow_ref=f"{OURS}/.github/workflows/release.yml@refs/tags/{self.tag}")
        kept = {name: end for name, end in self.ends.items() if end.result == "success"} if again == "failed" else {}
        self.ends = run.play(kept)
        return self.ends


class Mock:
    """`promote mock`: a Port and a GitHub API on loopback."""

    def __init__(self, program):
        self.process = subprocess.Popen([program.promote, "mock", "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, text=True)
        told = {}
        # The token of GitHub comes last of those that every world has.
        while "GITHUB_TOKEN" not in told and (line := self.process.stdout.readline()):
            name, value = line.strip().removeprefix("export ").split("=", 1)
            told[name] = value
        self.port, self.api = told["PORT_API_URL"], told["GITHUB_API_URL"]

    def stop(self):
        self.process.kill()
        self.process.wait()

    def ask(self, address, token, method="GET", body=None):
        headers = {"Authorization": f"Bearer {token}", "User-Agent": "play", "Content-Type": "application/json"}
        data = json.dumps(body).encode() if body is not None else None
        with urllib.request.urlopen(urllib.request.Request(address, data=data, headers=headers, method=method)) as answer:
            return json.load(answer)

    def in_port(self, path, method="GET", body=None):
        login = {"clientId": SECRETS["PORT_CLIENT_ID"], "clientSecret": SECRETS["PORT_CLIENT_SECRET"]}
        token = self.ask(f"{self.port}/v1/auth/access_token", "", "POST", login)["accessToken"]
        return self.ask(self.port + path, token, method, body)

    def pulls(self):
        return self.ask(f"{self.api}/repos/{THEIRS}/pulls?state=all", SECRETS["GITHUB_TOKEN"])


class Stage:
    """Somebody's repository, set up by `promote init`, with a machine that runs its workflow; gone when it is left."""

    def __init__(self, origin, commit=None):
        self.origin, self.uses = origin, f"{OURS}@{commit or 'v' + origin.version}"
        self.number, self.attempts = str(next(NUMBERS)), itertools.count(1)

    def __enter__(self):
        with contextlib.ExitStack() as held:
            self.folder = pathlib.Path(held.enter_context(tempfile.TemporaryDirectory(prefix="promote-play-")))
            # A github.com of its own, so that a play may change what is on it.
            self.github = GitHub(shutil.copytree(self.origin.github.folder, self.folder / "github"))
            self.server = Server(self.github, self.folder)
            held.callback(self.server.close)
            self.mock = Mock(self.origin.program)
            held.callback(self.mock.stop)
            self.repository = self.folder / "repository"
            self.init("--yes")
            self.github.create_repository(THEIRS, self.repository)
            tools = programs.install(self.folder / "tools", self.github.folder, self.origin.program.built)
            self.machine = Machine(self.folder / "machine", self.github, tools)
            self.server.serve(self.machine.home)
            self.held = held.pop_all()
        return self

    def __exit__(self, *_):
        self.held.close()

    def init(self, *more):
        environment = {"PATH": os.environ["PATH"], "PORT_API_URL": self.mock.port, "GITHUB_API_URL": self.server.api,
                       **{key: SECRETS[key] for key in ("PORT_CLIENT_ID", "PORT_CLIENT_SECRET")}}
        subprocess.run([self.origin.program.promote, "init", "--repository", THEIRS, "--uses", self.uses, "--folder",
                        self.repository, *more], env=environment, check=True, capture_output=True)

    def archive(self, program="promote-run"):
        release = self.github.release(OURS, f"v{self.origin.version}")
        return self.github.asset(release["id"], f"{program}-{self.origin.version}-{HERE}.tar.xz")

    def promote(self, sent=None, steps=(), **rest):
        """Dispatches the workflow and returns the end of its job; `steps` come after it, other names are inputs of the action."""
        own = {name: rest.pop(name) for name in ("cancel_when", "github") if name in rest}

        def change(jobs):
            jobs["promote"]["steps"][-1]["with"].update({name.replace("_", "-"): value for name, value in rest.items()})
            jobs["promote"]["steps"] += steps
            return jobs
        return self.dispatch(change, sent, **own)["promote"]

    def dispatch(self, change, sent=None, cancel_when=None, github=None, reviewers=lambda environment, ref: True):
        """Dispatches the workflow as Port does, by sending a message, with its jobs changed; returns how they ended.

        All of a stage are attempts of one run, for one run in Port.
        """
        workflow = read_yaml(self.repository / WORKFLOW)
        workflow["jobs"]["promote"]["steps"][-1]["with"]["port-api-url"] = self.mock.port
        workflow["jobs"] = change(workflow["jobs"])
        inputs = {"port_payload": json.dumps(sent or message())}
        about = {"run_id": self.number, "run_attempt": str(next(self.attempts)), "event_name": "workflow_dispatch", **(github or {})}
        return self.play(WORKFLOW, workflow, {"inputs": inputs}, about, cancel_when, reviewers, SECRETS)

    def resume(self, event_name, event=None, reviewers=lambda environment, ref: True):
        """Lets an event start the workflow that resumes, and whatever that dispatches; returns how its jobs ended, each by its name.

        An event of a pull request comes with the merge that GitHub has tried as its ref.
        """
        workflow = read_yaml(self.repository / RESUME)
        triggers = workflow.get("on", workflow.get(True))
        assert event_name in triggers, f"{event_name} starts nothing"
        types = (triggers[event_name] or {}).get("types") if isinstance(triggers[event_name], dict) else None
        assert types is None or event["action"] in types, f"{event['action']} is none of {types}"
        workflow["jobs"]["resume"]["steps"][-1]["with"]["port-api-url"] = self.mock.port
        about = {"run_id": str(next(NUMBERS)), "run_attempt": "1", "event_name": event_name}
        if event_name.startswith("pull_request"):
            about |= {"ref": f"refs/pull/{event['pull_request']['number']}/merge", "ref_name": f"{event['pull_request']['number']}/merge"}
        ends = self.play(RESUME, workflow, event or {}, about, reviewers=reviewers)
        dispatched = self.github.read("dispatched", [])
        self.github.write("dispatched", [])
        for repository, file, ref in dispatched:
            assert (repository, f".github/workflows/{file}", ref) == (THEIRS, RESUME, "main"), dispatched
            ends |= {name: end for name, end in self.resume("workflow_dispatch", reviewers=reviewers).items() if end.result != "skipped"}
        return ends

    def play(self, file, workflow, event, about, cancel_when=None, reviewers=lambda environment, ref: True, secrets=None):
        """Plays one attempt of a run of a workflow of the repository as it is now; only a job with an environment has its secrets."""
        sha = self.github.push(THEIRS, self.repository, "main")
        event = {"ref": "refs/heads/main", "repository": {"default_branch": "main"}, **event}
        run = Run(self.machine, workflow, event, secrets, reviewers, SECRETS,
                  **{"repository": THEIRS, "ref": "refs/heads/main", "ref_name": "main", "sha": sha, "api_url": self.mock.api,
                     "workflow_ref": f"{THEIRS}/{file}@refs/heads/main", **about})
        attempt = run.github["run_attempt"]
        if cancel_when:
            threading.Thread(target=lambda: (cancel_when(), run.cancel.set()), daemon=True).start()
        ends = run.play()
        for end in ends.values():
            end.artifacts = {name: it for name, it in run.artifacts.items() if it["attempt"] == attempt}
            end.outputs, end.group = end.actions.get(OURS, {}), run.group
            said = end.log + end.summary + json.dumps(end.outputs)
            for secret in ("mock-client-secret", "mock-github-token"):
                assert secret not in said, f"a secret is in: {said}"
        return ends


def message():
    """What the action that `promote init` made sends for the sample's run."""
    return {"run_id": PORT_RUN, "blueprint": "service", "entity": "web"}


def expect(end, code, *said):
    assert end.code == code, f"exit code {end.code}, not {code}:\n{end.log}"
    for text in said:
        assert text in end.log + end.summary, f"{text!r} is not in:\n{end.log}\n{end.summary}"
