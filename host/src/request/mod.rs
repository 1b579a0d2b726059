//! What is asked of a run: by Port, in a payload that nobody vouches for, and by the operator, in `promote.toml`.
//!
//! Everything here is read and checked before a run begins. It holds no credential and makes no call; what a payload
//! claims, the run itself confirms with Port.

pub mod component;
pub mod config;
mod grants;
pub mod limits;
pub mod payload;
pub mod team;
