"""What the runner must find in the action and the workflow of commit 9237fa8, which no runner of GitHub's could run.

Each act plays the old files as they were, sees them fail at one place, mends that place and goes on to the next.
"""

import subprocess

from promotions import RELEASES
from releases import IMAGE, is_published
from runner import ROOT
from stage import OURS, Origin, Stage, expect

OLD = "9237fa8"


def mended(program, folder):
    """The old files with the login kept until it was used (A2)."""
    origin = Origin(folder / "origin", program, OLD)
    origin.change(".github/workflows/release.yml", "          docker logout ghcr.io\n", "")
    origin.push()
    return origin


def a1_the_action_does_not_find_its_own_repository(shared, folder):
    origin = mended(shared.program, folder)
    assert origin.tag("v0.1.0").play()["publish"].result == "success"
    with Stage(origin, origin.commit) as stage:
        end = stage.promote()
        expect(end, 2, "the action is not used from a repository: say where releases are (releases)")
        assert stage.mock.pulls() == []
        # That was all: with the way around it, it goes on.
        expect(stage.promote(releases=RELEASES, attestation="off"), 0, "Promoted")


def a2_the_login_is_gone_before_the_image_is_signed(shared, folder):
    origin = Origin(folder / "origin", shared.program.small, OLD)
    ends = origin.tag("v0.1.0").play()
    results = {name: end.result for name, end in ends.items()}
    assert results == {"policy": "success", "binary": "success", "image": "failure", "publish": "skipped"}, results
    assert ends["image"].log.splitlines()[-1] == "##[error]No credentials found for registry ghcr.io", ends["image"].log
    assert origin.github.releases(OURS) == [], "no release"
    digest = origin.github.read("images", {})[IMAGE]["0.1.0"]
    assert origin.github.attestations(OURS, digest) == [], "and an image of this version that nobody signed"


def b11_a_release_may_be_the_wrong_one(shared, folder):
    # A pre-release becomes the latest one.
    origin = mended(shared.program.small, folder / "pre")
    origin.change("Cargo.toml", 'version = "0.1.0"', 'version = "1.0.0-rc.1"')
    origin.push()
    assert origin.tag("v1.0.0-rc.1").play()["publish"].result == "success"
    assert origin.github.latest(OURS)["tag_name"] == "v1.0.0-rc.1"
    # A second run makes a second draft.
    origin = mended(shared.program.small, folder / "twice")
    release = origin.tag("v0.1.0")
    assert release.play(PLAY_DIES_AFTER="SHA256SUMS")["publish"].result == "failure"
    release.play("failed", PLAY_DIES_AFTER="")
    assert [one["tag_name"] for one in origin.github.releases(OURS)] == ["v0.1.0", "v0.1.0"], "two of them"
    # An archive that any workflow of the repository signed is run. A1 is mended, or it would not come so far.
    origin = mended(shared.program, folder / "signer")
    origin.change("action.yml", "        GH_TOKEN:", "        ACTION_REPOSITORY: ${{ github.action_repository }}\n        GH_TOKEN:")
    origin.change(".github/action/install", "${GITHUB_ACTION_REPOSITORY:-}", "${ACTION_REPOSITORY:-}")
    origin.push()
    origin.tag("v0.1.0").play()
    is_published(origin)
    with Stage(origin, origin.commit) as stage:
        forged = f"https://github.com/{OURS}/.github/workflows/ci.yml@refs/heads/anybody"
        stage.github.write("attestations", [{**one, "identity": forged} for one in stage.github.read("attestations", [])])
        expect(stage.promote(), 0, "provenance: built by a workflow of acme/promote", "Promoted")


ACTS = [a1_the_action_does_not_find_its_own_repository, a2_the_login_is_gone_before_the_image_is_signed,
        b11_a_release_may_be_the_wrong_one]
if subprocess.run(["git", "-C", ROOT, "cat-file", "-e", f"{OLD}^{{commit}}"], capture_output=True).returncode:
    print(f"not played: the files of {OLD}, which are not in this clone (a shallow one?)")
    ACTS = []
