//! The token of an App: narrow, masked, given back.

use crate::service::github::TokenScope;
use crate::service::github::tests::*;

const MINT: &str = "POST /app/installations/5/access_tokens";
const FIND: &str = "GET /repos/acme/gitops/installation";
const REVOKE: &str = "DELETE /installation/token";

fn app(key: &str, repositories: &[&str]) -> Credentials {
    Credentials::App(App {
        issuer: "Iv1.app".into(),
        key: Secret::new("key", key).unwrap(),
        scopes: vec![TokenScope {
            repositories: repositories
                .iter()
                .map(|r| RepositoryName::parse(r).unwrap())
                .collect(),
            permissions: BTreeMap::from([
                ("contents".into(), "write".into()),
                ("checks".into(), "read".into()),
            ]),
        }],
    })
}

fn granted(fields: Value) -> TransportResult {
    let mut body = json!({ "token": "ghs_1_a.b.c", "expires_at": "2026-01-06T11:00:00Z",
        "permissions": { "contents": "write", "checks": "read", "metadata": "read" },
        "repository_selection": "selected", "repositories": [{ "name": "gitops" }] });
    for (name, value) in fields.as_object().unwrap() {
        body[name] = value.clone();
    }
    answer(201, body)
}

#[tokio::test]
async fn an_app_mints_a_narrow_token_masks_it_and_gives_it_back() {
    let pkcs1 = include_str!("testdata/app-pkcs1.pem");
    let pkcs8 = include_str!("testdata/app-pkcs8.pem");
    let folded = pkcs1.trim().replace('\n', "\\n");
    for key in [pkcs1, pkcs8, folded.as_str()] {
        let get = "GET /repos/acme/gitops/commits/main";
        let script = Script::new(vec![
            (FIND, answer(200, json!({ "id": 5 }))),
            (MINT, granted(json!({}))),
            (get, answer(404, "{}")),
            (get, answer(404, "{}")),
            (REVOKE, answer(204, "")),
        ]);
        let client = Client::new("https://hub.test", app(key, &[R]), script.session()).unwrap();
        client.repo(R).unwrap().commit("main").await.unwrap();
        client.repo(R).unwrap().commit("main").await.unwrap();
        client.revoke().await.unwrap();
        client.revoke().await.unwrap();
        script.end();
        let permissions = json!({ "contents": "write", "checks": "read" });
        assert_eq!(
            script.body(1),
            json!({ "repositories": ["gitops"], "permissions": permissions })
        );
        let sent = script.sent.lock().unwrap();
        let jwt = sent[0].headers()["authorization"]
            .to_str()
            .unwrap()
            .strip_prefix("Bearer ")
            .unwrap();
        assert_eq!(*script.masked.lock().unwrap(), [jwt, "ghs_1_a.b.c"]);
        assert!(
            sent[2..]
                .iter()
                .all(|r| r.headers()["authorization"] == "Bearer ghs_1_a.b.c")
        );
        check_jwt(jwt, pkcs8);
    }
}

fn check_jwt(jwt: &str, pkcs8: &str) {
    let der: String = pkcs8
        .lines()
        .filter(|line| !line.starts_with("---"))
        .collect();
    let pair = ring::rsa::KeyPair::from_pkcs8(&BASE64_STANDARD.decode(der).unwrap()).unwrap();
    let public = ring::rsa::PublicKeyComponents::<Vec<u8>>::from(pair.public());
    let (text, signature) = jwt.rsplit_once('.').unwrap();
    let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap();
    public
        .verify(
            &ring::signature::RSA_PKCS1_2048_8192_SHA256,
            text.as_bytes(),
            &signature,
        )
        .unwrap();
    let claims = BASE64_URL_SAFE_NO_PAD
        .decode(text.split_once('.').unwrap().1)
        .unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    assert_eq!(
        claims,
        json!({ "iat": START - 60, "exp": START + 540, "iss": "Iv1.app" })
    );
}

