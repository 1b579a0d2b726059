//! Manifests: finding one scalar in a YAML file and replacing its bytes, nothing else.
//!
//! - [`node`] reads a stream into a tree in which each scalar knows its bytes; aliases are kept, never expanded.
//! - [`mod@path`] is how settings address a scalar, `spec.template.spec.containers[name=app].image`.
//! - [`mod@find`] follows a path to exactly one scalar, and refuses wherever a change would be ambiguous or would reach further
//!   than the path says.
//! - [`quote`] writes a value so that readers of YAML 1.1 and of 1.2 take it for the same text.
//! - [`mod@edit`] replaces the scalar and proves, by parsing again, that nothing else has changed.
//!
//! It never writes YAML of its own and never creates a key.

pub mod edit;
pub mod find;
pub mod node;
pub mod path;
pub mod quote;

pub use edit::replace;
pub use find::{Selector, Site, find};
pub use node::Stream;
pub use path::Path;
