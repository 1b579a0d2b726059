//! The trusted core: everything that a production run consists of, and nothing else.
//!
//! It imports neither [`crate::world`] nor [`crate::kit`]. Who must trust `promote` with production reads this folder.

pub mod call;
pub mod contract;
pub mod github;
pub mod http;
pub mod live;
pub mod port;
pub mod retry;
pub mod secret;
pub mod transport;
