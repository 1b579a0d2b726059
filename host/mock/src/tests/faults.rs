//! Every kind of fault, and which request it strikes.

use std::time::Duration;

use jiff::SignedDuration;

use super::*;
use crate::fault::{CannedAnswer, PathGlob, RateLimitFault, RateLimitKind};

const RUN: &str = "https://port.mock/v1/actions/runs/r_Ab12Cd34Ef56Gh78";

fn sample_with(fault: &str) -> (SharedWorld, WorldTransport, String) {
    let world = SharedWorld::new(World::sample());
    let token = login(&world);
    let faults: ServiceFaults =
        toml::from_str::<std::collections::BTreeMap<String, ServiceFaults>>(fault)
            .unwrap()
            .remove("faults")
            .unwrap();
    world.lock().faults = faults;
    let transport = world.transport();
    (world, transport, token)
}

/// Answers of several equal log lines: a status, or the error.
async fn log_lines(fault: &str, count: usize) -> (Vec<Result<u16, TransportError>>, usize) {
    let (world, transport, token) = sample_with(fault);
    let mut answers = Vec::new();
    for _ in 0..count {
        let body = json!({"message": "x"});
        let answer = send(&transport, "POST", &format!("{RUN}/logs"), &token, &body).await;
        answers.push(answer.map(|answer| answer.status().as_u16()));
    }
    let lines = world.lock().port.runs["r_Ab12Cd34Ef56Gh78"].logs.len();
    (answers, lines)
}

#[tokio::test]
async fn a_fault_strikes_the_requests_that_it_names() {
    let lost = || {
        Err(TransportError::Lost(
            "connection closed before message completed".to_owned(),
        ))
    };
    let refused = || {
        Err(TransportError::Connect(
            "Connection refused (os error 111)".to_owned(),
        ))
    };
    // The fault; what three log lines are answered; how many of them Port holds afterwards.
    let cases = [
        (
            "then = { cut = \"before\" }",
            vec![lost(), Ok(201), Ok(201)],
            2,
        ),
        (
            "then = { cut = \"after\" }",
            vec![lost(), Ok(201), Ok(201)],
            3,
        ),
        (
            "then = { cut = \"refused\" }",
            vec![refused(), Ok(201), Ok(201)],
            2,
        ),
        (
            "nth = 2\nthen = { cut = \"after\" }",
            vec![Ok(201), lost(), Ok(201)],
            3,
        ),
        (
            "times = 2\nthen = { answer = { status = 503 } }",
            vec![Ok(503), Ok(503), Ok(201)],
            1,
        ),
        (
            "path = \"/v1/actions/runs/*/logs\"\nthen = { answer = { status = 502 } }",
            vec![Ok(502), Ok(201), Ok(201)],
            2,
        ),
        (
            "path = \"/v1/**\"\nmethod = \"post\"\nservice = \"port\"\nthen = { answer = { status = 500 } }",
            vec![Ok(500), Ok(201), Ok(201)],
            2,
        ),
        (
            "path = \"/v1/*\"\nthen = { answer = { status = 502 } }",
            vec![Ok(201); 3],
            3,
        ),
        (
            "method = \"GET\"\nthen = { answer = { status = 502 } }",
            vec![Ok(201); 3],
            3,
        ),
        (
            "service = \"github\"\nthen = { answer = { status = 502 } }",
            vec![Ok(201); 3],
            3,
        ),
    ];
    for (fault, expected, lines) in rows("faults of the mock", cases) {
        let answered = log_lines(&format!("[[faults]]\n{fault}"), 3).await;
        assert_eq!(answered, (expected, lines), "{fault}");
    }
}

#[tokio::test]
async fn a_proxy_answers_in_html() {
    let (world, transport, token) = sample_with("faults = []");
    let effect = FaultEffect::Answer(CannedAnswer::bad_gateway());
    world
        .lock()
        .faults
        .next(ServiceName::Port, "GET", "/v1/**", effect)
        .unwrap();
    let answer = send(&transport, "GET", RUN, &token, &json!({}))
        .await
        .unwrap();
    assert_eq!(answer.status(), 502);
    assert_eq!(answer.headers()["content-type"], "text/html");
    assert!(answer.body().starts_with(b"<html>"));
}

