"""Policies in a real registry: push, pull by digest, promote with it, and everything that must be refused.

play.py PROMOTE REGISTRY: the registry and a mock of Port and GitHub run on loopback, in a folder that is gone afterwards.
"""

import base64
import hashlib
import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import time
import traceback
import urllib.error
import urllib.request

PROMOTE, REGISTRY = (pathlib.Path(path).resolve() for path in sys.argv[1:3])
ROOT = pathlib.Path(__file__).resolve().parents[2]
# `ann` with the password below, by bcrypt, as the registry wants it.
PASSWORD = "s3cr3t-of-the-registry"
HASH = "$2y$04$uaIxXaLvRnRBlpp8i9M/kO7bhfErzaWVjwcayH6qfSsa3f6V8Mk.O"
CONFIG = """version: 0.1
storage: {{ filesystem: {{ rootdirectory: {root} }} }}
http: {{ addr: "127.0.0.1:{port}" }}
{auth}"""


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Stage:
    """A registry, a mock, and a folder to work in."""

    def __init__(self, login=False):
        self.login = login

    def __enter__(self):
        self.held = tempfile.TemporaryDirectory(prefix="promote-registry-")
        self.folder = pathlib.Path(self.held.name)
        self.port = free_port()
        self.name = f"127.0.0.1:{self.port}"
        auth = ""
        if self.login:
            (self.folder / "htpasswd").write_text(f"ann:{HASH}\n")
            auth = f"auth: {{ htpasswd: {{ realm: test, path: {self.folder}/htpasswd }} }}\n"
        (self.folder / "registry.yml").write_text(CONFIG.format(root=self.folder / "blobs", port=self.port, auth=auth))
        log = open(self.folder / "registry.log", "w")
        self.registry = subprocess.Popen([REGISTRY, "serve", self.folder / "registry.yml"], stdout=log, stderr=log)
        self.mock = subprocess.Popen(
            [PROMOTE, "mock"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        told = {}
        # The token of GitHub comes last of those that every world has.
        while "GITHUB_TOKEN" not in told and (line := self.mock.stdout.readline()):
            name, value = line.strip().removeprefix("export ").split("=", 1)
            told[name] = value
        self.github = told["GITHUB_API_URL"]
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder), **told}
        self.await_registry()
        return self

    def __exit__(self, *_):
        for process in (self.mock, self.registry):
            process.kill()
            process.wait()
        self.held.cleanup()

    def await_registry(self):
        for _ in range(200):
            try:
                urllib.request.urlopen(f"http://{self.name}/v2/")
                return
            except urllib.error.HTTPError:
                return
            except OSError:
                time.sleep(0.05)
        raise AssertionError((self.folder / "registry.log").read_text())

    def promote(self, *args, expect=0, **environment):
        ran = subprocess.run(
            [PROMOTE, *args], cwd=self.folder, env=self.environment | environment, capture_output=True, text=True)
        said = f"promote {' '.join(map(str, args))}: {ran.returncode}\n{ran.stdout}{ran.stderr}"
        assert ran.returncode == expect, said
        assert PASSWORD not in ran.stdout + ran.stderr, "the password was shown"
        return ran

    def push(self, tag="1", **environment):
        return self.promote("push", "builtin", f"{self.name}/acme/policy:{tag}", **environment).stdout.strip()

    def configure(self, component, teams=""):
        """The sample's configuration with another component, and the sample's payload."""
        sample = (ROOT / "host/kit/src/sample.toml").read_text()
        (self.folder / "promote.toml").write_text(sample.replace('component = "builtin"', f'component = "{component}"') + teams)

    def payload(self):
        if not (self.folder / "try").exists():
            self.promote("demo", "--keep", "try")
        return self.folder / "try/payload.json"

    def run(self, **more):
        return self.promote("run", "--payload", self.payload(), "--format", "json", **more)

    def blob(self, digest):
        return self.folder / f"blobs/docker/registry/v2/blobs/sha256/{digest[:2]}/{digest}/data"

    def forget(self):
        """Empties the cache, as another machine has it."""
        subprocess.run(["rm", "-rf", self.folder / ".cache"], check=True)

    def untouched(self):
        """Nothing was written: no pull request, and production runs what it ran."""
        headers = {"Authorization": f"Bearer {self.environment['GITHUB_TOKEN']}"}
        request = urllib.request.Request(f"{self.github}/repos/acme/gitops/pulls?state=all", headers=headers)
        assert json.load(urllib.request.urlopen(request)) == [], "a pull request was opened"


