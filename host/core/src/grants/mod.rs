//! The operator's grants: pure values over operation and target.
//!
//! Nothing is allowed that no grant names. Grants are read once, resolved against the request once, and asked at one
//! place, the gate. They hold no credentials and make no calls.
//!
//! From the operator's text to a decision:
//!
//! ```
//! use promote_core::grants::{Grants, Operation, RepositoryTarget, ResolvedGrants, CallTarget};
//!
//! #[derive(serde::Deserialize)]
//! struct Config {
//!     grants: Grants,
//! }
//!
//! let config: Config = toml::from_str(
//!     r#"
//!     [[grants]]
//!     allow = ["github.propose"]
//!     repository = "acme/gitops"
//!     path = "apps/{service.identifier}/prod/*.yaml"
//!     base = "main"
//!     "#,
//! )?;
//! let service = serde_json::json!({ "service": { "identifier": "web" } }); // as Port describes it
//! let grants = ResolvedGrants::new(&config.grants, &service)?;
//!
//! let proposes = |path| {
//!     let target = RepositoryTarget {
//!         repository: "acme/gitops",
//!         paths: vec![path],
//!         head: Some("promote/web"),
//!         base: Some("main"),
//!         ..RepositoryTarget::default()
//!     };
//!     grants.allow(Operation::Propose, &CallTarget::Repository(target)).is_some()
//! };
//! assert!(proposes("apps/web/prod/deployment.yaml"));
//! assert!(!proposes("apps/api/prod/deployment.yaml")); // another service
//! assert!(!proposes("apps/web/prod/../../api/prod/deployment.yaml"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! In reading order: `parse`, the operator's text; `operation`, what a call is to a grant; `pattern` and `resolve`, the match;
//! `denial`, the words of a no. Next: [`limits`](crate::limits).

pub(crate) mod denial;
mod grant;
mod operation;
mod parse;
pub(crate) mod pattern;
mod resolve;

pub use grant::{ChangeScope, Grant};
pub use operation::{CallTarget, Operation, RepositoryTarget};
pub use promote_template::Template;
pub use resolve::{Permission, ResolvedGrants};

/// The grants of one configuration; empty by default, which denies every call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grants(pub Vec<Grant>);

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests;
