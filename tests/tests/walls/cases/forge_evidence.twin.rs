//! A gate that is closed gives away its record.

use promote_core::gate::Gate;

pub fn close(gate: Gate) -> usize {
    let record = gate.close();
    record.violations.len() + record.timeline.len()
}

fn main() {}
