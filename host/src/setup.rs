//! Puts together what a run is made of; what it may do stands in the core.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::core::call::{Call, Reply};
use crate::core::contract::Failure;
use crate::core::gate::Step;
use crate::core::http::{Mask, Outside, Progress, Sent, Session};
use crate::core::live::Live;
use crate::core::observer::Observer;
use crate::core::run::Mode;
use crate::core::source::Source;
use crate::core::transport::{Clock, Transport};
use crate::core::{github, port};
use crate::reads::Translated;
use crate::words;

/// Port's API in the European region, where an account lives unless it says otherwise; the one of the United States is
/// `https://api.us.port.io`.
pub const PORT_URL: &str = "https://api.port.io";
/// GitHub's API, unless the run belongs to an Enterprise Server.
pub const GITHUB_URL: &str = "https://api.github.com";

/// What a live source is made of.
pub struct Setup {
    /// Where requests go.
    pub transport: Arc<dyn Transport>,
    /// Where time comes from.
    pub clock: Arc<dyn Clock>,
    /// When the run's time is up: no pause lasts longer.
    pub deadline: Timestamp,
    /// Decides the jitter of pauses.
    pub seed: u64,
    /// Port's base URL, for example [`PORT_URL`].
    pub port_url: String,
    /// GitHub's base URL, for example [`GITHUB_URL`].
    pub github_url: String,
    /// Who we are to Port.
    pub port: port::Credentials,
    /// Who we are to GitHub.
    pub github: github::Credentials,
    /// Port's action run.
    pub run: String,
    /// Told why the run is waiting.
    pub progress: Progress,
    /// Told each secret that the run makes, before its first use.
    pub mask: Mask,
}

impl Live {
    /// Makes both clients; nothing is sent yet.
    ///
    /// Fails if a base URL is not one that credentials may be sent to.
    pub fn new(setup: Setup) -> Sent<Self> {
        let Setup {
            transport,
            clock,
            deadline,
            seed,
            progress,
            mask,
            ..
        } = setup;
        let outside = Outside {
            transport,
            clock,
            progress,
            mask,
            hint: words::hint,
        };
        let session = Session::new(outside, deadline, seed);
        Ok(Self {
            port: port::Client::new(&setup.port_url, setup.port, &setup.run, session.clone())?,
            github: github::Client::new(&setup.github_url, setup.github, session)?,
            reads: Box::new(Translated),
        })
    }
}

/// Where nothing stands before the services.
#[async_trait]
impl Source for Live {
    async fn call(&mut self, call: &Call) -> Result<Reply, Failure> {
        Self::call(self, call).await
    }

    fn mode(&self) -> Mode {
        Mode::Run
    }

    fn live(&self) -> &Live {
        self
    }
}

/// The system's time.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

/// Shows nothing of a run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Observer for Silent {
    fn step(&self, _: &Step) {}
    fn say(&self, _: &str) {}
}
