//! The proof that a call has passed the gate.

use std::ops::Deref;

use crate::call::Call;
use crate::contract::{Failure, Proposal};

/// A call that the gate has let through: within the limits, under a grant, with the evidence that the grant demands.
///
/// Every [`Source`](crate::source::Source) takes one, and nothing but the gate makes one, so no call reaches a service
/// without it:
///
/// ```compile_fail,E0451
/// use promote_core::call::Call;
/// use promote_core::gate::Admitted;
///
/// let call = Call::Now;
/// let admitted = Admitted { call: &call, proposal: None }; // the fields are private
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Admitted<'a> {
    call: &'a Call,
    proposal: Option<&'a Proposal>,
}

impl<'a> Admitted<'a> {
    /// Vouches for a call; a merge comes with the proposal of this run that it must be.
    pub(super) fn new(call: &'a Call, proposal: Option<&'a Proposal>) -> Self {
        Self { call, proposal }
    }

    /// Returns the call itself.
    pub fn call(self) -> &'a Call {
        self.call
    }

    /// Returns the proposal that a merge must be.
    ///
    /// # Errors
    /// When the call is no merge, or none of a proposal of this run.
    pub(crate) fn proposal(self) -> Result<&'a Proposal, Failure> {
        self.proposal.ok_or_else(|| {
            Failure::Other(format!("{} is not of a proposal of this run", self.call))
        })
    }
}

impl Deref for Admitted<'_> {
    type Target = Call;

    fn deref(&self) -> &Call {
        self.call
    }
}
