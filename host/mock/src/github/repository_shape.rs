//! The JSON forms of a repository: minimal, and one that holds for the short and the long schema.

use serde_json::{Map, Value, json};

use super::shapes::{UrlBase, node_id, with, without};
use super::state::{PullState, RepositoryState};

pub(super) fn repository_node_id(repository: &RepositoryState) -> String {
    node_id("R", repository.id)
}

/// A repository in its shortest form, as answers about something else hold it.
pub(super) fn minimal(urls: &UrlBase, repository: &RepositoryState) -> Value {
    let api = urls.repository(repository);
    let mut fields = Map::new();
    for (name, below) in LINKS {
        fields.insert((*name).into(), format!("{api}{below}").into());
    }
    let shape = json!({
        "id": repository.id,
        "node_id": repository_node_id(repository),
        "name": repository.name,
        "full_name": repository.full_name(),
        "owner": urls.account(&repository.owner, "Organization"),
        "private": repository.settings.private,
        "html_url": urls.page(repository),
        "description": null,
        "fork": false,
        "url": api,
    });
    with(Value::Object(fields), shape)
}

/// A repository, in the form that holds for the short and the long schema.
pub(super) fn repository(urls: &UrlBase, repository: &RepositoryState, newest: bool) -> Value {
    let page = urls.page(repository);
    let settings = &repository.settings;
    let open = repository
        .pulls
        .values()
        .filter(|pull| pull.state == PullState::Open)
        .count();
    let host = urls
        .html
        .trim_start_matches("https://")
        .trim_start_matches("http://");
    let name = repository.full_name();
    let shape = json!({
        "visibility": if settings.private { "private" } else { "public" },
        "git_url": format!("git://{host}/{name}.git"),
        "ssh_url": format!("git@{host}:{name}.git"),
        "clone_url": format!("{page}.git"),
        "svn_url": page,
        "mirror_url": null,
        "homepage": null,
        "language": null,
        "license": null,
    });
    let counts = json!({
        "forks": 0, "forks_count": 0,
        "stargazers_count": 0,
        "watchers": 0, "watchers_count": 0,
        "size": 1,
        "open_issues": open, "open_issues_count": open,
        "default_branch": settings.default_branch,
        "is_template": false,
        "topics": [],
        "has_issues": settings.has_issues,
        "has_projects": true, "has_wiki": false, "has_pages": false, "has_discussions": false, "has_downloads": true,
        "archived": settings.archived,
        "disabled": false,
        "allow_forking": false,
        "web_commit_signoff_required": false,
        "pushed_at": repository.pushed_at.to_string(),
        "created_at": repository.created_at.to_string(),
        "updated_at": repository.pushed_at.to_string(),
    });
    let mut shape = with(with(minimal(urls, repository), shape), counts);
    if newest {
        without(&mut shape, &["has_downloads"]);
    }
    shape
}

/// Addresses that follow from the repository's own.
const LINKS: &[(&str, &str)] = &[
    ("archive_url", "/{archive_format}{/ref}"),
    ("assignees_url", "/assignees{/user}"),
    ("blobs_url", "/git/blobs{/sha}"),
    ("branches_url", "/branches{/branch}"),
    ("collaborators_url", "/collaborators{/collaborator}"),
    ("comments_url", "/comments{/number}"),
    ("commits_url", "/commits{/sha}"),
    ("compare_url", "/compare/{base}...{head}"),
    ("contents_url", "/contents/{+path}"),
    ("contributors_url", "/contributors"),
    ("deployments_url", "/deployments"),
    ("downloads_url", "/downloads"),
    ("events_url", "/events"),
    ("forks_url", "/forks"),
    ("git_commits_url", "/git/commits{/sha}"),
    ("git_refs_url", "/git/refs{/sha}"),
    ("git_tags_url", "/git/tags{/sha}"),
    ("hooks_url", "/hooks"),
    ("issue_comment_url", "/issues/comments{/number}"),
    ("issue_events_url", "/issues/events{/number}"),
    ("issues_url", "/issues{/number}"),
    ("keys_url", "/keys{/key_id}"),
    ("labels_url", "/labels{/name}"),
    ("languages_url", "/languages"),
    ("merges_url", "/merges"),
    ("milestones_url", "/milestones{/number}"),
    (
        "notifications_url",
        "/notifications{?since,all,participating}",
    ),
    ("pulls_url", "/pulls{/number}"),
    ("releases_url", "/releases{/id}"),
    ("stargazers_url", "/stargazers"),
    ("statuses_url", "/statuses/{sha}"),
    ("subscribers_url", "/subscribers"),
    ("subscription_url", "/subscription"),
    ("tags_url", "/tags"),
    ("teams_url", "/teams"),
    ("trees_url", "/git/trees{/sha}"),
];
