//! What a decision rests on. Gathered by [`crate::gather`], judged by [`crate::gates`]; nothing here makes a call.
//!
//! - `people`: the pull requests that brought an image, and whose approval counts;
//! - `source`: where an image comes from, and what its registry says;
//! - `target`: a scalar of a manifest, and what it should hold.

mod people;
mod source;
mod target;

pub use people::{ApprovalCount, OriginFacts, OriginPull, is_same_person};
pub use source::{
    AttestationPlace, AttestedDigest, BuildFacts, ExpectedBuild, ImageProvenance, RegistryFact,
    RegistryState,
};
pub use target::DeployTarget;

use crate::catalog::Item;
use crate::host::{Candidate, Comparison, File, ValueChange};
use crate::image::ImageReference;
use crate::settings::Part;
use crate::time::UnixSeconds;
use crate::types::{Approval, EntityKey, EnvironmentReview};

/// Everything known about a promotion.
#[derive(Debug)]
pub struct Facts {
    /// The service, read again: the payload is only a claim.
    pub service: Item,
    /// The runtimes that the image comes from; all of them run it.
    pub staging: Vec<Item>,
    /// The runtimes that the image goes to.
    pub production: Vec<Item>,
    /// The image that staging runs.
    pub image: Option<Item>,
    /// The image that production runs, by the catalog.
    pub current_image: Option<Item>,
    /// What the image relation of each production runtime should name.
    pub recorded: Vec<Vec<String>>,
    /// The image's reference, as the settings make it; of the first production runtime, where they differ.
    pub wanted: Option<ImageReference>,
    /// The image's references for the runtimes of production, each once.
    pub references: Vec<ImageReference>,
    /// The image's digest, if the catalog knows it.
    pub digest: Option<String>,
    /// The files at the base branch, all at one commit.
    pub files: Vec<File>,
    /// The scalars to change, in the order of the settings.
    pub sites: Vec<DeployTarget>,
    /// The time, if a rule asks for it.
    pub now: Option<UnixSeconds>,
    /// E-mail address of the person who started the run, else their name.
    pub actor: Option<String>,
    /// Their teams, if a rule asks for them.
    pub actor_teams: Vec<String>,
    /// When they started it.
    pub requested_at: Option<String>,
    /// Whether they asked for a hotfix, where the settings allow that.
    pub is_hotfix: bool,
    /// Their GitHub login, where the settings say how it is known.
    pub login: Option<String>,
    /// Port's identifier of them.
    pub actor_id: String,
    /// The makers of the image, or why they are not known.
    pub authors: Result<Vec<String>, String>,
    /// The pull requests that brought the image's commit.
    pub origin: OriginFacts,
    /// What reviewers of environments said, if that is known.
    pub environment_reviews: Option<Vec<EnvironmentReview>>,
    /// The approval of the run in Port.
    pub approval: Option<Approval>,
    /// Whether this run goes back to what git had before.
    pub is_rollback: bool,
    /// The branch of a way back that is open already, if there is one.
    pub way_back: Option<String>,
    /// The pull request that took the image off production since it was promoted last, if one did and nobody has said that it
    /// may be promoted again.
    pub taken_back_by: Option<u32>,
    /// The image that git holds, if the catalog was never told of it.
    pub left_behind: Option<LeftBehind>,
    /// The changes between the two images, if the settings ask for them.
    pub commits: Option<Result<Comparison, String>>,
    /// The text of the file that stops the line, if there is one.
    pub freeze_file: Option<String>,
    /// Since when the image has been in each of staging.
    pub soaking: Vec<SoakFacts>,
    /// Staging's own manifests.
    pub staging_manifests: Vec<StagingManifest>,
    /// When the new and the current image were pushed, if the catalog knows both.
    pub pushed: Option<(UnixSeconds, UnixSeconds)>,
    /// The source of the image.
    pub provenance: ImageProvenance,
    /// The builds that are attested of the image.
    pub build: BuildFacts,
    /// The answers of registries, a fact for each reference that they were asked for.
    pub registry: Vec<RegistryFact>,
}

/// An image that git holds and of which the catalog was never told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LeftBehind {
    /// The identifier of the image that the last merged pull request promotes.
    AsProposed(String),
    /// Another image: somebody has pushed it onto the branch before the merge, or has changed it since.
    Changed {
        /// Its identifier.
        image: String,
        /// The last merged pull request.
        pull: u32,
    },
    /// Another image, which is none that the catalog is known to have.
    Unknown {
        /// The last merged pull request.
        pull: u32,
    },
}

