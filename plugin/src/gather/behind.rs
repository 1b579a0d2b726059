//! What git holds and the catalog was never told of: people merged it, perhaps with more in it than was proposed.

use super::FactsReader;
use super::history::merged;
use crate::catalog::Item;
use crate::facts::{Facts, LeftBehind};
use crate::held::HeldImage;
use crate::host::{PolicyHost, PullFilter, PullRequest};
use crate::image::ImageReference;
use crate::settings::Digest;
use crate::types::{EntityKey, Failure};

impl<H: PolicyHost> FactsReader<'_, H> {
    /// Finds out which image git holds if the catalog has another: the one that the last merged pull request promotes, if
    /// every value that it stands in is that image's. If it is another, people have changed it, and one that goes on with
    /// what they merged looks for it in the catalog.
    pub(super) fn left_behind(
        &mut self,
        facts: &mut Facts,
        repository: &str,
    ) -> Result<(), Failure> {
        let goes_on = self.request.resumed.as_ref();
        let is_merged = goes_on.is_some_and(|it| it.is_merged);
        // Who has told the catalog of what was merged finds it there, whatever git holds by now.
        let told = facts.image.as_ref().filter(|_| is_merged);
        let (Some(current), [production]) = (
            facts.current_image.as_ref().or(told),
            facts.production.as_slice(),
        ) else {
            return Ok(());
        };
        let is_one = production.targets(&self.settings.image_relation).len() == 1;
        let is_told = self.is_in_git(facts, current, production);
        if !is_one || is_told || facts.sites.is_empty() || facts.is_current() {
            return Ok(());
        }
        let current = current.key.identifier.clone();
        let merged = merged(self.past_pulls(facts, repository, PullFilter::Ended)?);
        let Some(last) = merged.last() else {
            return Ok(());
        };
        let noted: Vec<_> = last.image.clone().into_iter().collect();
        if let Some(image) = self.find_in_git(facts, &noted, &current)? {
            facts.left_behind = Some(LeftBehind::AsProposed(image));
            return Ok(());
        }
        if is_merged {
            let pull = last.number;
            let found = self.find_changed(facts, &merged, &current)?;
            facts.left_behind = Some(match found {
                Some(image) => LeftBehind::Changed { image, pull },
                None => LeftBehind::Unknown { pull },
            });
        }
        Ok(())
    }

    /// Finds the image that people have put into git: one that was promoted before, one that is named like the images that
    /// are known, or else, where the settings need searches anyway, any of the repository.
    fn find_changed(
        &mut self,
        facts: &Facts,
        merged: &[PullRequest],
        current: &str,
    ) -> Result<Option<String>, Failure> {
        let earlier = merged.iter().rev().skip(1);
        let mut identifiers: Vec<String> = earlier.filter_map(|pull| pull.image.clone()).collect();
        identifiers.extend(self.named_alike(facts));
        identifiers.sort();
        identifiers.dedup();
        let found = self.find_in_git(facts, &identifiers, current)?;
        if found.is_some() || !self.settings.searches_images() {
            return Ok(found);
        }
        let production = facts.production.first();
        let images = self.images_like(facts.image.as_ref(), production)?;
        self.only_in_git(facts, &images)
    }

    /// The identifiers that the image in git would have, if it is named as the known ones are.
    fn named_alike(&self, facts: &Facts) -> Vec<String> {
        let production = facts.production.first();
        let mut names = Vec::new();
        for image in facts.image.iter().chain(&facts.current_image) {
            let Ok(reference) = self.reference(image, production) else {
                continue;
            };
            let digest = reference.digest.or_else(|| self.known_digest(image));
            for target in &facts.sites {
                let Ok(held) = HeldImage::read(target.part, &target.site.value) else {
                    continue;
                };
                let pairs = [(&reference.tag, held.tag), (&digest, held.digest)];
                for (known, held) in pairs {
                    let (Some(known), Some(held)) = (known, held) else {
                        continue;
                    };
                    let name = &image.key.identifier;
                    if name.contains(known.as_str()) {
                        names.push(name.replace(known.as_str(), &held));
                    }
                }
            }
        }
        names
    }

    /// Returns the one of these images that git holds, unless it is the one that the catalog has already.
    fn find_in_git(
        &mut self,
        facts: &Facts,
        identifiers: &[String],
        current: &str,
    ) -> Result<Option<String>, Failure> {
        let others = identifiers.iter().filter(|id| *id != current);
        let keys: Vec<_> = others
            .map(|identifier| EntityKey {
                blueprint: self.settings.image_blueprint.clone(),
                identifier: identifier.clone(),
            })
            .collect();
        if keys.is_empty() {
            return Ok(None);
        }
        let entities = self.host.get_entities(&keys)?;
        let images = entities.iter().flatten().map(Item::new);
        let images = images.collect::<Result<Vec<_>, _>>()?;
        self.only_in_git(facts, &images)
    }

    /// Returns the identifier of the image that git holds, if there is exactly one.
    fn only_in_git(&mut self, facts: &Facts, images: &[Item]) -> Result<Option<String>, Failure> {
        let Some(production) = facts.production.first() else {
            return Ok(None);
        };
        let mut held = Vec::new();
        for image in images {
            let Ok(reference) = self.reference(image, Some(production)) else {
                continue;
            };
            let digest = self.digest_of(facts, image, &reference)?;
            if holds(facts, &reference, digest.as_deref()) {
                held.push(image.key.identifier.clone());
            }
        }
        Ok(held.pop().filter(|_| held.is_empty()))
    }

    /// The digest of an image that git may hold: the catalog's, or where the settings want it from the registry, the one that
    /// its tag has there. That is asked only for a tag that stands in git with a digest.
    fn digest_of(
        &mut self,
        facts: &Facts,
        image: &Item,
        reference: &ImageReference,
    ) -> Result<Option<String>, Failure> {
        let known = self.known_digest(image);
        let is_pinned = || {
            facts.sites.iter().any(|target| {
                HeldImage::read(target.part, &target.site.value)
                    .is_ok_and(|held| held.digest.is_some() && held.tag == reference.tag)
            })
        };
        if known.is_some() || self.settings.digest != Digest::Resolve || !is_pinned() {
            return Ok(known);
        }
        self.registry_digest(reference)
    }

    /// Whether every value that the settings name is that of an image.
    fn is_in_git(&self, facts: &Facts, image: &Item, production: &Item) -> bool {
        let Ok(reference) = self.reference(image, Some(production)) else {
            return false;
        };
        holds(facts, &reference, self.known_digest(image).as_deref())
    }
}

/// Whether every value that the settings name is that of a reference.
fn holds(facts: &Facts, reference: &ImageReference, digest: Option<&str>) -> bool {
    facts.sites.iter().all(|target| {
        HeldImage::read(target.part, &target.site.value)
            .is_ok_and(|held| held.denotes(target.part, reference, digest))
    })
}
