//! Laws 1 and 12: what the catalog says, against what the base branch holds and has held.

use super::super::company::{BASE, Company, CompanyService, REPOSITORY, entity, version};
use super::super::history::BaseHistory;
use super::super::law::{BrokenLaw, WorldLaw};
use super::{held, image_in};
use crate::scenario::StepResult;
use promote_mock::World;

/// 1: a catalog that names another image than git does, after all has settled.
pub(super) fn behind(company: &Company, service: usize, world: &World) -> Option<BrokenLaw> {
    let name = company.services[service].name;
    let held = held(company, world, name)?;
    let said = catalog_image(world, name)?;
    let right = entity(name, held);
    (said != right).then(|| {
        let expect =
            format!("{{ entities.\"running_service/{name}-prod\" = {{ image = \"{right}\" }} }}");
        let what = format!(
            "git holds {} of {name}, and the catalog says {said}",
            version(held)
        );
        BrokenLaw::new(WorldLaw::Catalog, what, expect)
    })
}

/// 1: the services of which a run has written an image into the catalog that no commit of the base of its time holds.
pub(super) fn ahead(company: &Company, ran: &StepResult) -> Vec<usize> {
    let history = BaseHistory::between(&ran.before, &ran.after);
    let is_ahead = |service: &CompanyService| {
        let now = catalog_image(&ran.after, service.name);
        now != catalog_image(&ran.before, service.name) && !holds(&history, company, service, now)
    };
    let services = company.services.iter().enumerate();
    services
        .filter(|(_, service)| is_ahead(service))
        .map(|(place, _)| place)
        .collect()
}

/// Whether the base held what the catalog says, at any time.
pub(super) fn was_held(company: &Company, service: usize, ran: &StepResult) -> bool {
    let service = &company.services[service];
    let history = BaseHistory::between(&World::default(), &ran.after);
    let now = catalog_image(&ran.after, service.name);
    holds(&history, company, service, now)
}

/// Whether a commit of a history holds an image.
fn holds(
    history: &BaseHistory<'_>,
    company: &Company,
    service: &CompanyService,
    image: Option<String>,
) -> bool {
    let texts = history.texts(&company.path(service.name));
    let mut held = texts.iter().filter_map(|text| image_in(text));
    held.any(|held| Some(entity(service.name, held)) == image)
}

pub(super) fn told_too_early(
    company: &Company,
    service: usize,
    ran: &StepResult,
) -> Option<BrokenLaw> {
    let name = company.services[service].name;
    let (was, now) = (
        catalog_image(&ran.before, name)?,
        catalog_image(&ran.after, name)?,
    );
    let law = match elsewhere(company, &ran.after, name, &now) {
        true => WorldLaw::Evidence,
        false => WorldLaw::Catalog,
    };
    let what = format!("the catalog says {now} of {name}, which the base does not hold");
    let expect =
        format!("{{ entities.\"running_service/{name}-prod\" = {{ image = \"{was}\" }} }}");
    Some(BrokenLaw::new(law, what, expect))
}

/// Whether a file that no cluster reads holds an image.
fn elsewhere(company: &Company, world: &World, name: &str, image: &str) -> bool {
    let decoy = company.decoy_path(name);
    let text = world.github.file_at(REPOSITORY, BASE, &decoy);
    let held = text.as_deref().and_then(image_in);
    held.map(|held| entity(name, held)).as_deref() == Some(image)
}

/// The image that the catalog says production runs.
fn catalog_image(world: &World, service: &str) -> Option<String> {
    let runtime = world
        .port
        .entity("running_service", &format!("{service}-prod"))?;
    runtime
        .relations
        .get("image")?
        .identifiers()
        .first()
        .cloned()
}
