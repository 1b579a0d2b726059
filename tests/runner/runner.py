"""GitHub's runner in little: workflows of several jobs, composite actions, their contexts, variables, files and signals.

It follows actions/runner (the class is named where it matters), and knows as much of it as our workflows and action use.
"""

import graphlib
import itertools
import os
import pathlib
import shutil
import signal
import subprocess
import threading
import time

from ruamel.yaml import YAML

from expressions import condition, fill, hash_files, show

ROOT = pathlib.Path(__file__).resolve().parents[2]
MACHINE = {"x86_64": ("X64", "x86_64"), "aarch64": ("ARM64", "aarch64")}[os.uname().machine]
# What a cancelled process gets before it is killed (ProcessInvoker).
SIGNALS = ((signal.SIGINT, 7.5), (signal.SIGTERM, 2.5))
# The context's entries that become variables (GitHubContext).
VARIABLES = """action_path action_ref action_repository action actor actor_id api_url base_ref env event_name event_path
    graphql_url head_ref job output path ref_name ref_protected ref_type ref repository repository_id repository_owner
    repository_owner_id retention_days run_attempt run_id run_number server_url sha state step_summary triggering_actor
    workflow workflow_ref workflow_sha workspace""".split()
FILES = ("output", "env", "path", "state", "step_summary")


def read_yaml(path):
    return YAML(typ="safe").load(pathlib.Path(path).read_text())


class StepFailed(Exception):
    """A step ended badly; the text is its error."""


class Machine:
    """A machine that takes jobs. Of what it has of its own, steps see `variables` alone."""

    def __init__(self, folder, github, tools=None, **variables):
        self.folder, self.github = pathlib.Path(folder), github
        self.home = self.folder / "home"
        self.home.mkdir(parents=True, exist_ok=True)
        path = ":".join(filter(None, [tools and str(tools), os.environ["PATH"]]))
        # Programs for tests are ten times as large as those of a release: they are packed quickly.
        self.variables = {"PATH": path, "HOME": str(self.home), "LANG": "C.UTF-8", "XZ_OPT": "-0", **variables}
        self.caches, self.artifacts, self.numbers = {}, {}, itertools.count(1)


class JobEnd:
    """What became of a job. `code` is the exit code of the last script that failed."""

    def __init__(self, result="success"):
        self.result, self.code, self.log, self.summary = result, 0, "", ""
        self.outputs, self.actions, self.cache_hit, self.seconds = {}, {}, None, 0


class Scope:
    """Steps that see one another: those of a job, or of a composite action."""

    def __init__(self, contexts, overrides=None, composite=False):
        self.contexts, self.overrides, self.composite, self.result = contexts, overrides or {}, composite, "success"


class Run:
    """One attempt of one run of a workflow. `secrets` are those of the repository, `kept` those of its environments."""

    def __init__(self, machine, workflow, event, secrets=None, approve=lambda environment, ref: True, kept=None,
                 **github):
        self.machine, self.workflow, self.event, self.secrets, self.approve = machine, workflow, event, secrets or {}, approve
        self.github = {"run_attempt": "1", "actor": "dana", "server_url": "https://github.com", "run_number": "1",
                       "api_url": "https://api.github.com", "graphql_url": "https://api.github.com/graphql",
                       "event": event, "retention_days": "90", "repository_owner": github["repository"].split("/")[0], **github}
        self.cancel, self.kept = threading.Event(), kept or {}
        self.artifacts = machine.artifacts.setdefault(github["run_id"], {})

    def play(self, ended=None):
        """Runs the jobs and returns their ends; those that are given have ended before."""
        ends, jobs = dict(ended or {}), self.workflow["jobs"]
        concurrency = self.workflow.get("concurrency", {})
        contexts = {"github": self.github, "inputs": self.event.get("inputs", {})}
        self.group = (fill(concurrency.get("group"), contexts), concurrency.get("queue"))
        order = graphlib.TopologicalSorter({name: needs_of(job) for name, job in jobs.items()}).static_order()
        for name in order:
            if name not in ends:
                ends[name] = self.play_job(name, jobs[name], ends)
        return ends

    def play_job(self, name, definition, ends):
        needs = {need: {"result": ends[need].result, "outputs": ends[need].outputs} for need in needs_of(definition)}
        contexts = {"github": self.github, "needs": needs, "inputs": self.event.get("inputs", {}), "secrets": self.secrets}
        if definition.get("environment"):
            contexts["secrets"] = {**self.secrets, **self.kept}
        done = all(need["result"] == "success" for need in needs.values())
        if not condition(definition.get("if"), contexts, {"success": lambda: done, "always": lambda: True}):
            return JobEnd("skipped")
        environment = definition.get("environment")
        if environment and not self.approve(environment, self.github["ref"]):
            return JobEnd("failure")
        matrix = definition.get("strategy", {}).get("matrix", {}).get("include") or [{}]
        total = JobEnd()
        for row in matrix:
            end = Job(self, name, definition, {**contexts, "matrix": row}).play()
            if end.result != "success":
                total.result, total.code = end.result, end.code
            total.log, total.summary, total.seconds = total.log + end.log, total.summary + end.summary, end.seconds
            total.outputs.update(end.outputs)
            total.actions.update(end.actions)
            total.cache_hit = end.cache_hit
        return total


