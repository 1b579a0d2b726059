//! A transport that remembers what went to GitHub or Port and what came back.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use promote_core::service::transport::{HttpRequest, HttpResponse, Transport, TransportError};
use promote_mock::WorldTransport;
use serde_json::Value;

type JsonObject = serde_json::Map<String, Value>;

/// One request and its answer.
#[derive(Clone, Debug)]
pub(crate) struct HttpExchange {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) sent: Vec<u8>,
    pub(crate) status: u16,
    pub(crate) location: Option<String>,
    pub(crate) received: Vec<u8>,
}

/// Everything that was exchanged, by whichever transport.
#[derive(Clone, Default)]
pub(crate) struct ExchangeRecord {
    github: Arc<Mutex<Vec<HttpExchange>>>,
    port: Arc<Mutex<Vec<HttpExchange>>>,
}

impl ExchangeRecord {
    /// The same way into the world, with this record beside it.
    pub(crate) fn listen(&self, world: WorldTransport) -> RecordingTransport {
        RecordingTransport {
            world,
            record: self.clone(),
        }
    }

    pub(crate) fn taken(&self) -> Vec<HttpExchange> {
        self.github.lock().unwrap().clone()
    }

    /// The exchanges with Port.
    pub(crate) fn of_port(&self) -> Vec<HttpExchange> {
        self.port.lock().unwrap().clone()
    }
}

/// See [`ExchangeRecord::listen`].
pub(crate) struct RecordingTransport {
    world: WorldTransport,
    record: ExchangeRecord,
}

#[async_trait]
impl Transport for RecordingTransport {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        let of_github = request.uri().host() == Some("github.mock");
        let parts = request.uri().clone();
        let sent = request.body().clone();
        let method = request.method().to_string();
        let response = self.world.send(request).await?;
        let location = response.headers().get("location");
        let exchange = HttpExchange {
            method,
            path: parts.path().to_owned(),
            query: parts.query().unwrap_or_default().to_owned(),
            sent,
            status: response.status().as_u16(),
            location: location.map(|value| value.to_str().unwrap().to_owned()),
            received: response.body().clone(),
        };
        let record = if of_github {
            &self.record.github
        } else {
            &self.record.port
        };
        record.lock().unwrap().push(exchange);
        Ok(response)
    }
}

impl HttpExchange {
    /// For a failure: what it was about.
    pub(crate) fn line(&self) -> String {
        format!("{} {} -> {}", self.method, self.path, self.status)
    }

    pub(crate) fn json(bytes: &[u8]) -> Result<Option<Value>, String> {
        if bytes.is_empty() {
            return Ok(None);
        }
        serde_json::from_slice(bytes)
            .map(Some)
            .map_err(|error| format!("is no JSON: {error}"))
    }
    /// Changes both bodies, which are objects.
    pub(crate) fn change(&mut self, change: impl FnOnce(&mut JsonObject, &mut JsonObject)) {
        let mut objects: [JsonObject; 2] =
            [&self.sent, &self.received].map(|it| serde_json::from_slice(it).unwrap());
        let [sent, received] = &mut objects;
        change(sent, received);
        [self.sent, self.received] = objects.map(|it| serde_json::to_vec(&it).unwrap());
    }
}
