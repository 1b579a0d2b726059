#![allow(
    clippy::unwrap_used,
    clippy::type_complexity,
    reason = "tests and their tables"
)]

use http::Method;
use serde_json::{Value, json};

use crate::contract::Failure;
use crate::service::http::script::{
    START, Script, TransportResult, answer, lost, rows, unconnected, with,
};
use crate::service::http::{Http, Request, Service, ServiceError, seg, segs};
use crate::service::secret::Secret;
use crate::service::transport::TransportError;

fn client(service: Service, script: &std::sync::Arc<Script>) -> Http {
    Http::new(service, "https://api.test", script.session()).unwrap()
}

/// Sends one request; each outcome answers one copy of it. Returns the seconds waited.
async fn send(
    service: Service,
    once: bool,
    outcomes: Vec<TransportResult>,
) -> (Result<Value, ServiceError>, i64) {
    let script = Script::new(
        outcomes
            .into_iter()
            .map(|outcome| ("POST /x", outcome))
            .collect(),
    );
    let request = Request {
        once,
        ..Request::write(Method::POST, "/x", json!({}))
    };
    let result = client(service, &script)
        .send(&request)
        .await
        .and_then(|answer| answer.json());
    (result, script.end())
}

#[tokio::test]
async fn sends_again_only_what_is_safe() {
    let ok = || answer(200, "{}");
    // The first outcome, and whether it is sent again after it if it may be, and if it may not.
    let table: [(&str, fn() -> TransportResult, [bool; 2]); 13] = [
        ("never sent", unconnected, [true, true]),
        ("lost", lost, [true, false]),
        ("too large", || Err(TransportError::TooLarge(1)), [false; 2]),
        ("408", || answer(408, ""), [true, false]),
        ("429", || answer(429, ""), [true, true]),
        ("500", || answer(500, ""), [true, false]),
        (
            "502 as HTML",
            || answer(502, "<html>Bad Gateway</html>"),
            [true, false],
        ),
        (
            "503",
            || with(503, &[("retry-after", "2")], ""),
            [true, false],
        ),
        ("501", || answer(501, ""), [false; 2]),
        ("400", || answer(400, ""), [false; 2]),
        ("401", || answer(401, ""), [false; 2]),
        ("404", || answer(404, ""), [false; 2]),
        ("422", || answer(422, ""), [false; 2]),
    ];
    for (name, first, expected) in rows("retries", table) {
        for (once, again) in [false, true].into_iter().zip(expected) {
            let outcomes = if again {
                vec![first(), ok()]
            } else {
                vec![first()]
            };
            let (result, _) = send(Service::Port, once, outcomes).await;
            assert_eq!(result.is_ok(), again, "{name}, once: {once}");
        }
    }
}

