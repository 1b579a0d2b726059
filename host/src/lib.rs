//! `promote`: a small host that runs a promotion policy, compiled as a WASI component, against Port and GitHub.
//!
//! [`core`] is what production must trust: credentials, grants, limits and writes stand there and nowhere else. [`request`]
//! reads what is asked of a run, [`policy`] what a component is, [`words`] says what a run did. [`world`] is the mock Port and
//! GitHub; [`kit`] is what people build and try policies with.

pub mod ahead;
pub mod builtin;
pub mod choice;
pub mod cli;
pub mod compiled;
pub mod contrast;
pub mod core;
#[cfg(feature = "kit")]
pub mod kit;
pub mod lock;
pub mod near;
pub mod plan;
pub mod policy;
pub mod reads;
pub mod record;
pub mod registry;
pub mod request;
pub mod settings;
pub mod setup;
pub mod supply;
pub mod toolchain;
pub mod words;
#[cfg(feature = "kit")]
pub mod world;
