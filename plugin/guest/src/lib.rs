//! The library for promotion policies in Rust.
//!
//! A policy decides whether an image goes to production and how. It is a WebAssembly component: it sees no file, no network
//! and no credential, and all that it can do is call the functions of the contract, each of which the operator must have
//! granted in `promote.toml`. `promote new` makes a project that uses this library, builds and passes its tests.
//!
//! # The chapters
//!
//! | | | begin with |
//! |---|---|---|
//! | 1 | what a policy is: one function, from a request to an outcome | [`Policy`], [`policy!`] |
//! | 2 | [`contract`]: the calls and types of `wit/`, where each is documented, with what makes it fail | [`types::Request`], [`types::Outcome`], [`port_read`], [`github_propose`] |
//! | 3 | to end early with `?`: refused, waiting or failed | [`Stop`], [`reason`] |
//! | 4 | [`catalog`]: entities of Port's catalog with their properties parsed | [`catalog::Item`] |
//! | 5 | [`template`]: settings that name something in the catalog, `{production.gitPath}/deployment.yaml` | [`template::Template`] |
//!
//! Keep what you decide apart from what you ask: a function from facts to reasons needs no component to be tested, and
//! `promote test` runs the whole against a mock of Port and GitHub.
//!
//! # A whole policy
//!
//! It refuses a service that is locked, and leaves every other as it is:
//!
//! ```
//! use promote_guest::catalog::Item;
//! use promote_guest::types::{Outcome, Promotion, Request};
//! use promote_guest::{Policy, Stop};
//!
//! struct Guard;
//!
//! #[derive(serde::Deserialize)]
//! #[serde(deny_unknown_fields)]
//! struct Settings {
//!     lock: String,
//! }
//!
//! impl Policy for Guard {
//!     type Settings = Settings;
//!     const SCHEMA: &'static str = r#"{"type": "object", "properties": {"lock": {"type": "string"}}}"#;
//!
//!     fn promote(request: &Request, settings: &Settings) -> Result<Outcome, Stop> {
//!         let key = &request.subject.key;
//!         let service = Item::find(&key.blueprint, &key.identifier)?
//!             .ok_or_else(|| Stop::refuse("service", "it is not in the catalog"))?;
//!         if service.property(&settings.lock) == true {
//!             return Err(Stop::refuse("lock", "the service is locked: unlock it in Port"));
//!         }
//!         Ok(Outcome::Unchanged(Promotion {
//!             image: "ghcr.io/acme/web:1.4.2".to_owned(),
//!             previous_image: None,
//!             pull_request: None,
//!             commit: None,
//!             is_rollback: false,
//!         }))
//!     }
//! }
//!
//! promote_guest::policy!(Guard);
//! # fn main() {}
//! ```
//!
//! # What it is not
//!
//! It makes no call by itself and decides nothing. What it makes easy can be done without it, in any language that makes
//! components.

pub mod catalog;
pub mod contract;
mod policy;
mod stop;
pub mod template;

pub use contract::{
    about, env, github_merge, github_propose, github_read, port_read, port_write, registry_read,
    rules, run_log, types,
};
pub use policy::{Policy, run, settings};
pub use stop::{Stop, explain, reason};