#[tokio::test]
async fn waits_as_long_as_the_service_asks() {
    let reset = (START + 90).to_string();
    let date = "Tue, 06 Jan 2026 10:00:30 GMT";
    let limited = "You have exceeded a secondary rate limit. Please wait a few minutes";
    let message = |text: &str| json!({ "message": text }).to_string();
    let graphql = |kind: &str| {
        json!({ "data": null, "errors": [{ "type": kind, "message": "slow" }] }).to_string()
    };
    // Who says what, the status, the headers, the body, and the range of seconds until it is sent again.
    let table: Vec<(Service, u16, Vec<(&str, &str)>, String, Option<(i64, i64)>)> = vec![
        (
            Service::GitHub,
            403,
            vec![("retry-after", "30")],
            message("slow"),
            Some((30, 38)),
        ),
        (
            Service::GitHub,
            429,
            vec![("retry-after", date)],
            message("slow"),
            Some((31, 39)),
        ),
        (
            Service::GitHub,
            403,
            vec![
                ("x-ratelimit-remaining", "0"),
                ("x-ratelimit-reset", &reset),
            ],
            message("API rate limit exceeded for installation ID 1."),
            Some((91, 114)),
        ),
        (
            Service::GitHub,
            403,
            vec![],
            message(limited),
            Some((60, 75)),
        ),
        (
            Service::GitHub,
            429,
            vec![("x-ratelimit-reset", &reset)],
            message("?"),
            Some((60, 75)),
        ),
        (
            Service::GitHub,
            403,
            vec![],
            message("Resource not accessible by integration"),
            None,
        ),
        (
            Service::GitHub,
            403,
            vec![("retry-after", "301")],
            message("slow"),
            None,
        ),
        (
            Service::Port,
            429,
            vec![("x-ratelimit-reset", "40")],
            message("slow"),
            Some((40, 50)),
        ),
        (
            Service::Port,
            429,
            vec![("x-ratelimit-reset", &reset)],
            message("slow"),
            Some((91, 114)),
        ),
        (
            Service::Port,
            429,
            vec![("x-ratelimit-reset", "2026-01-06T10:01:00Z")],
            message(""),
            Some((61, 77)),
        ),
        (
            Service::Port,
            429,
            vec![("x-ratelimit-reset", "9999")],
            message("slow"),
            Some((300, 375)),
        ),
        (
            Service::Port,
            429,
            vec![("retry-after", "3"), ("x-ratelimit-reset", "40")],
            message(""),
            Some((3, 4)),
        ),
        (Service::Port, 429, vec![], message("slow"), Some((5, 7))),
        (
            Service::Port,
            403,
            vec![("x-ratelimit-remaining", "0")],
            message("rate limit"),
            None,
        ),
        (
            Service::Port,
            503,
            vec![("retry-after", "7")],
            String::new(),
            Some((7, 9)),
        ),
        (
            Service::GitHub,
            200,
            vec![],
            graphql("RATE_LIMITED"),
            Some((60, 75)),
        ),
        (
            Service::GitHub,
            200,
            vec![
                ("x-ratelimit-remaining", "0"),
                ("x-ratelimit-reset", &reset),
            ],
            graphql("RATE_LIMITED"),
            Some((91, 114)),
        ),
        (Service::Port, 400, vec![], graphql("RATE_LIMITED"), None),
    ];
    for (service, status, headers, body, expected) in rows("rate limits", table) {
        let row = format!("{service:?} {status} {headers:?} {body}");
        let mut outcomes = vec![with(status, &headers, body)];
        outcomes.extend(expected.map(|_| answer(200, "{}")));
        let (result, waited) = send(service, false, outcomes).await;
        let (from, to) = expected.unwrap_or((0, 0));
        assert!((from..=to).contains(&waited), "{row}: waited {waited}");
        assert_eq!(result.is_ok(), expected.is_some(), "{row}");
    }
}

#[tokio::test]
async fn backs_off_and_gives_up() {
    let (result, waited) = send(
        Service::Port,
        false,
        (0..6).map(|_| answer(502, "")).collect(),
    )
    .await;
    assert!((15..=20).contains(&waited), "waited {waited}");
    assert!(matches!(
        Failure::from(result.unwrap_err()),
        Failure::Unavailable(_)
    ));
    // 60 and 120 and 240 seconds fit into the ten minutes, the next pause is longer than any that is taken.
    let limited = || answer(429, json!({ "message": "secondary rate limit" }));
    let (result, _) = send(
        Service::GitHub,
        true,
        vec![limited(), limited(), limited(), limited()],
    )
    .await;
    assert!(matches!(
        Failure::from(result.unwrap_err()),
        Failure::RateLimited(_)
    ));
}