def sha256_of(reference):
    return reference.rsplit("sha256:", 1)[1]


def layer_of(stage, reference):
    return sha256_of(json.loads(stage.blob(sha256_of(reference)).read_text())["layers"][0]["digest"])


def pushes_pulls_and_promotes():
    with Stage() as stage:
        reference = stage.push()
        assert re.fullmatch(rf"{stage.name}/acme/policy:1@sha256:[0-9a-f]{{64}}", reference), reference
        assert stage.push("2").replace(":2@", ":1@") == reference, "the same component has another digest"
        manifest = json.loads(stage.blob(sha256_of(reference)).read_text())
        assert manifest["config"]["mediaType"] == "application/vnd.wasm.config.v0+json", manifest
        assert [layer["mediaType"] for layer in manifest["layers"]] == ["application/wasm"], manifest
        stage.forget()
        assert stage.promote("pull", f"{stage.name}/acme/policy:1").stdout.strip() == reference
        stage.promote("pull", reference, "-o", "policy.wasm")
        assert layer_of(stage, reference) in stage.promote("inspect", "policy.wasm").stdout
        stage.configure(reference)
        stage.promote("lock")
        stage.promote("lock", "--check")
        stage.forget()
        attempt = {"GITHUB_REPOSITORY": "acme/gitops", "GITHUB_SERVER_URL": "https://github.com", "GITHUB_RUN_ID": "42"}
        done = json.loads(stage.run(**attempt, GITHUB_RUN_ATTEMPT="1").stdout)
        assert (done["outcome"], done["policy"]) == ("promoted", layer_of(stage, reference)), done
        # What was fetched is kept, by digest: the next run needs no registry.
        stage.registry.kill()
        stage.registry.wait()
        # The run in Port has ended: only a later attempt of the workflow run that it started goes on with it.
        again = json.loads(stage.run(**attempt, GITHUB_RUN_ATTEMPT="2").stdout)
        assert again["outcome"] in ("promoted", "unchanged") and again["files"] == [], again


def a_team_has_its_policy_from_the_registry():
    with Stage() as stage:
        reference = stage.push()
        settings = 'settings = { repository = "acme/gitops", manifest = { path = "{production.gitPath}/deployment.yaml", image = "spec.template.spec.containers[0].image" }, reference = "{registryId}:{tags[0]}" }'
        stage.configure("builtin", f'\n[[team]]\nmatch = {{ identifier = "we*" }}\ncomponent = "{reference}"\n{settings}\n')
        done = json.loads(stage.run().stdout)
        assert (done["outcome"], done["team"]) == ("promoted", "identifier = we*"), done


