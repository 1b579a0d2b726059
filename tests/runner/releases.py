"""Acts of the release workflow: from a tag to a promotion, again after a failure, and what is not released."""

import os
import re
import subprocess

from github import Server
from stage import HERE, OURS, ROOT, Origin, Stage, expect

TARGETS = ("x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu", "aarch64-apple-darwin", "x86_64-apple-darwin")
IMAGE = f"ghcr.io/{OURS}"


def from_a_tag_to_a_promotion(shared, folder):
    origin = Origin(folder / "origin", shared.program)
    ends = origin.tag().play()
    assert {end.result for end in ends.values()} == {"success"}, [(name, end.result, end.log) for name, end in ends.items()]
    release = is_published(origin)
    names = {f"{program}-{origin.version}-{target}.tar.xz" for program in ("promote", "promote-run") for target in TARGETS}
    assert set(release["assets"]) == names | {"SHA256SUMS", "install.sh", "promote.wasm"}, release
    identity = f"https://github.com/{OURS}/.github/workflows/release.yml@refs/tags/release/v{origin.version}"
    for name in release["assets"]:
        is_signed(origin, origin.github.digest(origin.github.asset(release["id"], name)), identity)
    is_signed(origin, origin.github.read("images", {})[IMAGE][origin.version], identity)
    # The action's commit is the tagged one with the checksums, and nothing else.
    commit = origin.released()
    assert origin.github.git(OURS, "rev-parse", f"{commit}^") == origin.commit
    assert origin.github.git(OURS, "diff", "--name-only", origin.commit, commit) == ".github/action/released"

    with Stage(origin) as stage:
        first = stage.promote()
        expect(first, 0, "as the action expects", f"provenance: built from {origin.commit}", "Promoted")
        assert first.outputs["outcome"] == "promoted" and first.outputs["pull-request"] == "1", first.outputs
        again = stage.promote()
        expect(again, 0, "provenance: built from")
        assert again.outputs["outcome"] in ("promoted", "unchanged"), again.outputs
        assert [pull["number"] for pull in stage.mock.pulls()] == [1], "one promotion, one pull request"
    sizes = {name: origin.archive(name).stat().st_size >> 10 for name in ("promote-run", "promote")}
    print(f"  archives for {HERE}: {', '.join(f'{name} {size} KiB' for name, size in sizes.items())}")


def is_published(origin):
    """The one release there is."""
    (release,) = origin.github.releases(OURS)
    assert (release["tag_name"], release["draft"]) == (f"v{origin.version}", False), release
    return release


def is_signed(origin, digest, identity):
    found = origin.github.attestations(OURS, digest)
    assert found and {(one["identity"], one["source"]) for one in found} == {(identity, origin.commit)}, (digest, found)


# What publishes, in its order; after each of these the answer is lost.
STEPS = ("docker buildx build", "git/trees", "git/commits", "git/refs", "gh release create", "SHA256SUMS", "promote.wasm",
         "gh release edit", "docker buildx imagetools create")


def a_second_run_goes_on_and_makes_nothing_twice(shared, folder):
    for number, step in enumerate(STEPS):
        origin = Origin(folder / str(number), shared.program.small)
        release = origin.tag()
        ends = release.play(PLAY_DIES_AFTER=step)
        assert ends["publish"].result == "failure" and "502" in ends["publish"].log, (step, ends["publish"].log)
        if number < STEPS.index("gh release edit"):
            assert origin.github.latest(OURS) is None, "nobody finds a release that is half done"
        if number < len(STEPS) - 1:
            assert origin.version not in origin.github.read("images", {})[IMAGE], "nor an image"
        before = origin.github.git(OURS, "tag", "--list", "v*", "--format=%(objectname)")
        # Every other time all jobs run again, and build once more.
        ends = release.play("all" if number % 2 else "failed", PLAY_DIES_AFTER="")
        assert ends["publish"].result == "success", (step, ends["publish"].log)
        assert len(is_published(origin)["assets"]) == 11 and origin.version in origin.github.read("images", {})[IMAGE]
        assert before in ("", origin.released()), "the tag stays where it is"
    # And once more, when all is done.
    before = [origin.github.read(name, {}) for name in ("releases", "images")]
    ends = release.play("all")
    assert ends["publish"].result == "success" and "is published" in ends["publish"].log, ends["publish"].log
    assert [origin.github.read(name, {}) for name in ("releases", "images")] == before
    # Other files under the same version are refused.
    other = origin.program.built / "elsewhere"
    text = other.read_text()
    other.write_text(text + "# changed\n")
    try:
        ends = release.play("all")
    finally:
        other.write_text(text)
    assert ends["publish"].result == "failure" and "holds other checksums" in ends["publish"].log, ends["publish"].log
    assert origin.github.read("releases", {}) == before[0]


