//! Logging in, being let in, and what every answer carries.

use super::*;

#[test]
fn login_hands_out_the_same_token_until_it_expires() {
    let mut client = PortClient::new();
    let (_, first) = client.login(CLIENT_SECRET);
    assert_eq!(first["accessToken"], client.token.as_str());
    assert_eq!(first["expiresIn"], 10_800);
    assert_eq!(first["tokenType"], "Bearer");

    client.now += jiff::SignedDuration::from_hours(2);
    let (_, later) = client.login(CLIENT_SECRET);
    assert_eq!(later["accessToken"], first["accessToken"]);
    assert_eq!(later["expiresIn"], 3_600);

    client.now += jiff::SignedDuration::from_hours(1);
    client.expect((
        "GET",
        "/v1/blueprints/image",
        Value::Null,
        401,
        "unauthorized",
    ));
    let (_, fresh) = client.login(CLIENT_SECRET);
    assert_ne!(fresh["accessToken"], first["accessToken"]);
}

#[test]
fn login_refuses_in_the_ways_of_port() {
    let cases = [
        (
            json!({"clientId": CLIENT_ID, "clientSecret": "wrong"}),
            401,
            "invalid_credentials",
        ),
        (
            json!({"clientId": "nobody", "clientSecret": CLIENT_SECRET}),
            401,
            "invalid_credentials",
        ),
        (json!({"clientId": CLIENT_ID}), 422, "invalid_request"),
        (
            json!({"clientId": CLIENT_ID, "clientSecret": 1}),
            422,
            "invalid_request",
        ),
        (
            json!({"clientId": CLIENT_ID, "clientSecret": "x", "more": 1}),
            422,
            "invalid_request",
        ),
        (json!([]), 422, "invalid_request"),
    ];
    for (body, status, code) in cases {
        PortClient::new().expect(("POST", "/v1/auth/access_token", body, status, code));
    }
    let (_, body) = PortClient::new().login("wrong");
    assert_eq!(body, json!({"ok": false, "error": "invalid_credentials"}));
}

#[test]
fn every_other_route_needs_the_token() {
    let mut client = PortClient::new();
    client.token = "stranger".to_owned();
    for (method, path) in [
        ("GET", "/v1/blueprints/service/entities/web"),
        ("PATCH", "/v1/blueprints/service/entities/web"),
        ("POST", "/v1/entities/search"),
        ("GET", "/v1/actions/runs/r_Ab12Cd34Ef56Gh78"),
        ("GET", "/v1/no-such-route"),
    ] {
        client.expect((method, path, json!({}), 401, "unauthorized"));
    }
}

#[test]
fn credentials_that_may_only_read_are_told_so() {
    let mut client = PortClient::new();
    client.port.credentials[0].may_write = false;
    let entity = "/v1/blueprints/service/entities/web";
    client.expect(("GET", entity, Value::Null, 200, ""));
    client.expect((
        "PATCH",
        entity,
        json!({"title": "x"}),
        403,
        "missing_permissions",
    ));
    let query = json!({"combinator": "and", "rules": []});
    client.expect(("POST", "/v1/entities/search", query, 200, ""));
}

#[test]
fn answers_carry_a_trace_and_the_state_of_the_limit() {
    for (format, reset) in [
        (ResetFormat::Seconds, 300),
        (ResetFormat::Epoch, 1_767_693_900),
    ] {
        let mut client = PortClient::new();
        client.port.rate = PortRate::new(2, 300, format);
        let traces = [200, 200, 429].map(|status| {
            let response = client.raw("GET", "/v1/blueprints/image", Vec::new());
            assert_eq!(response.status(), status);
            let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
            assert_eq!(header("x-ratelimit-period"), "300");
            assert_eq!(header("x-ratelimit-limit"), "2");
            assert_eq!(header("x-ratelimit-reset"), reset.to_string());
            header("x-trace-id")
        });
        assert!(traces.iter().all(|trace| trace.len() == 32) && traces[0] != traces[1]);
        client.now += jiff::SignedDuration::from_secs(300);
        client.expect(("GET", "/v1/blueprints/image", Value::Null, 200, ""));
    }
}

#[test]
fn bodies_have_a_limit_and_must_be_json() {
    let mut client = PortClient::new();
    let path = "/v1/blueprints/service/entities";
    for (body, status) in [(vec![b' '; BODY_LIMIT + 1], 413), (b"{".to_vec(), 400)] {
        let response = client.raw("POST", path, body);
        assert_eq!(response.status(), status);
        let answer: Value = serde_json::from_slice(response.body()).unwrap();
        assert_eq!(answer["error"], "bad_request");
    }
}

#[test]
fn unknown_routes_are_not_found_and_marked() {
    let mut client = PortClient::new();
    for (method, path) in [
        ("GET", "/v1/scorecards"),
        ("DELETE", "/v1/entities/search"),
        ("GET", "/v2/blueprints"),
        ("GET", "/"),
        ("GET", "/v1/blueprints/service/entities/%FF"),
    ] {
        let response = client.raw(method, path, Vec::new());
        assert_eq!(response.status(), 404, "{method} {path}");
        assert!(response.extensions().get::<crate::UnknownRoute>().is_some());
    }
    let known = client.raw("GET", "/v1/blueprints/service/entities/none", Vec::new());
    assert!(known.extensions().get::<crate::UnknownRoute>().is_none());
}

#[test]
fn secrets_and_tokens_stay_out_of_debug() {
    let client = PortClient::new();
    let text = format!("{:?}", client.port);
    assert!(!text.contains(CLIENT_SECRET) && !text.contains(&client.token));
}
