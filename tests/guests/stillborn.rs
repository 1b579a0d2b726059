//! Traps when it is made an instance, before anybody has called it.

#![allow(unsafe_code, reason = "the linker's list of what runs at the start")]

use contract::{Failure, Outcome, Policy, Promotion, Request};

promote_guests::guest!(world: "promote");
promote_guests::steps!();

#[used]
#[cfg_attr(target_arch = "wasm32", unsafe(link_section = ".init_array"))]
static AT_THE_START: extern "C" fn() = {
    extern "C" fn trap() {
        std::process::abort();
    }
    trap
};

impl Promotion for Policy {
    fn promote(_: Request) -> Result<Outcome, Failure> {
        steps::refused("was born after all")
    }
}
