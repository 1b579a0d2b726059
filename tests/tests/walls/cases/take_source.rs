//! The source of an open gate cannot be reached beside the gate.

use promote_core::gate::Gate;
use promote_core::source::Source;

pub fn take(gate: &mut Gate) -> &mut dyn Source {
    &mut *gate.run.source
}

fn main() {}
