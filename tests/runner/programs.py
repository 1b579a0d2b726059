"""The programs that steps find on a machine of GitHub's, as far as ours use them: gh, docker, cargo and rustup.

programs.py STATE PROGRAMS NAME …: STATE is the folder of the played GitHub, PROGRAMS the folder of what cargo "builds".
"""

import argparse
import base64
import functools
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys

from github import GitHub, Refused

NAMES = ("gh", "docker", "cargo", "rustup")


def install(folder, state, programs):
    """Puts the programs into a folder for a machine's path."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in NAMES:
        file = folder / name
        file.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{__file__}" "{state}" "{programs}" {name} "$@"\n')
        file.chmod(0o755)
    return folder


def parse(arguments, *names, **flags):
    """Positional names (the last may be many, with a `*`) and flags, strictly: what is not known is an error."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    for name in names:
        parser.add_argument(name.rstrip("*"), nargs="*" if name.endswith("*") else None)
    for flag, settings in flags.items():
        parser.add_argument("--" + flag.replace("_", "-"), **settings)
    return parser.parse_intermixed_args(arguments)


SWITCH, TEXT, MANY = {"action": "store_true"}, {}, {"action": "append", "default": []}


class Gh:
    """The GitHub CLI, in a clone whose origin is a repository of github.com, with the token in GH_TOKEN."""

    def __init__(self, github):
        self.github, self.token = github, os.environ.get("GH_TOKEN", "")

    def run(self, arguments):
        if not self.token:
            raise Refused("To use GitHub CLI in a GitHub Actions workflow, set the GH_TOKEN environment variable.")
        words = 1 if arguments[0] == "api" else 2
        getattr(self, "_".join(arguments[:words]).replace("-", "_"))(arguments[words:])

    def origin(self):
        origin = subprocess.run(["git", "remote", "get-url", "origin"], capture_output=True, text=True)
        if origin.returncode:
            raise Refused("failed to run git: fatal: not a git repository")
        return origin.stdout.strip().removeprefix("https://github.com/")

    def release_create(self, arguments):
        it = parse(arguments, "tag", draft=SWITCH, prerelease=SWITCH, verify_tag=SWITCH, title=TEXT, notes_file=TEXT)
        repository = self.origin()
        self.github.need(self.token, repository, "contents", "write")
        pathlib.Path(it.notes_file).read_text()
        if it.verify_tag and not self.github.git(repository, "for-each-ref", f"refs/tags/{it.tag}"):
            raise Refused(f"tag {it.tag} doesn't exist in the repo {repository}, aborting due to --verify-tag flag")
        # GitHub takes any number of drafts for one tag.
        self.github.create_release(repository, it.tag, it.draft, it.prerelease)

    def release_upload(self, arguments):
        it = parse(arguments, "tag", "files*", clobber=SWITCH)
        repository = self.origin()
        self.github.need(self.token, repository, "contents", "write")
        release = self.github.release(repository, it.tag)
        for file in it.files:
            self.github.upload(repository, release["id"], pathlib.Path(file), it.clobber)
            perhaps_die(pathlib.Path(file).name)

    def release_edit(self, arguments):
        it = parse(arguments, "tag", draft={"choices": ["true", "false"]})
        repository = self.origin()
        self.github.need(self.token, repository, "contents", "write")
        self.github.edit_release(repository, self.github.release(repository, it.tag)["id"], draft=it.draft == "true")

    def workflow_run(self, arguments):
        it = parse(arguments, "file", repo=TEXT, ref=TEXT)
        self.github.need(self.token, it.repo, "actions", "write")
        self.github.write("dispatched", [*self.github.read("dispatched", []), [it.repo, it.file, it.ref]])

    def attestation___help(self, _):
        print("Download and verify artifact attestations.")

    def attestation_verify(self, arguments):
        if arguments == ["--help"]:
            print("--source-digest string   Digest of the commit that the artifact was built from")
            return
        it = parse(arguments, "file", repo=TEXT, cert_identity=TEXT, source_digest=TEXT, deny_self_hosted_runners=SWITCH)
        found = self.github.attestations(it.repo, self.github.digest(it.file))
        if not found:
            raise Refused("HTTP 404: Not Found: no attestations found for this subject")
        for one in found:
            # Without an identity, any workflow of the repository will do.
            identity = one["identity"] == it.cert_identity if it.cert_identity else one["identity"].startswith(f"https://github.com/{it.repo}/")
            source = it.source_digest in (None, one["source"])
            runner = one["runner"] == "github-hosted" or not it.deny_self_hosted_runners
            if identity and source and runner:
                return print("Verification succeeded!")
        raise Refused("verifying with issuer \"sigstore.dev\": failed to verify certificate identity")

    def api(self, arguments):
        it = parse(arguments, "path", jq=TEXT, input=TEXT, paginate=SWITCH, silent=SWITCH, raw_field=MANY)
        body = json.load(sys.stdin) if it.input == "-" else dict(field.split("=", 1) for field in it.raw_field)
        _, owner, name, *path = it.path.partition("?")[0].split("/")
        repository = f"{owner}/{name}"
        self.github.need(self.token, repository, "contents", "write" if body else "read")
        answer = self.answer(repository, "/".join(path), it.path.partition("?ref=")[2], body)
        if not it.silent:
            subprocess.run(["jq", "--raw-output", it.jq or "."], input=json.dumps(answer), text=True, check=True)

    def answer(self, repository, path, ref, body):
        git = functools.partial(self.github.git, repository)
        if path == "releases" and not body:
            return self.github.releases(repository)
        if path.startswith("git/matching-refs/"):
            lines = git("for-each-ref", "--format=%(refname) %(objectname)").splitlines()
            prefix = path.replace("git/matching-refs/", "refs/")
            return [{"ref": line.split()[0], "object": {"sha": line.split()[1]}} for line in lines if line.startswith(prefix)]
        if path.startswith("contents/"):
            content = git("show", f"{ref}:{path.removeprefix('contents/')}") + "\n"
            return {"content": base64.encodebytes(content.encode()).decode()}
        if path == "git/trees":
            return {"sha": self.tree(repository, body)}
        if path == "git/commits":
            parents = [word for parent in body["parents"] for word in ("-p", parent)]
            return {"sha": git("commit-tree", body["tree"], "-m", body["message"], *parents)}
        if path == "git/refs":
            if git("for-each-ref", body["ref"]):
                raise Refused("HTTP 422: Reference already exists")
            return {"ref": git("update-ref", body["ref"], body["sha"]) or body["ref"]}
        raise Refused(f"HTTP 404: Not Found ({path})")

    def tree(self, repository, body):
        """A tree with some files changed, by an index of its own."""
        git = functools.partial(self.github.git, repository, index=self.github.folder / "api-index")
        git("read-tree", body["base_tree"])
        for file in body["tree"]:
            blob = git("hash-object", "-w", "--stdin", text=file["content"])
            git("update-index", "--add", "--cacheinfo", f"{file['mode']},{blob},{file['path']}")
        return git("write-tree")


