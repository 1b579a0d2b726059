//! Only the gate makes an admitted call.

use promote_core::call::Call;
use promote_core::gate::Admitted;

pub fn vouch(call: &Call) -> Admitted<'_> {
    Admitted {
        call,
        proposal: None,
    }
}

fn main() {}
