//! No constructor, no conversion and no text makes an admitted call.

use promote_core::call::Call;
use promote_core::gate::Admitted;

pub fn vouch(call: &Call) -> [Admitted<'_>; 3] {
    [Admitted::new(call, None), call.into(), Default::default()]
}

pub fn name<T: for<'a> TryFrom<&'a str>>() {}

pub fn parse() {
    name::<Admitted<'static>>();
}

fn main() {}
