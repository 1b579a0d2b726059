//! The verifier over real bundles: of cli/cli's test data, and of the conformance suite of Sigstore, whose names end in `_fail`
//! where nobody may accept them.

#![allow(clippy::unwrap_used, reason = "tests")]

use promote_core::contract::Attestation;
use promote_core::service::attestation::{BundleBytes, BundleVerifier as _};
use serde_json::Value;

use crate::{AttestationVerifier, TrustRoots};

const REUSABLE: &str = "sha256:49a3aa6075e0f49f82843e74b5baa614ad2a588e6675612bf108a0a008c5ac25";
const CUSTOM: &str = "sha256:afa27b44d43b02a9fea41d13cedc2e4016cfcf87c5dbf990e593669aa8ce286d";
const DEMO: &str = "sha256:ae57936def59bc4c75edd3a837d89bcefc6d3a5e31d55a6fa7a71624f92c3c3b";
const CONFORMANCE: &str = "sha256:a0cfc71271d6e278e57cd332ff957c3f7043fdda354c4cbb190a30d56efa01bf";
const MOCKED: &str = "sha256:330a043220fa13e01d68a7db39c89e12b0c4c3b6a0346fe624b0903f1303b5b2";

/// The bundles that hold, each with its artifact.
const GOOD: [(&str, &str); 5] = [
    ("reusable-workflow", REUSABLE),
    ("custom-issuer", CUSTOM),
    // Of GitHub's own root: no log has it, a timestamp says when.
    ("github-root", DEMO),
    ("happy-path-intoto-in-dsse-v3", CONFORMANCE),
    ("rekor2-dsse-happy-path", CONFORMANCE),
];

fn text(name: &str) -> Option<String> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata");
    std::fs::read_to_string(format!("{folder}/{name}.json")).ok()
}

/// The roots of a bundle: those beside it, else the embedded ones.
fn roots(name: &str) -> TrustRoots {
    match text(&format!("{name}.root")) {
        Some(text) => TrustRoots::read(&text).unwrap(),
        None => TrustRoots::embedded().unwrap(),
    }
}

fn check(name: &str, digest: &str, bundle: &str) -> Result<Attestation, String> {
    let bytes = BundleBytes::Json(bundle.as_bytes());
    let checked = roots(name).check(digest, bytes);
    checked.map_err(|error| error.to_string())
}

#[test]
fn what_real_builds_signed_holds_and_says_who_built_what() {
    let found: Vec<Attestation> = GOOD
        .map(|(name, digest)| check(name, digest, &text(name).unwrap()).unwrap())
        .into();
    for attestation in &found {
        assert_eq!(attestation.predicate, "https://slsa.dev/provenance/v1");
        assert_eq!(attestation.runner.as_deref(), Some("github-hosted"));
    }
    let github = "https://github.com";
    let reusable = &found[0];
    // Who was started and who signed are two, and what was built is in the caller's repository.
    assert_eq!(
        reusable.signer,
        format!(
            "{github}/github/artifact-attestations-workflows/.github/workflows/attest.yml@09b495c3f12c7881b3cc17209a327792065c1a1d"
        )
    );
    let caller = format!("{github}/malancas/attest-demo");
    assert_eq!(reusable.repository, caller);
    assert_eq!(
        reusable.workflow,
        format!("{caller}/.github/workflows/shared.yml@refs/heads/main")
    );
    assert_eq!(reusable.commit, "95baf27389e83e6a5c48f42e190d48d7abcea19e");
    assert_eq!(reusable.source_ref, "refs/heads/main");
    assert_eq!(reusable.signed_at, "2024-05-24T19:14:24Z");
    let issuer = "https://token.actions.githubusercontent.com";
    assert_eq!(reusable.issuer, issuer);
    assert_eq!(found[1].issuer, format!("{issuer}/hammer-time"));
    assert_eq!(
        found[2].signer,
        format!("{github}/actions/attest-demo/.github/workflows/build-python.yml@refs/heads/main")
    );
}

