//! The same world behind a socket.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::SignedDuration;

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::*;
use crate::server::{RequestObserver, ServerError, ServerOptions, WorldServer};

async fn start(world: &SharedWorld, options: ServerOptions) -> WorldServer {
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    WorldServer::start(world.clone(), any, options)
        .await
        .unwrap()
}

/// Sends one request over a connection and reads its answer; none if the connection was closed instead.
async fn exchange(stream: &mut TcpStream, head: &str, body: &str) -> Option<(u16, String)> {
    let length = body.len();
    let text = format!(
        "{head}\r\nhost: localhost\r\nuser-agent: test\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    stream.write_all(text.as_bytes()).await.ok()?;
    let mut answer = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let count = stream
            .read(&mut buffer)
            .await
            .ok()
            .filter(|count| *count > 0)?;
        answer.extend_from_slice(&buffer[..count]);
        let text = String::from_utf8_lossy(&answer).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        if body.len() >= length?.parse().ok()? {
            return Some((head.split(' ').nth(1)?.parse().ok()?, body.to_owned()));
        }
    }
}

#[tokio::test]
async fn one_connection_serves_both_services_for_many_requests() {
    let world = SharedWorld::new(World::sample());
    let heard = Arc::new(Mutex::new(Vec::new()));
    let ears = heard.clone();
    let observer: RequestObserver =
        Arc::new(move |seen: &RequestRecord| ears.lock().unwrap().push(seen.clone()));
    let options = ServerOptions {
        observer: Some(observer),
        ..ServerOptions::default()
    };
    let server = start(&world, options).await;
    let mut stream = TcpStream::connect(server.address()).await.unwrap();

    let credentials = json!({"clientId": CLIENT_ID, "clientSecret": CLIENT_SECRET}).to_string();
    let login = exchange(
        &mut stream,
        "POST /v1/auth/access_token HTTP/1.1",
        &credentials,
    )
    .await;
    let (status, answer) = login.unwrap();
    assert_eq!(status, 200);
    let answer: Value = serde_json::from_str(&answer).unwrap();
    let token = answer["accessToken"].as_str().unwrap();
    let get = format!(
        "GET /v1/blueprints/service/entities/web HTTP/1.1\r\nauthorization: Bearer {token}"
    );
    let (status, answer) = exchange(&mut stream, &get, "").await.unwrap();
    assert_eq!(status, 200);
    assert!(answer.contains("\"prod_runtime\":\"web-prod\""), "{answer}");
    let (status, _) = exchange(&mut stream, "GET /no/such/route HTTP/1.1", "")
        .await
        .unwrap();
    assert_eq!(status, 404);

    let heard = heard.lock().unwrap().clone();
    let services: Vec<ServiceName> = heard.iter().map(|seen| seen.service).collect();
    assert_eq!(
        services,
        [ServiceName::Port, ServiceName::Port, ServiceName::GitHub]
    );
    assert!(heard[2].unknown && !heard[1].unknown);
    drop(stream);
    server.stop().await;
}

#[tokio::test]
async fn a_cut_closes_the_socket_and_only_that_one() {
    for (cut, lines) in [(ConnectionCut::Before, 0), (ConnectionCut::After, 1)] {
        let world = SharedWorld::new(World::sample());
        let server = start(&world, ServerOptions::default()).await;
        let token = login(&world);
        let effect = FaultEffect::Cut(cut);
        world
            .lock()
            .faults
            .next(ServiceName::Port, "POST", "/v1/**", effect)
            .unwrap();
        let head = format!(
            "POST /v1/actions/runs/{}/logs HTTP/1.1\r\nauthorization: Bearer {token}",
            sample::RUN
        );
        let mut stream = TcpStream::connect(server.address()).await.unwrap();
        assert_eq!(
            exchange(&mut stream, &head, "{\"message\":\"x\"}").await,
            None
        );
        assert_eq!(world.lock().port.runs[sample::RUN].logs.len(), lines);
        let mut stream = TcpStream::connect(server.address()).await.unwrap();
        let (status, _) = exchange(&mut stream, &head, "{\"message\":\"x\"}")
            .await
            .unwrap();
        assert_eq!(status, 201);
    }
}

#[tokio::test]
async fn latency_and_delays_are_waited_for() {
    let world = SharedWorld::new(World::sample());
    let options = ServerOptions {
        latency: Duration::from_millis(40),
        ..ServerOptions::default()
    };
    let server = start(&world, options).await;
    let delay = FaultEffect::Delay(SignedDuration::from_millis(40));
    world
        .lock()
        .faults
        .next(ServiceName::Port, "GET", "/v1/**", delay)
        .unwrap();
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    let started = std::time::Instant::now();
    exchange(&mut stream, "GET /v1/blueprints HTTP/1.1", "")
        .await
        .unwrap();
    assert!(started.elapsed() >= Duration::from_millis(80));
}

#[tokio::test]
async fn a_stop_ends_idle_connections_and_frees_the_address() {
    let world = SharedWorld::new(World::sample());
    let server = start(&world, ServerOptions::default()).await;
    let address = server.address();
    let mut stream = TcpStream::connect(address).await.unwrap();
    exchange(&mut stream, "GET /v1/blueprints HTTP/1.1", "")
        .await
        .unwrap();
    tokio::time::timeout(Duration::from_secs(2), server.stop())
        .await
        .unwrap();
    assert_eq!(
        exchange(&mut stream, "GET /v1/blueprints HTTP/1.1", "").await,
        None
    );
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn only_loopback_addresses_are_served() {
    for address in ["0.0.0.0:0", "192.0.2.1:0", "[::]:0"] {
        let address = address.parse().unwrap();
        let refused =
            WorldServer::start(SharedWorld::default(), address, ServerOptions::default()).await;
        assert!(
            matches!(refused, Err(ServerError::NotLoopback(_))),
            "{address}"
        );
    }
}
