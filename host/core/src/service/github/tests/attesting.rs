//! Attestations: each page and each bundle kept apart is read, and what counts is the verifier's word.

use crate::contract::{Attestation, Attestations};
use crate::service::attestation::{BundleBytes, BundleVerifier};
use crate::service::github::tests::*;

const DIGEST: &str = "sha256:49a3aa6075e0f49f82843e74b5baa614ad2a588e6675612bf108a0a008c5ac25";
const LIST: &str = "GET /attestations/sha256%3A49a3aa6075e0f49f82843e74b5baa614ad2a588e6675612bf108a0a008c5ac25?per_page=100";

/// Takes the name of a repository for a bundle of a build of it, and `bad` for one that does not hold.
struct NamedBuilds;

impl BundleVerifier for NamedBuilds {
    fn verify(&self, digest: &str, bundle: BundleBytes<'_>) -> Result<Attestation, String> {
        assert_eq!(digest, DIGEST);
        let text = match bundle {
            BundleBytes::Json(json) => serde_json::from_slice::<String>(json).unwrap(),
            BundleBytes::Snappy(bytes) => String::from_utf8(bytes.to_vec()).unwrap(),
        };
        if text == "bad" {
            return Err("it does not hold".to_owned());
        }
        Ok(Attestation {
            predicate: "p".to_owned(),
            issuer: "i".to_owned(),
            signer: "s".to_owned(),
            workflow: "w".to_owned(),
            repository: text,
            commit: "c".to_owned(),
            source_ref: "r".to_owned(),
            runner: None,
            run: None,
            signed_at: "t".to_owned(),
        })
    }
}

async fn read(steps: Vec<Step>) -> (Result<Attestations, Failure>, Arc<Script>) {
    let (client, script) = github(steps);
    let found = client
        .repo(R)
        .unwrap()
        .attestations(&NamedBuilds, DIGEST)
        .await;
    script.end();
    (found, script)
}

fn list(attestations: Value) -> TransportResult {
    answer(200, json!({ "attestations": attestations }))
}

#[tokio::test]
async fn reads_every_page_and_tells_what_holds_from_what_does_not() {
    let ours = "https://hub.test/acme/gitops";
    let next = "https://hub.test/repos/acme/gitops/attestations/x?after=2";
    let first = with(
        200,
        &[("link", &format!("<{next}>; rel=\"next\""))],
        json!({ "attestations": [{ "bundle": ours }, { "bundle": "bad", "bundle_url": "https://kept.test/1" }] }),
    );
    let others = [
        // GitHub has no case in names, and a name that only ends as ours does is another.
        json!({ "bundle": "https://hub.test/Acme/GitOps" }),
        json!({ "bundle": "https://hub.test/mallory/acme/gitops" }),
        json!({ "bundle": "https://hub.test/acme/gitops/more" }),
        json!({ "bundle": "acme/gitops" }),
        json!({ "bundle": null }),
        json!({}),
    ];
    let steps = vec![
        (LIST, first),
        ("GET /attestations/x?after=2", list(json!(others))),
    ];
    let found = read(steps).await.0.unwrap();
    let held: Vec<&str> = found
        .verified
        .iter()
        .map(|one| one.repository.as_str())
        .collect();
    assert_eq!(held, [ours, "https://hub.test/Acme/GitOps"]);
    let of_another = |name: &str| format!("it is of a build of another repository, {name}");
    let expected = [
        "it does not hold".to_owned(),
        of_another("https://hub.test/mallory/acme/gitops"),
        of_another("https://hub.test/acme/gitops/more"),
        of_another("acme/gitops"),
        "GitHub sent neither its bundle nor where that is".to_owned(),
        "GitHub sent neither its bundle nor where that is".to_owned(),
    ];
    assert_eq!(found.refused, expected);
}

#[tokio::test]
async fn says_so_when_there_are_more_than_are_read() {
    let page = || {
        with(
            200,
            &[(
                "link",
                "<https://hub.test/repos/acme/gitops/attestations/x?after=1>; rel=\"next\"",
            )],
            json!({ "attestations": [{ "bundle": "bad" }] }),
        )
    };
    let next = "GET /attestations/x?after=1";
    let steps = vec![(LIST, page()), (next, page()), (next, page())];
    let found = read(steps).await.0.unwrap();
    assert_eq!(found.refused.len(), 4);
    assert!(
        found.refused[3].contains("only the newest 3"),
        "{:?}",
        found.refused
    );
}

#[tokio::test]
async fn a_bundle_that_is_kept_apart_is_fetched_without_a_credential() {
    let apart = |url: &str| list(json!([{ "bundle": null, "bundle_url": url }]));
    let kept = "GET !/b/1.json.sn?sig=secret";
    let steps = vec![
        (LIST, apart("https://kept.test/b/1.json.sn?sig=secret")),
        (kept, answer(200, "https://hub.test/acme/gitops")),
    ];
    let (found, script) = read(steps).await;
    assert_eq!(found.unwrap().verified.len(), 1);
    let sent = std::mem::take(&mut *script.sent.lock().unwrap());
    assert_eq!(sent[1].uri().host(), Some("kept.test"));
    assert!(sent[0].headers().contains_key("authorization"));
    assert!(!sent[1].headers().contains_key("authorization"));
    // What cannot be had is a failure, and its signature in the address is nobody's business.
    let gone = vec![
        (LIST, apart("https://kept.test/b/1.json.sn?sig=secret")),
        (kept, answer(404, "{}")),
    ];
    let error = kind(read(gone).await.0);
    assert!(
        error.contains("/b/1.json.sn") && !error.contains("sig="),
        "{error}"
    );
    for elsewhere in [
        "http://kept.test/1",
        "http://127.0.0.1/1",
        "file:///etc/passwd",
        "kept.test",
        "",
    ] {
        let error = kind(read(vec![(LIST, apart(elsewhere))]).await.0);
        assert!(!error.is_empty(), "{elsewhere}");
    }
}

#[tokio::test]
async fn none_is_no_failure_and_a_repository_that_cannot_be_seen_is() {
    let gone = || answer(404, json!({ "message": "Not Found" }));
    let seen = vec![(LIST, gone()), ("GET ", answer(200, json!({ "id": 1 })))];
    let found = read(seen).await.0.unwrap();
    assert!(found.verified.is_empty() && found.refused.is_empty());
    let error = kind(read(vec![(LIST, gone()), ("GET ", gone())]).await.0);
    assert!(error.starts_with("NotFound"), "{error}");
    let (client, script) = github(Vec::new());
    for malformed in [
        "",
        "sha256:",
        "sha256:../x",
        &DIGEST[7..],
        &DIGEST.to_uppercase(),
    ] {
        let repo = client.repo(R).unwrap();
        let error = kind(repo.attestations(&NamedBuilds, malformed).await);
        assert!(error.starts_with("Rejected"), "{malformed}: {error}");
    }
    script.end();
}
