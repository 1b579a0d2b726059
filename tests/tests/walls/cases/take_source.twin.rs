//! The parts of a run are whole until a gate is made of them.

use promote_core::gate::RunParts;
use promote_core::source::Source;

pub fn take(parts: &mut RunParts) -> &mut dyn Source {
    &mut *parts.source
}

fn main() {}
