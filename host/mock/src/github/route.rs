//! From a request to its operation: routes, credentials, permissions, redirects, limits.
//!
//! The order in which GitHub refuses is kept: user agent, version, credential, rate limit, route, repository,
//! permission, body; only then does an operation see the request.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::answer::{AnswerBody, GitHubAnswer, GitHubReply};
use super::call::{GitHubCall, parse_query};
use super::identity::{PermissionLevel, RequestCaller, TokenKind, identify};
use super::shapes::UrlBase;
use super::{GitHub, limits};
use promote_core::service::transport::HttpRequest;

mod find;
mod table;

use find::{find, numbered};
use table::{GitHubRoute, RouteNeed};

/// Versions of the API that are served; the second dropped fields, which the shapes leave out.
const VERSIONS: [&str; 2] = ["2022-11-28", "2026-03-10"];

/// The names of all operations, as in GitHub's OpenAPI description.
pub fn operations() -> impl Iterator<Item = &'static str> {
    table::ROUTES.iter().map(|route| route.operation)
}

/// Answers a request.
pub(super) fn answer(github: &mut GitHub, now: Timestamp, request: &HttpRequest) -> GitHubAnswer {
    let version = match version(request) {
        Ok(version) => version,
        Err(refusal) => return refusal,
    };
    let answer = match identify(github, now, request) {
        Ok(caller) => limited(github, now, request, &caller, version),
        // A bad credential is counted like none.
        Err(refusal) => {
            let budget = github
                .rate_limits
                .spend(now, &RequestCaller::Anonymous, "core", 1);
            budget.headers(refusal)
        }
    };
    answer.header("x-github-api-version-selected", version)
}

fn version(request: &HttpRequest) -> Result<&'static str, GitHubAnswer> {
    let user_agent = request.headers().get(http::header::USER_AGENT);
    if user_agent.is_none_or(|agent| agent.as_bytes().trim_ascii().is_empty()) {
        let text = "Request forbidden by administrative rules. Please make sure your request has a User-Agent header \
                    (https://docs.github.com/en/rest/overview/resources-in-the-rest-api#user-agent-required).\n";
        let kind = "text/html; charset=utf-8".into();
        return Err(GitHubAnswer::new(
            403,
            AnswerBody::Raw {
                kind,
                content: text.into(),
            },
        ));
    }
    let Some(asked) = request.headers().get("x-github-api-version") else {
        return Ok(VERSIONS[0]);
    };
    let known = VERSIONS.into_iter().find(|version| asked == version);
    known.ok_or_else(|| {
        let message =
            "The version that you specified in the `X-GitHub-Api-Version` header is not supported.";
        GitHubAnswer::error(400, message).documented("about-the-rest-api/api-versions")
    })
}

/// Counts the request against the caller's budget, and answers it if there is one.
fn limited(
    github: &mut GitHub,
    now: Timestamp,
    request: &HttpRequest,
    caller: &RequestCaller,
    version: &str,
) -> GitHubAnswer {
    let path = request.uri().path();
    let resource = if path.ends_with("/graphql") {
        "graphql"
    } else {
        "core"
    };
    let cost = u64::from(!path.ends_with("/rate_limit"));
    let budget = github.rate_limits.spend(now, caller, resource, cost);
    if cost > 0 && budget.exhausted() {
        let refusal = if resource == "graphql" {
            limits::exceeded_graphql(caller)
        } else {
            limits::exceeded(caller)
        };
        return budget.headers(refusal);
    }
    let answer = routed(github, now, request, caller, version);
    let answer = if matches!(request.method().as_str(), "GET" | "HEAD") {
        let seen = request.headers().get(http::header::IF_NONE_MATCH);
        let seen = seen.and_then(|value| value.to_str().ok());
        answer.conditional(seen.unwrap_or_default())
    } else {
        answer
    };
    let free = answer.status == 304 && !matches!(caller, RequestCaller::Anonymous);
    let budget = if free {
        github.rate_limits.refund(now, caller, resource)
    } else {
        budget
    };
    let answer = budget.headers(answer);
    // GitHub names the end of a person's token on every answer, in this form (GitHub, "Token expiration").
    let personal = [TokenKind::Classic, TokenKind::FineGrained];
    match caller
        .token()
        .filter(|token| personal.contains(&token.kind))
        .and_then(|token| token.expires_at)
    {
        Some(end) => {
            let end = end.strftime("%Y-%m-%d %H:%M:%S UTC").to_string();
            answer.header("github-authentication-token-expiration", end)
        }
        None => answer,
    }
}

