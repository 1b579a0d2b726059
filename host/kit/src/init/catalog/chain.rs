//! The ways from services by runtimes to images, found by where relations lead, and how likely each is the one that is meant.

use serde_json::Value;

use super::{CatalogNames, GivenNames};

/// What relations to production are called by.
const PRODUCTION_WORDS: [&str; 3] = ["prod", "live", "prd"];
/// What relations to the runtime before production are called by, the likelier first.
const STAGING_WORDS: [&str; 7] = ["stag", "stg", "preprod", "pre_prod", "uat", "qa", "test"];
/// What blueprints and relations of images are called by.
const IMAGE_WORDS: [&str; 3] = ["image", "container", "artifact"];
/// What blueprints of services are called by.
const SERVICE_WORDS: [&str; 3] = ["service", "component", "app"];

/// A way from services to images, and how likely it is the one that is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CatalogChain {
    pub(super) names: CatalogNames,
    /// Whether the service's relations are there.
    pub(super) is_complete: bool,
    pub(super) likelihood: u32,
}

/// A blueprint, as far as it is looked at.
pub(super) struct CatalogBlueprint<'a> {
    pub(super) name: &'a str,
    title: &'a str,
    relations: Vec<CatalogRelation<'a>>,
}

struct CatalogRelation<'a> {
    name: &'a str,
    target: &'a str,
}

impl<'a> CatalogBlueprint<'a> {
    /// Reads a blueprint; none for Port's own, such as `_team`.
    pub(super) fn of(blueprint: &'a Value) -> Option<Self> {
        let name = blueprint["identifier"].as_str()?;
        let relations = blueprint["relations"].as_object().into_iter().flatten();
        (!name.starts_with('_')).then(|| Self {
            name,
            title: blueprint["title"].as_str().unwrap_or_default(),
            relations: relations
                .filter_map(|(name, relation)| {
                    let target = relation["target"].as_str()?;
                    Some(CatalogRelation { name, target })
                })
                .collect(),
        })
    }

    fn sounds_like(&self, words: &[&str]) -> bool {
        has_word(self.name, words) || has_word(self.title, words)
    }
}

fn has_word(text: &str, words: &[&str]) -> bool {
    let text = text.to_lowercase();
    words.iter().any(|word| text.contains(word))
}

/// Finds every way from services by runtimes to images.
pub(super) fn chains(blueprints: &[CatalogBlueprint<'_>], given: &GivenNames) -> Vec<CatalogChain> {
    let fits = |wanted: &Option<String>, name: &str| wanted.as_deref().is_none_or(|it| it == name);
    let mut found = Vec::new();
    for runtime in blueprints.iter().filter(|it| fits(&given.runtime, it.name)) {
        for to_image in &runtime.relations {
            let image = blueprints.iter().find(|it| it.name == to_image.target);
            let Some(image) = image.filter(|it| {
                it.name != runtime.name
                    && fits(&given.image, it.name)
                    && fits(&given.image_relation, to_image.name)
            }) else {
                continue;
            };
            let is_meant = given.image.is_some() || given.image_relation.is_some();
            if !(is_meant
                || image.sounds_like(&IMAGE_WORDS)
                || has_word(to_image.name, &IMAGE_WORDS))
            {
                continue;
            }
            let services = blueprints.iter().filter(|it| {
                it.name != runtime.name && it.name != image.name && fits(&given.service, it.name)
            });
            for service in services {
                found.extend(chain(service, runtime, to_image, image, given));
            }
        }
    }
    found
}

/// One way, if the service has relations to the runtime, or the runtime one to the service.
fn chain(
    service: &CatalogBlueprint<'_>,
    runtime: &CatalogBlueprint<'_>,
    to_image: &CatalogRelation<'_>,
    image: &CatalogBlueprint<'_>,
    given: &GivenNames,
) -> Option<CatalogChain> {
    let to_runtime: Vec<&str> = service
        .relations
        .iter()
        .filter(|relation| relation.target == runtime.name)
        .map(|relation| relation.name)
        .collect();
    let production = given
        .production
        .clone()
        .or_else(|| named(&to_runtime, is_production));
    let staging = given.staging.clone().or_else(|| staging_of(&to_runtime));
    let is_back = runtime.relations.iter().any(|it| it.target == service.name);
    let guide = CatalogNames::guide(given);
    let (staging, production, is_complete) = match (staging, production) {
        (Some(staging), Some(production)) => {
            let is_there = |name: &String| to_runtime.contains(&name.as_str());
            let is_complete = is_there(&staging) && is_there(&production);
            (staging, production, is_complete)
        }
        _ if is_back || given.service.is_some() => (guide.staging, guide.production, false),
        _ => return None,
    };
    let hints = [
        image.sounds_like(&IMAGE_WORDS),
        has_word(to_image.name, &IMAGE_WORDS),
        service.sounds_like(&SERVICE_WORDS),
        is_complete,
        is_complete,
        service.name == "service",
        runtime.name == "running_service",
        image.name == "image",
    ];
    Some(CatalogChain {
        names: CatalogNames {
            service: service.name.to_owned(),
            runtime: runtime.name.to_owned(),
            image: image.name.to_owned(),
            staging,
            production,
            image_relation: to_image.name.to_owned(),
        },
        is_complete,
        likelihood: hints.into_iter().map(u32::from).sum(),
    })
}

pub(super) fn is_production(name: &str) -> bool {
    has_word(name, &PRODUCTION_WORDS)
        && !has_word(name, &["preprod", "pre_prod", "nonprod", "non_prod"])
}

pub(super) fn named(names: &[&str], fits: impl Fn(&str) -> bool) -> Option<String> {
    let found = names.iter().find(|name| fits(name))?;
    Some((*found).to_owned())
}

pub(super) fn staging_of(names: &[&str]) -> Option<String> {
    STAGING_WORDS.iter().find_map(|word| {
        named(names, |name| {
            !is_production(name) && has_word(name, &[word])
        })
    })
}