def a_pre_release_is_not_the_latest_one(shared, folder):
    origin = Origin(folder / "origin", shared.program)
    origin.tag().play()
    first = origin.version
    origin.change("Cargo.toml", f'version = "{first}"', 'version = "1.0.0-rc.1"')
    origin.version = "1.0.0-rc.1"
    origin.push()
    assert origin.tag().play()["publish"].result == "success"
    assert origin.github.release(OURS, "v1.0.0-rc.1")["draft"] is False
    assert origin.github.latest(OURS)["tag_name"] == f"v{first}"
    assert set(origin.github.read("images", {})[IMAGE]) >= {first, "1.0.0-rc.1"}
    with Stage(origin) as stage:
        expect(stage.promote(), 0, "promote-run 1.0.0-rc.1 for", "Promoted")


def what_is_not_released(shared, folder):
    origin = Origin(folder / "origin", shared.program.small)

    def refused(release, job, said, **more):
        ends = release.play(**more)
        assert ends[job].result == "failure" and said in ends[job].log, ends[job].log
        assert ends["publish"].result in ("skipped", "failure")
        assert origin.github.releases(OURS) == [] and origin.github.read("images", {}) == {}
        assert origin.github.read("attestations", []) == [] and origin.github.git(OURS, "tag", "--list", "v*") == ""

    refused(origin.tag("release/v9.9.9"), "policy", f"releases version 9.9.9, Cargo.toml has {origin.version}")
    for tag in ("v0.1.0", "release/0.1.0", "release/v0.1", "nightly"):
        assert origin.tag(tag) is None, f"{tag} starts a release"
    origin.github.git(OURS, "tag", "--delete", "v0.1.0")
    # A tag of the version that somebody else made.
    origin.github.tag(OURS, f"v{origin.version}", origin.commit)
    ends = origin.tag().play()
    assert ends["publish"].result == "failure" and "holds other checksums" in ends["publish"].log, ends["publish"].log
    assert origin.github.releases(OURS) == []
    origin = Origin(folder / "another", shared.program.small)
    # The reviewers of the environment say no; they are asked once, and everything before was only built.
    asked = []
    refused(origin.tag(), "publish", "", approve=lambda *what: asked.append(what))
    assert asked == [("release", f"refs/tags/release/v{origin.version}")], asked
    # A commit beside main, by somebody who may push tags.
    main = origin.commit
    origin.github.git(OURS, "update-ref", "refs/heads/mine", main)
    origin.push("mine")
    origin.github.git(OURS, "commit-tree", f"{main}^{{tree}}", "-m", "unreviewed")
    beside = origin.github.git(OURS, "commit-tree", f"{main}^{{tree}}", "-p", main, "-m", "unreviewed")
    origin.github.git(OURS, "update-ref", "refs/heads/mine", beside)
    refused(origin.tag(commit=beside), "policy", "is not on main")


def the_line_of_the_readme_installs(shared, folder):
    line = re.search(r"^curl .*install\.sh \| sh$", (ROOT / "README.md").read_text(), re.M)[0].replace("OWNER/", "acme/")
    server = Server(shared.github, folder)
    home = folder / "home"
    home.mkdir()
    server.serve(home)

    def run():
        return subprocess.run(["sh", "-c", line], cwd=home, env={"HOME": str(home), "PATH": os.environ["PATH"]},
                              capture_output=True, text=True)
    try:
        done = run()
        assert done.returncode == 0, done.stdout + done.stderr
        assert "add it" in done.stdout, "the folder is not on the path, which is said"
        installed = home / ".local/bin/promote"
        said = subprocess.run([installed, "--version"], capture_output=True, text=True, check=True).stdout
        assert said.split()[1] == shared.version, said
        installed.unlink()
        archive = shared.archive("promote")
        whole = archive.read_bytes()
        archive.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        refused = run()
        archive.write_bytes(whole)
        assert "has the SHA-256" in refused.stderr and not installed.exists(), refused.stderr
    finally:
        server.close()


ACTS = [from_a_tag_to_a_promotion, a_second_run_goes_on_and_makes_nothing_twice, a_pre_release_is_not_the_latest_one,
        what_is_not_released, the_line_of_the_readme_installs]
