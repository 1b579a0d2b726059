//! The way into a world from the same process, without a socket.

use std::time::Duration;

use async_trait::async_trait;

use promote_core::service::transport::{HttpRequest, HttpResponse, Transport, TransportError};

use super::{ConnectionCut, ServiceName, SharedWorld};

/// The address of Port in every world.
pub const PORT_URL: &str = "https://port.mock";
/// The address of GitHub in every world.
pub const GITHUB_URL: &str = "https://github.mock";

/// The address of every registry in every world.
pub const REGISTRY_URL: &str = "https://registry.mock";

/// The words of the live transport for the same failures, so that a run cannot tell the two apart by its messages.
const CLOSED: &str = "connection closed before message completed";
const REFUSED: &str = "Connection refused (os error 111)";
const TIMED_OUT: &str = "operation timed out";

/// Sends requests into a world.
#[derive(Clone, Debug)]
pub struct WorldTransport {
    world: SharedWorld,
    /// The time after which a client gives up waiting for an answer.
    pub timeout: Duration,
}

impl WorldTransport {
    /// A transport into this world, with the timeout of the live one.
    pub fn new(world: SharedWorld) -> Self {
        Self {
            world,
            timeout: Duration::from_secs(30),
        }
    }
}

#[async_trait]
impl Transport for WorldTransport {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        let service = service_of(&request)?;
        let answer = {
            let mut world = self.world.lock();
            let answer = world.handle(service, &request);
            world.advance(answer.delay.min(self.timeout));
            answer
        };
        // Other work of the client goes on while it waits for a socket, so it must here too.
        tokio::task::yield_now().await;
        if answer.delay > self.timeout {
            return Err(TransportError::Lost(TIMED_OUT.to_owned()));
        }
        answer.result.map_err(|cut| match cut {
            ConnectionCut::Refused => TransportError::Connect(REFUSED.to_owned()),
            ConnectionCut::Before | ConnectionCut::After => TransportError::Lost(CLOSED.to_owned()),
        })
    }
}

/// Returns the service behind the authority of a request.
fn service_of(request: &HttpRequest) -> Result<ServiceName, TransportError> {
    match request.uri().host() {
        Some("port.mock") => Ok(ServiceName::Port),
        Some("github.mock") => Ok(ServiceName::GitHub),
        Some("registry.mock") => Ok(ServiceName::Registry),
        host => Err(TransportError::Connect(format!(
            "no such host: {}",
            host.unwrap_or("none")
        ))),
    }
}
