//! The evidence, the budget and the violations of a run belong to its gate: nobody else reads or changes them.

use promote_core::gate::Gate;
use promote_core::gate::evidence::Evidence;

pub fn forget(gate: &mut Gate) -> usize {
    gate.evidence = Evidence::default();
    gate.violations.clear();
    gate.timeline.len()
}

fn main() {}
