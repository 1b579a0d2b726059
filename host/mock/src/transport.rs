//! The way into a world from the same process: requests go to it as they are, with no socket between.

use std::time::Duration;

use async_trait::async_trait;

use promote_core::service::transport::{HttpRequest, HttpResponse, Transport, TransportError};

use super::{Cut, Service, Shared};

/// Where Port is in every world.
pub const PORT_URL: &str = "https://port.mock";
/// Where GitHub is in every world.
pub const GITHUB_URL: &str = "https://github.mock";

/// The words of the live transport for the same things: a run must not be able to tell the two apart by its messages.
const CLOSED: &str =
    "error sending request: client error (SendRequest): connection closed before message completed";
const REFUSED: &str = "error sending request: client error (Connect): tcp connect error: Connection refused (os error 111)";
const TIME_IS_OVER: &str = "error sending request: operation timed out";

/// Sends requests into a world.
#[derive(Clone, Debug)]
pub struct WorldTransport {
    world: Shared,
    /// After how long a client gives up waiting for an answer.
    pub patience: Duration,
}

impl WorldTransport {
    /// A transport into this world, with the patience of the live one.
    pub fn new(world: Shared) -> Self {
        Self {
            world,
            patience: Duration::from_secs(30),
        }
    }
}

#[async_trait]
impl Transport for WorldTransport {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        let service = service(&request)?;
        let answer = {
            let mut world = self.world.lock();
            let answer = world.handle(service, &request);
            world.advance(answer.delay.min(self.patience));
            answer
        };
        // A socket is a place where other work of the client goes on; so is this.
        tokio::task::yield_now().await;
        if answer.delay > self.patience {
            return Err(TransportError::Lost(TIME_IS_OVER.to_owned()));
        }
        answer.result.map_err(|cut| match cut {
            Cut::Refused => TransportError::Connect(REFUSED.to_owned()),
            Cut::Before | Cut::After => TransportError::Lost(CLOSED.to_owned()),
        })
    }
}

/// The service behind the authority of a request.
fn service(request: &HttpRequest) -> Result<Service, TransportError> {
    match request.uri().host() {
        Some("port.mock") => Ok(Service::Port),
        Some("github.mock") => Ok(Service::GitHub),
        host => Err(TransportError::Connect(format!(
            "no such host: {}",
            host.unwrap_or("none")
        ))),
    }
}
