//! The trusted core: everything that a production run consists of, and nothing else.
//!
//! It imports neither [`crate::world`] nor [`crate::kit`]. Who must trust `promote` with production reads this folder.

pub mod call;
pub mod changes;
pub mod config;
pub mod contract;
pub mod ending;
pub mod engine;
pub mod gate;
pub mod github;
pub mod grants;
pub mod http;
pub mod journal;
pub mod limits;
pub mod live;
pub mod observer;
pub mod payload;
pub mod policy;
pub mod port;
pub mod retry;
pub mod run;
pub mod sandbox;
pub mod secret;
pub mod seen;
pub mod source;
pub mod template;
pub mod text;
pub mod transport;
pub mod values;