#[tokio::test]
async fn maps_errors_to_failures_that_tell_what_to_do() {
    let denied = [
        ("x-accepted-github-permissions", "contents=write"),
        ("x-github-request-id", "AB:12"),
    ];
    let trace = [("x-trace-id", "0af7")];
    let port =
        |code: &str, text: &str| json!({ "ok": false, "error": code, "message": text }).to_string();
    let hub = |text: &str| json!({ "message": text, "status": "4" }).to_string();
    let custom = json!({ "message": "Validation Failed", "errors": [
        { "resource": "PullRequest", "code": "custom", "message": "No commits between main and x" }, "plain",
        { "resource": "PullRequest", "field": "head", "code": "invalid" } ] });
    type Row<'a> = (
        Service,
        u16,
        &'a [(&'a str, &'a str)],
        String,
        &'a str,
        &'a str,
    );
    let table: Vec<Row<'_>> = vec![
        (
            Service::Port,
            400,
            &trace,
            port("run_exhausted", "over"),
            "conflict",
            "(request 0af7)",
        ),
        (
            Service::Port,
            400,
            &trace,
            port("bad_request", "bad"),
            "rejected",
            "400, bad_request, bad",
        ),
        (
            Service::Port,
            401,
            &trace,
            r#"{"ok":false,"error":"x"}"#.into(),
            "other",
            "region",
        ),
        (
            Service::Port,
            403,
            &trace,
            port("missing_permissions", ""),
            "other",
            "permission",
        ),
        (
            Service::Port,
            404,
            &trace,
            port("not_found", "no web"),
            "not-found",
            "no web",
        ),
        (
            Service::Port,
            409,
            &trace,
            port("identifier_taken", ""),
            "conflict",
            "identifier_taken",
        ),
        (
            Service::Port,
            413,
            &trace,
            port("bad_request", ""),
            "rejected",
            "413",
        ),
        (
            Service::Port,
            422,
            &trace,
            port("run_exhausted", ""),
            "conflict",
            "run_exhausted",
        ),
        (
            Service::Port,
            422,
            &trace,
            port("blueprint_schema_mismatch", "x"),
            "rejected",
            "mismatch, x",
        ),
        (
            Service::Port,
            501,
            &trace,
            r#"{"error":{"a":1}}"#.into(),
            "unavailable",
            "501",
        ),
        (
            Service::GitHub,
            401,
            &[],
            hub("Bad credentials"),
            "other",
            "expired or revoked",
        ),
        (
            Service::GitHub,
            403,
            &denied,
            hub("Resource not accessible"),
            "other",
            "permission contents=write",
        ),
        (
            Service::GitHub,
            403,
            &denied,
            hub("GitHub Actions is not permitted to create"),
            "other",
            "Actions settings",
        ),
        (
            Service::GitHub,
            404,
            &denied,
            hub("Not Found"),
            "not-found",
            "or the credentials may not see it",
        ),
        (
            Service::GitHub,
            403,
            &[],
            hub("Repository was archived so is read-only."),
            "other",
            "unarchive",
        ),
        (
            Service::GitHub,
            409,
            &[],
            hub("Git Repository is empty."),
            "conflict",
            "empty",
        ),
        (
            Service::GitHub,
            410,
            &[],
            hub("Issues are disabled"),
            "not-found",
            "disabled",
        ),
        (
            Service::GitHub,
            422,
            &[],
            custom.to_string(),
            "rejected",
            "No commits between main and x; plain; PullRequest head invalid",
        ),
        (
            Service::GitHub,
            301,
            &[("location", "https://evil.test/x")],
            String::new(),
            "other",
            "moved to https://evil.test/x",
        ),
        (
            Service::GitHub,
            501,
            &[],
            "<html>\x1b[2J&nbsp;oops\n</html>".into(),
            "unavailable",
            "<html> [2J&nbsp;oops </html>",
        ),
    ];
    for (service, status, headers, body, kind, text) in rows("errors", table) {
        let (result, _) = send(service, true, vec![with(status, headers, body)]).await;
        let failure = Failure::from(result.unwrap_err());
        let (got, message) = match &failure {
            Failure::Denied(m) => ("denied", m),
            Failure::NotFound(m) => ("not-found", m),
            Failure::Conflict(m) => ("conflict", m),
            Failure::Rejected(m) => ("rejected", m),
            Failure::RateLimited(m) => ("rate-limited", m),
            Failure::Unavailable(m) => ("unavailable", m),
            Failure::Other(m) => ("other", m),
        };
        assert_eq!(got, kind, "{message}");
        assert!(message.contains(text), "{message:?} lacks {text:?}");
        assert!(
            message.starts_with(&format!("{service:?} POST /x: {status}")),
            "{message}"
        );
    }
}

