//! What a promotion policy in Rust is written with.
//!
//! - [`contract`]: the calls and types of `wit/`, where each is documented;
//! - [`Policy`] and [`policy!`]: a policy without the component's entry points, its settings read by serde;
//! - [`Stop`]: ends a policy early with `?`, refused or failed;
//! - [`catalog`]: entities of Port's catalog with their properties parsed;
//! - [`template`]: settings that name something in the catalog, `{production.gitPath}/deployment.yaml`.
//!
//! It makes no call by itself and decides nothing. What it makes easy can be done without it.

pub mod catalog;
pub mod contract;
mod policy;
mod stop;
pub mod template;

pub use contract::{
    about, env, github_merge, github_propose, github_read, port_read, port_write, run_log, types,
};
pub use policy::{Policy, run, settings};
pub use stop::{Stop, explain, reason};
