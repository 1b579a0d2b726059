//! What answers an allowed call.

use super::call::{Call, Reply};
use super::contract::Failure;
use super::live::Live;
use super::plan::Plan;

/// Where calls go behind the gate.
///
/// The mock is no variant of its own: it is [`Live`] over a transport that ends in the mock world, so that a test runs
/// the clients that production runs.
pub enum Source {
    /// Port and GitHub.
    Live(Box<Live>),
    /// Port and GitHub for reads; writes are kept back.
    Plan(Box<Plan>),
}

impl Source {
    /// Answers a call that the gate has allowed.
    ///
    /// # Errors
    /// As the contract says for the call.
    pub async fn call(&mut self, call: &Call) -> Result<Reply, Failure> {
        match self {
            Self::Live(live) => live.call(call).await,
            Self::Plan(plan) => plan.call(call).await,
        }
    }

    /// The clients.
    pub fn live(&self) -> &Live {
        match self {
            Self::Live(live) => live,
            Self::Plan(plan) => &plan.live,
        }
    }
}
