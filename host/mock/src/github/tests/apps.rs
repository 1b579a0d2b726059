//! Apps: claims, installations, narrowed tokens.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use serde_json::{Value, json};

use super::super::*;
use super::kit::{BenchAnswer, GitHubBench};

/// A key made for these tests alone: `openssl genrsa -traditional 2048`, as DER.
const KEY: &[u8] = include_bytes!("app-key.der");

fn key() -> RsaKeyPair {
    RsaKeyPair::from_der(KEY).unwrap()
}

fn claim(claims: Value, algorithm: &str) -> String {
    let encode = |value: Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!(
        "{}.{}",
        encode(json!({"alg": algorithm, "typ": "JWT"})),
        encode(claims)
    );
    let key = key();
    let mut signature = vec![0; key.public().modulus_len()];
    key.sign(
        &RSA_PKCS1_SHA256,
        &SystemRandom::new(),
        signed.as_bytes(),
        &mut signature,
    )
    .unwrap();
    format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
}

/// A kit with an App on `acme`, of two repositories.
fn installed() -> GitHubBench {
    let mut kit = GitHubBench::new();
    kit.github.create_repository("acme/other", [("a", "b")]);
    kit.github.create_repository("someone/else", [("a", "b")]);
    let level = |name: &str, level| (name.to_owned(), level);
    let permissions = [
        level("contents", PermissionLevel::Write),
        level("pull_requests", PermissionLevel::Write),
        level("checks", PermissionLevel::Read),
    ];
    let installation = AppInstallation {
        id: 42,
        account: "acme".into(),
        access: RepositoryAccess::All,
        permissions: permissions.into(),
        suspended: false,
    };
    kit.github.apps.push(GitHubApp {
        id: 9,
        client_id: "Iv23.promote".into(),
        slug: "promote".into(),
        owner: "acme".into(),
        public_key: Some(key().public().as_ref().to_vec()),
        installations: vec![installation],
    });
    kit
}

fn ask_as_app(
    kit: &mut GitHubBench,
    method: &str,
    path: &str,
    body: Value,
    claim: &str,
) -> BenchAnswer {
    kit.token = None;
    let bytes = if body.is_null() {
        Vec::new()
    } else {
        serde_json::to_vec(&body).unwrap()
    };
    let request = kit
        .request(method, path, None)
        .header("authorization", format!("Bearer {claim}"));
    kit.send(&request.body(bytes).unwrap())
}

fn good_claims(kit: &GitHubBench) -> Value {
    let now = kit.now.as_second();
    json!({"iat": now - 60, "exp": now + 540, "iss": "Iv23.promote"})
}

const TOKENS: &str = "/app/installations/42/access_tokens";

#[test]
fn an_app_finds_its_installation_and_mints_a_token() {
    let mut kit = installed();
    let claim = claim(good_claims(&kit), "RS256");
    assert_eq!(
        ask_as_app(&mut kit, "GET", "/app", Value::Null, &claim).body["slug"],
        "promote"
    );
    let found = ask_as_app(
        &mut kit,
        "GET",
        "/repos/acme/gitops/installation",
        Value::Null,
        &claim,
    );
    assert_eq!(found.body["id"], 42);
    assert_eq!(
        ask_as_app(
            &mut kit,
            "GET",
            "/repos/someone/else/installation",
            Value::Null,
            &claim
        )
        .status,
        404
    );
    for path in ["/app/installations", "/app/installations/42"] {
        let seen = ask_as_app(&mut kit, "GET", path, Value::Null, &claim).body;
        assert!(seen == found.body || seen == json!([found.body]));
    }
    let body = json!({"repositories": ["gitops"], "permissions": {"contents": "write"}});
    let minted = ask_as_app(&mut kit, "POST", TOKENS, body, &claim);
    assert_eq!(
        (minted.status, &minted.body["expires_at"]),
        (201, &json!("2026-02-01T13:00:00Z"))
    );
    assert_eq!(
        minted.body["permissions"],
        json!({"contents": "write", "metadata": "read"})
    );
    assert_eq!(minted.body["repositories"][0]["full_name"], "acme/gitops");
    let whole = ask_as_app(&mut kit, "POST", TOKENS, json!({}), &claim).body;
    assert_eq!(
        (&whole["repository_selection"], &whole["repositories"]),
        (&json!("selected"), &Value::Null),
        "the repositories are told to a caller that names some"
    );
    kit.token = Some(String::leak(
        minted.body["token"].as_str().unwrap().to_owned(),
    ));
    assert_eq!(kit.post("git/blobs", json!({"content": "x"})).status, 201);
    assert_eq!(kit.get("pulls").status, 403, "narrowed away");
    assert_eq!(kit.get("/repos/acme/other").status, 404, "narrowed away");
    assert_eq!(
        kit.ask("DELETE", "/installation/token", Value::Null).status,
        204
    );
    assert_eq!(kit.get("git/ref/heads/main").message(), "Bad credentials");
}

