//! Attestations of artifacts (GitHub REST, Repository attestations). GitHub checks none when it hands them out, and neither
//! does this.

use serde_json::{Value, json};

use super::GitHub;
use super::answer::{AnswerBody, GitHubAnswer, GitHubReply};
use super::call::{GitHubCall, encode};

/// An attestation as somebody has stored it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredAttestation {
    /// The digest that it is stored under, `sha256:` and 64 hex digits.
    pub subject: String,
    /// The bundle, a text that may be anything.
    pub bundle: String,
    /// True if the list only says where the bundle is.
    pub is_apart: bool,
}

impl GitHub {
    /// Stores an attestation; the newest is listed first.
    pub fn attest(&mut self, repository: &str, attestation: StoredAttestation) {
        if let Some(repository) = self.find_mut(repository) {
            repository.attestations.push(attestation);
        }
    }
}

/// `GET /repos/{owner}/{repo}/attestations/{subject_digest}`, page by page with a cursor.
pub(super) fn list(github: &mut GitHub, call: &GitHubCall<'_>) -> GitHubReply {
    let repository = call.repository(github);
    let subject = call.part("digest");
    let found: Vec<Value> = repository
        .attestations
        .iter()
        .enumerate()
        .rev()
        .filter(|(_, stored)| stored.subject == subject)
        .map(|(at, stored)| {
            let apart = call
                .urls
                .stored(&format!("attestations/{}/{at}.json.sn", repository.id));
            let bundle = serde_json::from_str::<Value>(&stored.bundle)
                .unwrap_or_else(|_| Value::from(stored.bundle.as_str()));
            let mut shape = json!({
                "repository_id": repository.id,
                "bundle_url": apart,
                "initiator": "user",
            });
            if !stored.is_apart {
                shape["bundle"] = bundle;
            }
            shape
        })
        .collect();
    if found.is_empty() {
        return Err(GitHubAnswer::not_found());
    }
    let size = call.positive("per_page", 30).min(100);
    let from = call
        .query("after")
        .and_then(|cursor| cursor.parse().ok())
        .unwrap_or(0);
    let shown: Vec<Value> = found.iter().skip(from).take(size).cloned().collect();
    let answer = GitHubAnswer::json(200, json!({ "attestations": shown }));
    if from + size >= found.len() {
        return Ok(answer);
    }
    let next = format!(
        "<{}/attestations/{}?per_page={size}&after={}>; rel=\"next\"",
        call.urls.repository(repository),
        encode(subject),
        from + size
    );
    Ok(answer.header("link", next))
}

/// Where bundles are stored, compressed, for whoever knows the address.
pub(super) fn bundle(github: &mut GitHub, call: &GitHubCall<'_>) -> GitHubReply {
    let place = call.part("at").strip_suffix(".json.sn");
    let at: Option<usize> = place.and_then(|place| place.parse().ok());
    let id = call.number("id")?;
    let known = github.repositories.iter().find(|it| it.id == id);
    let stored = known.and_then(|it| it.attestations.get(at?));
    let packed = stored.and_then(|stored| {
        snap::raw::Encoder::new()
            .compress_vec(stored.bundle.as_bytes())
            .ok()
    });
    let content = packed.ok_or_else(GitHubAnswer::not_found)?;
    let kind = "application/x-snappy".to_owned();
    Ok(GitHubAnswer::new(200, AnswerBody::Raw { kind, content }))
}
