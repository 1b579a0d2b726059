//! Addresses that requests and credentials go to, and those that they must not go to.

use super::*;

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
            is_redirected: false,
        };
        assert_eq!(answer.next().as_deref(), next);
    }
}