#[tokio::test]
async fn follows_redirects_without_changing_a_write_or_leaving_the_service() {
    let moved = "https://api.test/repositories/1/x";
    // The method, the status, where to, and whether it is followed.
    for (method, status, location, followed) in rows(
        "redirects",
        [
            ("GET", 301, moved, true),
            ("GET", 302, "/repositories/1/x", true),
            ("GET", 307, moved, true),
            ("GET", 308, moved, true),
            ("PUT", 307, moved, true),
            ("PUT", 308, moved, true),
            ("PUT", 301, moved, false),
            ("PUT", 302, moved, false),
            ("GET", 301, "https://evil.test/repositories/1/x", false),
            ("GET", 301, "http://api.test/repositories/1/x", false),
            (
                "GET",
                301,
                "https://api.test@evil.test/repositories/1/x",
                false,
            ),
            ("GET", 301, "https://api.test.evil.test/x", false),
            ("PUT", 307, "//evil.test/x", false),
            ("GET", 300, moved, false),
        ],
    ) {
        let (first, second) = (
            format!("{method} /x"),
            format!("{method} /repositories/1/x"),
        );
        let mut steps = vec![(first.as_str(), with(status, &[("location", location)], ""))];
        if followed {
            steps.push((second.as_str(), answer(200, "{}")));
        }
        let script = Script::new(steps);
        let http = client(Service::GitHub, &script);
        let body = if method == "GET" {
            Value::Null
        } else {
            json!({ "a": 1 })
        };
        let request = Request::write(method.parse().unwrap(), "/x", body.clone());
        let token = Secret::new("t", "token").unwrap();
        let result = http
            .send(&Request {
                bearer: Some(token),
                ..request
            })
            .await;
        assert_eq!(result.is_ok(), followed, "{method} {status} {location}");
        script.end();
        for sent in script.sent.lock().unwrap().iter() {
            assert_eq!(sent.uri().host(), Some("api.test"));
            assert_eq!(sent.headers()["authorization"], "Bearer token");
            assert_eq!(sent.body().is_empty(), body.is_null());
        }
    }
}

#[tokio::test]
async fn stops_following_in_circles() {
    let again = || with(301, &[("location", "https://api.test/x")], "");
    let script = Script::new((0..4).map(|_| ("GET /x", again())).collect());
    assert!(
        client(Service::GitHub, &script)
            .send(&Request::get("/x"))
            .await
            .is_err()
    );
    script.end();
}

#[tokio::test]
async fn refuses_targets_that_climb_or_leave() {
    let script = Script::new(vec![]);
    let http = client(Service::GitHub, &script);
    for target in [
        "/a/../b",
        "/a/./b",
        "/a//b",
        "/a/",
        "",
        "https://evil.test/a",
        "https://api.test@evil.test/",
    ] {
        let error = http.send(&Request::get(target)).await.unwrap_err();
        assert!(matches!(error, ServiceError::Malformed(_)), "{target}");
    }
    assert_eq!(
        format!("/{}/{}", seg("a/b:c+d ?#%é"), segs("x y/z")),
        "/a%2Fb%3Ac%2Bd%20%3F%23%25%C3%A9/x%20y/z"
    );
}

#[test]
fn refuses_addresses_that_credentials_must_not_go_to() {
    for (base, good) in [
        ("https://api.github.com", true),
        ("https://ghe.test/api/v3/", true),
        ("http://127.0.0.1:8080", true),
        ("http://localhost:1", true),
        ("http://[::1]:1", true),
        ("http://api.github.com", false),
        ("https://user:pass@api.github.com", false),
        ("https://api.github.com?x=1", false),
        ("ftp://api.github.com", false),
        ("api.github.com", false),
        ("", false),
    ] {
        let http = Http::new(Service::GitHub, base, Script::new(vec![]).session());
        assert_eq!(http.is_ok(), good, "{base}");
    }
}

#[tokio::test]
async fn blots_out_secrets_that_a_service_repeats() {
    let script = Script::new(vec![(
        "GET /x",
        answer(500, json!({ "message": "you sent s3cr3t-token" })),
    )]);
    let http = client(Service::GitHub, &script);
    let token = Secret::new("t", "s3cr3t-token").unwrap();
    http.session.keep(&token);
    let request = Request {
        once: true,
        bearer: Some(token),
        ..Request::get("/x")
    };
    let error = http.send(&request).await.unwrap_err();
    assert!(error.to_string().contains("you sent ***"), "{error}");
    assert!(!format!("{error:?} {:?}", script.sent.lock().unwrap()).contains("s3cr3t"));
}

#[test]
fn finds_the_next_page() {
    let (a, b) = (
        "<https://api.test/repositories/1/x?page=2>; rel=\"next\"",
        "<https://api.test/z>; rel=\"last\"",
    );
    for (link, next) in [
        (
            format!("{a}, {b}"),
            Some("https://api.test/repositories/1/x?page=2"),
        ),
        (b.to_owned(), None),
        ("nonsense; rel=\"next\"".to_owned(), None),
    ] {
        let headers = [(http::header::LINK, link.parse().unwrap())]
            .into_iter()
            .collect();
        let answer = crate::service::http::HttpAnswer {
            call: String::new(),
            headers,
            body: vec![],
        };
        assert_eq!(answer.next().as_deref(), next);
    }
}
