//! What a run did, in words for people and in forms that a terminal, a runner or a Markdown page can be trusted with.
//!
//! Nothing here decides anything, and nothing that is shown comes back into a decision.

mod call;
mod changes;
mod denial;
mod ending;
mod hint;
pub mod text;

use crate::core::ending::Ending;
use crate::core::gate::Words;

pub use changes::{CatalogChange, Changes, FileDiff};
pub use ending::message;
pub use hint::hint;

/// What the core says through.
pub const WORDS: Words = Words {
    target: denial::target,
    denied: denial::denied,
    last_word: ending::last_word,
    names: Ending::names,
    line: text::line,
};
