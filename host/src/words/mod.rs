//! What a run did, in words for people and in forms that a terminal, a runner or a Markdown page can be trusted with.
//!
//! Nothing here decides anything, and nothing that is shown comes back into a decision.

mod call;
mod changes;
mod ending;
pub mod text;

pub use changes::{CatalogChange, Changes, FileDiff};
pub use ending::{last_word, message};
