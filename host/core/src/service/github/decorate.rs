//! Comments, labels and reviewers of a pull request, for the people who read it.

use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::pulls::UserName;
use crate::contract::Failure;
use crate::service::github::{Repo, rejected};
use crate::service::http::{CallResult, ServiceError};
use crate::service::retry::once;
use crate::text;

/// What GitHub says of a node that it does not have, or does not show.
const UNKNOWN_NODE: &str = "Could not resolve to a node with the global id of";

impl Repo<'_> {
    /// Writes a comment, unless there is one with the same marker. A lost answer is resolved by looking again.
    ///
    /// Fails with `rejected` if the marker is not a short word of letters, digits and hyphens.
    pub(crate) async fn comment(&self, number: u32, marker: &str, body: &str) -> CallResult<()> {
        if !is_marker(marker) {
            return rejected(format!(
                "{marker:?} is no marker: use letters, digits and hyphens"
            ));
        }
        let mark = format!("<!-- promote:{marker} -->");
        let body = format!("{mark}\n{}", text::body(body));
        let comments = format!("/issues/{number}/comments");
        if self.is_marked(&comments, &mark).await? {
            return Ok(());
        }
        self.post_comment(&comments, &body, &mark).await
    }

    /// Writes a comment; after an answer that was lost it looks whether one has the mark.
    async fn post_comment(&self, comments: &str, body: &str, mark: &str) -> CallResult<()> {
        let comment = json!({ "body": body });
        once(
            || async {
                self.once::<Value>(Method::POST, comments, comment.clone())
                    .await
                    .map(drop)
            },
            || self.is_marked(comments, mark),
        )
        .await
    }

    /// Writes a comment, or gives the one that has the marker this text. Whoever may write comments may write the marker: only
    /// a machine's comment is taken for ours, or one of whoever opened the pull request.
    pub(crate) async fn keep_comment(
        &self,
        number: u32,
        marker: &str,
        text: &str,
    ) -> CallResult<()> {
        #[derive(Clone, Deserialize)]
        struct WireComment {
            id: u64,
            body: Option<String>,
            user: Option<UserName>,
        }
        let mark = format!("<!-- promote:{marker} -->");
        let body = format!("{mark}\n{}", text::body(text));
        let comments = format!("/issues/{number}/comments");
        let list = self
            .pages::<Vec<WireComment>>(format!("{comments}?per_page=100"))
            .await?;
        let begins =
            |one: &&WireComment| one.body.as_deref().is_some_and(|it| it.starts_with(&mark));
        let marked: Vec<&WireComment> = list.pages.iter().flatten().filter(begins).collect();
        let mut own = marked.iter().find(|one| {
            let kind = one.user.as_ref().and_then(|user| user.kind.as_deref());
            kind == Some("Bot")
        });
        if own.is_none() && !marked.is_empty() {
            let author = self.pull(number).await?.user;
            own = marked.iter().find(|one| {
                let login = |user: &Option<UserName>| user.as_ref().map(|user| user.login.clone());
                author.is_some() && login(&one.user) == login(&author)
            });
        }
        match own {
            Some(known) if is_same_text(known.body.as_deref(), &body) => Ok(()),
            Some(known) => {
                let target = format!("/issues/comments/{}", known.id);
                let comment = json!({ "body": body });
                Ok(self.write(Method::PATCH, target, comment).await?)
            }
            None => self.post_comment(&comments, &body, &body).await,
        }
    }

    /// Adds labels; those that are there stay.
    pub(crate) async fn add_labels(&self, number: u32, labels: &[String]) -> CallResult<()> {
        let labels = json!({ "labels": labels });
        self.decorate(format!("/issues/{number}/labels"), labels)
            .await
    }

    /// Asks people and teams for a review. Teams are asked apart, since GitHub refuses all of them if the credentials may not
    /// see one.
    ///
    /// Fails with `rejected` if one of them cannot review here.
    pub(crate) async fn request_reviewers(
        &self,
        number: u32,
        users: &[String],
        teams: &[String],
    ) -> CallResult<()> {
        let target = format!("/pulls/{number}/requested_reviewers");
        if !users.is_empty() {
            let users = json!({ "reviewers": users });
            self.decorate(target.clone(), users).await?;
        }
        if teams.is_empty() {
            return Ok(());
        }
        let asked = self
            .decorate(target, json!({ "team_reviewers": teams }))
            .await;
        match asked {
            Err(Failure::Rejected(why)) if why.contains(UNKNOWN_NODE) => rejected(format!(
                "{why}; to ask a team, an App needs the organisation permission members: read, which `teams` of a grant asks for, and GITHUB_TOKEN cannot"
            )),
            other => other,
        }
    }

    /// Writes to a pull request that GitHub may not know everywhere yet: it has been seen to take some seconds.
    async fn decorate(&self, target: String, body: Value) -> CallResult<()> {
        let write = || async {
            match self.write(Method::POST, target.clone(), body.clone()).await {
                Err(error) if is_unknown_yet(&error) => Ok(Err(error)),
                other => other.map(Ok),
            }
        };
        Ok(self.session().poll(write, Result::is_ok).await??)
    }

    async fn is_marked(&self, comments: &str, mark: &str) -> CallResult<bool> {
        let list = self
            .pages::<Vec<Value>>(format!("{comments}?per_page=100"))
            .await?;
        Ok(list.pages.iter().flatten().any(|comment| {
            let body = comment["body"].as_str();
            body.is_some_and(|body| body.contains(mark))
        }))
    }
}

/// Returns whether a text can be a marker. Two hyphens would end the HTML comment that hides it.
fn is_marker(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        && !text.contains("--")
}

/// Returns whether a comment has this text; line ends and space around are GitHub's.
fn is_same_text(known: Option<&str>, text: &str) -> bool {
    known.is_some_and(|known| known.replace("\r\n", "\n").trim() == text.trim())
}

/// Whether GitHub does not find a pull request by its own id (`PR_…`), or as the issue that it is too.
fn is_unknown_yet(error: &ServiceError) -> bool {
    error.says(422, &format!("{UNKNOWN_NODE} 'PR_")) || error.says(422, "Issue not found")
}
