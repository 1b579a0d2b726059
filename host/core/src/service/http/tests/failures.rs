//! Each refusal of a service, and what the policy and people are told of it.

use super::*;

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
            422,
            &trace,
            json!({ "ok": false, "error": "invalid_request", "message": "the body is wrong", "details": {
                "instancePath": "/properties/gitPath", "message": "must be\u{1b}[31m\nstring" } })
            .to_string(),
            "rejected",
            "the body is wrong, namely: /properties/gitPath must be [31m string (request 0af7)",
        ),
        (
            Service::Port,
            403,
            &[],
            r#"{"ok":false,"error":"protected_blueprint_violation","details":{"blueprint":"_rule"}}"#.into(),
            "other",
            "403, protected_blueprint_violation, namely: blueprint: _rule; the credentials",
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
