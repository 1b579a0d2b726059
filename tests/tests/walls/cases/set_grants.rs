//! A gate keeps the grants that it was made with.

use promote_core::gate::Gate;
use promote_core::grants::Resolved;

pub fn widen(gate: &mut Gate, grants: Resolved) {
    gate.grants = grants;
}

fn main() {}
