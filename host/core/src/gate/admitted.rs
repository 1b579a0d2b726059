//! The proof that a call has passed the gate.

use std::ops::Deref;

use crate::call::Call;

/// A call that the gate has let through: within the limits, under a grant, with the evidence that the grant demands.
///
/// Every [`Source`](crate::source::Source) takes one, and nothing but the gate makes one, so no call reaches a service
/// without it:
///
/// ```compile_fail,E0423
/// use promote_core::call::Call;
/// use promote_core::gate::Admitted;
///
/// let call = Call::Now;
/// let admitted = Admitted(&call); // the field is private
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Admitted<'a>(&'a Call);

impl<'a> Admitted<'a> {
    /// Vouches for a call.
    pub(super) fn new(call: &'a Call) -> Self {
        Self(call)
    }

    /// Returns the call itself.
    pub fn call(self) -> &'a Call {
        self.0
    }
}

impl Deref for Admitted<'_> {
    type Target = Call;

    fn deref(&self) -> &Call {
        self.0
    }
}
