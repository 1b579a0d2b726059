//! Finds in a catalog what a promotion needs: services that lead to runtimes, and runtimes that lead to images.
//!
//! It knows blueprints as Port has them, under any names, and decides by where their relations lead. What it takes a
//! relation for is shown before anything is written, and flags say otherwise.

use serde_json::Value;

/// The names of blueprints and relations in a catalog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CatalogNames {
    /// Blueprint of services.
    pub service: String,
    /// Blueprint of runtimes.
    pub runtime: String,
    /// Blueprint of images.
    pub image: String,
    /// Relation of a service to the runtime that an image comes from.
    pub staging: String,
    /// Relation of a service to the runtime that an image goes to.
    pub production: String,
    /// Relation of a runtime to its image.
    pub image_relation: String,
}

/// Names that somebody has given by flags.
#[derive(Clone, Debug, Default)]
pub(super) struct GivenNames {
    pub service: Option<String>,
    pub runtime: Option<String>,
    pub image: Option<String>,
    pub staging: Option<String>,
    pub production: Option<String>,
    pub image_relation: Option<String>,
}

impl CatalogNames {
    /// The names of Port's guide, as far as no others are given.
    pub(super) fn guide(given: &GivenNames) -> Self {
        let or = |name: &Option<String>, usual: &str| name.clone().unwrap_or(usual.to_owned());
        Self {
            service: or(&given.service, "service"),
            runtime: or(&given.runtime, "running_service"),
            image: or(&given.image, "image"),
            staging: or(&given.staging, "test_runtime"),
            production: or(&given.production, "prod_runtime"),
            image_relation: or(&given.image_relation, "image"),
        }
    }

    /// The same names, as if all of them had been given.
    pub(super) fn as_given(&self) -> GivenNames {
        GivenNames {
            service: Some(self.service.clone()),
            runtime: Some(self.runtime.clone()),
            image: Some(self.image.clone()),
            staging: Some(self.staging.clone()),
            production: Some(self.production.clone()),
            image_relation: Some(self.image_relation.clone()),
        }
    }

    /// The way from services to images, for people.
    pub(super) fn way(&self) -> String {
        format!(
            "{} → {} → {} ({})",
            self.service, self.runtime, self.image, self.image_relation
        )
    }

    /// Returns whether these are the guide's blueprints, which `init` may complete with all that the guide has.
    pub(super) fn has_guides_blueprints(&self) -> bool {
        let guide = Self::guide(&GivenNames::default());
        [&self.service, &self.runtime, &self.image]
            == [&guide.service, &guide.runtime, &guide.image]
    }
}

/// What a catalog is taken for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum CatalogChoice {
    /// It has all three blueprints with their relations, under these names.
    Complete(CatalogNames),
    /// It has the blueprints, or nothing of its own that could be meant: what is missing of these is added.
    Partial(CatalogNames),
}

impl CatalogChoice {
    /// Returns the names.
    pub(super) fn names(&self) -> &CatalogNames {
        match self {
            Self::Complete(names) | Self::Partial(names) => names,
        }
    }
}

/// The reason why names cannot be found.
#[derive(Clone, Debug, thiserror::Error)]
pub(super) enum CatalogProblem {
    /// A name that was given is not there.
    #[error("{0}")]
    Absent(String),
    /// These ways are as likely as each other.
    #[error("{}", ambiguous(.0))]
    Several(Vec<CatalogNames>),
    /// Nothing fits among these blueprints.
    #[error("{}", unfit(.0))]
    Unfit(Vec<String>),
}

/// What relations to production are called by.
const PRODUCTION_WORDS: [&str; 3] = ["prod", "live", "prd"];
/// What relations to the runtime before production are called by, the likelier first.
const STAGING_WORDS: [&str; 7] = ["stag", "stg", "preprod", "pre_prod", "uat", "qa", "test"];
/// What blueprints and relations of images are called by.
const IMAGE_WORDS: [&str; 3] = ["image", "container", "artifact"];
/// What blueprints of services are called by.
const SERVICE_WORDS: [&str; 3] = ["service", "component", "app"];
/// The most candidates that a refusal lists.
const MAX_LISTED: usize = 12;

/// A way from services to images, and how likely it is the one that is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
struct CatalogChain {
    names: CatalogNames,
    /// Whether the service's relations are there.
    is_complete: bool,
    likelihood: u32,
}