#[test]
fn every_bad_claim() {
    let kit = installed();
    let now = kit.now.as_second();
    let good = good_claims(&kit);
    let with = |more: Value| claim(shapes::with(good.clone(), more), "RS256");
    let valid = with(json!({}));
    let (signed, _) = valid.rsplit_once('.').unwrap();
    let other = with(json!({"x": 1}));
    let undecodable = "A JSON web token could not be decoded";
    let cases = [
        (valid.clone(), 200, ""),
        (with(json!({"iss": 9})), 200, ""),
        (with(json!({"iss": "9"})), 200, ""),
        (
            with(json!({"iss": "Iv23.unknown"})),
            404,
            "Integration not found",
        ),
        (
            with(json!({"exp": now + 601})),
            401,
            "'Expiration time' claim ('exp') is too far in the future",
        ),
        (
            with(json!({"exp": now})),
            401,
            "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires",
        ),
        (
            with(json!({"iat": now + 61})),
            401,
            "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued",
        ),
        (claim(good.clone(), "none"), 401, undecodable),
        (
            format!("{signed}.{}", other.rsplit_once('.').unwrap().1),
            401,
            undecodable,
        ),
        (format!("{signed}.AAAA"), 401, undecodable),
        ("mock-github-token".into(), 401, undecodable),
    ];
    for (claim, status, message) in cases {
        let seen = ask_as_app(&mut kit.clone(), "GET", "/app", Value::Null, &claim);
        assert_eq!((seen.status, seen.message()), (status, message));
    }
    let seen = ask_as_app(
        &mut kit.clone(),
        "GET",
        "/repos/acme/gitops/pulls",
        Value::Null,
        &valid,
    );
    assert_eq!(seen.status, 403, "a claim is no token");
}

#[test]
fn every_way_to_ask_for_too_much() {
    let kit = installed();
    let claim = claim(good_claims(&kit), "RS256");
    let permissions = "The permissions requested are not granted to this installation.";
    let repositories = "There is at least one repository that does not exist or is not accessible to the parent installation.";
    let cases = [
        (
            json!({"permissions": {"administration": "read"}}),
            422,
            permissions,
        ),
        (
            json!({"permissions": {"checks": "write"}}),
            422,
            permissions,
        ),
        (
            json!({"permissions": {"pull-requests": "write"}}),
            422,
            permissions,
        ),
        (
            json!({"permissions": {"contents": "all"}}),
            422,
            permissions,
        ),
        (json!({"repositories": ["else"]}), 422, repositories),
        (
            json!({"repositories": ["gitops", "none"]}),
            422,
            repositories,
        ),
        (json!({"repository_ids": [1]}), 422, repositories),
        (
            json!({"permissions": {"contents": "read", "metadata": "read"}}),
            201,
            "",
        ),
        (Value::Null, 201, ""),
    ];
    for (body, status, message) in cases {
        let seen = ask_as_app(&mut kit.clone(), "POST", TOKENS, body.clone(), &claim);
        assert_eq!((seen.status, seen.message()), (status, message), "{body}");
    }
    let mut suspended = kit.clone();
    suspended.github.apps[0].installations[0].suspended = true;
    assert_eq!(
        ask_as_app(&mut suspended, "POST", TOKENS, Value::Null, &claim).status,
        403
    );
    assert_eq!(
        ask_as_app(
            &mut kit.clone(),
            "POST",
            "/app/installations/1/access_tokens",
            Value::Null,
            &claim
        )
        .status,
        404
    );
}

#[test]
fn a_token_for_everything_stays_within_the_account() {
    let mut kit = installed();
    let claim = claim(good_claims(&kit), "RS256");
    let minted = ask_as_app(&mut kit, "POST", TOKENS, Value::Null, &claim).body;
    kit.token = Some(String::leak(minted["token"].as_str().unwrap().to_owned()));
    for (name, status) in [
        ("acme/gitops", 200),
        ("acme/other", 200),
        ("someone/else", 404),
    ] {
        assert_eq!(kit.get(&format!("/repos/{name}")).status, status);
    }
    kit.wait(3600);
    assert_eq!(kit.get("pulls").message(), "Bad credentials");
}

#[test]
fn tokens_come_in_the_old_and_the_new_form() {
    let mut kit = installed();
    let claim = claim(good_claims(&kit), "RS256");
    let short = ask_as_app(&mut kit, "POST", TOKENS, Value::Null, &claim).body;
    assert_eq!(short["token"].as_str().unwrap().len(), 40);
    let request = kit
        .request("POST", TOKENS, None)
        .header("authorization", format!("Bearer {claim}"));
    let request = request
        .header("x-github-stateless-s2s-token", "enabled")
        .body(Vec::new())
        .unwrap();
    let long = kit.send(&request).body["token"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(long.len() > 400 && long.starts_with("ghs_9_") && long.matches('.').count() == 2);
    kit.token = Some(long.leak());
    assert_eq!(kit.get("pulls").status, 200);
    let shown = format!("{:?}", kit.github);
    assert!(!shown.contains(kit.token.unwrap()) && !shown.contains("mock-github-token"));
}
