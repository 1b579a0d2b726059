//! A source may keep the call itself, which lets nobody in.

use promote_core::call::Call;
use promote_core::gate::Admitted;

#[derive(Default)]
pub struct Hoard(Vec<Call>);

impl Hoard {
    pub fn keep(&mut self, call: Admitted<'_>) {
        self.0.push(call.call().clone());
    }
}

fn main() {}
