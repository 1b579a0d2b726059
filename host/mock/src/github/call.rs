//! One request, taken apart for the operation that answers it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use super::GitHub;
use super::answer::{GitHubAnswer, GitHubReply};
use super::identity::{PermissionLevel, RequestCaller};
use super::shapes::UrlBase;
use super::state::{PullRequest, RepositoryState};
use promote_core::service::transport::HttpRequest;

/// A request that found its operation.
pub(super) struct GitHubCall<'a> {
    pub(super) now: Timestamp,
    pub(super) request: &'a HttpRequest,
    pub(super) caller: RequestCaller,
    pub(super) urls: UrlBase,
    /// True if the client asked for the API version that dropped some fields.
    pub(super) newest: bool,
    pub(super) path: BTreeMap<&'static str, String>,
    pub(super) query: BTreeMap<String, String>,
    pub(super) body: Map<String, Value>,
    /// The place of the repository among all, for operations below one.
    pub(super) repository: usize,
}

impl GitHubCall<'_> {
    /// Returns the call that asks REST for what a field of GraphQL wants of the repository at `place`.
    pub(super) fn inner(
        &self,
        place: usize,
        path: BTreeMap<&'static str, String>,
        body: Value,
    ) -> Self {
        let body = match body {
            Value::Object(fields) => fields,
            _ => Map::new(),
        };
        Self {
            now: self.now,
            request: self.request,
            caller: self.caller.clone(),
            urls: self.urls.clone(),
            newest: self.newest,
            path,
            query: BTreeMap::new(),
            body,
            repository: place,
        }
    }

    /// A part of the path; the route table says that it is there.
    pub(super) fn part(&self, name: &str) -> &str {
        self.path.get(name).map_or("", String::as_str)
    }

    pub(super) fn number(&self, name: &str) -> Result<u64, GitHubAnswer> {
        self.part(name)
            .parse()
            .map_err(|_| GitHubAnswer::not_found())
    }

    pub(super) fn query(&self, name: &str) -> Option<&str> {
        self.query.get(name).map(String::as_str)
    }

    pub(super) fn header(&self, name: &str) -> &str {
        let value = self.request.headers().get(name);
        value
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// A field of the body that must be text, if it is there; null counts as absent.
    pub(super) fn text(&self, name: &str) -> Result<Option<&str>, GitHubAnswer> {
        match self.body.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(GitHubAnswer::error(
                422,
                format!("Invalid request.\n\nFor 'properties/{name}', {other} is not a string."),
            )),
        }
    }

    /// A field of the body that must be there.
    pub(super) fn required(&self, name: &str) -> Result<&str, GitHubAnswer> {
        self.text(name)?
            .ok_or_else(|| GitHubAnswer::not_supplied(name))
    }

    /// Refuses a body that lacks some of these fields, and names all that are missing.
    pub(super) fn require(&self, names: &[&str]) -> Result<(), GitHubAnswer> {
        let is_missing = |name: &str| self.body.get(name).is_none_or(Value::is_null);
        let missing: Vec<&str> = names
            .iter()
            .copied()
            .filter(|name| is_missing(name))
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        Err(GitHubAnswer::none_supplied(&missing))
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        self.body
            .get(name)
            .and_then(Value::as_bool)
            .unwrap_or(false)
    }

    /// A list of texts in the body; none if it is absent.
    pub(super) fn texts(&self, name: &str) -> Result<Option<Vec<String>>, GitHubAnswer> {
        self.body.get(name).map(texts_of).transpose()
    }

    pub(super) fn repository<'g>(&self, github: &'g GitHub) -> &'g RepositoryState {
        &github.repositories[self.repository]
    }

    pub(super) fn repository_mut<'g>(&self, github: &'g mut GitHub) -> &'g mut RepositoryState {
        &mut github.repositories[self.repository]
    }

    /// The pull request that the path names.
    pub(super) fn pull<'g>(&self, github: &'g GitHub) -> Result<&'g PullRequest, GitHubAnswer> {
        let number = self.number("number")?;
        let found = self.repository(github).pulls.get(&number);
        found.ok_or_else(GitHubAnswer::not_found)
    }

    pub(super) fn pull_mut<'g>(
        &self,
        github: &'g mut GitHub,
    ) -> Result<&'g mut PullRequest, GitHubAnswer> {
        let number = self.number("number")?;
        let found = self.repository_mut(github).pulls.get_mut(&number);
        found.ok_or_else(GitHubAnswer::not_found)
    }

    /// Returns true if the caller may do this here.
    pub(super) fn may(
        &self,
        permission: &str,
        level: PermissionLevel,
        repository: &RepositoryState,
    ) -> bool {
        self.caller.token().is_some_and(|token| {
            token.access.reaches(repository.id) && token.allows(permission, level)
        })
    }

    /// Refuses to write a workflow without the permission for it, which `contents` does not include. Where exactly
    /// GitHub refuses is not documented; it does before anything is stored.
    pub(super) fn may_write(
        &self,
        path: &str,
        repository: &RepositoryState,
    ) -> Result<(), GitHubAnswer> {
        let workflow = path.starts_with(".github/workflows/");
        if !workflow || self.may("workflows", PermissionLevel::Write, repository) {
            return Ok(());
        }
        Err(
            GitHubAnswer::error(403, "Resource not accessible by integration").header(
                "x-accepted-github-permissions",
                "contents=write,workflows=write",
            ),
        )
    }

    /// One page of a list, with `link` headers in the numeric form (GitHub REST, Using pagination).
    pub(super) fn page(
        &self,
        github: &GitHub,
        items: Vec<Value>,
        wrap: impl FnOnce(usize, Vec<Value>) -> Value,
    ) -> GitHubReply {
        let size = self.positive("per_page", 30).min(100);
        self.page_of(github, items, size, wrap)
    }

    /// Returns a number of the query that is at least 1.
    pub(super) fn positive(&self, name: &str, default: usize) -> usize {
        let given = self.query(name).and_then(|text| text.parse().ok());
        given.filter(|number| *number > 0).unwrap_or(default)
    }

    /// One page of a list whose pages have a fixed size.
    pub(super) fn page_of(
        &self,
        github: &GitHub,
        items: Vec<Value>,
        size: usize,
        wrap: impl FnOnce(usize, Vec<Value>) -> Value,
    ) -> GitHubReply {
        let page = self.positive("page", 1);
        let total = items.len();
        let pages = items.len().div_ceil(size);
        let shown = items
            .into_iter()
            .skip((page - 1).saturating_mul(size))
            .take(size)
            .collect();
        let answer = GitHubAnswer::json(200, wrap(total, shown));
        let mut targets = Vec::new();
        if page > 1 && pages > 0 {
            targets.push(("prev", (page - 1).min(pages)));
        }
        if page < pages {
            targets.extend([("next", page + 1), ("last", pages)]);
        }
        if page > 1 && pages > 0 {
            targets.push(("first", 1));
        }
        if targets.is_empty() {
            return Ok(answer);
        }
        let here = self.numeric_url(github);
        let links = targets.iter().map(|(rel, page)| {
            let others = self.query.iter().filter(|(name, _)| *name != "page");
            let query: String = others
                .map(|(name, value)| format!("{name}={}&", encode(value)))
                .collect();
            format!("<{here}?{query}page={page}>; rel=\"{rel}\"")
        });
        let links: Vec<String> = links.collect();
        Ok(answer.header("link", links.join(", ")))
    }

    fn numeric_url(&self, github: &GitHub) -> String {
        let path = self.request.uri().path();
        let path = path.strip_prefix(&*github.api_base).unwrap_or(path);
        let below = match path.strip_prefix("/repos/") {
            Some(rest) => rest.splitn(3, '/').nth(2),
            None => path.splitn(4, '/').nth(3),
        };
        let id = self.repository(github).id;
        format!(
            "{}/repositories/{id}/{}",
            self.urls.api,
            below.unwrap_or_default()
        )
    }
}

/// The texts of a JSON list.
pub(super) fn texts_of(value: &Value) -> Result<Vec<String>, GitHubAnswer> {
    let wrong = || GitHubAnswer::error(422, "Invalid request.\n\nAn array of strings is wanted.");
    let items = value.as_array().ok_or_else(wrong)?;
    items
        .iter()
        .map(|item| item.as_str().map(str::to_owned).ok_or_else(wrong))
        .collect()
}

/// The parameters of a query; the last one wins.
pub(super) fn parse_query(query: &str) -> BTreeMap<String, String> {
    let decode = |text: &str| {
        let text = text.replace('+', " ");
        percent_decode_str(&text).decode_utf8_lossy().into_owned()
    };
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(name), decode(value))
        })
        .collect()
}

/// Percent-encodes a path, slashes excepted.
pub(super) fn encode_path(path: &str) -> String {
    use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
    const KEPT: &AsciiSet = &NON_ALPHANUMERIC
        .remove(b'/')
        .remove(b'-')
        .remove(b'.')
        .remove(b'_')
        .remove(b'~');
    utf8_percent_encode(path, KEPT).to_string()
}

/// Percent-encodes a value for a query.
pub(super) fn encode(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}
