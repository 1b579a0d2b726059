"""A runner of GitHub Actions in little: one job, composite actions, commands, files, a cache. See actions/runner."""

import json
import os
import pathlib
import shutil
import subprocess

from ruamel.yaml import YAML

from expressions import fill, show

ROOT = pathlib.Path(__file__).resolve().parents[2]
MACHINE = {"x86_64": ("X64", "x86_64"), "aarch64": ("ARM64", "aarch64")}[os.uname().machine]


def read_yaml(path):
    return YAML(typ="safe").load(path.read_text())


class Ended:
    """What became of a job."""

    def __init__(self):
        self.code, self.log, self.summary, self.outputs, self.group, self.cache_hit = 0, "", "", {}, None, None


class Runner:
    """A machine with a workspace, a cache service and an environment of which nothing comes from outside."""

    def __init__(self, folder, repository, environment):
        self.folder, self.repository, self.environment = pathlib.Path(folder), repository, environment
        self.runs = 0

    def dispatch(self, inputs, secrets, attempt=1, more=None):
        """Runs the workflow of the repository as a dispatch with these inputs does; `more` are inputs of our action."""
        self.runs += 1
        here = self.folder / f"run-{self.runs}"
        self.temp, self.workspace = self.folder / "temp", here / "workspace"
        for folder in (self.temp, self.workspace):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
        workflow = read_yaml(self.repository / ".github/workflows/promote-production.yml")
        event = here / "event.json"
        event.write_text(json.dumps({"inputs": inputs, "ref": "refs/heads/main", "repository": {}}))
        self.base = {
            "PATH": os.environ["PATH"], "HOME": str(here), "LANG": "C.UTF-8", "CI": "true",
            "GITHUB_ACTIONS": "true", "GITHUB_EVENT_PATH": str(event), "GITHUB_EVENT_NAME": "workflow_dispatch",
            "GITHUB_REPOSITORY": "acme/gitops", "GITHUB_SERVER_URL": "https://github.com", "GITHUB_RUN_ID": "77",
            "GITHUB_RUN_ATTEMPT": str(attempt), "GITHUB_WORKSPACE": str(self.workspace), "RUNNER_OS": "Linux",
            "RUNNER_ARCH": MACHINE[0], "RUNNER_TEMP": str(self.temp), **self.environment,
        }
        self.ended = Ended()
        contexts = {
            "github": {"token": secrets.get("GITHUB_TOKEN", "")}, "inputs": inputs, "secrets": secrets,
            "runner": {"os": "Linux", "arch": MACHINE[0], "temp": str(self.temp)}, "steps": {},
        }
        concurrency = workflow["concurrency"]
        self.ended.group = (fill(concurrency["group"], contexts, self.workspace), concurrency["queue"])
        (job,) = workflow["jobs"].values()
        assert job["permissions"] and not workflow["permissions"], "permissions are the job's"
        for step in job["steps"]:
            if not self.step(step, contexts, more or {}):
                break
        return self.ended

    def step(self, step, contexts, more):
        """Runs one step; whether the job goes on."""
        if "if" in step and fill(step["if"], contexts, self.workspace) is not True:
            return True
        if "run" in step:
            return self.script(step, contexts)
        action, pin = step["uses"].split("@")
        assert len(pin) == 40, f"{action} is pinned"
        given = {key: fill(show(value), contexts, self.workspace) for key, value in step.get("with", {}).items()}
        if action == "actions/checkout":
            assert given["persist-credentials"] == "false"
            shutil.copytree(self.repository, self.workspace, dirs_exist_ok=True)
            return True
        if action == "actions/cache":
            return self.cache(given)
        return self.composite(step, {**given, **more}, contexts)

    def composite(self, step, given, contexts):
        definition = read_yaml(ROOT / "action.yml")
        unknown = set(given) - set(definition["inputs"])
        assert not unknown, f"inputs that the action does not have: {unknown}"
        needed = [name for name, it in definition["inputs"].items() if it.get("required") and not given.get(name)]
        assert not needed, f"inputs that are missing: {needed}"
        inputs = {name: given.get(name, show(it.get("default", ""))) for name, it in definition["inputs"].items()}
        inner = {**contexts, "inputs": inputs, "steps": {}}
        for one in definition["runs"]["steps"]:
            if not self.step(one, inner, {}):
                break
        else:
            self.save_cache()
        outputs = definition["outputs"].items()
        self.ended.outputs = {name: fill(it["value"], inner, self.workspace) for name, it in outputs}
        return self.ended.code == 0

    def script(self, step, contexts):
        here = self.folder / f"step-{len(list(self.folder.glob('step-*')))}"
        here.mkdir()
        assert step["shell"] == "bash"
        assert "${{" not in step["run"], "no expression becomes part of a script"
        (here / "script.sh").write_text(step["run"])
        environment = {name: show(fill(show(v), contexts, self.workspace)) for name, v in step.get("env", {}).items()}
        files = {"GITHUB_OUTPUT": here / "output", "GITHUB_STEP_SUMMARY": here / "summary.md"}
        for file in files.values():
            file.touch()
        # The runner's own command line for `shell: bash` (actions/runner, ScriptHandlerHelpers.cs).
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", here / "script.sh"],
            env={**self.base, **environment, **{name: str(file) for name, file in files.items()},
                 "GITHUB_ACTION_PATH": str(ROOT), "GITHUB_ACTION_REPOSITORY": "acme/promote"},
            cwd=self.workspace, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120,
        )
        self.ended.log += done.stdout.decode()
        self.ended.summary += files["GITHUB_STEP_SUMMARY"].read_text()
        self.ended.code = done.returncode
        contexts["steps"][step.get("id", "")] = {"outputs": read_outputs(files["GITHUB_OUTPUT"].read_text())}
        return done.returncode == 0

    def cache(self, given):
        self.cached = (self.folder / "caches" / given["key"].replace("/", "_"), pathlib.Path(given["path"]))
        kept, path = self.cached
        self.ended.cache_hit = kept.exists()
        if kept.exists():
            shutil.copytree(kept, path, dirs_exist_ok=True)
        return True

    def save_cache(self):
        kept, path = self.cached
        if path.exists() and not kept.exists():
            shutil.copytree(path, kept)


def read_outputs(text):
    """As the runner reads them: `name=value`, or `name<<delimiter`, lines, delimiter (FileCommandManager.cs)."""
    outputs, lines = {}, iter(text.splitlines())
    for line in lines:
        name, equals, value = line.partition("=")
        if "<<" in line and (not equals or line.index("<<") < line.index("=")):
            name, delimiter = line.split("<<", 1)
            value = "\n".join(iter(lambda: next(lines), delimiter))
        outputs[name] = value
    return outputs
