//! Finds in a catalog what a promotion needs: services that lead to runtimes, and runtimes that lead to images.
//!
//! It knows blueprints as Port has them, under any names, and decides by where their relations lead. What it takes a
//! relation for is shown before anything is written, and flags say otherwise.

mod chain;
#[cfg(test)]
mod tests;

use serde_json::Value;

use chain::{CatalogBlueprint, CatalogChain, chains};

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

/// The most candidates that a refusal lists.
const MAX_LISTED: usize = 12;

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
    let mut chains = chains(&blueprints, given);
    // Of a service that is named, relations that are there count before those that would have to be added.
    if given.service.is_some() && chains.iter().any(|chain| chain.is_complete) {
        chains.retain(|chain| chain.is_complete);
    }
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

fn ambiguous(several: &[CatalogNames]) -> String {
    let ways = several.iter().take(MAX_LISTED).map(CatalogNames::way);
    let ways: Vec<String> = ways.collect();
    format!(
        "more than one way leads from services by runtimes to images: {}; say which with `--service-blueprint`, \
         `--runtime-blueprint`, `--image-blueprint` or `--image-relation`",
        ways.join(", ")
    )
}
