#![expect(clippy::unwrap_used, reason = "tests")]

mod referring;

use serde_json::json;

use super::*;
use crate::service::http::script::{Script, TransportResult, answer, rows, unconnected, with};
use crate::service::secret::Secret;

/// An image of one platform, as a registry sends it.
struct SampleImage {
    manifest: String,
    config: String,
}

impl SampleImage {
    fn new() -> Self {
        let config = json!({
            "architecture": "amd64", "os": "linux", "created": "2026-01-04T09:30:00.5Z",
            "config": { "Labels": { "org.opencontainers.image.revision": "c3b2" } },
        })
        .to_string();
        let descriptor = json!({ "digest": sha256(&config), "size": config.len() });
        let manifest = json!({ "schemaVersion": 2, "config": descriptor, "layers": [] });
        Self {
            manifest: manifest.to_string(),
            config,
        }
    }
}

fn sha256(text: &str) -> String {
    format!("sha256:{}", digest(text.as_bytes()))
}

fn client(steps: Vec<(&str, TransportResult)>, logins: &[&str]) -> (Client, Arc<Script>) {
    let script = Script::new(steps);
    let login = Login {
        user: "ann".to_owned(),
        password: Secret::new("password", "s3cr3t").unwrap(),
    };
    let setup = RegistrySetup {
        mirror: None,
        logins: logins
            .iter()
            .map(|host| ((*host).to_owned(), login.clone()))
            .collect(),
    };
    (Client::new(setup, script.session()), script)
}

/// The place and the credential of each request.
fn sent(script: &Script) -> Vec<(String, String)> {
    let sent = script.sent.lock().unwrap();
    let sent = sent.iter().map(|request| {
        let credential = request.headers().get("authorization");
        let credential = credential.map_or("", |it| it.to_str().unwrap());
        (
            request.uri().authority().unwrap().to_string(),
            credential.to_owned(),
        )
    });
    sent.collect()
}

fn bearer(realm: &str) -> TransportResult {
    let header = format!("Bearer realm=\"{realm}\",service=\"ghcr.io\"");
    with(401, &[("www-authenticate", &header)], "{}")
}

const MANIFEST: &str = "GET /v2/acme/web/manifests/1";
const TOKEN: &str = "GET /token?service=ghcr.io&scope=repository%3Aacme%2Fweb%3Apull";

#[tokio::test]
async fn a_token_is_got_once_and_serves_every_request_for_its_repository() {
    let image = SampleImage::new();
    let blob = format!("GET /v2/acme/web/blobs/{}", sha256(&image.config));
    let (client, script) = client(
        vec![
            (MANIFEST, bearer("https://ghcr.io/token")),
            (TOKEN, answer(200, json!({ "token": "t-1" }))),
            (MANIFEST, answer(200, &image.manifest)),
            (&blob, answer(200, &image.config)),
        ],
        &["ghcr.io"],
    );
    let found = client.image("ghcr.io/acme/web:1").await.unwrap().unwrap();
    assert_eq!(found.digest, sha256(&image.manifest));
    assert_eq!(found.platforms, ["linux/amd64"]);
    assert_eq!(found.created_at.as_deref(), Some("2026-01-04T09:30:00.5Z"));
    assert_eq!(found.labels[0].value, "c3b2");
    let credentials: Vec<_> = sent(&script).into_iter().map(|(_, it)| it).collect();
    assert_eq!(
        credentials,
        ["", "Basic YW5uOnMzY3IzdA==", "Bearer t-1", "Bearer t-1"]
    );
    assert_eq!(script.masked.lock().unwrap().as_slice(), ["t-1"]);
    script.end();
}

#[tokio::test]
async fn what_is_no_manifest_has_no_digest() {
    let page = [("content-type", "text/html")];
    for sent in [
        answer(200, "<html>We are back soon</html>"),
        answer(200, "{}"),
        with(200, &page, SampleImage::new().manifest),
    ] {
        let (client, script) = client(vec![(MANIFEST, sent)], &[]);
        let found = client.digest("ghcr.io/acme/web:1").await;
        assert!(found.is_err(), "{found:?}");
        script.end();
    }
}

#[tokio::test]
async fn a_login_goes_to_its_registry_and_nowhere_else() {
    // The same words from another registry get no login.
    let (client, script) = client(
        vec![
            (MANIFEST, bearer("https://evil.example/token")),
            (TOKEN, answer(200, json!({ "token": "t" }))),
            (MANIFEST, answer(404, "{}")),
        ],
        &["ghcr.io"],
    );
    assert_eq!(
        client.digest("evil.example/acme/web:1").await.unwrap(),
        None
    );
    assert!(sent(&script).iter().all(|(_, it)| !it.starts_with("Basic")));
    script.end();
}

#[tokio::test]
async fn a_place_without_tls_gets_neither_login_nor_question() {
    for realm in [
        "http://ghcr.io/token",
        "ftp://x/token",
        "/token",
        "http://[::1",
    ] {
        let (client, script) = client(vec![(MANIFEST, bearer(realm))], &["ghcr.io"]);
        let failure = client.digest("ghcr.io/acme/web:1").await.unwrap_err();
        let failure = format!("{failure:?}");
        assert!(
            failure.contains("its registry gives tokens at"),
            "{failure}"
        );
        script.end();
    }
}

