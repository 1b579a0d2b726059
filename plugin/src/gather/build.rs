//! Who built the image: the attestations of each digest that is going to be written.

use serde_json::Value;

use super::FactsReader;
use crate::facts::{
    AttestationPlace, AttestedDigest, BuildFacts, ExpectedBuild, Facts, RegistryState,
};
use crate::host::PolicyHost;
use crate::image::ImageReference;
use crate::settings::Keeper;
use crate::template;
use crate::types::Failure;

/// The server that a workflow without one is on.
const GITHUB: &str = "https://github.com";

impl<H: PolicyHost> FactsReader<'_, H> {
    /// Reads the attestations of the image. What git holds already is not asked about, as for registries.
    pub(super) fn build(&mut self, facts: &Facts, context: &Value) -> Result<BuildFacts, Failure> {
        let built_by = self.settings.provenance.built_by.as_deref();
        let Some((built_by, image)) = built_by.zip(facts.image.as_ref()) else {
            return Ok(BuildFacts::NotAsked);
        };
        if facts.is_current() {
            return Ok(BuildFacts::NotAsked);
        }
        let known = template::render(built_by, context)
            .map_err(|what| format!("setting `provenance.built_by`: {what}"))
            .and_then(|built_by| {
                let source = self.source_repository(context)?;
                let commit = self.settings.provenance.enabled;
                let commit = commit.then(|| self.source(image, context)).transpose()?;
                let expected =
                    self.expected(&built_by, &source, commit.map(|(_, commit)| commit))?;
                Ok((source, expected))
            });
        let (source, expected) = match known {
            Ok(known) => known,
            Err(what) => return Ok(BuildFacts::Unknown(what)),
        };
        let mut asked: Vec<(AttestationPlace, String)> = Vec::new();
        for reference in &facts.references {
            let known = reference.digest.clone().or_else(|| facts.digest.clone());
            let Some(digest) = known else {
                return Ok(BuildFacts::Unknown(format!(
                    "no digest of {reference} is known, so nobody can tell who built it: have the build write it into the \
                     image entity, or set `digest = \"resolve\"`"
                )));
            };
            let kept = match self.settings.provenance.kept {
                Keeper::GitHub => AttestationPlace::GitHub,
                Keeper::Registry => AttestationPlace::Registry(reference.repository.clone()),
            };
            if !asked.contains(&(kept.clone(), digest.clone())) {
                asked.push((kept, digest));
            }
        }
        let mut attested = Vec::new();
        for (kept, digest) in asked {
            let (found, place) = match &kept {
                AttestationPlace::GitHub => {
                    (self.host.get_attestations(&source, &digest), source.clone())
                }
                AttestationPlace::Registry(name) => {
                    let image = ImageReference {
                        repository: name.clone(),
                        tag: None,
                        digest: Some(digest.clone()),
                    };
                    let found = self.host.get_image_attestations(&image.to_string());
                    (found, image.to_string())
                }
            };
            match found {
                Ok(found) => attested.push(AttestedDigest {
                    digest,
                    kept,
                    verified: found.verified,
                    refused: found.refused,
                }),
                Err(Failure::NotFound(what)) => {
                    return Ok(BuildFacts::Unknown(format!(
                        "the attestations of {place} cannot be seen: {what}"
                    )));
                }
                Err(failure) => return Err(failure),
            }
        }
        let is_named = facts.promoted().is_some_and(|image| image.digest.is_some());
        let has_now = |digest: &String| {
            let mut asked = facts.registry.iter();
            asked.any(|fact| matches!(&fact.state, RegistryState::Has(now) if now == digest))
        };
        let is_pinned = is_named
            || attested
                .iter()
                .all(|it: &AttestedDigest| has_now(&it.digest));
        if attested.is_empty() {
            return Ok(BuildFacts::Unknown(
                "no reference of the image is known, so nobody can tell who built it".to_owned(),
            ));
        }
        Ok(BuildFacts::Known {
            expected,
            attested,
            is_pinned,
        })
    }

    /// Fills in the build that the settings want.
    fn expected(
        &self,
        built_by: &str,
        source: &str,
        commit: Option<String>,
    ) -> Result<ExpectedBuild, String> {
        let settings = &self.settings.provenance;
        let (path, at) = match built_by.split_once('@') {
            Some((path, at)) => (path, Some(at)),
            None => (built_by, None),
        };
        let (server, path) = split_server(path);
        let parts: Vec<&str> = path.split('/').collect();
        let [owner, name, ".github", "workflows", file] = parts[..] else {
            return Err(format!(
                "setting `provenance.built_by`: `{}` is not owner/name/.github/workflows/FILE",
                built_by.escape_debug()
            ));
        };
        let is_usable = |part: &&str| !matches!(*part, "" | "." | "..");
        if ![owner, name, file].iter().all(is_usable) || at == Some("") {
            return Err(format!(
                "setting `provenance.built_by`: a part of `{}` is empty",
                built_by.escape_debug()
            ));
        }
        let source_ref = full_ref(settings.r#ref.as_deref().unwrap_or(&settings.branch));
        let is_elsewhere = !format!("{owner}/{name}").eq_ignore_ascii_case(source);
        let workflow_ref = match at {
            Some(at) => full_ref(at),
            None if is_elsewhere => {
                return Err(format!(
                    "setting `provenance.built_by`: the workflow is in {owner}/{name} and builds {source}, so say which \
                     version of it: `@main`, `@refs/tags/v1` or the commit behind it"
                ));
            }
            None => source_ref.clone(),
        };
        Ok(ExpectedBuild {
            repository: format!("{server}/{source}"),
            workflow: format!("{server}/{path}"),
            workflow_ref,
            source_ref,
            issuer: settings.issuer.clone(),
            commit,
        })
    }
}

/// Splits an address into the server and what is below it.
fn split_server(address: &str) -> (&str, &str) {
    let server = address.strip_prefix("https://").and_then(|rest| {
        let at = "https://".len() + rest.find('/')?;
        Some((&address[..at], &address[at + 1..]))
    });
    server.unwrap_or((GITHUB, address))
}

/// The full name of a ref: a name without `refs/` is a branch, 40 hex digits are a commit.
fn full_ref(name: &str) -> String {
    let is_commit = name.len() == 40 && name.bytes().all(|b| b.is_ascii_hexdigit());
    if name.starts_with("refs/") || is_commit {
        name.to_owned()
    } else {
        format!("refs/heads/{name}")
    }
}
