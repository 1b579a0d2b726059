"""The actions of others that our workflows and our action use, as far as they use them: what they do, demand and refuse."""

import base64
import json
import pathlib
import shutil
import subprocess

from runner import StepFailed


def checkout(job, given, contexts):
    """actions/checkout: the commit of the run, without history unless it is asked for."""
    unknown = set(given) - {"persist-credentials", "fetch-depth"}
    assert not unknown and given.get("persist-credentials") == "false", f"checkout: {given}"
    repository, github = job.machine.github.repository(contexts["github"]["repository"]), contexts["github"]
    if job.permissions.get("contents") not in ("read", "write"):
        raise StepFailed(f"{github['repository']} is not found: the job has no `contents: read`")
    depth = [] if given.get("fetch-depth") == "0" else ["--depth=1"]
    refs = [f"+{github['sha']}:refs/remotes/origin/checked-out"]
    if not depth:
        refs = ["+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*"]
    git = ["git", "-c", "protocol.file.allow=always", "-C", job.workspace]
    for command in (["init", "--quiet"], ["remote", "add", "origin", f"https://github.com/{github['repository']}"],
                    ["fetch", "--quiet", *depth, repository.as_uri(), *refs], ["checkout", "--quiet", "--detach", github["sha"]]):
        subprocess.run([*git, *command], check=True, capture_output=True)


def cache(job, given, contexts):
    """actions/cache: what was saved under this key before; saves after a job that succeeded, if nothing was found."""
    path, caches = pathlib.Path(given["path"]), job.machine.caches
    saved = caches.get(given["key"])
    job.end.cache_hit = saved is not None
    if saved:
        shutil.copytree(saved, path, dirs_exist_ok=True)
        return {"cache-hit": "true"}

    def save():
        if path.exists():
            caches[given["key"]] = shutil.copytree(path, job.machine.folder / f"cache-{len(caches)}")
    job.posts.append(save)
    return {"cache-hit": ""}


def upload(job, given, contexts):
    """actions/upload-artifact: a name is taken once in a run; modes of files are lost."""
    path, name = job.workspace / given["path"], given["name"]
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()] if path.is_dir() else []
    if not files and given.get("if-no-files-found") == "error":
        raise StepFailed(f"No files were found with the provided path: {given['path']}")
    if name in job.run.artifacts and job.run.artifacts[name]["attempt"] == contexts["github"]["run_attempt"]:
        raise StepFailed("Failed to CreateArtifact: an artifact with this name already exists on the workflow run")
    base = path if path.is_dir() else path.parent
    content = {str(file.relative_to(base)): file.read_bytes() for file in files}
    job.run.artifacts[name] = {"files": content, "days": int(given.get("retention-days", 0)),
                               "attempt": contexts["github"]["run_attempt"]}


def download(job, given, contexts):
    """actions/download-artifact: one by its name, or all of a pattern into one folder."""
    target, found = job.workspace / given.get("path", "."), job.run.artifacts
    if "pattern" in given:
        assert given.get("merge-multiple") == "true", "download-artifact without merge-multiple makes a folder for each"
        names = [name for name in found if pathlib.PurePath(name).match(given["pattern"])]
    else:
        names = [given["name"]]
    for name in names:
        if name not in found:
            raise StepFailed(f"Unable to download artifact(s): Artifact not found for name: {name}")
        for file, content in found[name]["files"].items():
            (target / file).parent.mkdir(parents=True, exist_ok=True)
            (target / file).write_bytes(content)


def attest(job, given, contexts):
    """actions/attest: signs as the workflow at the ref that runs; for a registry it needs the login of `docker login`."""
    for permission, words in (("id-token", 'missing "id-token" permission'), ("attestations", "Resource not accessible by integration")):
        if job.permissions.get(permission) != "write":
            raise StepFailed(words)
    if "subject-path" in given:
        files = [file for file in job.workspace.glob(given["subject-path"]) if file.is_file()]
        if not files:
            raise StepFailed(f"Could not find subject at path {given['subject-path']}")
        subjects = [(file.name, job.machine.github.digest(file)) for file in files]
    else:
        subjects = [(given["subject-name"], given["subject-digest"])]
    if given.get("push-to-registry") == "true":
        registry = given["subject-name"].split("/")[0]
        config = job.machine.home / ".docker/config.json"
        logins = json.loads(config.read_text())["auths"] if config.exists() else {}
        if registry not in logins:
            raise StepFailed(f"No credentials found for registry {registry}")
        token = base64.b64decode(logins[registry]["auth"]).decode().split(":")[1]
        job.machine.github.need(token, contexts["github"]["repository"], "packages", "write")
    job.machine.github.attest(contexts["github"], subjects)


PLAYED = {
    "actions/checkout": checkout,
    "actions/cache": cache,
    "actions/upload-artifact": upload,
    "actions/download-artifact": download,
    "actions/attest": attest,
}