def needs_of(job):
    needs = job.get("needs", [])
    return [needs] if isinstance(needs, str) else needs


class Job:
    """One job on a machine: a workspace, a folder for temporary files, steps one after the other."""

    def __init__(self, run, name, definition, contexts):
        self.run, self.name, self.definition, self.machine = run, name, definition, run.machine
        self.folder = self.machine.folder / f"job-{next(self.machine.numbers)}"
        self.workspace = self.folder / "workspace"
        # The same place for each job, as on a real machine.
        self.temp = self.machine.folder / "temp"
        shutil.rmtree(self.temp, ignore_errors=True)
        self.workspace.mkdir(parents=True)
        self.temp.mkdir()
        self.permissions = definition.get("permissions", run.workflow.get("permissions") or {})
        github = {**run.github, "token": self.machine.github.issue_token(run.github["repository"], self.permissions),
                  "job": name, "workspace": str(self.workspace), "action_repository": "",
                  "action_ref": "", "event_path": str(self.folder / "event.json"), "workflow": run.workflow.get("name", "")}
        (self.folder / "event.json").write_text(show(run.event))
        runner = {"os": "Linux", "arch": MACHINE[0], "temp": str(self.temp), "name": "played", "environment": "github-hosted"}
        secrets = {**contexts["secrets"], "GITHUB_TOKEN": contexts["secrets"].get("GITHUB_TOKEN", github["token"])}
        github["token"] = secrets["GITHUB_TOKEN"]
        self.scope = Scope({**contexts, "github": github, "runner": runner, "secrets": secrets, "steps": {}, "env": {}})
        self.env, self.path, self.posts, self.end = {}, [], [], JobEnd()

    def play(self):
        started = time.monotonic()
        for variables in (self.run.workflow.get("env", {}), self.definition.get("env", {})):
            self.env.update({key: show(fill(value, self.scope.contexts)) for key, value in variables.items()})
        for step in self.definition["steps"]:
            self.step(step, self.scope)
        for post in reversed(self.posts):
            if self.scope.result == "success":
                post()
        self.end.result = self.scope.result
        outputs = self.definition.get("outputs", {})
        self.end.outputs = {key: show(fill(value, self.scope.contexts)) for key, value in outputs.items()}
        self.end.seconds = time.monotonic() - started
        return self.end

    def functions(self, scope):
        """Functions of the state of the job and, inside, of the action (SuccessFunction)."""
        cancelled = self.run.cancel.is_set()
        return {"always": lambda: True, "cancelled": lambda: cancelled,
                "success": lambda: scope.result == "success" and not cancelled,
                "failure": lambda: scope.result == "failure", "hashFiles": lambda *names: hash_files(self.workspace, *names)}

    def step(self, step, scope):
        """Runs one step, if its condition holds, and keeps its outputs and how it ended."""
        github = dict(scope.contexts["github"])
        contexts = {**scope.contexts, "github": github, "env": {**self.env, **scope.overrides}}
        functions = self.functions(scope)
        given = {key: show(fill(value, contexts, functions)) for key, value in step.get("env", {}).items()}
        contexts["env"].update(given)
        entry = {"outputs": {}, "outcome": "skipped", "conclusion": "skipped"}
        if condition(step.get("if"), contexts, functions):
            try:
                entry["outputs"], entry["outcome"] = self.execute(step, scope, contexts, {**scope.overrides, **given}), "success"
            except StepFailed as error:
                entry["outputs"] = error.args[1] if len(error.args) > 1 else {}
                entry["outcome"] = "cancelled" if self.run.cancel.is_set() else "failure"
                self.end.log += f"##[error]{error.args[0]}\n"
            entry["conclusion"] = "success" if step.get("continue-on-error") else entry["outcome"]
            if entry["conclusion"] != "success":
                scope.result = entry["conclusion"]
        if "id" in step:
            scope.contexts["steps"][step["id"]] = entry

    def execute(self, step, scope, contexts, overrides):
        """Runs the script or the action of a step and returns its outputs."""
        github, uses = contexts["github"], step.get("uses")
        github["action"] = step.get("id") or ("__run" if not uses else "__" + uses.split("@")[0].replace("/", "_"))
        # Only a step that is itself an action of a repository has these: for a script, inside a composite action too, they
        # become empty, after its `env` was evaluated (ActionRunner.RunAsync, CompositeActionHandler.RunStepsAsync).
        github["action_repository"] = github["action_ref"] = ""
        if not uses:
            return self.script(step, scope, contexts)
        action, _, ref = uses.partition("@")
        if ref:
            assert len(ref) == 40, f"{action} is pinned by a commit"
            owner, name, *below = action.split("/")
            github["action_repository"], github["action_ref"] = f"{owner}/{name}", ref
        functions = self.functions(scope)
        given = {key: show(fill(value, contexts, functions)) for key, value in step.get("with", {}).items()}
        from actions import PLAYED
        if action in PLAYED:
            return PLAYED[action](self, given, contexts) or {}
        folder = self.machine.github.download(f"{owner}/{name}", ref, self.folder).joinpath(*below) if ref else self.workspace / action
        return self.composite(folder, action, given, contexts, overrides)

    def composite(self, folder, action, given, contexts, overrides):
        definition = read_yaml(folder / "action.yml")
        unknown = set(given) - set(definition["inputs"])
        assert not unknown, f"inputs that {action} does not have, of which the runner only warns: {unknown}"
        defaults = {key: show(fill(it.get("default", ""), contexts)) for key, it in definition["inputs"].items()}
        github = {**contexts["github"], "action_path": str(folder)}
        # Neither secrets nor needs reach an action.
        visible = {key: contexts[key] for key in ("runner", "matrix", "env")}
        inner = Scope({**visible, "github": github, "inputs": {**defaults, **given}, "steps": {}}, overrides, composite=True)
        for step in definition["runs"]["steps"]:
            self.step(step, inner)
        outputs = {key: show(fill(it["value"], inner.contexts)) for key, it in definition.get("outputs", {}).items()}
        self.end.actions[action] = outputs
        if inner.result != "success":
            raise StepFailed(f"{action} failed", outputs)
        return outputs

    def script(self, step, scope, contexts):
        """Runs a script as ScriptHandler does and returns the outputs that it wrote."""
        assert "shell" in step or not scope.composite, "a script of a composite action names its shell"
        here = self.temp / "_runner_file_commands" / str(next(self.machine.numbers))
        here.mkdir(parents=True)
        for name in FILES:
            (here / name).touch()
            contexts["github"][name] = str(here / name)
        script = here / "script.sh"
        script.write_text(show(fill(step["run"], contexts, self.functions(scope))))
        arguments = {"bash": ["--noprofile", "--norc", "-e", "-o", "pipefail"], None: ["-e"]}[step.get("shell")]
        folder = self.workspace / step.get("working-directory", "")
        code, text = self.process(["bash", *arguments, str(script)], folder, contexts)
        self.end.log += text
        self.end.summary += (here / "step_summary").read_text()
        self.env.update(read_pairs((here / "env").read_text()))
        self.path += (here / "path").read_text().split("\n")[:-1]
        outputs = read_pairs((here / "output").read_text())
        if code:
            self.end.code = code
            raise StepFailed(f"Process completed with exit code {code}.", outputs)
        return outputs

    def process(self, arguments, folder, contexts):
        """Runs a process to its end, with what it printed. A job that is cancelled ends it in the runner's own way."""
        variables = {**self.machine.variables, **contexts["env"]}
        variables["PATH"] = ":".join([*reversed(self.path), variables["PATH"]])
        # After the step's own: nothing that is called GITHUB_… there reaches the script (ScriptHandler.RunAsync).
        github = contexts["github"]
        variables |= {f"GITHUB_{name.upper()}": show(github[name]) for name in VARIABLES if isinstance(github.get(name), (str, bool))}
        variables |= {f"RUNNER_{name.upper()}": value for name, value in contexts["runner"].items()}
        variables |= {"GITHUB_ACTIONS": "true", "CI": "true"}
        if self.permissions.get("id-token") == "write":
            variables["ACTIONS_ID_TOKEN_REQUEST_URL"] = "https://token.actions.example"
        process = subprocess.Popen(arguments, cwd=folder, env=variables, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, start_new_session=True)
        lines = []
        reader = threading.Thread(target=lambda: lines.extend(process.stdout))
        reader.start()
        # A step that starts after the job was cancelled, by `always()`, is left alone.
        cancelled = threading.Event() if self.run.cancel.is_set() else self.run.cancel
        while process.poll() is None and not cancelled.wait(0.02):
            pass
        if process.poll() is None:
            end_process(process)
        # Whoever still holds the output gets five seconds, then goes too.
        reader.join(5)
        kill_tree(process)
        reader.join()
        return process.returncode, b"".join(lines).decode()


def end_process(process):
    for number, seconds in SIGNALS:
        process.send_signal(number)
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            continue
    kill_tree(process)
    return process.wait()


def kill_tree(process):
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def read_pairs(text):
    """As the runner reads them: `name=value`, or `name<<delimiter`, lines, delimiter (EnvFileKeyValuePairs)."""
    pairs, lines = {}, iter(text.splitlines())
    for line in lines:
        name, equals, value = line.partition("=")
        if "<<" in line and (not equals or line.index("<<") < line.index("=")):
            name, delimiter = line.split("<<", 1)
            value = "\n".join(iter(lambda: next(lines), delimiter))
        elif not equals and line:
            raise StepFailed(f"Invalid format '{line}'")
        if name:
            pairs[name] = value
    return pairs
