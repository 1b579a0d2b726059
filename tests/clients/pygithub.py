"""A promotion by PyGithub as it is, on the GitHub that `promote mock` serves.

Each check is one line of what its users rely on; GITHUB_API_URL and GITHUB_TOKEN say where the mock is.
"""

import os
import re
import sys
import time
import traceback
from datetime import datetime, timedelta, timezone

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from github import (
    Auth,
    BadCredentialsException,
    Github,
    GithubException,
    GithubIntegration,
    InputGitTreeElement,
    UnknownObjectException,
)

BASE = os.environ["GITHUB_API_URL"]
PATH = "apps/web/prod/deployment.yaml"
HEAD = "promote/web-prod/pygithub"
SHA = re.compile("[0-9a-f]{40}")
OPTIONS = {"base_url": BASE, "seconds_between_requests": None, "seconds_between_writes": None, "retry": None}

key = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
)
app_auth = Auth.AppAuth("Iv23mock0promote1001", key.decode())
integration = GithubIntegration(auth=app_auth, **OPTIONS)
as_user = Github(auth=Auth.Token(os.environ["GITHUB_TOKEN"]), **OPTIONS)
world = {}


def fails(kind, status, words, call):
    """Fails unless `call` raises this class with this status and these words."""
    try:
        call()
    except GithubException as error:
        assert type(error) is kind, f"{type(error)} is not {kind}"
        assert error.status == status, f"{error.status} is not {status}"
        assert words in str(error.data), f"{words!r} is not in {error.data}"
        return error
    raise AssertionError(f"did not fail with {status}")


def aware(moment):
    return isinstance(moment, datetime) and moment.tzinfo is not None


def propose(repo, branch, tag):
    """A branch with one changed file, and a pull request for it."""
    base = repo.get_git_ref("heads/main")
    file = repo.get_contents(PATH, ref=base.object.sha)
    text = re.sub(r"web:[\d.]+", f"web:{tag}", file.decoded_content.decode())
    parent = repo.get_git_commit(base.object.sha)
    element = InputGitTreeElement(PATH, "100644", "blob", content=text)
    tree = repo.create_git_tree([element], parent.tree)
    commit = repo.create_git_commit(f"Promote web to {tag}", tree, [parent])
    ref = repo.create_git_ref(f"refs/heads/{branch}", commit.sha)
    pull = repo.create_pull(base="main", head=branch, title=f"Promote web to {tag}", body="By PyGithub.")
    return file, tree, commit, ref, pull


def an_app_finds_its_installation_by_a_jwt():
    found = integration.get_repo_installation("acme", "gitops")
    assert (found.app_id, found.target_type) == (1001, "Organization")
    assert aware(found.created_at)
    assert integration.get_app().slug == "promote"
    world["installation"] = found


def it_mints_a_narrower_token():
    wanted = {"contents": "write", "pull_requests": "write"}
    minted = integration.get_access_token(world["installation"].id, permissions=wanted)
    assert minted.token.startswith("ghs_") and minted.repository_selection == "selected"
    assert {**minted.permissions, "metadata": "read"} == {**wanted, "metadata": "read"}
    assert timedelta(minutes=50) < minted.expires_at - datetime.now(timezone.utc) <= timedelta(minutes=61)
    world["token"] = minted.token
    world["repo"] = Github(auth=Auth.Token(minted.token), **OPTIONS).get_repo("acme/gitops")
    implicit = Github(auth=app_auth.get_installation_auth(world["installation"].id), **OPTIONS)
    assert implicit.get_repo("acme/gitops").full_name == "acme/gitops"


def the_repository_has_its_types():
    repo = world["repo"]
    assert isinstance(repo.id, int) and repo.owner.login == "acme" and repo.private is True
    assert repo.default_branch == "main" and aware(repo.pushed_at) and aware(repo.created_at)
    branch = repo.get_branch("main")
    assert SHA.fullmatch(branch.commit.sha) and branch.protected is False


def a_promotion_is_proposed():
    file, tree, commit, ref, pull = propose(world["repo"], HEAD, "1.4.2")
    assert file.type == "file" and file.size == len(file.decoded_content)
    assert all(SHA.fullmatch(it) for it in (file.sha, tree.sha, commit.sha))
    assert aware(commit.author.date) and commit.parents[0].sha
    assert ref.ref == f"refs/heads/{HEAD}" and ref.object.type == "commit"
    assert (pull.head.ref, pull.head.sha, pull.state) == (HEAD, commit.sha, "open")
    assert pull.base.repo.full_name == "acme/gitops" and aware(pull.created_at)
    assert pull.merged_at is None and pull.draft is False and pull.user.type == "Bot"
    world.update(commit=commit, pull=pull)


def what_exists_already_is_422():
    repo = world["repo"]
    fails(GithubException, 422, "already exists", lambda: repo.create_git_ref(f"refs/heads/{HEAD}", world["commit"].sha))
    error = fails(
        GithubException,
        422,
        "A pull request already exists",
        lambda: repo.create_pull(base="main", head=HEAD, title="again"),
    )
    assert error.data["errors"][0]["resource"] == "PullRequest"


