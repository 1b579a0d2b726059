//! Who is behind the image and the run: the pull requests that brought its commit, and the logins of people.

use serde_json::Value;

use super::FactsReader;
use crate::facts::{Facts, OriginFacts, OriginPull};
use crate::host::{PolicyHost, PullState};
use crate::settings::{ApprovedThing, AuthorSource};
use crate::template;
use crate::types::Failure;

/// The most pull requests of one commit whose people are read.
const MAX_PULLS: usize = 5;

impl<H: PolicyHost> FactsReader<'_, H> {
    /// Reads the pull requests that brought the image's commit into the branch of its source. What git holds already is not
    /// asked about.
    pub(super) fn origin(
        &mut self,
        facts: &Facts,
        context: &Value,
    ) -> Result<OriginFacts, Failure> {
        let people = &self.settings.people;
        let is_asked = (people.four_eyes && people.author_from == AuthorSource::PullRequest)
            || self
                .settings
                .approvals
                .iter()
                .any(|wanted| wanted.of == ApprovedThing::Image);
        let image = facts.image.as_ref().filter(|_| is_asked);
        let Some(image) = image.filter(|_| !facts.is_current()) else {
            return Ok(OriginFacts::NotAsked);
        };
        let (repository, commit) = match self.source(image, context) {
            Ok(known) => known,
            Err(what) => return Ok(OriginFacts::Unknown(what)),
        };
        let found = match self.host.get_commit_pulls(&repository, &commit) {
            Ok(found) => found,
            Err(Failure::NotFound(what)) => {
                return Ok(OriginFacts::Unknown(format!(
                    "the pull requests of {repository} cannot be seen: {what}"
                )));
            }
            Err(failure) => return Err(failure),
        };
        let branch = self.settings.provenance.branch.clone();
        // One that was merged into another branch says nothing of how the commit came into this one.
        let merged = found
            .iter()
            .filter(|pull| pull.state == PullState::Merged && pull.base == branch);
        let mut pulls = Vec::new();
        for pull in merged.take(MAX_PULLS) {
            pulls.push(OriginPull {
                name: format!("pull request #{} of {repository}", pull.number),
                people: self.host.get_pull_people(&repository, pull.number)?,
            });
        }
        Ok(OriginFacts::Known {
            commit,
            branch,
            pulls,
        })
    }

    /// Returns the makers of the image, as the settings have them known.
    pub(super) fn authors(&self, facts: &Facts, context: &Value) -> Result<Vec<String>, String> {
        let people = &self.settings.people;
        if people.author_from == AuthorSource::Catalog {
            let author = template::render(&people.author, context);
            return author
                .map(|author| vec![author])
                .map_err(|what| format!("setting `people.author`: {what}"));
        }
        match &facts.origin {
            OriginFacts::Known { pulls, commit, .. } if pulls.is_empty() => Err(format!(
                "no merged pull request brought commit {commit}: it was pushed past all of them"
            )),
            OriginFacts::Known { pulls, .. } => {
                let people = pulls.iter().map(|pull| &pull.people);
                let names = people.flat_map(|it| it.author.iter().chain(&it.committers));
                Ok(names.cloned().collect())
            }
            OriginFacts::Unknown(what) => Err(what.clone()),
            OriginFacts::NotAsked => Err("nobody has asked".to_owned()),
        }
    }
}
