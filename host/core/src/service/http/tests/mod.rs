//! Requests: sent again where that is safe, after the pause that a service asks for, and without a secret in any text.

#![allow(
    clippy::unwrap_used,
    clippy::type_complexity,
    reason = "tests and their tables"
)]

mod addresses;
mod failures;

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
        (
            Service::GitHub,
            200,
            vec![],
            json!({ "errors": [{ "type": "RATE_LIMIT", "code": "graphql_rate_limit",
                "message": "API rate limit already exceeded for user ID 1." }] })
            .to_string(),
            Some((60, 75)),
        ),
        (
            Service::GitHub,
            200,
            vec![],
            json!({ "errors": [{ "message": "You have exceeded a secondary rate limit." }] })
                .to_string(),
            Some((60, 75)),
        ),
        (
            Service::GitHub,
            403,
            vec![],
            message("API Rate Limit Exceeded for 127.0.0.1"),
            Some((60, 75)),
        ),
        (
            Service::GitHub,
            403,
            vec![],
            message("You have triggered an abuse detection mechanism."),
            Some((60, 75)),
        ),
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
async fn a_failure_inside_graphql_is_no_refusal() {
    let wrong = |more: Value| {
        let what = "Something went wrong while executing your query. Please include `AB12` when reporting this issue.";
        let mut error = json!({ "message": what });
        error
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        answer(200, json!({ "errors": [error] }))
    };
    let (result, _) = send(
        Service::GitHub,
        false,
        vec![wrong(json!({})), answer(200, "{}")],
    )
    .await;
    assert!(result.is_ok());
    let outcomes = (0..6).map(|_| wrong(json!({}))).collect();
    let error = send(Service::GitHub, false, outcomes).await.0.unwrap_err();
    assert!(error.is_uncertain(), "{error}");
    assert!(
        error.to_string().contains("Something went wrong"),
        "{error}"
    );
    assert!(matches!(Failure::from(error), Failure::Unavailable(_)));
    // What has a place in the document is an answer to it, and others may have written the message.
    for named in [
        json!({ "type": "UNPROCESSABLE" }),
        json!({ "path": ["x"], "message": "the rate limit" }),
    ] {
        let (result, waited) = send(Service::GitHub, false, vec![wrong(named)]).await;
        assert_eq!((result.is_ok(), waited), (true, 0));
    }
}

/// As recorded in issues of public clients: the words and the status differ, what they mean does not.
#[tokio::test]
async fn what_went_wrong_inside_github_is_told_by_no_words_and_is_never_a_refusal() {
    let texts = [
        "Something went wrong while executing your query. Please include `AB12:34CD` when reporting this issue.",
        "Something went wrong while executing your query. This may be the result of a timeout, or it could be a GitHub bug. Please include `AB12:34CD` when reporting this issue.",
        "Something went wrong while executing your query on 2026-01-06T10:00:00Z. Please include `AB12:34CD` when reporting this issue.",
        "timedout",
    ];
    let mut table: Vec<(u16, String)> = Vec::new();
    for text in texts {
        // A status of its own, a success with nothing, with a text for null, and with a part of the data.
        for (status, data) in [
            (200, json!(null)),
            (200, json!("null")),
            (200, json!({ "repository": null })),
            (502, json!(null)),
            (502, json!("null")),
        ] {
            let body = json!({ "data": data, "errors": [{ "message": text }] });
            table.push((status, body.to_string()));
        }
        table.push((200, json!({ "errors": [{ "message": text }] }).to_string()));
        table.push((500, json!({ "message": text }).to_string()));
    }
    let page = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n</html>";
    for (status, body) in [
        (500, json!({ "message": "Server Error" }).to_string()),
        (502, json!({ "message": "Server Error" }).to_string()),
        (
            503,
            json!({ "message": "We had issues producing the response to your request." })
                .to_string(),
        ),
        (
            504,
            json!({ "message": "We couldn't respond to your request in time." }).to_string(),
        ),
        (502, page.to_owned()),
        (502, String::new()),
    ] {
        table.push((status, body));
    }
    for (status, body) in rows("failures inside GitHub", table) {
        let row = format!("{status} {body}");
        let again = vec![answer(status, body.clone()), answer(200, "{}")];
        let (result, _) = send(Service::GitHub, false, again).await;
        assert!(result.is_ok(), "{row}");
        // What must not be done twice is not sent again: it may have happened, and the caller looks.
        let (result, _) = send(Service::GitHub, true, vec![answer(status, body)]).await;
        if let Err(error) = result {
            assert!(error.is_uncertain(), "{row}: {error}");
            assert!(
                matches!(Failure::from(error), Failure::Unavailable(_)),
                "{row}"
            );
        } else {
            panic!("{row}: taken for an answer");
        }
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

#[tokio::test]
async fn a_list_of_rest_is_no_answer_of_graphql_whatever_words_it_holds() {
    let body = json!([{ "errors": [{ "type": "RATE_LIMIT" }], "alerts_threshold": "errors" }]);
    let outcomes = vec![with(200, &[], body.to_string())];
    let (result, waited) = send(Service::GitHub, false, outcomes).await;
    assert!(result.is_ok());
    assert_eq!(waited, 0);
}