class Docker:
    """docker with buildx; images are digests of what is copied into them."""

    def __init__(self, github):
        self.github, self.config = github, pathlib.Path.home() / ".docker/config.json"

    def run(self, arguments):
        if arguments[:1] in (["login"], ["logout"]):
            return getattr(self, arguments[0])(arguments[1:])
        if arguments[:2] == ["buildx", "create"]:
            return None
        return getattr(self, "_".join(arguments[1:3] if arguments[1] == "imagetools" else arguments[1:2]))(arguments[1:])

    def login(self, arguments):
        it = parse(arguments, "registry", username=TEXT, password_stdin=SWITCH)
        auth = base64.b64encode(f"{it.username}:{sys.stdin.read()}".encode()).decode()
        self.config.parent.mkdir(exist_ok=True)
        self.config.write_text(json.dumps({"auths": {it.registry: {"auth": auth}}}))

    def logout(self, arguments):
        self.config.write_text(json.dumps({"auths": {}}))

    def need_push(self, name):
        registry, _, repository = name.partition("/")
        logins = json.loads(self.config.read_text())["auths"] if self.config.exists() else {}
        if registry not in logins:
            raise Refused(f"failed to push {name}: unauthorized")
        token = base64.b64decode(logins[registry]["auth"]).decode().split(":")[1]
        self.github.need(token, repository, "packages", "write")

    def build(self, arguments):
        it = parse(arguments[1:], "context", file=TEXT, platform=TEXT, provenance=TEXT, tag=TEXT, metadata_file=TEXT,
                   output=TEXT, push=SWITCH)
        name, _, tag = it.tag.rpartition(":")
        assert it.push or "push=true" in it.output, "an image that is not pushed"
        self.need_push(name)
        dockerfile = pathlib.Path(it.file).read_text()
        digest = hashlib.sha256(dockerfile.encode())
        for platform in it.platform.split(","):
            architecture = platform.split("/")[1]
            for line in dockerfile.splitlines():
                if line.startswith("COPY "):
                    digest.update(pathlib.Path(it.context, line.split()[1].replace("${TARGETARCH}", architecture)).read_bytes())
        digest = f"sha256:{digest.hexdigest()}"
        self.github.name_image(name, tag, digest)
        pathlib.Path(it.metadata_file).write_text(json.dumps({"containerimage.digest": digest}))

    def imagetools_create(self, arguments):
        it = parse(arguments[2:], "source", tag=TEXT, prefer_index=TEXT)
        name, _, tag = it.tag.rpartition(":")
        self.need_push(name)
        digest = it.source.partition("@")[2]
        if digest not in self.github.read("images", {}).get(name, {}).values():
            raise Refused(f"{it.source}: not found")
        self.github.name_image(name, tag, digest)


class Cargo:
    """cargo, which takes what is built already. For machines other than this one there is a script that says so."""

    def __init__(self, programs):
        self.programs = pathlib.Path(programs)

    def run(self, arguments):
        if arguments[0] == "rustc":
            it = parse(arguments[1:], locked=SWITCH, package=TEXT, lib=SWITCH, crate_type=TEXT, target=TEXT, profile=TEXT)
            return self.put(self.programs / "policy.wasm", f"target/{it.target}/{it.profile}/{it.package.replace('-', '_')}.wasm")
        it = parse(arguments[1:], release=SWITCH, locked=SWITCH, package=MANY, target=TEXT)
        pathlib.Path(os.environ["PROMOTE_POLICY_WASM"]).read_bytes()
        # The first build has no compiled policy, and is there to compile it.
        compiled = os.environ.get("PROMOTE_POLICY_COMPILED")
        here = compiled and it.target.startswith(os.uname().machine) and "linux" in it.target
        for package in it.package:
            self.put(self.programs / (package if here else "elsewhere"), f"target/{it.target}/release/{package}")

    def put(self, source, target):
        pathlib.Path(target).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)


def perhaps_die(done):
    """Loses the answer to what a play named, after it was done."""
    if (last := os.environ.get("PLAY_DIES_AFTER")) and last in done:
        raise Refused("HTTP 502: Bad Gateway")


def main():
    state, programs, name, *arguments = sys.argv[1:]
    github = GitHub(state)
    program = {"gh": lambda: Gh(github), "docker": lambda: Docker(github), "cargo": lambda: Cargo(programs)}.get(name)
    try:
        if program:
            program().run(arguments)
            perhaps_die(" ".join([name, *arguments]))
    except Refused as refused:
        print(refused, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
