//! What a catalog really holds: some services with their production, its image, and where its manifests are.

use std::path::Path;

use serde_json::Value;

use super::catalog::CatalogNames;
use super::layout;
use super::reference::{self, ImageSample};
use crate::fleet;
use promote_core::contract::{Entity, EntityKey};
use promote_core::gate::context::entity_context;
use promote_core::gate::describe;
use promote_core::service::port::Client;

/// The most services whose production is looked at.
const MAX_SERVICES: usize = 50;
/// The most pages of services that are read to find them.
const MAX_PAGES: usize = 10;
/// What properties with the place of a manifest are called by, where no clone tells.
const PATH_WORDS: [&str; 3] = ["gitpath", "git_path", "path"];

/// The services that were looked at.
#[derive(Clone, Debug, Default)]
pub(super) struct CatalogSample {
    pub services: Vec<ServiceSample>,
}

/// A service with its runtimes.
#[derive(Clone, Debug)]
pub(super) struct ServiceSample {
    pub service: String,
    pub staging: Option<RuntimeSample>,
    pub production: Option<RuntimeSample>,
}

/// A runtime, and the image that the catalog says it runs.
#[derive(Clone, Debug)]
pub(super) struct RuntimeSample {
    /// The entity, as templates see it.
    pub entity: Value,
    /// The entity of its image, likewise.
    pub image: Option<Value>,
}

/// Reads the first services that have a production, with their runtimes and images.
pub(super) async fn read(client: &Client, names: &CatalogNames) -> anyhow::Result<CatalogSample> {
    let failed = |failure| anyhow::anyhow!("reading the catalog: {}", describe(&failure));
    let mut services = Vec::new();
    let mut next = None;
    for _ in 0..MAX_PAGES {
        let page = client.list(&names.service, next).await.map_err(failed)?;
        let with_production = |it: &Entity| fleet::related(it, &names.production).is_some();
        services.extend(page.entities.into_iter().filter(with_production));
        next = page.next;
        if next.is_none() || services.len() >= MAX_SERVICES {
            break;
        }
    }
    services.truncate(MAX_SERVICES);
    let mut samples = Vec::new();
    for service in &services {
        let mut runtimes = Vec::new();
        for relation in [&names.staging, &names.production] {
            let runtime = match fleet::related(service, relation) {
                Some(runtime) => runtime_sample(client, names, runtime)
                    .await
                    .map_err(failed)?,
                None => None,
            };
            runtimes.push(runtime);
        }
        let production = runtimes.pop().flatten();
        samples.push(ServiceSample {
            service: service.key.identifier.clone(),
            production,
            staging: runtimes.pop().flatten(),
        });
    }
    Ok(CatalogSample { services: samples })
}

async fn runtime_sample(
    client: &Client,
    names: &CatalogNames,
    identifier: &str,
) -> Result<Option<RuntimeSample>, promote_core::contract::Failure> {
    let key = |blueprint: &str, identifier: &str| EntityKey {
        blueprint: blueprint.to_owned(),
        identifier: identifier.to_owned(),
    };
    let Some(runtime) = client.entity(&key(&names.runtime, identifier)).await? else {
        return Ok(None);
    };
    let image = match fleet::related(&runtime, &names.image_relation) {
        Some(image) => client.entity(&key(&names.image, image)).await?,
        None => None,
    };
    Ok(Some(RuntimeSample {
        entity: entity_context(&runtime),
        image: image.as_ref().map(entity_context),
    }))
}

impl CatalogSample {
    fn runtimes(&self) -> impl Iterator<Item = &RuntimeSample> {
        self.services
            .iter()
            .flat_map(|it| it.production.iter().chain(&it.staging))
    }

    /// Returns the property of runtimes that holds the place of their manifests: one whose value is in the clone, else one
    /// that is called like it.
    pub(super) fn path_property(&self, clone: &Path) -> Option<String> {
        let is_there = |_: &str, value: &str| {
            let place = Path::new(value);
            let is_below = place
                .components()
                .all(|it| matches!(it, std::path::Component::Normal(_)));
            is_below && !value.is_empty() && clone.join(place).exists()
        };
        let is_called = |name: &str, value: &str| {
            let name = name.to_lowercase();
            !value.is_empty()
                && !value.contains("://")
                && PATH_WORDS.iter().any(|word| name.ends_with(word))
        };
        self.property(is_there).or_else(|| self.property(is_called))
    }

    /// Returns the property of production runtimes whose name and text fit.
    fn property(&self, fits: impl Fn(&str, &str) -> bool) -> Option<String> {
        let runtimes = self.services.iter().filter_map(|it| it.production.as_ref());
        let mut properties =
            runtimes.flat_map(|it| it.entity["properties"].as_object().into_iter().flatten());
        let found =
            properties.find(|(name, value)| value.as_str().is_some_and(|text| fits(name, text)))?;
        Some(found.0.clone())
    }

    /// Returns each service with the text of a property of its production.
    pub(super) fn places(&self, property: &str) -> Vec<(String, String)> {
        self.services
            .iter()
            .filter_map(|it| {
                let place = it.production.as_ref()?.entity["properties"][property].as_str()?;
                Some((it.service.clone(), place.to_owned()))
            })
            .collect()
    }

    /// Returns images with what the manifests of their runtimes hold, as far as the clone has them.
    pub(super) fn images(&self, clone: &Path, path_property: Option<&str>) -> Vec<ImageSample> {
        self.runtimes()
            .filter_map(|runtime| {
                let image = runtime.image.clone()?;
                let place =
                    path_property.and_then(|name| runtime.entity["properties"][name].as_str());
                let texts = place
                    .map(|place| layout::texts(clone, place))
                    .unwrap_or_default();
                let held = texts
                    .iter()
                    .flat_map(|text| reference::held_references(layout::lines(text)))
                    .collect();
                Some(ImageSample { image, held })
            })
            .collect()
    }

    /// Returns the text of a property in the runtimes that were looked at, if any has one.
    pub(super) fn has_text(&self, property: &str) -> bool {
        self.runtimes()
            .any(|it| it.entity["properties"][property].is_string())
    }

    /// Returns whether any runtime was looked at.
    pub(super) fn is_empty(&self) -> bool {
        self.runtimes().next().is_none()
    }
}
