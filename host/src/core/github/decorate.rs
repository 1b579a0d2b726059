//! What makes a pull request easier to read for people: comments, labels, reviewers.

use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Client, Repository};
use crate::core::contract::Failure;
use crate::core::http::{Request, ServiceError};
use crate::core::retry::Effect;

impl Client {
    /// Writes a comment, unless there is one with the same marker. A lost answer is resolved by looking again.
    ///
    /// Fails with `rejected` if the marker is not a short word of letters, digits and hyphens.
    pub async fn comment(
        &self,
        repository: &str,
        number: u32,
        marker: &str,
        body: &str,
    ) -> Result<(), Failure> {
        let repository = Repository::parse(repository)?;
        let word = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        if marker.is_empty() || marker.len() > 64 || !word(marker) || marker.contains("--") {
            return Err(Failure::Rejected(format!(
                "{marker:?} is no marker: use letters, digits and single hyphens"
            )));
        }
        let mark = format!("<!-- promote:{marker} -->");
        let comments = format!("{repository}/issues/{number}/comments");
        let mut lost = None;
        for _ in 0..3 {
            if self.is_marked(&comments, &mark).await? {
                return Ok(());
            }
            let comment = json!({ "body": format!("{mark}\n{body}") });
            match self
                .post::<Value>(Effect::Once, comments.clone(), comment)
                .await
            {
                Err(error) if error.is_uncertain() => lost = Some(error),
                other => return Ok(other.map(drop)?),
            }
        }
        Ok(lost.map_or(Ok(()), Err)?)
    }

    /// Adds labels; those that are there stay.
    pub async fn add_labels(
        &self,
        repository: &str,
        number: u32,
        labels: &[String],
    ) -> Result<(), Failure> {
        let target = format!("{}/issues/{number}/labels", Repository::parse(repository)?);
        let request = Request::write(Method::POST, target, json!({ "labels": labels }));
        Ok(self.send(request).await.map(drop)?)
    }

    /// Asks people and teams for a review.
    ///
    /// Fails with `rejected` if one of them cannot review here.
    pub async fn request_reviewers(
        &self,
        repository: &str,
        number: u32,
        users: &[String],
        teams: &[String],
    ) -> Result<(), Failure> {
        let target = format!(
            "{}/pulls/{number}/requested_reviewers",
            Repository::parse(repository)?
        );
        let body = json!({ "reviewers": users, "team_reviewers": teams });
        Ok(self
            .send(Request::write(Method::POST, target, body))
            .await
            .map(drop)?)
    }

    async fn is_marked(&self, comments: &str, mark: &str) -> Result<bool, ServiceError> {
        #[derive(Deserialize)]
        struct Comment {
            body: Option<String>,
        }
        let (pages, _) = self
            .pages::<Vec<Comment>>(format!("{comments}?per_page=100"))
            .await?;
        let marked = |comment: &Comment| {
            comment
                .body
                .as_ref()
                .is_some_and(|body| body.contains(mark))
        };
        Ok(pages.iter().flatten().any(marked))
    }
}
