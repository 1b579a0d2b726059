//! Repositories, branches, and who one is.

use serde_json::{Map, Value, json};

use super::GitHub;
use super::answer::{GitHubAnswer, GitHubReply};
use super::call::GitHubCall;
use super::commits::commit_shape;
use super::identity::{PermissionLevel, TokenKind};
use super::shapes::with;

/// Names in the root's answer, and where they lead.
const ROOT: &[(&str, &str)] = &[
    ("current_user_url", "/user"),
    (
        "current_user_authorizations_html_url",
        "/settings/connections/applications{/client_id}",
    ),
    ("authorizations_url", "/authorizations"),
    (
        "code_search_url",
        "/search/code?q={query}{&page,per_page,sort,order}",
    ),
    (
        "commit_search_url",
        "/search/commits?q={query}{&page,per_page,sort,order}",
    ),
    ("emails_url", "/user/emails"),
    ("emojis_url", "/emojis"),
    ("events_url", "/events"),
    ("feeds_url", "/feeds"),
    ("followers_url", "/user/followers"),
    ("following_url", "/user/following{/target}"),
    ("gists_url", "/gists{/gist_id}"),
    ("hub_url", "/hub"),
    (
        "issue_search_url",
        "/search/issues?q={query}{&page,per_page,sort,order}",
    ),
    ("issues_url", "/issues"),
    ("keys_url", "/user/keys"),
    (
        "label_search_url",
        "/search/labels?q={query}&repository_id={repository_id}{&page,per_page}",
    ),
    ("notifications_url", "/notifications"),
    ("organization_url", "/orgs/{org}"),
    (
        "organization_repositories_url",
        "/orgs/{org}/repos{?type,page,per_page,sort}",
    ),
    ("organization_teams_url", "/orgs/{org}/teams"),
    ("public_gists_url", "/gists/public"),
    ("rate_limit_url", "/rate_limit"),
    ("repository_url", "/repos/{owner}/{repo}"),
    (
        "repository_search_url",
        "/search/repositories?q={query}{&page,per_page,sort,order}",
    ),
    (
        "current_user_repositories_url",
        "/user/repos{?type,page,per_page,sort}",
    ),
    ("starred_url", "/user/starred{/owner}{/repo}"),
    ("starred_gists_url", "/gists/starred"),
    (
        "topic_search_url",
        "/search/topics?q={query}{&page,per_page}",
    ),
    ("user_url", "/users/{user}"),
    ("user_organizations_url", "/user/orgs"),
    (
        "user_repositories_url",
        "/users/{user}/repos{?type,page,per_page,sort}",
    ),
    (
        "user_search_url",
        "/search/users?q={query}{&page,per_page,sort,order}",
    ),
];

pub(super) fn root(_: &mut GitHub, call: &GitHubCall<'_>) -> GitHubReply {
    GitHubAnswer::ok(Value::Object(
        ROOT.iter()
            .map(|(name, path)| {
                (
                    (*name).to_owned(),
                    format!("{}{path}", call.urls.api).into(),
                )
            })
            .collect::<Map<_, _>>(),
    ))
}

pub(super) fn user(_: &mut GitHub, call: &GitHubCall<'_>) -> GitHubReply {
    let Some(token) = call.caller.token() else {
        return Err(GitHubAnswer::unauthorized("Requires authentication"));
    };
    if matches!(
        token.kind,
        TokenKind::Installation { .. } | TokenKind::Actions
    ) {
        return Err(GitHubAnswer::error(
            403,
            "Resource not accessible by integration",
        ));
    }
    let epoch = "2020-01-01T00:00:00Z";
    let more = json!({
        "name": token.login, "company": null, "blog": "", "location": null, "email": null, "hireable": null,
        "bio": null, "public_repos": 0, "public_gists": 0, "followers": 0, "following": 0,
        "twitter_username": null, "created_at": epoch, "updated_at": epoch,
    });
    GitHubAnswer::ok(with(call.urls.user(&token.login), more))
}

pub(super) fn get(github: &mut GitHub, call: &GitHubCall<'_>) -> GitHubReply {
    let repository = call.repository(github);
    let settings = &repository.settings;
    let may_write = call.may("contents", PermissionLevel::Write, repository);
    // The rights are those of the user behind a token, whatever the token may do. An installation has no user.
    let token = call.caller.token();
    let is_user = token.is_some_and(|token| {
        matches!(token.kind, TokenKind::Classic | TokenKind::FineGrained)
            && token.access.reaches(repository.id)
    });
    let full = json!({
        "subscribers_count": 0,
        "network_count": 0,
        "temp_clone_token": if repository.settings.private { json!("") } else { Value::Null },
        "organization": call.urls.account(&repository.owner, "Organization"),
    });
    let mut shape = with(
        super::repository_shape::repository(&call.urls, repository, call.newest),
        full,
    );
    if token.is_some() {
        shape["permissions"] = json!({
            "admin": false, "maintain": false, "push": is_user, "triage": is_user, "pull": is_user,
        });
    }
    if may_write {
        // Settings of merges are shown to those who may push.
        let merges = json!({
            "allow_merge_commit": settings.allow_merge_commit,
            "allow_squash_merge": settings.allow_squash_merge,
            "allow_rebase_merge": settings.allow_rebase_merge,
            "allow_auto_merge": settings.allow_auto_merge,
            "allow_update_branch": false,
            "delete_branch_on_merge": settings.delete_branch_on_merge,
        });
        shape = with(shape, merges);
    }
    GitHubAnswer::ok(shape)
}

/// What somebody may do: collaborators write, everybody else reads what is public.
pub(super) fn permission(github: &mut GitHub, call: &GitHubCall<'_>) -> GitHubReply {
    let repository = call.repository(github);
    let login = call.part("user");
    let permission = if repository.is_collaborator(login) {
        "write"
    } else if repository.settings.private {
        "none"
    } else {
        "read"
    };
    let may = |needed: &[&str]| needed.contains(&permission);
    let user = with(
        call.urls.user(login),
        json!({
            "permissions": {
                "admin": false,
                "maintain": false,
                "push": may(&["write"]),
                "triage": may(&["write"]),
                "pull": may(&["write", "read"]),
            },
            "role_name": permission,
        }),
    );
    GitHubAnswer::ok(json!({
        "permission": permission,
        "role_name": permission,
        "user": user,
    }))
}

pub(super) fn branch(github: &mut GitHub, call: &GitHubCall<'_>) -> GitHubReply {
    let name = call.part("branch");
    let repository = call.repository_mut(github);
    let head = repository.read_ref(&format!("refs/heads/{name}"));
    let head = head.ok_or_else(|| GitHubAnswer::error(404, "Branch not found"))?;
    let rules = repository.rules_of(name);
    let api = format!("{}/branches/{name}", call.urls.repository(repository));
    let mut contexts = &[][..];
    let mut level = "off";
    if rules.classic && !rules.required_checks.is_empty() {
        contexts = &rules.required_checks;
        level = "non_admins";
    }
    let checks: Vec<Value> = contexts
        .iter()
        .map(|context| json!({"context": context, "app_id": null}))
        .collect();
    GitHubAnswer::ok(json!({
        "name": name,
        "commit": commit_shape(call, repository, head),
        "_links": {"self": api, "html": format!("{}/tree/{name}", call.urls.page(repository))},
        "protected": rules.any(),
        "protection": {
            "enabled": rules.classic && rules.any(),
            "required_status_checks": {"enforcement_level": level, "contexts": contexts, "checks": checks},
        },
        "protection_url": format!("{api}/protection"),
    }))
}
