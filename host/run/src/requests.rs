//! The transport of production, which tells of each request where somebody wants to hear of them (`--verbose`).

use std::time::Instant;

use anyhow::Context as _;
use async_trait::async_trait;

use crate::output;
use promote_core::service::http::Pool;
use promote_core::service::transport::{HttpRequest, HttpResponse, Transport, TransportError};

/// A connection pool that tells of each request: its method, host and path, the answer's status, the time. No header, no
/// query and no body is told: they hold credentials and texts of others.
#[derive(Clone, Debug)]
pub struct ToldTransport(Pool);

impl ToldTransport {
    /// Opens a pool.
    ///
    /// # Errors
    /// When the TLS set-up of the machine cannot be used.
    pub fn open() -> anyhow::Result<Self> {
        Ok(Self(Pool::new().context("preparing HTTP")?))
    }
}

#[async_trait]
impl Transport for ToldTransport {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        if !output::style().is_verbose {
            return self.0.send(request).await;
        }
        let method = request.method().clone();
        let uri = request.uri();
        let place = format!("{}{}", uri.host().unwrap_or_default(), uri.path());
        let begun = Instant::now();
        let answer = self.0.send(request).await;
        let ended = match &answer {
            Ok(answer) => answer.status().as_u16().to_string(),
            Err(error) => error.to_string(),
        };
        let took = begun.elapsed().as_millis();
        output::say(&format!("      {method} {place}: {ended}, {took} ms"));
        answer
    }
}
