//! A source cannot keep an admitted call for later.

use promote_core::gate::Admitted;

#[derive(Default)]
pub struct Hoard(Vec<Admitted<'static>>);

impl Hoard {
    pub fn keep(&mut self, call: Admitted<'_>) {
        self.0.push(call);
    }
}

fn main() {}
