//! The two ways to the outside: a transport for HTTP requests, and a clock.
//!
//! The clients of Port and GitHub are written once, over these two traits. In production a [`Transport`] is a
//! connection pool and a [`Clock`] the system's; in tests both are the mock world, in the same process.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

/// A request, with its whole body.
pub type HttpRequest = http::Request<Vec<u8>>;
/// A response, with its whole body.
pub type HttpResponse = http::Response<Vec<u8>>;

/// Sends one request and returns its answer; neither retries, nor follows redirects, nor knows any credential.
#[async_trait]
pub trait Transport: Send + Sync {
    /// Sends the request. The URI is absolute.
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError>;
}

/// The reason why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    /// The request never reached the service: sending it again is safe.
    #[error("cannot connect: {0}")]
    Connect(String),
    /// The request was sent and its answer did not arrive: it may have taken effect.
    #[error("the answer was lost: {0}")]
    Lost(String),
    /// The answer is larger than this client takes.
    #[error("the answer is larger than {0} bytes")]
    TooLarge(usize),
}

/// Time, and waiting.
#[async_trait]
pub trait Clock: Send + Sync {
    /// The current time.
    fn now(&self) -> Timestamp;
    /// Returns after the given time.
    async fn sleep(&self, duration: Duration);
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