#[tokio::test]
async fn a_rate_limit_holds_until_its_time_is_over() {
    let github = "https://github.mock/rate_limit";
    // Service, kind; status, header that tells the wait, its value, text of the body.
    let cases = [
        (
            ServiceName::Port,
            RateLimitKind::Primary,
            429,
            "x-ratelimit-reset",
            1_767_693_630,
            "too many requests",
        ),
        (
            ServiceName::Port,
            RateLimitKind::Secondary,
            429,
            "retry-after",
            30,
            "too many requests",
        ),
        (
            ServiceName::GitHub,
            RateLimitKind::Primary,
            403,
            "x-ratelimit-reset",
            1_767_693_630,
            "API rate limit exceeded",
        ),
        (
            ServiceName::GitHub,
            RateLimitKind::Secondary,
            403,
            "retry-after",
            30,
            "secondary rate limit",
        ),
    ];
    for (service, kind, status, header, value, text) in rows("rate limits of the mock", cases) {
        let (world, transport, token) = sample_with("faults = []");
        let lasts = SignedDuration::from_secs(30);
        let effect = FaultEffect::RateLimit(RateLimitFault {
            kind,
            lasts,
            status: None,
        });
        world
            .lock()
            .faults
            .next(service, "GET", "/**", effect)
            .unwrap();
        let (url, token) = match service {
            ServiceName::Port => (RUN, token),
            ServiceName::GitHub => (github, sample::GITHUB_TOKEN.to_owned()),
            ServiceName::Registry => unreachable!("no case has it"),
        };
        let answer = send(&transport, "GET", url, &token, &json!({}))
            .await
            .unwrap();
        assert_eq!(answer.status(), status);
        assert_eq!(
            answer.headers()[header],
            value.to_string().as_str(),
            "{service} {kind:?}"
        );
        assert!(String::from_utf8_lossy(answer.body()).contains(text));

        world.lock().advance(Duration::from_secs(29));
        let early = send(&transport, "GET", url, &token, &json!({}))
            .await
            .unwrap();
        assert_eq!(early.status(), status);
        world.lock().advance(Duration::from_secs(1));
        let after = send(&transport, "GET", url, &token, &json!({}))
            .await
            .unwrap();
        assert_eq!(after.status(), 200);
    }
}

#[tokio::test]
async fn a_late_answer_takes_time_and_timeout() {
    let (world, mut transport, token) =
        sample_with("[[faults]]\ntimes = 2\nthen = { delay = \"20s\" }");
    let start = world.lock().now;
    let answer = send(&transport, "GET", RUN, &token, &json!({})).await;
    assert_eq!(answer.unwrap().status(), 200);
    assert_eq!(world.lock().now, start + SignedDuration::from_secs(20));

    transport.timeout = Duration::from_secs(10);
    let body = json!({"message": "x"});
    let answer = send(&transport, "POST", &format!("{RUN}/logs"), &token, &body).await;
    assert!(matches!(answer, Err(TransportError::Lost(_))));
    assert_eq!(world.lock().now, start + SignedDuration::from_secs(30));
    assert_eq!(
        world.lock().port.runs["r_Ab12Cd34Ef56Gh78"].logs.len(),
        1,
        "the work was done"
    );
}

#[test]
fn faults_survive_being_written_down() {
    let text = "[[faults]]\nservice = \"port\"\nmethod = \"POST\"\npath = \"/v1/*/x\"\nnth = 2\ntimes = 3\n\
        [faults.then.rate-limit]\nkind = \"secondary\"\nlasts = \"30s\"\n";
    let read =
        |text: &str| toml::from_str::<std::collections::BTreeMap<String, ServiceFaults>>(text);
    let faults = read(text).unwrap();
    let written = toml::to_string(&faults).unwrap();
    assert_eq!(read(&written).unwrap(), faults, "{written}");
    assert!(PathGlob::new("/v1/[").is_err());
    for wrong in [
        "then = { cut = \"sideways\" }",
        "then = { explode = 1 }",
        "path = \"[\"\nthen = { cut = \"before\" }",
        "oops = 1\nthen = { cut = \"before\" }",
        "nth = 1",
    ] {
        assert!(read(&format!("[[faults]]\n{wrong}")).is_err(), "{wrong}");
    }
}

/// Returns the rows of a table of faults, counted: `make test` adds up the numbers that are printed here.
#[expect(clippy::print_stdout, reason = "the number is there to be read")]
fn rows<I: IntoIterator<IntoIter: ExactSizeIterator>>(table: &str, rows: I) -> I::IntoIter {
    let rows = rows.into_iter();
    println!("fault rows: {} {table}", rows.len());
    rows
}