#[test]
fn what_does_not_hold_is_refused_each_for_its_own_reason() {
    let cases = [
        (
            "invalid-signature",
            DEMO,
            "it signs \"text/plain\" and not a statement",
        ),
        ("no-certificate", DEMO, "it cannot be read"),
        ("npm-sha512", DEMO, "artifact mismatch"),
        (
            "bundle-from-wrong-instance_fail",
            CONFORMANCE,
            "it signs a file and not a statement",
        ),
        (
            "checkpoint-wrong-roothash_fail",
            CONFORMANCE,
            "it signs a file and not a statement",
        ),
        (
            "invalid-ct-key_fail",
            CONFORMANCE,
            "it signs a file and not a statement",
        ),
        ("dsse-invalid-sig_fail", CONFORMANCE, "invalid signature"),
        (
            "dsse-mismatch-envelope_fail",
            CONFORMANCE,
            "DSSE payload hash mismatch",
        ),
        (
            "dsse-mismatch-sig_fail",
            CONFORMANCE,
            "does not match any signature in Rekor entry",
        ),
        ("intoto-expired-certificate_fail", MOCKED, "CertNotValidYet"),
        (
            "intoto-missing-inclusion-proof_fail",
            MOCKED,
            "must have an inclusion proof",
        ),
        (
            "intoto-set-outside-signing-cert-validity_fail",
            MOCKED,
            "CertExpired",
        ),
        (
            "rekor2-dsse-invalid-sig_fail",
            CONFORMANCE,
            "invalid signature",
        ),
    ];
    for (name, digest, expected) in cases {
        let error = check(name, digest, &text(name).unwrap()).unwrap_err();
        assert!(error.contains(expected), "{name}: {error}");
    }
    // Each file of the folder is in one of the tables.
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| {
        let name = entry.unwrap().file_name().into_string().unwrap();
        name.trim_end_matches(".json").to_owned()
    });
    let bundles = files.filter(|name| !name.ends_with(".root")).count();
    assert_eq!(bundles, GOOD.len() + cases.len());
}

#[test]
fn another_artifact_is_refused() {
    for (name, digest) in GOOD {
        let other = if digest == DEMO { CUSTOM } else { DEMO };
        let error = check(name, other, &text(name).unwrap()).unwrap_err();
        assert!(error.starts_with("artifact mismatch"), "{name}: {error}");
        for malformed in ["", "sha256:", "sha512:00", &digest[..70], &digest[7..]] {
            let error = check(name, malformed, &text(name).unwrap()).unwrap_err();
            assert!(error.starts_with("it cannot be read"), "{name}: {error}");
        }
    }
}

/// Changes one character of what is encoded, so that it is still Base64: of a checkpoint in its third line, the hash, else in the
/// middle.
fn flipped(text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    let at = match text.match_indices('\n').nth(1) {
        Some((second, _)) => second + 5,
        None => bytes.len() / 2,
    };
    bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
    String::from_utf8(bytes).unwrap()
}

#[test]
fn a_flipped_byte_is_refused_wherever_it_is() {
    let entry = "/verificationMaterial/tlogEntries/0";
    let parts = [
        ("/dsseEnvelope/payload".to_owned(), true),
        ("/dsseEnvelope/signatures/0/sig".to_owned(), true),
        (
            "/verificationMaterial/certificate/rawBytes".to_owned(),
            true,
        ),
        (format!("{entry}/canonicalizedBody"), false),
        (format!("{entry}/inclusionProof/rootHash"), false),
        (format!("{entry}/inclusionProof/hashes/0"), false),
        (format!("{entry}/inclusionProof/checkpoint/envelope"), false),
        (
            format!("{entry}/inclusionPromise/signedEntryTimestamp"),
            false,
        ),
        (
            "/verificationMaterial/timestampVerificationData/rfc3161Timestamps/0/signedTimestamp"
                .to_owned(),
            false,
        ),
    ];
    for (name, digest) in GOOD {
        let bundle: Value = serde_json::from_str(&text(name).unwrap()).unwrap();
        let mut flips = 0;
        for (part, is_needed) in &parts {
            // In the second version of the log this is a copy that nobody signs and nobody reads: the checkpoint counts.
            if name.starts_with("rekor2") && part.ends_with("rootHash") {
                continue;
            }
            let mut bundle = bundle.clone();
            let Some(value) = bundle.pointer_mut(part) else {
                assert!(!is_needed, "{name} has no {part}");
                continue;
            };
            *value = flipped(value.as_str().unwrap()).into();
            let found = check(name, digest, &bundle.to_string());
            assert!(found.is_err(), "{name} {part}: {found:?}");
            flips += 1;
        }
        assert!(flips > 3, "{name}");
    }
}

