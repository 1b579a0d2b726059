//! The mock world.

pub mod git;
pub mod github;
