//! The images in the manifests, and those that should be there.

use serde_json::Value;

use super::{FactsReader, clean_path, context};
use crate::catalog::Item;
use crate::facts::{DeployTarget, Facts, StagingManifest};
use crate::gates::reason;
use crate::held::HeldImage;
use crate::holder::{ImageWish, usual_part, writes};
use crate::host::{File, PolicyHost};
use crate::image::ImageReference;
use crate::layout::{ManifestLayout, ManifestSearch, SoughtImage};
use crate::settings::{Manifest, Part};
use crate::template;
use crate::types::{EntityKey, Failure};
use crate::yaml::{self, YamlStream};

/// One entry of the setting `manifest`, filled in for one runtime.
pub(super) struct ManifestEntry {
    pub(super) path: String,
    pub(super) search: ManifestSearch,
    pub(super) part: Option<Part>,
    pub(super) registry: Option<String>,
}

/// The image at the first place of an entry.
pub(super) struct FirstImage {
    pub(super) part: Part,
    pub(super) value: String,
    pub(super) held: HeldImage,
}

impl<H: PolicyHost> FactsReader<'_, H> {
    pub(super) fn manifests(&mut self, facts: &mut Facts, repository: &str) -> Result<(), Failure> {
        let productions: Vec<Item> = facts.production.clone();
        let each: Vec<Option<&Item>> = match productions.as_slice() {
            [] => vec![None],
            many => many.iter().map(Some).collect(),
        };
        let mut wanted = self.wanted(facts, &each);
        self.resolve(facts, &mut wanted)?;
        for image in wanted.iter().flatten() {
            if !facts.references.contains(image) {
                facts.references.push(image.clone());
            }
        }
        let apart = self.settings.reference.contains("{production");
        for manifest in &self.settings.manifest {
            let is_own = apart || manifest.mentions("{production");
            // A template that needs what is missing would only repeat the reason for that.
            if productions.is_empty() && is_own {
                continue;
            }
            let times = if is_own { each.len() } else { 1 };
            for (production, wanted) in each.iter().zip(&wanted).take(times) {
                let Some(entry) = self.entry(facts, manifest, *production) else {
                    continue;
                };
                if let Some(file) = self.file(facts, repository, &entry.path)? {
                    self.targets(facts, file, &entry, wanted.as_ref());
                }
            }
        }
        Ok(())
    }

    /// Returns the image as it is written for each runtime of production.
    fn wanted(&mut self, facts: &mut Facts, each: &[Option<&Item>]) -> Vec<Option<ImageReference>> {
        let mut all = Vec::new();
        for production in each {
            let image = facts.image.as_ref();
            let reference = image.map(|image| self.reference(image, *production));
            match reference {
                Some(Err(reason)) => {
                    if !self.reasons.contains(&reason) {
                        self.reasons.push(reason);
                    }
                    all.push(None);
                }
                Some(Ok(reference)) => all.push(Some(reference)),
                None => all.push(None),
            }
        }
        facts.wanted = all.first().cloned().flatten();
        all
    }

    /// Fills an entry in; what is missing for it is a reason.
    pub(super) fn entry(
        &mut self,
        facts: &Facts,
        manifest: &Manifest,
        production: Option<&Item>,
    ) -> Option<ManifestEntry> {
        let context = self.context_of(facts, production);
        let located = manifest
            .located()
            .map_err(|what| self.refuse("settings", format!("setting `manifest` {what}")))
            .ok()?;
        let setting = format!("manifest.{}", located.setting);
        let path = self.fill("manifest", &setting, located.file, &context)?;
        let path = clean_path(&path)
            .map_err(|what| self.refuse("manifest", what))
            .ok()?;
        let search = self.search(manifest, &context)?;
        let registry = self.registry(manifest, &context);
        if manifest.registry.is_some() && registry.is_none() {
            return None;
        }
        Some(ManifestEntry {
            path,
            search,
            part: manifest.part,
            registry,
        })
    }

    /// The registry that an entry sets; none if it cannot be filled in, which is a reason.
    fn registry(&mut self, manifest: &Manifest, context: &Value) -> Option<String> {
        let text = manifest.registry.as_ref()?;
        self.fill("manifest", "manifest.registry", text, context)
    }

    pub(super) fn search(
        &mut self,
        manifest: &Manifest,
        context: &Value,
    ) -> Option<ManifestSearch> {
        let located = manifest.located().ok()?;
        let search = located.search(manifest, |text| template::render(text, context));
        search
            .map_err(|what| self.refuse("manifest", format!("setting `manifest`: {what}")))
            .ok()
    }

    /// Returns the values that templates can name, for one runtime of production.
    fn context_of(&self, facts: &Facts, production: Option<&Item>) -> Value {
        context(
            self.request,
            &[
                ("service", Some(&facts.service)),
                ("staging", facts.staging.first()),
                ("production", production),
                ("image", facts.image.as_ref()),
            ],
        )
    }

    /// Reads a file once; the second and later ones at the commit of the first.
    pub(super) fn file(
        &mut self,
        facts: &mut Facts,
        repository: &str,
        path: &str,
    ) -> Result<Option<usize>, Failure> {
        if let Some(known) = facts.files.iter().position(|file| file.path == path) {
            return Ok(Some(known));
        }
        let base = self.settings.base.clone();
        let revision = facts
            .files
            .first()
            .map_or(base.clone(), |file| file.commit.clone());
        let why = match self.host.read_file(repository, path, &revision) {
            Ok(Some(file)) => {
                facts.files.push(File {
                    path: path.to_owned(),
                    ..file
                });
                return Ok(Some(facts.files.len() - 1));
            }
            Ok(None) => format!("`{path}` does not exist on branch `{base}` of {repository}"),
            Err(Failure::NotFound(what)) => {
                format!("`{path}` cannot be read on branch `{base}` of {repository}: {what}")
            }
            Err(Failure::Rejected(what)) => {
                format!("`{path}` in {repository} cannot be changed: {what}")
            }
            Err(failure) => return Err(failure),
        };
        self.refuse("manifest", why);
        Ok(None)
    }

    /// What an entry asks of its file.
    fn targets(
        &mut self,
        facts: &mut Facts,
        file: usize,
        entry: &ManifestEntry,
        wanted: Option<&ImageReference>,
    ) {
        let File { path, content, .. } = &facts.files[file];
        let Some(image) = wanted else {
            if let Err(what) = missing(content, &entry.search) {
                self.refuse("manifest", format!("`{path}`: {what}"));
            }
            return;
        };
        let wish = ImageWish {
            file: path,
            image,
            digest: facts.digest.as_deref(),
            mode: self.settings.digest,
            allow_other: self.settings.allow_other_repository,
            registry: entry.registry.as_deref(),
        };
        let found = YamlStream::read(content)
            .and_then(|stream| {
                let sought = SoughtImage {
                    image,
                    allow_other: wish.allow_other,
                    registry: wish.registry,
                };
                let places = entry.search.places(&stream, sought, entry.part)?;
                Ok((stream, places))
            })
            .map_err(|what| reason("manifest", format!("`{path}`: {what}")));
        let (stream, places) = match found {
            Ok(found) => found,
            Err(reason) => return self.reasons.push(reason),
        };
        let mut targets = Vec::new();
        for place in places {
            match writes(&stream, &place, wish) {
                Ok(writes) => targets.extend(writes.into_iter().map(|write| DeployTarget {
                    file,
                    address: write.address,
                    shown: write.shown,
                    part: write.part,
                    site: write.site,
                    held: write.held,
                    wanted: write.text,
                })),
                Err(reason) => self.reasons.push(reason),
            }
        }
        for target in targets {
            self.add(facts, target);
        }
    }

    /// Adds a target, once.
    fn add(&mut self, facts: &mut Facts, target: DeployTarget) {
        let known = facts
            .sites
            .iter()
            .find(|known| known.file == target.file && known.site.bytes == target.site.bytes);
        match known {
            None => facts.sites.push(target),
            Some(known) if known.wanted == target.wanted => {}
            Some(known) => {
                let what = format!(
                    "`{}` in `{}` would have to be `{}` and, by `{}`, `{}`",
                    known.shown,
                    facts.files[target.file].path,
                    known.wanted,
                    target.shown,
                    target.wanted
                );
                self.refuse("manifest", what);
            }
        }
    }

    /// Compares staging's own manifests with the catalog.
    pub(super) fn staging_manifest(
        &mut self,
        facts: &Facts,
        staging: &Item,
        path: &str,
        content: &str,
    ) -> Result<Option<StagingManifest>, String> {
        let Some(image) = &facts.image else {
            return Ok(None);
        };
        let manifest = &self.settings.manifest[0];
        // What is a property of production's runtime is one of staging's here.
        let context = self.context_of(facts, Some(staging));
        let Some(search) = self.search(manifest, &context) else {
            return Ok(None);
        };
        let wanted = self
            .reference(image, Some(staging))
            .map_err(|reason| reason.message)?;
        let registry = self.registry(manifest, &context);
        let registry = registry.as_deref();
        let first = first(content, &search, manifest.part, Some(&wanted), registry)?;
        let digest = facts.digest.as_deref();
        let shown = match first.part {
            Part::Reference | Part::Repository | Part::Registry => Some(wanted.to_string()),
            part => first.held.text(part, &wanted, digest),
        };
        Ok(Some(StagingManifest {
            runtime: EntityKey::clone(&staging.key),
            path: path.to_owned(),
            holds: first.value,
            agrees: first.held.denotes(first.part, &wanted, digest),
            wanted: shown.unwrap_or_else(|| wanted.to_string()),
        }))
    }
}