def what_is_missing_is_an_unknown_object():
    repo = world["repo"]
    fails(UnknownObjectException, 404, "Not Found", lambda: repo.get_contents("none"))
    fails(UnknownObjectException, 404, "Not Found", lambda: repo.get_git_ref("heads/none"))
    fails(UnknownObjectException, 404, "Not Found", lambda: repo.get_pull(99))


def bad_credentials_and_missing_permissions():
    stranger = Github(auth=Auth.Token("ghs_none"), **OPTIONS)
    fails(BadCredentialsException, 401, "Bad credentials", lambda: stranger.get_repo("acme/gitops"))
    commit = world["repo"].get_commit(world["commit"].sha)
    fails(GithubException, 403, "not accessible by integration", lambda: commit.create_status("success"))


def labels_and_comments():
    pull = world["pull"]
    pull.add_to_labels("promotion", "web prod")
    assert sorted(it.name for it in pull.get_labels()) == ["promotion", "web prod"]
    pull.remove_from_labels("web prod")
    assert [it.name for it in pull.get_labels()] == ["promotion"]
    comment = pull.create_issue_comment("Hello")
    assert comment.body == "Hello" and aware(comment.created_at)
    comment.edit("Hello again")
    assert [it.body for it in pull.get_issue_comments()] == ["Hello again"]


def checks_and_statuses():
    commit = as_user.get_repo("acme/gitops").get_commit(world["commit"].sha)
    assert [it.filename for it in commit.files] == [PATH] and commit.stats.total == 2
    status = commit.create_status("success", context="validate", target_url="https://ci.example/1")
    assert status.context == "validate" and aware(status.created_at)
    combined = commit.get_combined_status()
    assert (combined.state, combined.total_count) == ("success", 1)
    assert commit.get_check_runs().totalCount == 0


def pull_requests_page_by_page():
    repo = world["repo"]
    for name in "abcd":
        propose(repo, f"other/{name}", f"2.0.0-{name}")
    client = Github(auth=Auth.Token(world["token"]), per_page=2, **OPTIONS)
    pulls = client.get_repo("acme/gitops").get_pulls(state="open", sort="created", direction="asc")
    assert pulls.totalCount == 5 and len(pulls.get_page(2)) == 1
    assert [it.number for it in pulls] == sorted(it.number for it in pulls) and all(aware(it.updated_at) for it in pulls)
    found = list(repo.get_pulls(head=f"acme:{HEAD}", base="main"))
    assert [it.number for it in found] == [world["pull"].number]


def mergeable_is_none_until_github_has_looked():
    for _ in range(20):
        pull = world["repo"].get_pull(world["pull"].number)
        if pull.mergeable is not None:
            break
        time.sleep(0.05)
    assert pull.mergeable is True and pull.mergeable_state in ("clean", "unstable")
    assert (pull.commits, pull.changed_files) == (1, 1)
    assert [it.filename for it in pull.get_files()] == [PATH]
    compared = world["repo"].compare("main", HEAD)
    assert (compared.status, compared.ahead_by, compared.behind_by) == ("ahead", 1, 0)


def a_merge_of_another_head_is_409():
    fails(GithubException, 409, "Head branch was modified", lambda: world["pull"].merge(sha="0" * 40))


def the_merge_is_on_main():
    pull, repo = world["pull"], world["repo"]
    done = pull.merge(merge_method="squash", sha=world["commit"].sha)
    assert done.merged is True and SHA.fullmatch(done.sha)
    assert pull.is_merged()
    pull.update()
    assert pull.merged and pull.merge_commit_sha == done.sha and aware(pull.merged_at) and pull.merged_by.login
    assert "web:1.4.2" in repo.get_contents(PATH).decoded_content.decode()
    ref = repo.get_git_ref(f"heads/{HEAD}")
    ref.delete()
    fails(GithubException, 422, "Reference does not exist", ref.delete)


def what_conflicts_is_405():
    repo = world["repo"]
    [other] = repo.get_pulls(head="acme:other/a")
    fails(GithubException, 405, "merge conflicts", other.merge)
    other.edit(state="closed")
    assert other.state == "closed" and aware(other.closed_at)


def the_rate_limit_is_told():
    limit = as_user.get_rate_limit().resources.core
    assert limit.remaining > 0 and aware(limit.reset)
    assert as_user.get_user().login == "promote-bot"


CHECKS = [
    an_app_finds_its_installation_by_a_jwt,
    it_mints_a_narrower_token,
    the_repository_has_its_types,
    a_promotion_is_proposed,
    what_exists_already_is_422,
    what_is_missing_is_an_unknown_object,
    bad_credentials_and_missing_permissions,
    labels_and_comments,
    checks_and_statuses,
    pull_requests_page_by_page,
    mergeable_is_none_until_github_has_looked,
    a_merge_of_another_head_is_409,
    the_merge_is_on_main,
    what_conflicts_is_405,
    the_rate_limit_is_told,
]


def main():
    passed = failed = 0
    for check in CHECKS:
        name = check.__name__.replace("_", " ")
        try:
            check()
            passed += 1
            print(f"  {name}")
        except Exception:
            failed += 1
            print(f"  FAILED: {name}")
            traceback.print_exc(file=sys.stdout)
    print(f"pygithub: {passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
