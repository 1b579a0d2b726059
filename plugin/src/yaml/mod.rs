//! Manifests: finding one scalar in a YAML file and replacing its bytes, nothing else.
//!
//! - [`node`] is a stream as a tree in which each scalar knows its bytes; aliases are kept, never expanded.
//! - `read` reads a file into it, `second` reads the file a second time as Kubernetes' tools do: they must agree.
//! - [`mod@path`] is how settings address a scalar, `spec.template.spec.containers[name=app].image`; [`address`] adds the
//!   document, for a file that has several.
//! - [`mod@find`] follows an address to exactly one scalar, and refuses wherever a change would be ambiguous or would reach
//!   further than the address says; it also goes into a block text that is YAML itself.
//! - [`quote`] writes a value so that readers of YAML 1.1 and of 1.2 take it for the same text.
//! - [`mod@edit`] replaces the scalar and proves, by parsing again, that nothing else has changed.
//! - [`foreign`] says what a file is that is no YAML.
//!
//! It never writes YAML of its own and never creates a key.

pub mod address;
pub mod edit;
pub mod find;
pub mod foreign;
mod nest;
pub mod node;
pub mod path;
pub mod quote;
mod read;
mod repair;
mod second;
mod shared;
pub mod site;

pub use address::{DocumentSelector, ScalarAddress, YamlDocument};
pub use edit::replace;
pub use find::{find, keys, pin, pins, text_at};
pub use node::YamlStream;
pub use path::YamlPath;
pub use site::ScalarSite;