/// Why nothing can be found in a file, as far as that can be told without an image.
fn missing(content: &str, search: &ManifestSearch) -> Result<(), String> {
    let stream = YamlStream::read(content)?;
    if let ManifestLayout::Path(path) = &search.layout {
        let address = yaml::ScalarAddress {
            document: search.document.clone(),
            path: path.clone(),
            shared: search.shared,
        };
        // Which of several documents it is, the image tells.
        if yaml::pins(&stream, &address).len() < 2 {
            yaml::find(&stream, &address)?;
        }
    }
    Ok(())
}

/// What the first place of a search holds. Layouts need an image of the repository that is looked for.
///
/// # Errors
/// Says why there is none.
pub(super) fn first(
    content: &str,
    search: &ManifestSearch,
    part: Option<Part>,
    like: Option<&ImageReference>,
    registry: Option<&str>,
) -> Result<FirstImage, String> {
    let stream = YamlStream::read(content)?;
    let none = ImageReference {
        repository: "unknown".to_owned(),
        tag: None,
        digest: None,
    };
    let sought = SoughtImage {
        image: like.unwrap_or(&none),
        allow_other: false,
        registry,
    };
    let places = search.places(&stream, sought, part)?;
    let place = places.first().ok_or("no image is there")?;
    let part = place
        .part
        .unwrap_or_else(|| usual_part(&stream, &place.address));
    let site = yaml::find(&stream, &place.address)?;
    let held = HeldImage::read(part, &site.value)?;
    Ok(FirstImage {
        part,
        value: site.value,
        held,
    })
}
