//! Port by request and answer, on the sample data.

#![allow(clippy::unwrap_used, reason = "tests")]

mod access;
mod definitions;
mod documented;
mod entities;
mod refusals;
mod runs;
mod search;
mod views;

use serde_json::{Value, json};

use super::*;
use crate::World;
use crate::sample::{CLIENT_ID, CLIENT_SECRET, RUN};

/// The sample's Port, and a client that has logged in.
pub(super) struct PortClient {
    pub(super) port: Port,
    pub(super) now: Timestamp,
    pub(super) token: String,
}

impl PortClient {
    pub(super) fn new() -> Self {
        let World { port, now, .. } = World::sample();
        let mut client = Self {
            port,
            now,
            token: String::new(),
        };
        let (status, body) = client.login(CLIENT_SECRET);
        assert_eq!(status, 200, "{body}");
        client.token = body["accessToken"].as_str().unwrap().to_owned();
        client
    }

    pub(super) fn login(&mut self, secret: &str) -> (u16, Value) {
        let body = json!({"clientId": CLIENT_ID, "clientSecret": secret});
        self.call("POST", "/v1/auth/access_token", &body)
    }

    pub(super) fn raw(&mut self, method: &str, path: &str, body: Vec<u8>) -> HttpResponse {
        let request = http::Request::builder()
            .method(method)
            .uri(format!("http://port.mock{path}"))
            .header("authorization", format!("Bearer {}", self.token))
            .header("content-type", "application/json")
            .body(body)
            .unwrap();
        self.port.handle(self.now, &request)
    }

    pub(super) fn call(&mut self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let body = if body.is_null() {
            Vec::new()
        } else {
            body.to_string().into_bytes()
        };
        let response = self.raw(method, path, body);
        let status = response.status().as_u16();
        (status, serde_json::from_slice(response.body()).unwrap())
    }

    pub(super) fn get(&mut self, path: &str) -> (u16, Value) {
        self.call("GET", path, &Value::Null)
    }

    /// Sends a row of a table and compares status and error code; the code is empty where there is no error.
    pub(super) fn expect(&mut self, (method, path, body, status, code): RefusalRow<'_>) {
        let (got, answer) = self.call(method, path, &body);
        let got_code = answer["error"].as_str().unwrap_or_default();
        assert_eq!(
            (got, got_code),
            (status, code),
            "{method} {path} {body}: {answer}"
        );
        assert_eq!(
            answer["ok"],
            json!(status < 400),
            "{method} {path}: {answer}"
        );
    }

    pub(super) fn image_of(&mut self, runtime: &str) -> Value {
        let (_, body) = self.get(&format!(
            "/v1/blueprints/running_service/entities/{runtime}"
        ));
        body["entity"]["relations"]["image"].clone()
    }
}

/// Method, path, body; status, error code.
pub(super) type RefusalRow<'a> = (&'a str, &'a str, Value, u16, &'a str);

#[test]
fn a_promotion_reads_writes_and_ends_its_run() {
    let mut client = PortClient::new();
    let logs = format!("/v1/actions/runs/{RUN}/logs");
    let (status, body) = client.call("POST", &logs, &json!({"message": "starting"}));
    assert_eq!(
        (status, &body["runLog"]["message"]),
        (201, &json!("starting"))
    );

    let image = client.image_of("web-staging");
    let write = format!("/v1/blueprints/running_service/entities/web-prod?run_id={RUN}");
    let (status, body) = client.call("PATCH", &write, &json!({"relations": {"image": image}}));
    assert_eq!(
        (status, &body["entity"]["relations"]["image"]),
        (200, &json!("web-1.4.2"))
    );

    let end = json!({"message": "done", "terminationStatus": "SUCCESS", "statusLabel": "promoted"});
    assert_eq!(client.call("POST", &logs, &end).0, 201);
    let (_, body) = client.get(&format!("/v1/actions/runs/{RUN}?version=v2"));
    assert_eq!(body["run"]["status"], "SUCCESS");
    assert_eq!(body["run"]["statusLabel"], "promoted");
    assert_eq!(body["run"]["endedAt"], "2026-01-06T10:00:00.000Z");
    assert_eq!(
        client.port.runs[RUN].affected,
        [("running_service".to_owned(), "web-prod".to_owned())]
    );
}
