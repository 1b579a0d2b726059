//! A source answers admitted calls only: a call as a policy makes it is not one.

use promote_core::call::{Call, Reply};
use promote_core::contract::Failure;
use promote_core::source::Source;

pub async fn make(source: &mut dyn Source, call: &Call) -> Result<Reply, Failure> {
    source.call(call).await
}

fn main() {}