#[test]
fn without_what_its_root_asks_for_a_bundle_is_refused() {
    let without = |name: &str, digest: &str, part: &str| {
        let mut bundle: Value = serde_json::from_str(&text(name).unwrap()).unwrap();
        bundle["verificationMaterial"][part] = Value::Null;
        bundle["verificationMaterial"]
            .as_object_mut()
            .unwrap()
            .remove(part);
        check(name, digest, &bundle.to_string()).unwrap_err()
    };
    let error = without("github-root", DEMO, "timestampVerificationData");
    assert!(error.contains("no signed timestamp"), "{error}");
    let error = without("reusable-workflow", REUSABLE, "tlogEntries");
    assert!(
        error.contains("inclusion proof") || error.contains("log"),
        "{error}"
    );
}

/// A certificate of the public root does not get away with what is enough for GitHub's, nor the other way round.
#[test]
fn a_root_vouches_for_its_own_certificates_only() {
    let only = |root: &str, name: &str, digest: &str| {
        let roots = TrustRoots::read(root).unwrap();
        let text = text(name).unwrap();
        let checked = roots.check(digest, BundleBytes::Json(text.as_bytes()));
        checked.map_err(|error| error.to_string())
    };
    let github = sigstore_verify::trust_root::SIGSTORE_GITHUB_TRUSTED_ROOT;
    let public = sigstore_verify::trust_root::SIGSTORE_PRODUCTION_TRUSTED_ROOT;
    assert!(only(github, "github-root", DEMO).is_ok());
    assert!(only(public, "reusable-workflow", REUSABLE).is_ok());
    let error = only(public, "github-root", DEMO).unwrap_err();
    assert!(
        error.contains("not trusted, \"CN=Fulcio Intermediate"),
        "{error}"
    );
    let error = only(github, "reusable-workflow", REUSABLE).unwrap_err();
    assert!(error.contains("O=sigstore.dev"), "{error}");
    // A root that was robbed of its logs is no root that needs none: it has no timestamp authority of its time either.
    let mut robbed: Value = serde_json::from_str(public).unwrap();
    robbed["tlogs"] = Value::Array(Vec::new());
    let error = TrustRoots::read(&robbed.to_string()).err().unwrap();
    assert!(
        error
            .to_string()
            .contains("one kind of log without the other"),
        "{error}"
    );
}

#[test]
fn compressed_bundles_are_the_same_and_what_is_none_is_refused() {
    let (name, digest) = GOOD[0];
    let text = text(name).unwrap();
    let packed = snap::raw::Encoder::new()
        .compress_vec(text.as_bytes())
        .unwrap();
    let verifier = AttestationVerifier::embedded();
    let as_json = verifier.verify(digest, BundleBytes::Json(text.as_bytes()));
    assert!(as_json.is_ok());
    assert_eq!(
        verifier.verify(digest, BundleBytes::Snappy(&packed)),
        as_json
    );
    // The last claims to unpack to four gigabytes.
    let hostile: [&[u8]; 4] = [
        b"",
        text.as_bytes(),
        &packed[..packed.len() / 2],
        b"\xff\xff\xff\xff\x0f",
    ];
    for bytes in hostile {
        let error = verifier
            .verify(digest, BundleBytes::Snappy(bytes))
            .unwrap_err();
        assert!(error.starts_with("it cannot be read"), "{error}");
    }
}

#[test]
fn several_roots_stand_one_a_line() {
    let compact = |text: &str| {
        let root: Value = serde_json::from_str(text).unwrap();
        root.to_string()
    };
    let roots = [
        sigstore_verify::trust_root::SIGSTORE_PRODUCTION_TRUSTED_ROOT,
        sigstore_verify::trust_root::SIGSTORE_GITHUB_TRUSTED_ROOT,
    ];
    let lines = roots.map(compact).join("\n");
    let verifier = AttestationVerifier::from_file(&format!("{lines}\n")).unwrap();
    for (name, digest) in [GOOD[0], GOOD[2]] {
        let text = text(name).unwrap();
        let found = verifier.verify(digest, BundleBytes::Json(text.as_bytes()));
        assert!(found.is_ok(), "{name}: {found:?}");
    }
    for (text, expected) in [
        ("", "it has no root"),
        ("{}", "root 1: "),
        ("{}\n[", "root 1: "),
    ] {
        let error = AttestationVerifier::from_file(text).err().unwrap();
        assert!(error.to_string().starts_with(expected), "{text}: {error}");
    }
}
