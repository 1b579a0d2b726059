//! The types around it can be converted and made by default.

use promote_core::call::Fault;
use promote_core::contract::Failure;
use promote_core::grants::ResolvedGrants;
use promote_core::limits::Limits;

pub fn make(failure: Failure) -> (Fault, Limits, ResolvedGrants) {
    (failure.into(), Limits::default(), ResolvedGrants::default())
}

fn main() {}
