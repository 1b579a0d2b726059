//! A source in which one call goes wrong. It stands where every call of a policy passes, so it works for any policy.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};

use async_trait::async_trait;
use tokio::sync::Notify;

use super::model::StepTrouble;
use crate::failure::FAILURES;
use promote_core::call::{Call, Reply};
use promote_core::contract::{Entity, EntityKey, Failure};
use promote_core::gate::Admitted;
use promote_core::run::RunMode;
use promote_core::service::transport::{HttpRequest, HttpResponse, Transport, TransportError};
use promote_core::source::Source;
use promote_core::source::approved::PlannedWrite;
use promote_core::source::live::Live;

/// A trouble that a call can meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CallTrouble {
    /// It is not made, and the policy is told that it failed: the number of the case in the contract's `failure`.
    Fails(usize),
    /// It is made, and the policy is told that there was no answer.
    LostAnswer,
    /// The run is killed before it is made. Nobody says anything.
    KillBefore,
    /// The run is killed after it was made.
    KillAfter,
}

impl CallTrouble {
    /// Everything that can go wrong with a call.
    pub fn all() -> impl Iterator<Item = Self> {
        let others = [Self::LostAnswer, Self::KillBefore, Self::KillAfter];
        (0..FAILURES.len()).map(Self::Fails).chain(others)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fails(case) => FAILURES[case].0,
            Self::LostAnswer => "lost-answer",
            Self::KillBefore => "kill-before",
            Self::KillAfter => "kill-after",
        }
    }

    /// Returns the trouble of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::all().find(|trouble| trouble.name() == name)
    }

    /// Returns the failure that the policy is told, if it is told anything.
    fn failure(self) -> Option<Failure> {
        let text = || format!("the sweep has put `{}` here", self.name());
        match self {
            Self::Fails(case) => Some(FAILURES[case].1(text())),
            Self::LostAnswer => Some(Failure::Unavailable(text())),
            Self::KillBefore | Self::KillAfter => None,
        }
    }

    /// Returns whether the call is made all the same.
    fn is_made(self) -> bool {
        matches!(self, Self::LostAnswer | Self::KillAfter)
    }
}

/// The names of all troubles, for messages.
static TROUBLES: LazyLock<Vec<&'static str>> =
    LazyLock::new(|| CallTrouble::all().map(CallTrouble::name).collect());

impl<'de> serde::Deserialize<'de> for CallTrouble {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let name = String::deserialize(from)?;
        Self::named(&name)
            .ok_or_else(|| serde::de::Error::unknown_variant(&name, TROUBLES.as_slice()))
    }
}

/// A trouble in one run, and the call that meets it.
#[derive(Clone, Debug)]
pub struct CallInjection {
    /// The trouble.
    pub trouble: CallTrouble,
    /// The number of the call among those that reach the source, from 0.
    pub at: usize,
    /// Rung when the run is to be killed.
    pub kill: Arc<Notify>,
}

impl From<StepTrouble> for CallInjection {
    fn from(step: StepTrouble) -> Self {
        Self {
            trouble: step.trouble,
            at: step.call.saturating_sub(1),
            kill: Arc::new(Notify::new()),
        }
    }
}

/// A request at which a step is killed: whatever goes on is dropped, without a last word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestKill {
    /// The number of the request, from 1, which is never answered.
    pub at: usize,
    /// Whether it has its effect all the same.
    pub has_effect: bool,
}

/// A transport that kills whoever sends a request.
pub(super) struct KillingTransport {
    pub(super) transport: Arc<dyn Transport>,
    pub(super) kill: RequestKill,
    pub(super) sent: AtomicUsize,
    /// Rung when the step is to be killed.
    pub(super) killed: Arc<Notify>,
}

#[async_trait]
impl Transport for KillingTransport {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        let number = self.sent.fetch_add(1, Ordering::Relaxed) + 1;
        if number != self.kill.at {
            return self.transport.send(request).await;
        }
        if self.kill.has_effect {
            let _never_told = self.transport.send(request).await;
        }
        self.killed.notify_one();
        std::future::pending().await
    }
}

/// A source before which a trouble stands.
pub(super) struct FaultySource {
    source: Box<dyn Source>,
    injection: CallInjection,
    made: usize,
}

impl FaultySource {
    pub(super) fn new(source: Box<dyn Source>, injection: CallInjection) -> Self {
        Self {
            source,
            injection,
            made: 0,
        }
    }
}

#[async_trait]
impl Source for FaultySource {
    async fn call(&mut self, call: Admitted<'_>) -> Result<Reply, Failure> {
        self.made += 1;
        let trouble = self.injection.trouble;
        if self.made != self.injection.at + 1 {
            return self.source.call(call).await;
        }
        if trouble.is_made() {
            let _lost = self.source.call(call).await;
        }
        match trouble.failure() {
            Some(failure) => Err(failure),
            None => {
                // Whoever drives the run drops it now, as a killed process drops it: without a last word.
                self.injection.kill.notify_one();
                std::future::pending().await
            }
        }
    }

    async fn announce(&mut self, line: String) -> Result<(), Failure> {
        self.source.announce(line).await
    }

    fn take_planned(&mut self) -> Vec<PlannedWrite> {
        self.source.take_planned()
    }

    fn admit(&self, call: &Call) -> Result<(), String> {
        self.source.admit(call)
    }

    fn mode(&self) -> RunMode {
        self.source.mode()
    }

    async fn entity(&self, key: &EntityKey) -> Result<Option<Entity>, Failure> {
        self.source.entity(key).await
    }

    async fn settle(&mut self) -> Result<(), Failure> {
        self.source.settle().await
    }

    fn unsent(&mut self) -> Vec<String> {
        self.source.unsent()
    }

    fn live(&self) -> &Live {
        self.source.live()
    }
}