/// Finds the names in all blueprints of a catalog. `may_create` says that the guide's blueprints may be added beside others.
///
/// # Errors
/// Says what there is and which flags decide, when nothing or more than one thing fits.
pub(super) fn find(
    blueprints: &[Value],
    given: &GivenNames,
    may_create: bool,
) -> Result<CatalogChoice, CatalogProblem> {
    let blueprints: Vec<CatalogBlueprint<'_>> =
        blueprints.iter().filter_map(CatalogBlueprint::of).collect();
    check_given(&blueprints, given, may_create).map_err(CatalogProblem::Absent)?;
    let chains = chains(&blueprints, given);
    let best = chains.iter().map(|chain| chain.likelihood).max();
    let mut likeliest: Vec<&CatalogChain> = chains
        .iter()
        .filter(|chain| Some(chain.likelihood) == best)
        .collect();
    if likeliest.iter().any(|chain| chain.is_complete) {
        likeliest.retain(|chain| chain.is_complete);
    }
    match likeliest.as_slice() {
        [one] if one.is_complete => return Ok(CatalogChoice::Complete(one.names.clone())),
        [one] => return Ok(CatalogChoice::Partial(one.names.clone())),
        [] => {}
        several => {
            let ways = several.iter().map(|chain| chain.names.clone());
            return Err(CatalogProblem::Several(ways.collect()));
        }
    }
    let guide = CatalogNames::guide(given);
    let is_guides =
        |name: &str| [&guide.service, &guide.runtime, &guide.image].contains(&&name.to_owned());
    let has_all = [&guide.service, &guide.runtime, &guide.image]
        .iter()
        .all(|name| blueprints.iter().any(|it| it.name == **name));
    let others: Vec<String> = blueprints
        .iter()
        .filter(|blueprint| !is_guides(blueprint.name))
        .map(|blueprint| blueprint.name.to_owned())
        .collect();
    if has_all || others.is_empty() || may_create {
        return Ok(CatalogChoice::Partial(guide));
    }
    Err(CatalogProblem::Unfit(others))
}

fn unfit(others: &[String]) -> String {
    let listed = others.iter().take(MAX_LISTED).cloned().collect::<Vec<_>>();
    format!(
        "no service of the catalog leads by relations to a runtime, and on to an image; it has the blueprints {}{}: name \
         yours with `--service-blueprint`, `--runtime-blueprint` and `--image-blueprint`, and their relations with \
         `--staging-relation`, `--production-relation` and `--image-relation`; or add `--guide`, which creates those of Port's \
         guide beside them",
        listed.join(", "),
        if others.len() > MAX_LISTED {
            ", …"
        } else {
            ""
        },
    )
}

/// A blueprint, as far as it is looked at.
struct CatalogBlueprint<'a> {
    name: &'a str,
    title: &'a str,
    relations: Vec<CatalogRelation<'a>>,
}

struct CatalogRelation<'a> {
    name: &'a str,
    target: &'a str,
}