def an_organisation_has_its_baseline_in_the_registry():
    with Stage() as stage:
        baseline = '[[rule]]\nname = "owned"\ndeny = "service.identifier == \\"web\\""\nmessage = "the organisation says no"\n'
        (stage.folder / "baseline.toml").write_text(baseline)
        pushed = stage.promote("push", "baseline.toml", f"{stage.name}/acme/baseline:1")
        lines = pushed.stderr.split("in promote.toml:\n", 1)[1]
        stage.configure("builtin", "\n" + lines)
        stage.promote("lock")
        done = json.loads(stage.promote("run", "--payload", stage.payload(), "--format", "json", expect=1).stdout)
        assert done["outcome"] == "refused" and "the organisation says no" in done["message"], done
        assert f"the baseline {stage.name}/acme/baseline:1" in stage.promote("inspect", "--config", "promote.toml").stdout
        # What was fetched is kept, by its SHA-256; another machine has to ask the registry.
        stage.promote("push", "builtin", f"{stage.name}/acme/baseline:1")
        stage.promote("plan", "--payload", stage.payload(), expect=1)
        stage.forget()
        refused(stage, "[baseline]: ")
        (stage.folder / "baseline.toml").write_text(baseline.replace("web", "api"))
        stage.promote("push", "baseline.toml", f"{stage.name}/acme/baseline:1")
        refused(stage, "it is not the baseline that was reviewed")
        (stage.folder / "baseline.toml").write_text("[[rules]]\n")
        assert "unknown field `rules`" in stage.promote(
            "push", "baseline.toml", f"{stage.name}/acme/baseline:2", expect=2).stderr


def refused(stage, expected):
    """The run ends with exit code 2 and these words, and has written nothing."""
    ran = stage.promote("run", "--payload", stage.payload(), expect=2)
    assert expected in ran.stderr, ran.stderr
    stage.untouched()


def what_is_not_what_the_digest_says_is_refused():
    with Stage() as stage:
        reference = stage.push()
        stage.configure(reference)
        layer = layer_of(stage, reference)
        whole = stage.blob(layer).read_bytes()
        # One byte of the component, in the registry's own storage.
        stage.blob(layer).write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        stage.forget()
        refused(stage, f"and {layer} is asked for: it is not what was published, and nothing of it is used")
        # More than the manifest names.
        stage.blob(layer).write_bytes(whole + b"more")
        refused(stage, f"fetching {reference}: ")
        stage.blob(layer).write_bytes(whole)
        # The manifest: another, under the digest of this one.
        manifest = stage.blob(sha256_of(reference))
        good = manifest.read_text()
        manifest.write_text(good.replace('"schemaVersion":2', '"schemaVersion": 2'))
        refused(stage, f"fetching {reference}: ")
        manifest.write_text(good)
        # A digest that nothing has.
        stage.configure(reference.replace(sha256_of(reference), "0" * 64))
        refused(stage, "look at name and digest")
        # And without a digest there is no run at all.
        stage.configure(reference.split("@")[0])
        refused(stage, "has no digest, and a tag can be moved to another component")
        stage.configure(reference)
        assert json.loads(stage.run().stdout)["outcome"] == "promoted"


def what_is_not_as_locked_is_refused_before_any_request():
    with Stage() as stage:
        reference = stage.push()
        stage.configure(reference)
        stage.promote("lock")
        lock = stage.folder / "promote.lock"
        locked = lock.read_text()
        lock.write_text(locked.replace(layer_of(stage, reference), "0" * 64))
        refused(stage, "it is not the component that was reviewed; `promote lock`")
        stage.promote("lock", "--check", expect=1)
        lock.write_text(locked)
        stage.configure("builtin")
        refused(stage, "`builtin` is not in the lock: `promote lock` adds it, for a review")


def credentials_come_from_docker_or_the_environment():
    with Stage(login=True) as stage:
        ran = stage.promote("push", "builtin", f"{stage.name}/acme/policy:1", expect=2)
        assert f"{stage.name} does not let us at `acme/policy`" in ran.stderr, ran.stderr
        given = {"PROMOTE_REGISTRY": stage.name, "PROMOTE_REGISTRY_USER": "ann", "PROMOTE_REGISTRY_PASSWORD": PASSWORD}
        reference = stage.push(**given)
        stage.promote("pull", reference, expect=2)
        stage.promote("pull", reference, expect=2, **given | {"PROMOTE_REGISTRY_PASSWORD": "wrong"})
        # For another registry they are for another registry.
        stage.promote("pull", reference, expect=2, **given | {"PROMOTE_REGISTRY": "registry.example"})
        (stage.folder / ".docker").mkdir()
        auth = base64.b64encode(f"ann:{PASSWORD}".encode()).decode()
        (stage.folder / ".docker/config.json").write_text(json.dumps({"auths": {stage.name: {"auth": auth}}}))
        stage.promote("pull", reference)


OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"


class Pusher:
    """Pushes into the repository acme/web, as any client does."""

    def __init__(self, stage, authorization=None):
        self.base = f"http://{stage.name}/v2/acme/web"
        self.authorization = authorization

    def send(self, method, url, data=None, kind="application/octet-stream"):
        request = urllib.request.Request(url, data=data, method=method, headers={"Content-Type": kind})
        if self.authorization:
            request.add_header("Authorization", self.authorization)
        return urllib.request.urlopen(request)

    def blob(self, content):
        digest = "sha256:" + hashlib.sha256(content).hexdigest()
        begun = self.send("POST", f"{self.base}/blobs/uploads/", b"")
        self.send("PUT", begun.headers["Location"] + f"&digest={digest}", content)
        return {"digest": digest, "size": len(content)}

    def manifest(self, content, tag=None):
        body = json.dumps({"schemaVersion": 2} | content).encode()
        digest = "sha256:" + hashlib.sha256(body).hexdigest()
        self.send("PUT", f"{self.base}/manifests/{tag or digest}", body, content["mediaType"])
        return {"digest": digest, "size": len(body)}

    def attest(self, subject, *bundles):
        """Puts bundles beside an image as cosign does where a registry lists no referrers: found by a tag."""
        entries = []
        for bundle in bundles:
            pushed = self.manifest({
                "mediaType": OCI_MANIFEST, "artifactType": BUNDLE, "subject": {"mediaType": OCI_MANIFEST, "digest": subject, "size": 0},
                "config": {"mediaType": "application/vnd.oci.empty.v1+json"} | self.blob(b"{}"),
                "layers": [{"mediaType": BUNDLE} | self.blob(bundle)],
            })
            entries.append({"mediaType": OCI_MANIFEST, "artifactType": BUNDLE} | pushed)
        self.manifest({"mediaType": OCI_INDEX, "manifests": entries}, subject.replace(":", "-"))


def an_image(stage, tag, labels, authorization=None):
    """Pushes a container image without layers, and returns its digest."""
    push = Pusher(stage, authorization)
    config = json.dumps({"architecture": "amd64", "os": "linux", "created": "2026-01-04T09:30:00Z", "config": {"Labels": labels}}).encode()
    config = {"mediaType": "application/vnd.oci.image.config.v1+json"} | push.blob(config)
    return push.manifest({"mediaType": OCI_MANIFEST, "config": config, "layers": []}, tag)["digest"]


def images_are_looked_up_where_they_are():
    with Stage(login=True) as stage:
        basic = "Basic " + base64.b64encode(f"ann:{PASSWORD}".encode()).decode()
        digest = an_image(stage, "1.4.2", {"org.opencontainers.image.revision": "c3b2"}, basic)
        configure_images(stage)
        tell_catalog(stage, digest)
        # Nobody who is let in, and then a docker that keeps its passwords with a helper.
        ran = stage.promote("run", "--payload", stage.payload(), expect=1)
        assert "its registry does not let us read it" in ran.stdout + ran.stderr, ran.stdout + ran.stderr
        stage.untouched()
    with Stage(login=True) as stage:
        with_helper(stage)
        an_image(stage, "1.4.1", {}, basic)
        configure_images(stage)
        ran = stage.promote("run", "--payload", stage.payload(), expect=1)
        assert f"`{stage.name}/acme/web:1.4.2` is not in its registry" in ran.stdout + ran.stderr, ran.stdout + ran.stderr
        stage.untouched()
    with Stage(login=True) as stage:
        with_helper(stage)
        digest = an_image(stage, "1.4.2", {}, basic)
        configure_images(stage)
        tell_catalog(stage, digest)
        an_image(stage, "1.4.2", {"pushed": "over it"}, basic)
        ran = stage.promote("run", "--payload", stage.payload(), expect=1)
        assert "the tag was moved" in ran.stdout + ran.stderr, ran.stdout + ran.stderr
        stage.untouched()
    with Stage(login=True) as stage:
        with_helper(stage)
        digest = an_image(stage, "1.4.2", {}, basic)
        configure_images(stage)
        tell_catalog(stage, digest)
        assert json.loads(stage.run().stdout)["outcome"] == "promoted"
        asked = (stage.folder / "asked").read_text()
        assert asked == f"{stage.name}\n", asked
    with Stage(login=True) as stage:
        with_helper(stage)
        an_image(stage, "1.4.2", {}, basic)
        configure_images(stage)
        stage.registry.kill()
        stage.registry.wait()
        ran = stage.promote("run", "--payload", stage.payload(), expect=3)
        assert "cannot connect" in ran.stdout + ran.stderr, ran.stdout + ran.stderr
        stage.untouched()


