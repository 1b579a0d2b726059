//! Plain HTTP, as `curl` speaks it: what a person sees who asks the two services.

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Sends one request to `http://address` and returns the answer's status and JSON.
pub(crate) async fn curl(
    base: &str,
    line: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> (u16, Value) {
    let address = base.strip_prefix("http://").unwrap();
    let mut socket = TcpStream::connect(address).await.unwrap();
    let headers: String = headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect();
    let length = body.len();
    let request = format!(
        "{line} HTTP/1.1\r\nHost: {address}\r\nUser-Agent: curl/8\r\nConnection: close\r\n{headers}Content-Length: {length}\r\n\r\n{body}"
    );
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let json = serde_json::from_str(body);
    (
        status,
        json.unwrap_or_else(|_| Value::String(body.to_owned())),
    )
}

/// Reads from Port, after logging in.
pub(crate) async fn ask_port(base: &str, path: &str) -> Value {
    let login = r#"{"clientId": "mock-client-id", "clientSecret": "mock-client-secret"}"#;
    let json = [("Content-Type", "application/json")];
    let (status, answer) = curl(base, "POST /v1/auth/access_token", &json, login).await;
    assert_eq!(status, 200, "{answer}");
    let bearer = format!("Bearer {}", answer["accessToken"].as_str().unwrap());
    let (status, answer) = curl(
        base,
        &format!("GET {path}"),
        &[("Authorization", &bearer)],
        "",
    )
    .await;
    assert_eq!(status, 200, "{path}: {answer}");
    answer
}

/// Reads from GitHub.
pub(crate) async fn ask_github(base: &str, path: &str) -> Value {
    let headers = [
        ("Authorization", "Bearer mock-github-token"),
        ("Accept", "application/vnd.github+json"),
    ];
    let (status, answer) = curl(base, &format!("GET {path}"), &headers, "").await;
    assert_eq!(status, 200, "{path}: {answer}");
    answer
}