/// Since when an image has been in a runtime.
#[derive(Clone, Debug)]
pub struct SoakFacts {
    /// The runtime.
    pub runtime: EntityKey,
    /// The time as the catalog has it, or why it is not known.
    pub since: Result<String, String>,
}

/// A manifest of staging, against the catalog.
#[derive(Clone, Debug)]
pub struct StagingManifest {
    /// The runtime that it is of.
    pub runtime: EntityKey,
    /// Its path.
    pub path: String,
    /// What it holds.
    pub holds: String,
    /// The value that it should hold, by the catalog.
    pub wanted: String,
    /// Whether what it holds is the image that the catalog has.
    pub agrees: bool,
}

impl Facts {
    /// Facts about a service of which nothing else is known.
    pub fn of(service: Item) -> Self {
        Self {
            service,
            staging: Vec::new(),
            production: Vec::new(),
            image: None,
            current_image: None,
            recorded: Vec::new(),
            wanted: None,
            references: Vec::new(),
            digest: None,
            files: Vec::new(),
            sites: Vec::new(),
            now: None,
            actor: None,
            actor_teams: Vec::new(),
            requested_at: None,
            is_hotfix: false,
            login: None,
            actor_id: String::new(),
            authors: Err("not asked".to_owned()),
            origin: OriginFacts::NotAsked,
            environment_reviews: None,
            approval: None,
            is_rollback: false,
            way_back: None,
            taken_back_by: None,
            left_behind: None,
            commits: None,
            freeze_file: None,
            soaking: Vec::new(),
            staging_manifests: Vec::new(),
            pushed: None,
            provenance: ImageProvenance::NotAsked,
            build: BuildFacts::NotAsked,
            registry: Vec::new(),
        }
    }

    /// Returns whether a login of GitHub is that of whoever started the run, as far as that is known.
    pub fn is_starter(&self, login: &str) -> bool {
        match (&self.login, &self.actor) {
            (Some(own), _) => own.eq_ignore_ascii_case(login),
            (None, Some(actor)) => is_same_person(login, actor),
            (None, None) => false,
        }
    }

    /// Whether nothing has to change in git.
    pub fn is_current(&self) -> bool {
        self.sites.iter().all(DeployTarget::is_current)
    }

    /// Returns the values that are going to change, for the rules of organisation and team.
    pub fn candidate(&self, repository: &str, base: &str) -> Candidate {
        let changed = self.sites.iter().filter(|target| !target.is_current());
        Candidate {
            repository: repository.to_owned(),
            base: base.to_owned(),
            changes: changed
                .map(|target| ValueChange {
                    path: self.files[target.file].path.clone(),
                    before: target.site.value.clone(),
                    after: target.wanted.clone(),
                })
                .collect(),
        }
    }

    /// Describes the change, for people.
    pub fn changed(&self) -> String {
        let changed = self.sites.iter().filter(|target| !target.is_current());
        let places =
            changed.map(|target| format!("{} in {}", target.shown, self.files[target.file].path));
        places.collect::<Vec<_>>().join(", ")
    }

    /// The image that the manifests hold now, as far as they say so.
    pub fn previous(&self) -> Option<String> {
        let target = self.sites.iter().find(|target| target.held.is_some())?;
        let mut held = target.held.clone()?;
        let beside = self
            .sites
            .iter()
            .find(|other| other.file == target.file && other.part == Part::Digest);
        if held.digest.is_none() {
            held.digest = beside.map(|other| with_algorithm(&other.site.value));
        }
        Some(held.to_string())
    }

    /// The image as the manifests hold it once all is written: with a tag or a digest only if one of them has it.
    pub fn promoted(&self) -> Option<ImageReference> {
        let mut image = self.wanted.clone()?;
        let writes = |parts: &[Part]| {
            self.sites
                .iter()
                .any(|target| parts.contains(&target.part) || target.part == Part::Reference)
        };
        let has_tag = writes(&[Part::Tag, Part::TagDigest]);
        let digest = self.sites.iter().find_map(|target| match target.part {
            Part::Digest => Some(with_algorithm(&target.wanted)),
            _ => target
                .wanted
                .split_once('@')
                .map(|(_, digest)| digest.to_owned()),
        });
        if !has_tag && digest.is_none() {
            return Some(image);
        }
        if !has_tag {
            image.tag = None;
        }
        image.digest = digest;
        Some(image)
    }
}

fn with_algorithm(digest: &str) -> String {
    if digest.contains(':') {
        digest.to_owned()
    } else {
        format!("sha256:{digest}")
    }
}