def what_is_attested_beside_an_image_is_verified():
    # The artifact of a real build: the bundle is over this digest and no other, whether or not the registry has it.
    subject = "sha256:ae57936def59bc4c75edd3a837d89bcefc6d3a5e31d55a6fa7a71624f92c3c3b"
    real, of_another, bad = ((ROOT / f"host/attest/testdata/{name}.json").read_bytes()
                             for name in ("github-root", "reusable-workflow", "dsse-invalid-sig_fail"))
    basic = "Basic " + base64.b64encode(f"ann:{PASSWORD}".encode()).decode()
    flipped = real.replace(b'"sig":"MEUCIAgJ', b'"sig":"MEUCIAgK')
    assert flipped != real, "the bundle has no signature to change"
    table = [
        ([real], "actions/attest-demo", 0, ""),
        ([bad, of_another, real], "actions/attest-demo", 0, ""),
        ([], "actions/attest-demo", 1, "has no attestation beside it in"),
        ([bad, of_another], "actions/attest-demo", 1, "one does not hold: "),
        ([flipped], "actions/attest-demo", 1, "one does not hold: "),
        ([real], "acme/web", 1, "one is of another repository: https://github.com/actions/attest-demo and not https://github.com/acme/web"),
    ]
    for bundles, repository, expect, words in table:
        with Stage(login=True) as stage:
            with_helper(stage)
            if bundles:
                Pusher(stage, basic).attest(subject, *bundles)
            configure_images(stage)
            path = stage.folder / "promote.toml"
            path.write_text(path.read_text().replace("[policy.settings]", f"""[policy.settings]
exists = "never"
digest = "prefer"
provenance = {{ repository = "{repository}", built_by = "{repository}/.github/workflows/build-python.yml", ref = "main", kept = "registry" }}""", 1).replace("{tags[0]}", "{tags[0]}@{digest}"))
            tell_catalog(stage, subject)
            ran = stage.promote("run", "--payload", stage.payload(), "--format", "json", expect=expect)
            assert words in ran.stdout + ran.stderr, (words, ran.stdout + ran.stderr)
            if expect:
                stage.untouched()
            else:
                assert json.loads(ran.stdout)["outcome"] == "promoted", ran.stdout


def with_helper(stage):
    """Docker's configuration with a credential helper, which notes what it is asked for and is given no secret of ours."""
    (stage.folder / ".docker").mkdir()
    (stage.folder / ".docker/config.json").write_text(json.dumps({"credHelpers": {stage.name: "test"}}))
    helper = stage.folder / "docker-credential-test"
    helper.write_text(
        f"#!/bin/sh\ncat >>'{stage.folder}/asked'\n[ -z \"$GITHUB_TOKEN$PORT_CLIENT_SECRET\" ] || exit 1\n"
        f"echo '{{\"Username\": \"ann\", \"Secret\": \"{PASSWORD}\"}}'\n")
    helper.chmod(0o755)
    stage.environment["PATH"] = f"{stage.folder}:{stage.environment['PATH']}"


