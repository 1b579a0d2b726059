//! `promote`: a small host that runs a promotion policy, compiled as a WASI component, against Port and GitHub.
//!
//! [`core`] is all that a production run consists of; [`world`] is the mock Port and GitHub; [`kit`] is what people build
//! and try policies with.

pub mod ahead;
pub mod builtin;
pub mod cli;
pub mod compiled;
pub mod core;
#[cfg(feature = "kit")]
pub mod kit;
pub mod plan;
pub mod toolchain;
#[cfg(feature = "kit")]
pub mod world;
