//! Every operation with its name, its page in the documentation and the permission that it needs.

use super::super::answer::GitHubReply;
use super::super::call::GitHubCall;
use super::super::identity::PermissionLevel::{self, Read, Write};
use super::super::{
    GitHub, apps, attestations, checks, commits, contents, deployments, environments, graphql,
    issues, limits, merge, merge_branch, minting, objects, pulls, put_contents, refs, repos,
    reviews, rules, workflows,
};

/// The credential and permission that an operation needs.
#[derive(Clone, Copy, Debug)]
pub(super) enum RouteNeed {
    Nothing,
    Credential,
    /// A claim signed by an App.
    App,
    /// A claim signed by an App, about a repository.
    AppRepository,
    /// One of these permissions on a repository.
    Repository(&'static [&'static str], PermissionLevel),
}

/// An operation.
pub(super) struct GitHubRoute {
    pub(super) method: &'static str,
    pub(super) pattern: &'static str,
    /// The operation's id in GitHub's OpenAPI description.
    pub(super) operation: &'static str,
    /// The page below `docs.github.com/rest`.
    pub(super) docs: &'static str,
    pub(super) need: RouteNeed,
    pub(super) run: fn(&mut GitHub, &GitHubCall<'_>) -> GitHubReply,
}

const fn route(
    method: &'static str,
    pattern: &'static str,
    operation: &'static str,
    docs: &'static str,
    need: RouteNeed,
    run: fn(&mut GitHub, &GitHubCall<'_>) -> GitHubReply,
) -> GitHubRoute {
    GitHubRoute {
        method,
        pattern,
        operation,
        docs,
        need,
        run,
    }
}

const ACTIONS_READ: RouteNeed = RouteNeed::Repository(&["actions"], Read);
const CONTENTS_READ: RouteNeed = RouteNeed::Repository(&["contents"], Read);
const CONTENTS_WRITE: RouteNeed = RouteNeed::Repository(&["contents"], Write);
const PULLS_READ: RouteNeed = RouteNeed::Repository(&["pull_requests"], Read);
const PULLS_WRITE: RouteNeed = RouteNeed::Repository(&["pull_requests"], Write);
// A pull request is an issue too: either permission will do for its comments and labels.
const ISSUES_READ: RouteNeed = RouteNeed::Repository(&["issues", "pull_requests"], Read);
const ISSUES_WRITE: RouteNeed = RouteNeed::Repository(&["issues", "pull_requests"], Write);

/// Permissions as in GitHub's "Permissions required for GitHub Apps".
#[rustfmt::skip]
pub(super) const ROUTES: &[GitHubRoute] = &[
    route("GET", "/", "meta/root", "meta/meta#github-api-root", RouteNeed::Nothing, repos::root),
    route("GET", "/rate_limit", "rate-limit/get", "rate-limit/rate-limit#get-rate-limit-status-for-the-authenticated-user", RouteNeed::Nothing, limits::overview),
    route("GET", "/user", "users/get-authenticated", "users/users#get-the-authenticated-user", RouteNeed::Credential, repos::user),
    route("POST", "/graphql", "graphql", "", RouteNeed::Credential, graphql::answer),
    route("POST", "/api/graphql", "graphql", "", RouteNeed::Credential, graphql::answer),
    route("GET", "/app", "apps/get-authenticated", "apps/apps#get-the-authenticated-app", RouteNeed::App, apps::authenticated),
    route("GET", "/app/installations", "apps/list-installations", "apps/apps#list-installations-for-the-authenticated-app", RouteNeed::App, apps::installations),
    route("GET", "/app/installations/{installation}", "apps/get-installation", "apps/apps#get-an-installation-for-the-authenticated-app", RouteNeed::App, apps::installation),
    route("GET", "/installation/repositories", "apps/list-repos-accessible-to-installation", "apps/installations#list-repositories-accessible-to-the-app-installation", RouteNeed::Credential, minting::repositories),
    route("POST", "/app/installations/{installation}/access_tokens", "apps/create-installation-access-token", "apps/apps#create-an-installation-access-token-for-an-app", RouteNeed::App, minting::create),
    route("DELETE", "/installation/token", "apps/revoke-installation-access-token", "apps/installations#revoke-an-installation-access-token", RouteNeed::Credential, minting::revoke),
    route("GET", "/repos/{owner}/{repo}", "repos/get", "repos/repos#get-a-repository", RouteNeed::Repository(&["metadata"], Read), repos::get),
    route("GET", "/repos/{owner}/{repo}/installation", "apps/get-repo-installation", "apps/apps#get-a-repository-installation-for-the-authenticated-app", RouteNeed::AppRepository, apps::repository_installation),
    route("GET", "/repos/{owner}/{repo}/actions/workflows/{workflow}", "actions/get-workflow", "actions/workflows#get-a-workflow", ACTIONS_READ, workflows::get),
    route("GET", "/repos/{owner}/{repo}/actions/workflows/{workflow}/runs", "actions/list-workflow-runs", "actions/workflow-runs#list-workflow-runs-for-a-workflow", ACTIONS_READ, workflows::runs),
    route("GET", "/repos/{owner}/{repo}/actions/runs/{run}/approvals", "actions/get-reviews-for-run", "actions/workflow-runs#get-the-review-history-for-a-workflow-run", ACTIONS_READ, workflows::approvals),
    route("GET", "/repos/{owner}/{repo}/deployments", "repos/list-deployments", "deployments/deployments#list-deployments", RouteNeed::Repository(&["deployments"], Read), deployments::list),
    route("POST", "/repos/{owner}/{repo}/deployments", "repos/create-deployment", "deployments/deployments#create-a-deployment", RouteNeed::Repository(&["deployments"], Write), deployments::create),
    route("GET", "/repos/{owner}/{repo}/deployments/{deployment}/statuses", "repos/list-deployment-statuses", "deployments/statuses#list-deployment-statuses", RouteNeed::Repository(&["deployments"], Read), deployments::statuses),
    route("POST", "/repos/{owner}/{repo}/deployments/{deployment}/statuses", "repos/create-deployment-status", "deployments/statuses#create-a-deployment-status", RouteNeed::Repository(&["deployments"], Write), deployments::create_status),
    route("GET", "/repos/{owner}/{repo}/environments", "repos/get-all-environments", "deployments/environments#list-environments", ACTIONS_READ, environments::environments),
    route("GET", "/repos/{owner}/{repo}/environments/{environment}", "repos/get-environment", "deployments/environments#get-an-environment", ACTIONS_READ, environments::environment_of_name),
    route("GET", "/repos/{owner}/{repo}/environments/{environment}/deployment-branch-policies", "repos/list-deployment-branch-policies", "deployments/branch-policies#list-deployment-branch-policies", ACTIONS_READ, environments::branch_policies),
    route("GET", "/repos/{owner}/{repo}/attestations/{digest}", "repos/list-attestations", "repos/attestations#list-attestations", RouteNeed::Repository(&["attestations"], Read), attestations::list),
    // Not of the API: where bundles are kept, which signed addresses lead to.
    route("GET", "/stored/attestations/{id}/{at}", "stored-bundle", "", RouteNeed::Nothing, attestations::bundle),
    route("GET", "/repos/{owner}/{repo}/branches/{*branch}", "repos/get-branch", "branches/branches#get-a-branch", CONTENTS_READ, repos::branch),
    route("GET", "/repos/{owner}/{repo}/rules/branches/{*branch}", "repos/get-branch-rules", "repos/rules#get-rules-for-a-branch", RouteNeed::Repository(&["metadata"], Read), rules::list),
    route("GET", "/repos/{owner}/{repo}/contents", "repos/get-content", "repos/contents#get-repository-content", CONTENTS_READ, contents::get),
    route("GET", "/repos/{owner}/{repo}/contents/{*path}", "repos/get-content", "repos/contents#get-repository-content", CONTENTS_READ, contents::get),
    route("PUT", "/repos/{owner}/{repo}/contents/{*path}", "repos/create-or-update-file-contents", "repos/contents#create-or-update-file-contents", CONTENTS_WRITE, put_contents::put),
    route("GET", "/repos/{owner}/{repo}/git/ref/{*ref}", "git/get-ref", "git/refs#get-a-reference", CONTENTS_READ, refs::get),
    route("GET", "/repos/{owner}/{repo}/git/matching-refs/{*ref}", "git/list-matching-refs", "git/refs#list-matching-references", CONTENTS_READ, refs::matching),
    // Older clients read refs here, one or all below a prefix; GitHub still answers.
    route("GET", "/repos/{owner}/{repo}/git/refs", "git/list-matching-refs", "git/refs#list-matching-references", CONTENTS_READ, refs::matching),
    route("GET", "/repos/{owner}/{repo}/git/refs/{*ref}", "git/get-ref", "git/refs#get-a-reference", CONTENTS_READ, refs::get_or_list),
    route("POST", "/repos/{owner}/{repo}/git/refs", "git/create-ref", "git/refs#create-a-reference", CONTENTS_WRITE, refs::create),
    route("PATCH", "/repos/{owner}/{repo}/git/refs/{*ref}", "git/update-ref", "git/refs#update-a-reference", CONTENTS_WRITE, refs::update),
    route("DELETE", "/repos/{owner}/{repo}/git/refs/{*ref}", "git/delete-ref", "git/refs#delete-a-reference", CONTENTS_WRITE, refs::delete),
    route("POST", "/repos/{owner}/{repo}/git/blobs", "git/create-blob", "git/blobs#create-a-blob", CONTENTS_WRITE, objects::create_blob),
    route("GET", "/repos/{owner}/{repo}/git/blobs/{sha}", "git/get-blob", "git/blobs#get-a-blob", CONTENTS_READ, objects::blob),
    route("POST", "/repos/{owner}/{repo}/git/trees", "git/create-tree", "git/trees#create-a-tree", CONTENTS_WRITE, objects::create_tree),
    route("GET", "/repos/{owner}/{repo}/git/trees/{*sha}", "git/get-tree", "git/trees#get-a-tree", CONTENTS_READ, objects::tree),
    route("POST", "/repos/{owner}/{repo}/git/commits", "git/create-commit", "git/commits#create-a-commit", CONTENTS_WRITE, commits::create),
    route("GET", "/repos/{owner}/{repo}/git/commits/{sha}", "git/get-commit", "git/commits#get-a-commit-object", CONTENTS_READ, commits::get_object),
    route("GET", "/repos/{owner}/{repo}/commits/{*ref}/check-runs", "checks/list-for-ref", "checks/runs#list-check-runs-for-a-git-reference", RouteNeed::Repository(&["checks"], Read), checks::runs),
    route("GET", "/repos/{owner}/{repo}/commits/{*ref}/status", "repos/get-combined-status-for-ref", "commits/statuses#get-the-combined-status-for-a-specific-reference", RouteNeed::Repository(&["statuses"], Read), checks::combined),
    route("GET", "/repos/{owner}/{repo}/commits/{*ref}/statuses", "repos/list-commit-statuses-for-ref", "commits/statuses#list-commit-statuses-for-a-reference", RouteNeed::Repository(&["statuses"], Read), checks::statuses),
    route("GET", "/repos/{owner}/{repo}/commits/{sha}/pulls", "repos/list-pull-requests-associated-with-commit", "commits/commits#list-pull-requests-associated-with-a-commit", PULLS_READ, pulls::of_commit),
    route("GET", "/repos/{owner}/{repo}/collaborators/{user}/permission", "repos/get-collaborator-permission-level", "collaborators/collaborators#get-repository-permissions-for-a-user", RouteNeed::Repository(&["metadata"], Read), repos::permission),
    route("GET", "/repos/{owner}/{repo}/commits/{*ref}", "repos/get-commit", "commits/commits#get-a-commit", CONTENTS_READ, commits::get),
    route("POST", "/repos/{owner}/{repo}/statuses/{sha}", "repos/create-commit-status", "commits/statuses#create-a-commit-status", RouteNeed::Repository(&["statuses"], Write), checks::create_status),
    route("GET", "/repos/{owner}/{repo}/compare/{*basehead}", "repos/compare-commits-with-basehead", "commits/commits#compare-two-commits", CONTENTS_READ, commits::compare),
    route("POST", "/repos/{owner}/{repo}/merges", "repos/merge", "branches/branches#merge-a-branch", CONTENTS_WRITE, merge_branch::merge),
    route("POST", "/repos/{owner}/{repo}/pulls", "pulls/create", "pulls/pulls#create-a-pull-request", PULLS_WRITE, pulls::create),
    route("GET", "/repos/{owner}/{repo}/pulls", "pulls/list", "pulls/pulls#list-pull-requests", PULLS_READ, pulls::list),
    route("GET", "/repos/{owner}/{repo}/pulls/{number}", "pulls/get", "pulls/pulls#get-a-pull-request", PULLS_READ, pulls::get),
    route("PATCH", "/repos/{owner}/{repo}/pulls/{number}", "pulls/update", "pulls/pulls#update-a-pull-request", PULLS_WRITE, pulls::update),
    route("GET", "/repos/{owner}/{repo}/pulls/{number}/files", "pulls/list-files", "pulls/pulls#list-pull-requests-files", PULLS_READ, reviews::files),
    route("GET", "/repos/{owner}/{repo}/pulls/{number}/commits", "pulls/list-commits", "pulls/pulls#list-commits-on-a-pull-request", PULLS_READ, reviews::commits),
    route("GET", "/repos/{owner}/{repo}/pulls/{number}/merge", "pulls/check-if-merged", "pulls/pulls#check-if-a-pull-request-has-been-merged", PULLS_READ, merge::check),
    route("PUT", "/repos/{owner}/{repo}/pulls/{number}/merge", "pulls/merge", "pulls/pulls#merge-a-pull-request", CONTENTS_WRITE, merge::merge),
    route("PUT", "/repos/{owner}/{repo}/pulls/{number}/update-branch", "pulls/update-branch", "pulls/pulls#update-a-pull-request-branch", PULLS_WRITE, merge_branch::update),
    route("GET", "/repos/{owner}/{repo}/pulls/{number}/reviews", "pulls/list-reviews", "pulls/reviews#list-reviews-for-a-pull-request", PULLS_READ, reviews::list),
    route("POST", "/repos/{owner}/{repo}/pulls/{number}/reviews", "pulls/create-review", "pulls/reviews#create-a-review-for-a-pull-request", PULLS_WRITE, reviews::create),
    route("POST", "/repos/{owner}/{repo}/pulls/{number}/requested_reviewers", "pulls/request-reviewers", "pulls/review-requests#request-reviewers-for-a-pull-request", PULLS_WRITE, reviews::request),
    route("GET", "/repos/{owner}/{repo}/issues/{number}", "issues/get", "issues/issues#get-an-issue", ISSUES_READ, issues::get),
    route("GET", "/repos/{owner}/{repo}/issues/{number}/comments", "issues/list-comments", "issues/comments#list-issue-comments", ISSUES_READ, issues::comments),
    route("POST", "/repos/{owner}/{repo}/issues/{number}/comments", "issues/create-comment", "issues/comments#create-an-issue-comment", ISSUES_WRITE, issues::comment),
    route("PATCH", "/repos/{owner}/{repo}/issues/comments/{comment}", "issues/update-comment", "issues/comments#update-an-issue-comment", ISSUES_WRITE, issues::edit_comment),
    route("GET", "/repos/{owner}/{repo}/issues/{number}/labels", "issues/list-labels-on-issue", "issues/labels#list-labels-for-an-issue", ISSUES_READ, issues::labels),
    route("POST", "/repos/{owner}/{repo}/issues/{number}/labels", "issues/add-labels", "issues/labels#add-labels-to-an-issue", ISSUES_WRITE, issues::add_labels),
    route("DELETE", "/repos/{owner}/{repo}/issues/{number}/labels/{name}", "issues/remove-label", "issues/labels#remove-a-label-from-an-issue", ISSUES_WRITE, issues::remove_label),
    route("POST", "/repos/{owner}/{repo}/issues/{number}/assignees", "issues/add-assignees", "issues/assignees#add-assignees-to-an-issue", ISSUES_WRITE, issues::assign),
    route("POST", "/repos/{owner}/{repo}/labels", "issues/create-label", "issues/labels#create-a-label", ISSUES_WRITE, issues::create_label),
    route("GET", "/repos/{owner}/{repo}/labels/{name}", "issues/get-label", "issues/labels#get-a-label", ISSUES_READ, issues::label),
];