fn routed(
    github: &mut GitHub,
    now: Timestamp,
    request: &HttpRequest,
    caller: &RequestCaller,
    version: &str,
) -> GitHubAnswer {
    let path = request.uri().path();
    let path = path.strip_prefix(&*github.api_base).unwrap_or(path);
    let urls = UrlBase::of(github, request);
    let path = match numbered(github, path) {
        Some(path) => path,
        None => path.to_owned(),
    };
    let Some((route, parts)) = find(request.method().as_str(), &path) else {
        github
            .unknown_routes
            .push(format!("{} {path}", request.method()));
        return GitHubAnswer::not_found().documented("");
    };
    let mut call = GitHubCall {
        now,
        request,
        caller: caller.clone(),
        urls,
        newest: version == VERSIONS[1],
        path: parts,
        query: parse_query(request.uri().query().unwrap_or_default()),
        body: Map::new(),
        repository: 0,
    };
    let reply = run(github, route, &mut call, &path);
    if reply.is_ok() {
        github.after_operation(route.operation);
    }
    let answer = match reply {
        Ok(answer) | Err(answer) => answer.documented(route.docs),
    };
    with_requirements(answer, route, caller)
}

/// Adds the headers that tell what the operation needs: permissions, and scopes for a classic token.
fn with_requirements(
    mut answer: GitHubAnswer,
    route: &GitHubRoute,
    caller: &RequestCaller,
) -> GitHubAnswer {
    if let RouteNeed::Repository(permissions, level) = route.need
        && !matches!(caller, RequestCaller::App(_))
    {
        let permissions = match route.operation {
            "pulls/get" => "pull_requests=read; contents=read".to_owned(),
            "git/update-ref" => "contents=write; contents=write,workflows=write".to_owned(),
            _ => accepted(permissions, level),
        };
        answer = answer.header("x-accepted-github-permissions", permissions);
    }
    if route.operation == "users/get-authenticated" {
        let permissions = "allows_permissionless_access=true";
        answer = answer.header("x-accepted-github-permissions", permissions);
    }
    if route.operation.starts_with("git/") && route.docs.starts_with("git/refs") {
        answer = answer.header("x-poll-interval", "300");
    }
    let token = caller.token();
    if token.is_some_and(|token| token.kind == TokenKind::Classic) {
        let is_repository = matches!(route.need, RouteNeed::Repository(..));
        let scopes = if is_repository { "repo" } else { "" };
        answer = answer
            .header("x-oauth-scopes", "repo")
            .header("x-accepted-oauth-scopes", scopes);
    }
    answer
}

fn run(
    github: &mut GitHub,
    route: &GitHubRoute,
    call: &mut GitHubCall<'_>,
    path: &str,
) -> GitHubReply {
    match route.need {
        RouteNeed::Nothing => {}
        RouteNeed::Credential if call.caller.token().is_none() => {
            return Err(GitHubAnswer::unauthorized("Requires authentication"));
        }
        RouteNeed::Credential => {}
        RouteNeed::App if !matches!(call.caller, RequestCaller::App(_)) => {
            return Err(GitHubAnswer::unauthorized(
                "A JSON web token could not be decoded",
            ));
        }
        RouteNeed::App => {}
        RouteNeed::AppRepository | RouteNeed::Repository(..) => {
            call.repository = locate(github, call, path)?;
            admit(github, route, call)?;
        }
    }
    call.body = body(call.request)?;
    github.before_operation(route.operation);
    (route.run)(github, call)
}

