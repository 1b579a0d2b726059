//! The way into a world from the same process: requests go to it as they are, with no socket between.

use std::time::Duration;

use async_trait::async_trait;

use crate::core::transport::{HttpRequest, HttpResponse, Transport, TransportError};

use super::{Cut, Service, Shared};

/// Where Port is in every world.
pub const PORT_URL: &str = "https://port.mock";
/// Where GitHub is in every world.
pub const GITHUB_URL: &str = "https://github.mock";

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
        Self { world, patience: Duration::from_secs(30) }
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
            return Err(TransportError::Lost("the time for an answer is over".to_owned()));
        }
        answer.result.map_err(|cut| match cut {
            Cut::Refused => TransportError::Connect(format!("{service} refused the connection")),
            Cut::Before | Cut::After => TransportError::Lost(format!("{service} closed the connection")),
        })
    }
}

/// The service behind the authority of a request.
fn service(request: &HttpRequest) -> Result<Service, TransportError> {
    match request.uri().host() {
        Some("port.mock") => Ok(Service::Port),
        Some("github.mock") => Ok(Service::GitHub),
        host => Err(TransportError::Connect(format!("no such host: {}", host.unwrap_or("none")))),
    }
}
