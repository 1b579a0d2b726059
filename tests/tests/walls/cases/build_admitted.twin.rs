//! A source may hand on an admitted call that it was given.

use promote_core::call::Call;
use promote_core::gate::Admitted;

pub fn look<'a>(call: Admitted<'a>) -> (Admitted<'a>, &'a Call) {
    (call, call.call())
}

fn main() {}
