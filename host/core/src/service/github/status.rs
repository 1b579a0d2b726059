//! The commit status by which the host holds merges that others make.

use http::Method;
use serde_json::json;

use crate::contract::Failure;
use crate::service::github::Repo;
use crate::service::http::{CallResult, seg};

/// The context of the status, which a branch can require.
pub const STATUS: &str = "promote";

/// GitHub takes no longer description.
const MAX_DESCRIPTION: usize = 140;

/// What the status says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StatusWord {
    /// Nothing speaks against the merge.
    Agreed,
    /// The merge must wait, for this reason.
    Held(String),
}

impl StatusWord {
    /// The state in GitHub's words.
    pub fn state(&self) -> &'static str {
        match self {
            Self::Agreed => "success",
            Self::Held(_) => "pending",
        }
    }

    /// The description, as long as GitHub takes it.
    pub fn description(&self) -> String {
        let text = match self {
            Self::Agreed => "no rule speaks against the merge",
            Self::Held(why) => why,
        };
        if text.chars().count() <= MAX_DESCRIPTION {
            return text.to_owned();
        }
        let start: String = text.chars().take(MAX_DESCRIPTION - 1).collect();
        start + "…"
    }
}

impl Repo<'_> {
    /// Sets the status of a commit. To set it twice changes nothing, so a lost answer is no harm.
    ///
    /// Fails with `denied` words if the credentials may not write statuses.
    pub(crate) async fn set_status(&self, commit: &str, word: &StatusWord) -> CallResult<()> {
        let body = json!({
            "state": word.state(),
            "context": STATUS,
            "description": word.description(),
        });
        let target = format!("/statuses/{}", seg(commit));
        self.write(Method::POST, target, body)
            .await
            .map_err(Failure::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_is_as_long_as_github_takes_it() {
        let long = StatusWord::Held("ä".repeat(200)).description();
        assert_eq!((long.chars().count(), long.ends_with('…')), (140, true));
        assert_eq!(StatusWord::Held("no".to_owned()).description(), "no");
    }
}