def configure_images(stage):
    """The sample, with its images in this registry, and the grant to read them."""
    stage.configure("builtin", f'\n[[grants]]\nallow = ["registry.read"]\nimage = "{stage.name}/acme/{{service.identifier}}"\n')
    path = stage.folder / "promote.toml"
    text = path.read_text().replace("{registryId}:{tags[0]}", f"{stage.name}/acme/web:{{tags[0]}}")
    text = text.replace("[policy.settings]", "[policy.settings]\nallow_other_repository = true")
    text = text.replace('path = "apps/{service.identifier}/prod/*.yaml"', 'path = "apps/{service.identifier}/prod/*.yaml"\nchanges = "images"', 1)
    path.write_text(text)


def tell_catalog(stage, digest):
    """Has Port's catalog know the image by this digest."""
    port = stage.environment["PORT_API_URL"]

    def send(method, path, body, token=None):
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
        request = urllib.request.Request(port + path, data=json.dumps(body).encode(), method=method, headers=headers)
        return json.load(urllib.request.urlopen(request))

    login = {"clientId": stage.environment["PORT_CLIENT_ID"], "clientSecret": stage.environment["PORT_CLIENT_SECRET"]}
    token = send("POST", "/v1/auth/access_token", login)["accessToken"]
    send("PATCH", "/v1/blueprints/image/entities/web-1.4.2", {"properties": {"digest": digest}}, token)


def what_is_no_policy_is_not_pushed_and_not_pulled():
    with Stage() as stage:
        (stage.folder / "no.wasm").write_bytes(b"\0asm\x01\0\0\0")
        ran = stage.promote("push", "no.wasm", f"{stage.name}/acme/no:1", expect=2)
        assert "not a component" in ran.stderr, ran.stderr
        # A container image of the same name, put there by another client.
        manifest = json.dumps({
            "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "size": 2, "digest": stage_blob(stage, b"{}")},
            "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar", "size": 2, "digest": stage_blob(stage, b"{}")}],
        }).encode()
        request = urllib.request.Request(f"http://{stage.name}/v2/acme/image/manifests/1", data=manifest, method="PUT")
        request.add_header("Content-Type", "application/vnd.oci.image.manifest.v1+json")
        urllib.request.urlopen(request)
        ran = stage.promote("pull", f"{stage.name}/acme/image:1", expect=2)
        assert "it is no WebAssembly component: its configuration is `application/vnd.oci.image.config.v1+json`" in ran.stderr, ran.stderr


def stage_blob(stage, content):
    """Uploads a blob, and returns its digest."""
    digest = "sha256:" + hashlib.sha256(content).hexdigest()
    begun = urllib.request.urlopen(urllib.request.Request(f"http://{stage.name}/v2/acme/image/blobs/uploads/", data=b"", method="POST"))
    location = begun.headers["Location"] + f"&digest={digest}"
    urllib.request.urlopen(urllib.request.Request(location, data=content, method="PUT", headers={"Content-Type": "application/octet-stream"}))
    return digest


ACTS = [
    pushes_pulls_and_promotes,
    a_team_has_its_policy_from_the_registry,
    an_organisation_has_its_baseline_in_the_registry,
    what_is_not_what_the_digest_says_is_refused,
    what_is_not_as_locked_is_refused_before_any_request,
    credentials_come_from_docker_or_the_environment,
    images_are_looked_up_where_they_are,
    what_is_attested_beside_an_image_is_verified,
    what_is_no_policy_is_not_pushed_and_not_pulled,
]


def main():
    failed = 0
    for act in ACTS:
        started = time.monotonic()
        try:
            act()
            print(f"ok      {act.__name__.replace('_', ' ')}  {time.monotonic() - started:.1f} s")
        except Exception:
            failed += 1
            print(f"FAILED  {act.__name__.replace('_', ' ')}")
            traceback.print_exc()
    print(f"{len(ACTS) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
