//! The transport of production: a connection pool of reqwest over rustls and ring.

use std::time::Duration;

use async_trait::async_trait;

use crate::service::transport::{HttpRequest, HttpResponse, Transport, TransportError};

/// The largest answer: a recursive tree listing of GitHub ends at 7 MB.
const LARGEST: usize = 16 * 1024 * 1024;

/// A connection pool. It follows no redirect, so no credential goes where the client did not send it.
#[derive(Clone, Debug)]
pub struct Pool(reqwest::Client);

impl Pool {
    /// Opens a pool. GitHub cuts a request off after 10 seconds, so half a minute of silence is an end as well.
    ///
    /// Fails if the TLS set-up of the machine cannot be used.
    pub fn new() -> Result<Self, reqwest::Error> {
        // An error means that a provider is installed already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .connect_timeout(Duration::from_secs(10))
            .read_timeout(Duration::from_secs(30))
            .timeout(Duration::from_secs(60))
            .pool_idle_timeout(Duration::from_secs(20))
            .build()?;
        Ok(Self(client))
    }
}

#[async_trait]
impl Transport for Pool {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        let request = request.try_into().map_err(no_answer)?;
        let mut response = self.0.execute(request).await.map_err(no_answer)?;
        let mut answer = HttpResponse::default();
        *answer.status_mut() = response.status();
        *answer.headers_mut() = std::mem::take(response.headers_mut());
        while let Some(chunk) = response.chunk().await.map_err(no_answer)? {
            if answer.body().len() + chunk.len() > LARGEST {
                return Err(TransportError::TooLarge(LARGEST));
            }
            answer.body_mut().extend_from_slice(&chunk);
        }
        Ok(answer)
    }
}

/// Tells a request that never left from one whose answer is missing. The URL is left out: the client names the call.
fn no_answer(error: reqwest::Error) -> TransportError {
    let never_sent = error.is_connect() || error.is_builder();
    let text = format!("{:#}", anyhow::Error::new(error.without_url()));
    if never_sent {
        TransportError::Connect(text)
    } else {
        TransportError::Lost(text)
    }
}
