//! What people build and try policies with. No production run needs it.

pub mod demo;
pub mod inspect;
mod journals;
pub mod mock;
pub mod replay;
pub mod scenario;
pub mod test;
pub mod verify;
