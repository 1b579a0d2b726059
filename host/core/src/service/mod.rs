//! The clients of Port, GitHub and registries, written once over a [`transport`].
//!
//! They hold the credentials, retry what is safe to repeat, and decide what may be taken over as ours. They ask nobody
//! whether a call is allowed: the gate has done that.

pub mod attestation;
pub mod github;
mod hint;
pub mod http;
pub mod port;
pub mod registry;
pub mod retry;
pub mod secret;
pub mod transport;

/// Port's API in the European region, where an account lives unless it says otherwise; the one of the United States is
/// `https://api.us.port.io`.
pub const PORT_URL: &str = "https://api.port.io";
/// GitHub's API, unless the run belongs to an Enterprise Server.
pub const GITHUB_URL: &str = "https://api.github.com";