#[tokio::test]
async fn where_blobs_are_kept_no_credential_goes() {
    let image = SampleImage::new();
    let blob = format!("GET /v2/acme/web/blobs/{}", sha256(&image.config));
    let away = ("location", "https://store.example/x?signature=1");
    let (client, script) = client(
        vec![
            (
                MANIFEST,
                with(401, &[("www-authenticate", "Basic realm=\"r\"")], "{}"),
            ),
            (MANIFEST, answer(200, &image.manifest)),
            (&blob, with(307, &[away], "")),
            ("GET /x?signature=1", answer(200, &image.config)),
        ],
        &["ghcr.io"],
    );
    assert!(client.image("ghcr.io/acme/web:1").await.unwrap().is_some());
    let last = sent(&script).pop().unwrap();
    assert_eq!(last, ("store.example".to_owned(), String::new()));
    script.end();
}

#[tokio::test]
async fn what_is_not_what_it_should_be_is_not_used() {
    let image = SampleImage::new();
    let other = sha256("other");
    let blob = format!("GET /v2/acme/web/blobs/{}", sha256(&image.config));
    let by_digest = format!("GET /v2/acme/web/manifests/{other}");
    let pinned = format!("ghcr.io/acme/web:1@{other}");
    let claimed: &[(&str, &str)] = &[("docker-content-digest", &other)];
    let table: Vec<(&str, Vec<(&str, TransportResult)>)> = vec![
        (&pinned, vec![(&by_digest, answer(200, &image.manifest))]),
        (
            "ghcr.io/acme/web:1",
            vec![(MANIFEST, with(200, claimed, &image.manifest))],
        ),
        (
            "ghcr.io/acme/web:1",
            vec![
                (MANIFEST, answer(200, &image.manifest)),
                (&blob, answer(200, "{}")),
            ],
        ),
        (
            "ghcr.io/acme/web:1",
            vec![(MANIFEST, answer(200, "<html>"))],
        ),
    ];
    for (reference, steps) in rows("what a registry sends instead", table) {
        let (client, script) = client(steps, &[]);
        let failure = client.image(reference).await.unwrap_err();
        assert!(matches!(failure, Failure::Rejected(_)), "{failure:?}");
        script.end();
    }
}

#[tokio::test]
async fn trouble_is_told_in_plain_words() {
    let denied = || {
        answer(
            403,
            json!({ "errors": [{ "code": "DENIED", "message": "no" }] }),
        )
    };
    let away = ("location", "http://169.254.169.254/latest");
    let table: Vec<(TransportResult, &str)> = vec![
        (
            denied(),
            "NotFound(\"image ghcr.io/acme/web:1: its registry does not let us read it",
        ),
        (
            answer(401, ""),
            "NotFound(\"image ghcr.io/acme/web:1: its registry does not let us read it",
        ),
        (
            with(302, &[away], ""),
            "it leads to an address that is not followed",
        ),
        (
            answer(400, json!({ "errors": [{ "message": "bad\u{1b}[1m" }] })),
            "400, bad [1m",
        ),
    ];
    for (outcome, words) in rows("what a registry refuses", table) {
        let (client, script) = client(vec![(MANIFEST, outcome)], &[]);
        let failure = client.digest("ghcr.io/acme/web:1").await.unwrap_err();
        let failure = format!("{failure:?}");
        assert!(failure.contains(words), "{failure}");
        assert!(!failure.contains("169.254"), "{failure}");
        script.end();
    }
    let down = (0..6).map(|_| (MANIFEST, unconnected())).collect();
    let (client, script) = client(down, &[]);
    let failure = client.digest("ghcr.io/acme/web:1").await.unwrap_err();
    assert!(matches!(failure, Failure::Unavailable(_)), "{failure:?}");
    script.end();
}

#[tokio::test]
async fn an_image_of_several_platforms_is_known_by_its_list() {
    let image = SampleImage::new();
    let part = sha256(&image.manifest);
    let list = json!({ "manifests": [
        { "digest": part, "platform": { "os": "linux", "architecture": "amd64" } },
        { "digest": sha256("x"), "platform": { "os": "linux", "architecture": "arm64", "variant": "v8" } },
    ]})
    .to_string();
    let manifest = format!("GET /v2/acme/web/manifests/{part}");
    let blob = format!("GET /v2/acme/web/blobs/{}", sha256(&image.config));
    let (client, script) = client(
        vec![
            (MANIFEST, answer(200, &list)),
            (&manifest, answer(200, &image.manifest)),
            (&blob, answer(200, &image.config)),
        ],
        &[],
    );
    let found = client.image("ghcr.io/acme/web:1").await.unwrap().unwrap();
    assert_eq!(found.digest, sha256(&list));
    assert_eq!(found.platforms, ["linux/amd64", "linux/arm64/v8"]);
    script.end();
}

#[tokio::test]
async fn what_is_no_reference_asks_nobody() {
    let (client, script) = client(Vec::new(), &[]);
    for reference in ["", "../x", "ghcr.io/a?x=1", "ghcr.io/a:1@sha512:ab"] {
        let failure = client.digest(reference).await.unwrap_err();
        assert!(matches!(failure, Failure::Rejected(_)), "{failure:?}");
    }
    script.end();
}
