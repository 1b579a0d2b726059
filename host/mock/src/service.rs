//! The services of a world, and how a request for one of them is recognised.

use serde::{Deserialize, Serialize};

/// One of the services.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ServiceName {
    /// Port.
    Port,
    /// GitHub.
    GitHub,
    /// Registries of images.
    Registry,
}

impl ServiceName {
    /// Returns the service that a path belongs to where all share one address: Port's routes are under `/v1`, those of
    /// registries under `/v2` or `/token`, and none of GitHub's is.
    pub fn of_path(path: &str) -> Self {
        if path == "/v1" || path.starts_with("/v1/") {
            Self::Port
        } else if path == "/token" || path.starts_with("/v2/") {
            Self::Registry
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
            Self::Registry => "registry",
        })
    }
}
