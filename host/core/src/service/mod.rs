//! The clients of Port, GitHub and registries, written once over a [`transport`].
//!
//! They hold the credentials, retry what is safe to repeat, and decide what may be taken over as ours. They ask nobody
//! whether a call is allowed: the gate has done that.
//!
//! A secret is exposed in one place, where a request is built; it has no way into a message:
//!
//! ```
//! use promote_core::service::secret::Secret;
//!
//! let token = Secret::new("GITHUB_TOKEN", " ghs_0123456789 \n")?;
//! assert_eq!(token.expose(), "ghs_0123456789");
//! assert!(!format!("{token:?} {:?}", token.bearer()).contains("0123"));
//! assert!(Secret::new("GITHUB_TOKEN", "").is_err()); // a secret that is not set
//! # Ok::<(), promote_core::service::secret::SecretError>(())
//! ```
//!
//! In reading order: `transport` and `http`, how a request is sent, once, with its waits and retries; [`port`]; [`github`],
//! where proposals and merges are proven to be ours; [`registry`]. Next: [`run`](mod@crate::run).

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
