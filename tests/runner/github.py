"""github.com in little: repositories, releases, attestations, an image registry, tokens and what they may do.

All of it is files below one folder, so that the programs of `programs.py`, which steps call, and the tests see the same.
"""

import base64
import functools
import hashlib
import http.server
import json
import os
import pathlib
import shutil
import ssl
import subprocess
import threading

IDENTITY = {"GIT_AUTHOR_NAME": "played", "GIT_AUTHOR_EMAIL": "played@example.com",
            "GIT_COMMITTER_NAME": "played", "GIT_COMMITTER_EMAIL": "played@example.com", "GIT_CONFIG_GLOBAL": "/dev/null"}


class Refused(Exception):
    """An answer that is a refusal, with GitHub's status and message."""


class GitHub:
    """The state, read from its folder and written back at each change."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)

    def read(self, name, default):
        file = self.folder / f"{name}.json"
        return json.loads(file.read_text()) if file.exists() else default

    def write(self, name, value):
        (self.folder / f"{name}.json").write_text(json.dumps(value, indent=1))

    # Tokens.

    def issue_token(self, repository, permissions):
        tokens = self.read("tokens", {})
        token = f"ghs_played{len(tokens)}"
        self.write("tokens", {**tokens, token: {"repository": repository, "permissions": permissions}})
        return token

    def need(self, token, repository, permission, level):
        """Refuses a token of another repository, or one that may not do this."""
        known = self.read("tokens", {}).get(token)
        granted = known["permissions"].get(permission) if known and known["repository"] == repository else None
        if granted not in (("write",) if level == "write" else ("read", "write")):
            raise Refused("HTTP 403: Resource not accessible by integration")

    # Repositories.

    def repository(self, name):
        return self.folder / "repositories" / f"{name}.git"

    def git(self, name, *arguments, text=None, index=None):
        environment = {**os.environ, **IDENTITY, **({"GIT_INDEX_FILE": str(index)} if index else {})}
        done = subprocess.run(["git", "-C", self.repository(name), *arguments], input=text, text=True, capture_output=True,
                              env=environment)
        if done.returncode:
            raise Refused(f"HTTP 422: {done.stderr.strip()}")
        return done.stdout.strip()

    def create_repository(self, name, files):
        """A repository with one commit on main, which is returned; `files` is a folder."""
        repository = self.repository(name)
        subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", repository], check=True)
        for key in ("uploadpack.allowAnySHA1InWant", "uploadpack.allowReachableSHA1InWant"):
            self.git(name, "config", key, "true")
        return self.push(name, files, "main")

    def push(self, name, files, branch, message="Files"):
        """Commits the content of a folder on a branch, which is made if it is not there."""
        index = {"GIT_INDEX_FILE": str(self.folder / "index"), "GIT_DIR": str(self.repository(name)), "GIT_WORK_TREE": str(files)}
        run = functools.partial(subprocess.run, env={**os.environ, **IDENTITY, **index}, check=True, capture_output=True, text=True)
        run(["git", "add", "--all", "."], cwd=files)
        tree = run(["git", "write-tree"]).stdout.strip()
        head = self.head(name, branch)
        commit = run(["git", "commit-tree", tree, "-m", message, *(["-p", head] if head else [])]).stdout.strip()
        self.git(name, "update-ref", f"refs/heads/{branch}", commit)
        (self.folder / "index").unlink()
        return commit

    def head(self, name, branch):
        return self.git(name, "for-each-ref", "--format=%(objectname)", f"refs/heads/{branch}") or None

    def tag(self, name, tag, commit):
        self.git(name, "update-ref", f"refs/tags/{tag}", commit)

    def download(self, name, commit, folder):
        """The files of a commit, as the runner fetches an action."""
        target = pathlib.Path(folder) / "_actions" / name / commit
        if not target.exists():
            target.mkdir(parents=True)
            archive = subprocess.run(["git", "-C", self.repository(name), "archive", commit], check=True, capture_output=True)
            subprocess.run(["tar", "-x", "-C", target], input=archive.stdout, check=True)
        return target

    # Releases.

    def releases(self, name):
        return self.read("releases", {}).get(name, [])

    def change_releases(self, name, releases):
        self.write("releases", {**self.read("releases", {}), name: releases})

    def release(self, name, tag):
        """The release or draft of a tag; the first one of several."""
        found = [release for release in self.releases(name) if release["tag_name"] == tag]
        if not found:
            raise Refused("release not found")
        return found[0]

    def create_release(self, name, tag, draft, prerelease):
        releases = self.releases(name)
        number = 1 + sum(map(len, self.read("releases", {}).values()))
        release = {"id": number, "tag_name": tag, "draft": draft, "prerelease": prerelease, "assets": []}
        self.change_releases(name, [*releases, release])
        return release

    def edit_release(self, name, number, **changes):
        releases = self.releases(name)
        for release in releases:
            if release["id"] == number:
                release.update(changes)
        self.change_releases(name, releases)

    def asset(self, number, file):
        return self.folder / "assets" / str(number) / file

    def upload(self, name, number, path, replace):
        target = self.asset(number, path.name)
        if target.exists() and not replace:
            raise Refused("HTTP 422: Validation Failed: ReleaseAsset.name already exists")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
        assets = sorted(file.name for file in target.parent.iterdir())
        self.edit_release(name, number, assets=assets)

    def latest(self, name):
        """The release that who asks for the latest one gets: no draft, no pre-release."""
        published = [release for release in self.releases(name) if not release["draft"] and not release["prerelease"]]
        return published[-1] if published else None

    # Attestations and images.

    @staticmethod
    def digest(path):
        return "sha256:" + hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()

    def attest(self, github, subjects):
        """Signs subjects as the workflow and the ref of a run."""
        signed = [{"subject": digest, "name": name, "repository": github["repository"], "source": github["sha"],
                   "identity": f"https://github.com/{github['workflow_ref']}", "runner": "github-hosted"}
                  for name, digest in subjects]
        self.write("attestations", self.read("attestations", []) + signed)

    def attestations(self, repository, digest):
        return [one for one in self.read("attestations", []) if (one["repository"], one["subject"]) == (repository, digest)]

    def name_image(self, name, tag, digest):
        images = self.read("images", {})
        images.setdefault(name, {})[tag] = digest
        self.write("images", images)


class Server:
    """What github.com shows without a login, on loopback: files of releases over TLS, and `api`, without."""

    def __init__(self, github, folder):
        self.github = github
        key, self.certificate = folder / "key.pem", folder / "certificate.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1",
                        "-subj", "/CN=github.com", "-addext", "subjectAltName=DNS:github.com", "-keyout", key,
                        "-out", self.certificate], check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, key)
        handler = functools.partial(Pages, github)
        self.server, plain = (http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) for _ in range(2))
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.api, self.servers = f"http://127.0.0.1:{plain.server_address[1]}/api", [self.server, plain]
        for server in self.servers:
            threading.Thread(target=server.serve_forever, daemon=True).start()

    def serve(self, home):
        """Lets curl of a machine find this github.com."""
        port = self.server.server_address[1]
        (home / ".curlrc").write_text(f'connect-to = "github.com:443:127.0.0.1:{port}"\ncacert = "{self.certificate}"\n')

    def close(self):
        for server in self.servers:
            server.shutdown()
            server.server_close()


class Pages(http.server.BaseHTTPRequestHandler):
    """Files of published releases, by tag, or of the latest one, which is a redirect; the commit of a tag."""

    def __init__(self, github, *rest):
        self.github = github
        super().__init__(*rest)

    def do_GET(self):
        if self.path.startswith("/api/"):
            return self.commit(*self.path.split("/")[3:])
        owner, name, releases, *path = [*self.path.strip("/").split("/"), "", "", ""][:6]
        repository = f"{owner}/{name}"
        if [releases, *path[:2]] == ["releases", "latest", "download"]:
            latest = self.github.latest(repository)
            return self.redirect(f"/{repository}/releases/download/{latest['tag_name']}/{path[2]}") if latest else self.missing()
        if [releases, *path[:1]] != ["releases", "download"]:
            return self.missing()
        found = [one for one in self.github.releases(repository) if one["tag_name"] == path[1] and not one["draft"]]
        if not found or path[2] not in found[0]["assets"] or repository in self.github.read("private", []):
            return self.missing()
        return self.content(self.github.asset(found[0]["id"], path[2]).read_bytes())

    def commit(self, owner, name, commits, kind, tag):
        try:
            commit = self.github.git(f"{owner}/{name}", "rev-parse", "--verify", f"refs/{kind}/{tag}^{{commit}}")
        except Refused:
            return self.missing()
        plain = commits == "commits" and self.headers["Accept"] == "application/vnd.github.sha"
        return self.content(commit.encode()) if plain else self.missing()

    def content(self, content):
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def redirect(self, path):
        self.send_response(302)
        self.send_header("Location", f"https://github.com{path}")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def missing(self):
        self.send_error(404)

    def log_message(self, *_):
        pass
