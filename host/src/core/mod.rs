//! The trusted core: what holds a credential, decides on a grant, enforces a limit or makes a write.
//!
//! It imports nothing of this crate that stands outside it. Who must trust `promote` with production reads this folder.

pub mod call;
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
pub mod port;
pub mod retry;
pub mod run;
pub mod sandbox;
pub mod secret;
pub mod seen;
pub mod source;
pub mod template;
pub mod transport;
pub mod values;