impl<'a> CatalogBlueprint<'a> {
    /// Reads a blueprint; none for Port's own, such as `_team`.
    fn of(blueprint: &'a Value) -> Option<Self> {
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

/// Refuses a name that was given and that the catalog does not have.
fn check_given(
    blueprints: &[CatalogBlueprint<'_>],
    given: &GivenNames,
    may_create: bool,
) -> Result<(), String> {
    let flags = [
        (&given.service, "--service-blueprint"),
        (&given.runtime, "--runtime-blueprint"),
        (&given.image, "--image-blueprint"),
    ];
    for (name, flag) in flags {
        if let Some(name) = name
            && !may_create
            && !blueprints.iter().any(|blueprint| blueprint.name == name)
        {
            return Err(format!(
                "Port has no blueprint `{name}`, which `{flag}` names"
            ));
        }
    }
    Ok(())
}

fn chains(blueprints: &[CatalogBlueprint<'_>], given: &GivenNames) -> Vec<CatalogChain> {
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

fn is_production(name: &str) -> bool {
    has_word(name, &PRODUCTION_WORDS)
        && !has_word(name, &["preprod", "pre_prod", "nonprod", "non_prod"])
}

fn named(names: &[&str], fits: impl Fn(&str) -> bool) -> Option<String> {
    let found = names.iter().find(|name| fits(name))?;
    Some((*found).to_owned())
}

fn staging_of(names: &[&str]) -> Option<String> {
    STAGING_WORDS.iter().find_map(|word| {
        named(names, |name| {
            !is_production(name) && has_word(name, &[word])
        })
    })
}

fn ambiguous(several: &[CatalogNames]) -> String {
    let ways = several.iter().take(MAX_LISTED).map(CatalogNames::way);
    let ways: Vec<String> = ways.collect();
    format!(
        "more than one way leads from services by runtimes to images: {}; say which with `--service-blueprint`, \
         `--runtime-blueprint`, `--image-blueprint` or `--image-relation`",
        ways.join(", ")
    )
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use promote_mock::port::GUIDE_BLUEPRINTS;
    use serde_json::{Map, json};

    use super::*;

    fn blueprint(name: &str, relations: &[(&str, &str)]) -> Value {
        let relations: Map<String, Value> = relations
            .iter()
            .map(|(name, target)| {
                let relation = json!({ "target": target, "many": false, "required": false });
                ((*name).to_owned(), relation)
            })
            .collect();
        json!({ "identifier": name, "title": name, "schema": {}, "relations": relations })
    }

    fn own() -> Vec<Value> {
        vec![
            blueprint("_team", &[]),
            blueprint(
                "component",
                &[
                    ("owner", "_team"),
                    ("stage", "workload"),
                    ("live", "workload"),
                ],
            ),
            blueprint(
                "workload",
                &[("cluster", "cluster"), ("runs", "container_image")],
            ),
            blueprint("container_image", &[]),
            blueprint("cluster", &[]),
        ]
    }

    fn words(names: &CatalogNames) -> String {
        [
            &names.service,
            &names.staging,
            &names.production,
            &names.runtime,
            &names.image_relation,
            &names.image,
        ]
        .map(String::as_str)
        .join(" ")
    }

    #[test]
    fn names_are_found_by_where_relations_lead() {
        let guide: Vec<Value> = GUIDE_BLUEPRINTS
            .map(|text| serde_json::from_str(text).unwrap())
            .into();
        let mut both = own();
        both.extend(guide.clone());
        let reverse = vec![
            blueprint("service", &[]),
            blueprint(
                "running_service",
                &[("service", "service"), ("image", "image")],
            ),
            blueprint("image", &[]),
            blueprint("githubPullRequest", &[("service", "service")]),
        ];
        for (catalog, expected, is_complete) in [
            (
                guide,
                "service test_runtime prod_runtime running_service image image",
                true,
            ),
            (
                both,
                "service test_runtime prod_runtime running_service image image",
                true,
            ),
            (
                reverse,
                "service test_runtime prod_runtime running_service image image",
                false,
            ),
            (
                vec![],
                "service test_runtime prod_runtime running_service image image",
                false,
            ),
        ] {
            let found = find(&catalog, &GivenNames::default(), false).unwrap();
            assert_eq!(words(found.names()), expected);
            assert_eq!(
                matches!(found, CatalogChoice::Complete(_)),
                is_complete,
                "{expected}"
            );
        }
    }

    #[test]
    fn names_of_ones_own_are_found_and_nothing_is_added_beside_them() {
        let mut catalog = own();
        // `stage` and `stg` are staging, `live` is production.
        let found = find(&catalog, &GivenNames::default(), false).unwrap();
        assert_eq!(
            words(found.names()),
            "component stage live workload runs container_image"
        );
        assert!(matches!(found, CatalogChoice::Complete(_)));
        // A second way is as likely: flags decide.
        catalog.push(blueprint(
            "app",
            &[("stage", "workload"), ("live", "workload")],
        ));
        let refusal = find(&catalog, &GivenNames::default(), false)
            .unwrap_err()
            .to_string();
        assert!(
            refusal.contains("component → workload → container_image"),
            "{refusal}"
        );
        let given = GivenNames {
            service: Some("app".to_owned()),
            ..GivenNames::default()
        };
        assert_eq!(
            find(&catalog, &given, false).unwrap().names().service,
            "app"
        );
        // No way at all: the guide's are created only if somebody says so.
        let catalog = [blueprint("repository", &[]), blueprint("service", &[])];
        let refusal = find(&catalog, &GivenNames::default(), false)
            .unwrap_err()
            .to_string();
        assert!(
            refusal.contains("the blueprints repository: name"),
            "{refusal}"
        );
        let made = find(&catalog, &GivenNames::default(), true).unwrap();
        assert!(made.names().has_guides_blueprints());
        let given = GivenNames {
            runtime: Some("none".to_owned()),
            ..GivenNames::default()
        };
        let refusal = find(&catalog, &given, false).unwrap_err().to_string();
        assert!(refusal.contains("no blueprint `none`"), "{refusal}");
    }

    #[test]
    fn relations_that_have_other_names_are_given() {
        let catalog = [
            blueprint("service", &[("a", "runtime"), ("b", "runtime")]),
            blueprint("runtime", &[("image", "image")]),
            blueprint("image", &[]),
        ];
        assert!(find(&catalog, &GivenNames::default(), false).is_err());
        let given = GivenNames {
            staging: Some("a".to_owned()),
            production: Some("b".to_owned()),
            ..GivenNames::default()
        };
        let found = find(&catalog, &given, false).unwrap();
        assert_eq!(words(found.names()), "service a b runtime image image");
        assert!(matches!(found, CatalogChoice::Complete(_)));
    }

    #[test]
    fn a_pre_production_is_no_production() {
        assert_eq!(staging_of(&["preprod", "prod"]).as_deref(), Some("preprod"));
        assert_eq!(
            named(&["preprod", "prod"], is_production).as_deref(),
            Some("prod")
        );
        assert_eq!(
            staging_of(&["test_runtime", "staging"]).as_deref(),
            Some("staging")
        );
    }
}