#[tokio::test]
async fn each_repository_gets_the_token_that_is_meant_for_it_and_all_are_given_back() {
    let key = include_str!("testdata/app-pkcs8.pem");
    let Credentials::App(app) = app(key, &[R]) else {
        unreachable!("it is an App")
    };
    let mut scopes = app.scopes.clone();
    scopes.push(TokenScope {
        repositories: vec![RepositoryName::parse("acme/source").unwrap()],
        permissions: BTreeMap::from([("contents".into(), "read".into())]),
    });
    let credentials = Credentials::App(App { scopes, ..app });
    let narrow = granted(
        json!({ "token": "ghs_2_a.b.c", "repositories": [{ "name": "source" }],
        "permissions": { "contents": "read", "metadata": "read" } }),
    );
    let script = Script::new(vec![
        (FIND, answer(200, json!({ "id": 5 }))),
        (MINT, granted(json!({}))),
        ("GET /repos/acme/gitops/commits/main", answer(404, "{}")),
        (
            "GET /repos/acme/source/installation",
            answer(200, json!({ "id": 5 })),
        ),
        (MINT, narrow),
        ("GET /repos/acme/source/commits/main", answer(404, "{}")),
        ("GET /repos/ACME/Source/commits/main", answer(404, "{}")),
        (REVOKE, answer(204, "")),
        (REVOKE, answer(204, "")),
    ]);
    let client = Client::new("https://hub.test", credentials, script.session()).unwrap();
    for repository in [R, "acme/source", "ACME/Source"] {
        client
            .repo(repository)
            .unwrap()
            .commit("main")
            .await
            .unwrap();
    }
    client.revoke().await.unwrap();
    script.end();
    assert_eq!(
        script.body(4),
        json!({ "repositories": ["source"], "permissions": { "contents": "read" } })
    );
    let sent = script.sent.lock().unwrap();
    let bearer = |index: usize| {
        sent[index].headers()["authorization"]
            .to_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(bearer(2), "Bearer ghs_1_a.b.c");
    assert_eq!([bearer(5), bearer(6)], ["Bearer ghs_2_a.b.c"; 2]);
    assert_eq!(
        [bearer(7), bearer(8)],
        ["Bearer ghs_1_a.b.c", "Bearer ghs_2_a.b.c"]
    );
}

#[tokio::test]
async fn a_token_that_is_too_wide_is_given_back_and_not_used() {
    let key = include_str!("testdata/app-pkcs8.pem");
    for (fields, excess) in rows(
        "tokens too wide",
        [
            (
                json!({ "permissions": { "contents": "write", "administration": "read" } }),
                "administration",
            ),
            (json!({ "permissions": { "checks": "write" } }), "checks"),
            (
                json!({ "permissions": { "contents": "admin" } }),
                "contents",
            ),
            (
                json!({ "permissions": { "metadata": "write" } }),
                "metadata",
            ),
            (json!({ "repository_selection": "all" }), "all repositories"),
            (
                json!({ "repositories": [{ "name": "gitops" }, { "name": "secrets" }] }),
                "secrets",
            ),
        ],
    ) {
        let steps = vec![
            (FIND, answer(200, json!({ "id": 5 }))),
            (MINT, granted(fields)),
            (REVOKE, answer(204, "")),
        ];
        let script = Script::new(steps);
        let client = Client::new("https://hub.test", app(key, &[R]), script.session()).unwrap();
        let failure = kind(client.login().await);
        assert!(
            failure.contains("wider") && failure.contains(excess),
            "{failure}"
        );
        script.end();
    }
}

#[tokio::test]
async fn an_app_that_cannot_be_used_says_why() {
    let good = include_str!("testdata/app-pkcs8.pem");
    let bad = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----";
    let ec = "-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----";
    for (key, repositories, steps, expected) in rows(
        "unusable Apps",
        [
            (bad, &[R][..], vec![], "cannot be used"),
            (ec, &[R], vec![], "not a PEM block"),
            ("token", &[R], vec![], "not a PEM block"),
            (good, &[], vec![], "no repository"),
            (good, &[R, "other/x"], vec![], "acme and of other"),
        ],
    ) {
        let script = Script::new(steps);
        let client =
            Client::new("https://hub.test", app(key, repositories), script.session()).unwrap();
        let failure = kind(client.login().await);
        assert!(failure.contains(expected), "{failure}");
        assert!(!failure.contains("AAAA"), "{failure}");
        script.end();
    }
}

#[tokio::test]
async fn a_token_is_minted_anew_before_it_expires() {
    let get = "GET /repos/acme/gitops/commits/main";
    let soon = || granted(json!({ "expires_at": "2026-01-06T10:01:30Z" }));
    let script = Script::new(vec![
        (FIND, answer(200, json!({ "id": 5 }))),
        (MINT, soon()),
        (get, answer(404, "{}")),
        (FIND, answer(200, json!({ "id": 5 }))),
        (MINT, granted(json!({}))),
        (get, answer(404, "{}")),
    ]);
    let key = include_str!("testdata/app-pkcs8.pem");
    let client = Client::new("https://hub.test", app(key, &[R]), script.session()).unwrap();
    client.repo(R).unwrap().commit("main").await.unwrap();
    assert!(
        client
            .http
            .session
            .wait(std::time::Duration::from_secs(60))
            .await
    );
    client.repo(R).unwrap().commit("main").await.unwrap();
    script.end();
}

#[tokio::test]
async fn an_app_without_a_token_is_a_broken_set_up_and_no_missing_file() {
    let key = include_str!("testdata/app-pkcs8.pem");
    let refused = |status, text| (MINT, answer(status, said(text)));
    for (steps, cure) in [
        (
            vec![(FIND, answer(404, said("Not Found")))],
            "install the App on the owner",
        ),
        (
            vec![(
                FIND,
                answer(401, said("A JSON web token could not be decoded")),
            )],
            "the key is not one of the App",
        ),
        (
            vec![
                (FIND, answer(200, json!({ "id": 5 }))),
                refused(403, "This installation has been suspended"),
            ],
            "its installation is suspended",
        ),
        (
            vec![
                (FIND, answer(200, json!({ "id": 5 }))),
                refused(
                    422,
                    "The permissions requested are not granted to this installation.",
                ),
            ],
            "add the permissions in the App's settings",
        ),
        (
            vec![
                (FIND, answer(200, json!({ "id": 5 }))),
                refused(
                    422,
                    "There is at least one repository that does not exist or is not accessible to the parent installation.",
                ),
            ],
            "by its present name",
        ),
    ] {
        let script = Script::new(steps);
        let client = Client::new("https://hub.test", app(key, &[R]), script.session()).unwrap();
        let read = client.repo(R).unwrap().file("a.yaml", BASE).await;
        let failure = kind(read);
        assert!(failure.starts_with("Other"), "{failure}");
        assert!(failure.contains(cure), "{failure}");
        script.end();
    }
}
