//! Who built the image: the attestations of each digest that is going to be written.

use serde_json::Value;

use super::FactsReader;
use crate::catalog::Item;
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
        let (source, expected) = match self.wanted_build(built_by, image, context) {
            Ok(wanted) => wanted,
            Err(what) => return Ok(BuildFacts::Unknown(what)),
        };
        let places = match self.attestation_places(facts) {
            Ok(places) if places.is_empty() => {
                return Ok(BuildFacts::Unknown(
                    "no reference of the image is known, so nobody can tell who built it"
                        .to_owned(),
                ));
            }
            Ok(places) => places,
            Err(what) => return Ok(BuildFacts::Unknown(what)),
        };
        let mut attested = Vec::new();
        for (kept, digest) in places {
            match self.attested(kept, digest, &source) {
                Ok(found) => attested.push(found),
                Err(Failure::NotFound(what)) => return Ok(BuildFacts::Unknown(what)),
                Err(failure) => return Err(failure),
            }
        }
        let is_pinned = is_pinned(facts, &attested);
        Ok(BuildFacts::Known {
            expected,
            attested,
            is_pinned,
        })
    }

    /// Returns the repository of the source, and the build that the settings want of the image.
    fn wanted_build(
        &mut self,
        built_by: &str,
        image: &Item,
        context: &Value,
    ) -> Result<(String, ExpectedBuild), String> {
        let built_by = template::render(built_by, context)
            .map_err(|what| format!("setting `provenance.built_by`: {what}"))?;
        let source = self.source_repository(context)?;
        let commit = if self.settings.provenance.enabled {
            let (_, commit) = self.source(image, context)?;
            Some(commit)
        } else {
            None
        };
        let expected = self.expected(&built_by, &source, commit)?;
        Ok((source, expected))
    }

    /// Returns where the attestations of each digest are kept that is going to be written, each once.
    fn attestation_places(&self, facts: &Facts) -> Result<Vec<(AttestationPlace, String)>, String> {
        let mut places = Vec::new();
        for reference in &facts.references {
            let known = reference.digest.clone().or_else(|| facts.digest.clone());
            let digest = known.ok_or_else(|| {
                format!(
                    "no digest of {reference} is known, so nobody can tell who built it: have the build write it into the \
                     image entity, or set `digest = \"resolve\"`"
                )
            })?;
            let kept = match self.settings.provenance.kept {
                Keeper::GitHub => AttestationPlace::GitHub,
                Keeper::Registry => AttestationPlace::Registry(reference.repository.clone()),
            };
            let place = (kept, digest);
            if !places.contains(&place) {
                places.push(place);
            }
        }
        Ok(places)
    }

    /// Reads the attestations of one digest; a place that cannot be seen is not found.
    fn attested(
        &mut self,
        kept: AttestationPlace,
        digest: String,
        source: &str,
    ) -> Result<AttestedDigest, Failure> {
        let (found, place) = match &kept {
            AttestationPlace::GitHub => (
                self.host.get_attestations(source, &digest),
                source.to_owned(),
            ),
            AttestationPlace::Registry(name) => {
                let image = ImageReference {
                    repository: name.clone(),
                    tag: None,
                    digest: Some(digest.clone()),
                };
                let image = image.to_string();
                (self.host.get_image_attestations(&image), image)
            }
        };
        let found = found.map_err(|failure| match failure {
            Failure::NotFound(what) => Failure::NotFound(format!(
                "the attestations of {place} cannot be seen: {what}"
            )),
            other => other,
        })?;
        Ok(AttestedDigest {
            digest,
            kept,
            verified: found.verified,
            refused: found.refused,
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

/// Whether the promotion writes a digest, or its tags stand for the attested ones in the registry.
fn is_pinned(facts: &Facts, attested: &[AttestedDigest]) -> bool {
    let is_named = facts.promoted().is_some_and(|image| image.digest.is_some());
    let has_now = |digest: &String| {
        let mut asked = facts.registry.iter();
        asked.any(|fact| matches!(&fact.state, RegistryState::Has(now) if now == digest))
    };
    is_named || attested.iter().all(|build| has_now(&build.digest))
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