/// Finds the repository, redirects from its former names, and hides it from those without access.
fn locate(github: &GitHub, call: &GitHubCall<'_>, path: &str) -> Result<usize, GitHubAnswer> {
    let owner = call.part("owner");
    let name = call.part("repo");
    let same = |full: &str| full.eq_ignore_ascii_case(&format!("{owner}/{name}"));
    let visible = |place: &usize| {
        let repository = &github.repositories[*place];
        matches!(call.caller, RequestCaller::App(_)) || call.caller.reaches(repository)
    };
    let mut all = github.repositories.iter();
    if let Some(place) = all.position(|repository| same(&repository.full_name())) {
        return Some(place)
            .filter(visible)
            .ok_or_else(GitHubAnswer::not_found);
    }
    let mut all = github.repositories.iter();
    let moved = all.position(|repository| repository.renamed_from.iter().any(|old| same(old)));
    let moved = moved.filter(visible).ok_or_else(GitHubAnswer::not_found)?;
    let below = path
        .splitn(5, '/')
        .nth(4)
        .map(|rest| format!("/{rest}"))
        .unwrap_or_default();
    let query = call
        .request
        .uri()
        .query()
        .map(|query| format!("?{query}"))
        .unwrap_or_default();
    let id = github.repositories[moved].id;
    let url = format!("{}/repositories/{id}{below}{query}", call.urls.api);
    let reads = matches!(call.request.method().as_str(), "GET" | "HEAD");
    // 301 may turn a POST into a GET on the way; 307 keeps method and body. The words are the same.
    let status = if reads { 301 } else { 307 };
    let body = json!({
        "message": "Moved Permanently",
        "url": url,
        "documentation_url": "https://docs.github.com/v3/#http-redirects",
    });
    Err(GitHubAnswer::json(status, body).header("location", url))
}

/// Checks that the caller may do this to this repository.
fn admit(github: &GitHub, route: &GitHubRoute, call: &GitHubCall<'_>) -> Result<(), GitHubAnswer> {
    let RouteNeed::Repository(permissions, level) = route.need else {
        return match call.caller {
            RequestCaller::App(_) => Ok(()),
            _ => Err(GitHubAnswer::unauthorized(
                "A JSON web token could not be decoded",
            )),
        };
    };
    let repository = &github.repositories[call.repository];
    let token = match &call.caller {
        RequestCaller::App(_) => {
            return Err(GitHubAnswer::error(
                403,
                "Resource not accessible by integration",
            ));
        }
        RequestCaller::Anonymous if level == PermissionLevel::Read => return Ok(()),
        RequestCaller::Anonymous => {
            return Err(GitHubAnswer::unauthorized("Requires authentication"));
        }
        RequestCaller::Token { token, .. } => token,
    };
    if !permissions
        .iter()
        .any(|permission| call.may(permission, level, repository))
    {
        if level == PermissionLevel::Read && !repository.settings.private {
            return Ok(());
        }
        let refused = match token.kind {
            TokenKind::Classic => return Err(GitHubAnswer::not_found()),
            TokenKind::FineGrained => "Resource not accessible by personal access token",
            TokenKind::Installation { .. } | TokenKind::Actions => {
                "Resource not accessible by integration"
            }
        };
        return Err(GitHubAnswer::error(403, refused));
    }
    if level == PermissionLevel::Write && repository.settings.archived {
        return Err(GitHubAnswer::error(
            403,
            "Repository was archived so is read-only.",
        ));
    }
    Ok(())
}

/// The permissions that would do, as a header says them.
fn accepted(permissions: &[&str], level: PermissionLevel) -> String {
    permissions
        .iter()
        .map(|permission| format!("{permission}={}", level.name()))
        .collect::<Vec<_>>()
        .join("; ")
}

/// The body, which is an object or nothing.
fn body(request: &HttpRequest) -> Result<Map<String, Value>, GitHubAnswer> {
    if request.body().is_empty() {
        return Ok(Map::new());
    }
    match serde_json::from_slice(request.body()) {
        Ok(Value::Object(body)) => Ok(body),
        Ok(Value::Null) => Ok(Map::new()),
        // Labels may come as a bare list (GitHub REST, Add labels to an issue).
        Ok(Value::Array(items)) if request.uri().path().ends_with("/labels") => {
            Ok(Map::from_iter([("labels".to_owned(), Value::Array(items))]))
        }
        Ok(_) => Err(GitHubAnswer::error(400, "Body should be a JSON object").documented("")),
        Err(_) => Err(GitHubAnswer::error(400, "Problems parsing JSON").documented("")),
    }
}
