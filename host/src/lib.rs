//! `promote`: a small host that runs a promotion policy, compiled as a WASI component, against Port and GitHub.

pub mod core;
#[cfg(feature = "kit")]
pub mod kit;
#[cfg(feature = "kit")]
pub mod world;
