//! What people build and try policies with. No production run needs it.

pub mod build;
pub mod coverage;
pub mod demo;
pub mod inspect;
pub mod language;
pub mod mock;
pub mod new;
pub mod scenario;
pub mod sweep;
pub mod test;
