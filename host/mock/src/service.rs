//! The two services of a world, and how a request for one of them is recognised.

use serde::{Deserialize, Serialize};

/// One of the two services.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ServiceName {
    /// Port.
    Port,
    /// GitHub.
    GitHub,
}

impl ServiceName {
    /// Returns the service that a path belongs to where both share one address: all of Port's routes are under `/v1`,
    /// and none of GitHub's.
    pub fn of_path(path: &str) -> Self {
        if path == "/v1" || path.starts_with("/v1/") {
            Self::Port
        } else {
            Self::GitHub
        }
    }
}

impl std::fmt::Display for ServiceName {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Port => "port",
            Self::GitHub => "github",
        })
    }
}
