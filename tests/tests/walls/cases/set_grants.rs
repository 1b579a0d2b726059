//! A gate keeps the grants that it was made with.

use promote_core::gate::Gate;
use promote_core::grants::ResolvedGrants;

pub fn widen(gate: &mut Gate, grants: ResolvedGrants) {
    gate.grants = grants;
}

fn main() {}
