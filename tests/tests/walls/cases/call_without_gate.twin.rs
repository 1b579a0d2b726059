//! The gate takes a call as a policy makes it.

use promote_core::call::{Call, Fault, Reply};
use promote_core::gate::Gate;
use promote_core::policy::sandbox::Door;

pub async fn make(gate: &mut Gate, call: &Call) -> Result<Reply, Fault> {
    gate.call(call.clone()).await
}

fn main() {}
