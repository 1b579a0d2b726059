//! A gate is made with its grants.

use promote_core::gate::{Gate, RunParts};
use promote_core::grants::ResolvedGrants;

pub fn open(parts: RunParts, grants: ResolvedGrants) -> Gate {
    Gate::new(parts, grants)
}

fn main() {}
