//! The world as a whole, in process and behind a socket.

#![allow(clippy::unwrap_used, reason = "tests")]

mod faults;
mod files;
mod promotion;
mod sockets;
mod time;

use serde_json::{Value, json};

use super::sample::{CLIENT_ID, CLIENT_SECRET};
use super::*;
use promote_core::service::transport::{HttpResponse, Transport as _, TransportError};

/// Sends a request into the world.
async fn send(
    transport: &WorldTransport,
    method: &str,
    url: &str,
    token: &str,
    body: &Value,
) -> Result<HttpResponse, TransportError> {
    let request = http::Request::builder()
        .method(method)
        .uri(url)
        .header("authorization", format!("Bearer {token}"))
        .header("user-agent", "test")
        .body(body.to_string().into_bytes())
        .unwrap();
    transport.send(request).await
}

/// A token of the sample's Port.
fn login(world: &SharedWorld) -> String {
    let body = json!({"clientId": CLIENT_ID, "clientSecret": CLIENT_SECRET}).to_string();
    let request = http::Request::post("/v1/auth/access_token")
        .body(body.into_bytes())
        .unwrap();
    let response = world
        .lock()
        .handle(ServiceName::Port, &request)
        .result
        .unwrap();
    let answer: Value = serde_json::from_slice(response.body()).unwrap();
    answer["accessToken"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn requests_go_to_the_service_of_their_authority() {
    let world = SharedWorld::new(World::sample());
    let transport = world.transport();
    let nowhere = send(
        &transport,
        "GET",
        "http://elsewhere.example/",
        "",
        &json!({}),
    )
    .await;
    assert!(matches!(nowhere, Err(TransportError::Connect(_))));
    for (url, status) in [
        ("https://port.mock/v1/blueprints/image", 401),
        ("https://github.mock/no/such/route", 404),
    ] {
        let token = sample::GITHUB_TOKEN;
        let answer = send(&transport, "GET", url, token, &json!({})).await;
        assert_eq!(answer.unwrap().status(), status, "{url}");
    }
    let world = world.lock();
    let seen: Vec<(ServiceName, &str)> = world
        .seen
        .iter()
        .map(|seen| (seen.service, seen.path.as_str()))
        .collect();
    assert_eq!(
        seen,
        [
            (ServiceName::Port, "/v1/blueprints/image"),
            (ServiceName::GitHub, "/no/such/route")
        ]
    );
    assert_eq!(world.seen[0].status, Some(401));
    assert!(world.seen[1].unknown && !world.seen[0].unknown);
}
