//! Attestations beside an image: by the registry's list or by the one under a tag, and whatever else may be found there.

use serde_json::Value;

use super::*;
use crate::contract::{Attestation, Attestations};
use crate::service::attestation::{BundleBytes, BundleVerifier};

const INDEX: (&str, &str) = (
    "content-type",
    "application/vnd.oci.image.index.v1+json; charset=utf-8",
);
const BUNDLE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";

/// Takes a bundle's bytes for the repository that was built, and `bad` for one that does not hold.
struct NamedBuilds;

impl BundleVerifier for NamedBuilds {
    fn verify(&self, digest: &str, bundle: BundleBytes<'_>) -> Result<Attestation, String> {
        assert_eq!(digest, subject());
        let BundleBytes::Json(bytes) = bundle else {
            panic!("registries keep JSON")
        };
        let text = String::from_utf8(bytes.to_vec()).unwrap();
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

fn subject() -> String {
    sha256("the image")
}

fn referrers() -> String {
    format!("GET /v2/acme/web/referrers/{}", subject())
}

fn under_tag() -> String {
    format!("GET /v2/acme/web/manifests/{}", subject().replace(':', "-"))
}

/// A manifest as it is pushed with a bundle.
fn manifest(bundle: &str, of: &str) -> String {
    json!({
        "schemaVersion": 2, "artifactType": BUNDLE, "subject": { "digest": of },
        "config": { "mediaType": "application/vnd.oci.empty.v1+json", "digest": sha256("{}") },
        "layers": [{ "mediaType": BUNDLE, "digest": sha256(bundle) }],
    })
    .to_string()
}

/// The entry of a list.
fn entry(digest: &str, kind: &str) -> Value {
    json!({ "mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": digest, "artifactType": kind })
}

fn list(entries: &[Value]) -> String {
    json!({ "schemaVersion": 2, "manifests": entries }).to_string()
}

fn get(digest: &str, kind: &str) -> String {
    format!("GET /v2/acme/web/{kind}/{digest}")
}

async fn read(steps: Vec<(String, TransportResult)>) -> Result<Attestations, Failure> {
    let steps = steps.iter().map(|(line, answer)| {
        let answer = answer.as_ref().expect("a scripted answer");
        (line.as_str(), Ok(answer.clone()))
    });
    let (client, script) = client(steps.collect(), &[]);
    let reference = format!("ghcr.io/acme/web:1@{}", subject());
    let found = client.attestations(&NamedBuilds, &reference).await;
    script.end();
    found
}

/// The steps that read one bundle.
fn reading(bundle: &str) -> [(String, TransportResult); 2] {
    let manifest = manifest(bundle, &subject());
    [
        (get(&sha256(&manifest), "manifests"), answer(200, &manifest)),
        (get(&sha256(bundle), "blobs"), answer(200, bundle)),
    ]
}

fn of_bundle(bundle: &str) -> Value {
    entry(&sha256(&manifest(bundle, &subject())), BUNDLE)
}

#[tokio::test]
async fn every_bundle_of_the_registrys_list_is_verified_and_other_referrers_are_left_alone() {
    let sbom = entry(&sha256("sbom"), "application/spdx+json");
    let next = ("link", "</v2/acme/web/referrers/more?last=1>; rel=\"next\"");
    let old = entry(
        &sha256(&manifest("third", &subject())),
        "application/vnd.dev.sigstore.bundle+json;version=0.2",
    );
    let mut steps = vec![
        (
            referrers(),
            with(200, &[INDEX, next], list(&[sbom, of_bundle("first")])),
        ),
        (
            "GET /v2/acme/web/referrers/more?last=1".to_owned(),
            with(200, &[INDEX], list(&[of_bundle("bad"), old])),
        ),
    ];
    steps.extend(reading("first"));
    steps.extend(reading("bad"));
    steps.extend(reading("third"));
    let found = read(steps).await.unwrap();
    let held: Vec<&str> = found.verified.iter().map(|it| &*it.repository).collect();
    assert_eq!(held, ["first", "third"]);
    assert_eq!(found.refused, ["it does not hold"]);
}

#[tokio::test]
async fn a_registry_without_lists_is_asked_for_the_tag_that_clients_keep() {
    let unknown: [TransportResult; 5] = [
        answer(404, "404 page not found"),
        answer(400, "{}"),
        answer(405, "{}"),
        answer(406, "{}"),
        // Something before the registry that answers anything.
        answer(200, "<html>"),
    ];
    for first in unknown {
        let mut steps = vec![
            (referrers(), first),
            (under_tag(), answer(200, list(&[of_bundle("first")]))),
        ];
        steps.extend(reading("first"));
        assert_eq!(read(steps).await.unwrap().verified.len(), 1);
    }
    // No list, what is no list, and the image itself, which GitLab sends: there are none.
    for second in [
        answer(404, "{}"),
        answer(200, "[]"),
        answer(
            200,
            json!({ "schemaVersion": 2, "config": { "digest": sha256("c") } }),
        ),
    ] {
        let steps = vec![(referrers(), answer(404, "")), (under_tag(), second)];
        let found = read(steps).await.unwrap();
        assert!(found.verified.is_empty() && found.refused.is_empty());
    }
    let (client, script) = client(
        vec![
            (
                &format!("GET /v2/acme/web/referrers/{}", sha256("[]")),
                answer(404, ""),
            ),
            (
                &format!(
                    "GET /v2/acme/web/manifests/{}",
                    sha256("[]").replace(':', "-")
                ),
                answer(200, "[]"),
            ),
        ],
        &[],
    );
    let itself = format!("ghcr.io/acme/web@{}", sha256("[]"));
    let found = client.attestations(&NamedBuilds, &itself).await.unwrap();
    assert!(found.verified.is_empty());
    script.end();
}

#[tokio::test]
async fn a_referrer_that_is_not_what_it_should_be_stands_in_no_others_way() {
    let elsewhere = manifest("first", &sha256("another image"));
    let empty = json!({ "subject": { "digest": subject() }, "layers": [] }).to_string();
    let lost = manifest("lost", &subject());
    let swapped = manifest("swapped", &subject());
    let strange = json!({
        "subject": { "digest": subject() },
        "layers": [{ "mediaType": BUNDLE, "digest": "sha256:../../../x" }],
    })
    .to_string();
    let listed = [
        entry("../../x", BUNDLE),
        entry(&sha256("gone"), BUNDLE),
        entry(&sha256("other"), BUNDLE),
        entry(&sha256("<html>"), BUNDLE),
        entry(&sha256(&elsewhere), BUNDLE),
        entry(&sha256(&empty), BUNDLE),
        entry(&sha256(&strange), BUNDLE),
        entry(&sha256(&lost), BUNDLE),
        entry(&sha256(&swapped), BUNDLE),
        of_bundle("good"),
    ];
    let mut steps = vec![
        (referrers(), with(200, &[INDEX], list(&listed))),
        (get(&sha256("gone"), "manifests"), answer(404, "{}")),
        (get(&sha256("other"), "manifests"), answer(200, "another")),
        (get(&sha256("<html>"), "manifests"), answer(200, "<html>")),
        (
            get(&sha256(&elsewhere), "manifests"),
            answer(200, &elsewhere),
        ),
        (get(&sha256(&empty), "manifests"), answer(200, &empty)),
        (get(&sha256(&strange), "manifests"), answer(200, &strange)),
        (get(&sha256(&lost), "manifests"), answer(200, &lost)),
        (get(&sha256("lost"), "blobs"), answer(404, "{}")),
        (get(&sha256(&swapped), "manifests"), answer(200, &swapped)),
        (get(&sha256("swapped"), "blobs"), answer(200, "good")),
    ];
    steps.extend(reading("good"));
    let found = read(steps).await.unwrap();
    assert_eq!(found.verified.len(), 1);
    let expected = [
        "which is no digest",
        "it is listed, and not there",
        "its registry sent a manifest with the digest",
        "its manifest cannot be read",
        "it is listed, and refers to something else",
        "it holds no bundle",
        "which is no digest",
        "its bundle is not there",
        "its registry sent a bundle with the digest",
    ];
    assert_eq!(found.refused.len(), expected.len(), "{:?}", found.refused);
    for (why, words) in found.refused.iter().zip(expected) {
        assert!(why.contains(words), "{why}");
    }
}

#[tokio::test]
async fn what_is_more_than_is_read_is_said() {
    let digests = (0..40).map(|at| entry(&sha256(&at.to_string()), BUNDLE));
    let mut steps = vec![(
        referrers(),
        with(200, &[INDEX], list(&digests.collect::<Vec<_>>())),
    )];
    steps.extend((0..30).map(|at| {
        (
            get(&sha256(&at.to_string()), "manifests"),
            answer(404, "{}"),
        )
    }));
    let found = read(steps).await.unwrap();
    assert_eq!(found.refused.len(), 31);
    assert_eq!(
        found.refused[30],
        "there are more of them than are read: 30 were looked at"
    );
}

#[tokio::test]
async fn what_cannot_be_had_is_a_failure_and_not_an_image_without_attestations() {
    let denied = answer(403, json!({ "errors": [{ "code": "DENIED" }] }));
    let failure = read(vec![(referrers(), denied)]).await.unwrap_err();
    assert!(matches!(failure, Failure::NotFound(_)), "{failure:?}");
    let unreadable = with(200, &[INDEX], "<html>");
    assert!(read(vec![(referrers(), unreadable)]).await.is_err());
    let away = ("link", "<https://evil.example/v2/>; rel=\"next\"");
    let leaving = with(200, &[INDEX, away], list(&[]));
    assert!(read(vec![(referrers(), leaving)]).await.is_err());
    // A tag may stand for anything tomorrow.
    let (client, script) = client(Vec::new(), &[]);
    for reference in ["ghcr.io/acme/web:1", "", "ghcr.io/acme/web@sha256:12"] {
        let failure = client.attestations(&NamedBuilds, reference).await;
        let failure = failure.unwrap_err();
        assert!(matches!(failure, Failure::Rejected(_)), "{failure:?}");
    }
    script.end();
}
