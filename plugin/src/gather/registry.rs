//! What registries say of the image: that it is there, and which digest its tag has now.

use super::FactsReader;
use crate::facts::{Facts, RegistryFact, RegistryState};
use crate::host::PolicyHost;
use crate::image::ImageReference;
use crate::settings::{Digest, Exists};
use crate::types::Failure;

impl<H: PolicyHost> FactsReader<'_, H> {
    /// Pins each reference by the digest that its registry has for the tag, where the settings want that.
    pub(super) fn resolve(
        &mut self,
        facts: &mut Facts,
        wanted: &mut [Option<ImageReference>],
    ) -> Result<(), Failure> {
        if self.settings.digest != Digest::Resolve {
            return Ok(());
        }
        for image in wanted.iter_mut().flatten() {
            let fact = self.look_up(facts, image)?;
            if let RegistryState::Has(digest) = &fact.state
                && image.digest.is_none()
            {
                image.digest = Some(digest.clone());
                facts.digest.get_or_insert_with(|| digest.clone());
            }
            if !facts.registry.contains(&fact) {
                facts.registry.push(fact);
            }
        }
        facts.wanted = wanted.first().cloned().flatten();
        Ok(())
    }

    /// Asks whether what is going to be written is there. What git holds already is not asked about: a registry that is down
    /// must not keep the catalog from following.
    pub(super) fn existence(&mut self, facts: &mut Facts) -> Result<(), Failure> {
        if self.settings.exists == Exists::Never || facts.is_current() {
            return Ok(());
        }
        for image in facts.references.clone() {
            let asked = asked_for(&image).to_string();
            if facts.registry.iter().any(|fact| fact.reference == asked) {
                continue;
            }
            // What cannot be granted, such as a reference that the host does not read, is not asked about either.
            let may = self.settings.exists == Exists::Always
                || matches!(self.host.is_granted(&asked), Ok(true));
            if may {
                let fact = self.look_up(facts, &image)?;
                facts.registry.push(fact);
            }
        }
        Ok(())
    }

    /// The digest that the registry has for a reference; none if it has none, or does not show it.
    pub(super) fn registry_digest(
        &mut self,
        image: &ImageReference,
    ) -> Result<Option<String>, Failure> {
        match self.host.get_digest(&asked_for(image).to_string()) {
            Err(Failure::NotFound(_)) => Ok(None),
            other => other,
        }
    }

    fn look_up(&mut self, facts: &Facts, image: &ImageReference) -> Result<RegistryFact, Failure> {
        let reference = asked_for(image).to_string();
        let state = match self.host.get_digest(&reference) {
            Ok(Some(digest)) => RegistryState::Has(digest),
            Ok(None) => RegistryState::Missing,
            Err(Failure::NotFound(what)) => RegistryState::Hidden(what),
            Err(failure) => return Err(failure),
        };
        Ok(RegistryFact {
            reference,
            expected: image.digest.clone().or_else(|| facts.digest.clone()),
            state,
        })
    }
}

/// The reference as its registry is asked for it: by tag if it has one, for a tag may have moved.
fn asked_for(image: &ImageReference) -> ImageReference {
    let mut asked = image.clone();
    if asked.tag.is_some() {
        asked.digest = None;
    }
    asked
}
