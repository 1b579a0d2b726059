//! A gate is made with its grants.

use promote_core::gate::{Gate, RunParts};
use promote_core::grants::Resolved;

pub fn open(parts: RunParts, grants: Resolved) -> Gate {
    Gate::new(parts, grants)
}

fn main() {}
