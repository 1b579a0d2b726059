//! What a decision rests on. Gathered by [`crate::gather`], judged by [`crate::gates`]; nothing here makes a call.

use crate::catalog::Item;
use crate::host::{
    Ancestry, Attestation, Candidate, Comparison, File, PullPeople, ReviewState, ValueChange,
};
use crate::image::ImageReference;
use crate::settings::Part;
use crate::time::UnixSeconds;
use crate::types::{Approval, EntityKey, EnvironmentReview};
use crate::yaml::{self, ScalarAddress, ScalarSite, YamlStream};

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

/// The answer of a registry to a reference.
#[derive(Clone, Debug, PartialEq)]
pub struct RegistryFact {
    /// The reference.
    pub reference: String,
    /// The digest that it should have, if the catalog or the reference says one.
    pub expected: Option<String>,
    /// The answer.
    pub state: RegistryState,
}

/// What a registry says of a reference.
#[derive(Clone, Debug, PartialEq)]
pub enum RegistryState {
    /// It has this digest.
    Has(String),
    /// There is no such image.
    Missing,
    /// It does not let us see, in these words.
    Hidden(String),
}

/// The source of an image.
#[derive(Clone, Debug, PartialEq)]
pub enum ImageProvenance {
    /// The rule is off.
    NotAsked,
    /// It cannot be told, and why.
    Unknown(String),
    /// The relation of its commit to a branch.
    Known {
        /// The repository of the source.
        repository: String,
        /// Its branch.
        branch: String,
        /// The image's commit.
        commit: String,
        /// The relation of the commit to the branch.
        status: Ancestry,
    },
}

/// What is attested of the build of an image, against what is expected.
#[derive(Clone, Debug, PartialEq)]
pub enum BuildFacts {
    /// The rule is off, or nothing is going to be written.
    NotAsked,
    /// It cannot be told, and why.
    Unknown(String),
    /// The attestations of each digest.
    Known {
        /// The build that the settings want.
        expected: ExpectedBuild,
        /// The attestations that hold, and why others do not, for each digest of the image.
        attested: Vec<AttestedDigest>,
        /// Whether the image is named by its digest, or its tag stood for the digest in this very run.
        is_pinned: bool,
    },
}

/// A digest and its attestations.
#[derive(Clone, Debug, PartialEq)]
pub struct AttestedDigest {
    /// The digest.
    pub digest: String,
    /// Where the attestations are kept.
    pub kept: AttestationPlace,
    /// Who built it, in the words of certificates that the host has verified.
    pub verified: Vec<Attestation>,
    /// Why other attestations do not hold.
    pub refused: Vec<String>,
}

/// The place where the attestations of an image are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AttestationPlace {
    /// GitHub, with the repository of the source.
    GitHub,
    /// The registry, beside the image of this name.
    Registry(String),
}

/// The build that an image must come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpectedBuild {
    /// The address of the repository of the source.
    pub repository: String,
    /// The address of the workflow's file.
    pub workflow: String,
    /// Where the workflow itself is taken from, as a pattern.
    pub workflow_ref: String,
    /// The branch or tag that is built, as a pattern.
    pub source_ref: String,
    /// Who vouches for the workflow.
    pub issuer: String,
    /// The commit that the catalog knows, if it is asked.
    pub commit: Option<String>,
}

/// The pull requests that brought the commit of an image into its branch.
#[derive(Clone, Debug, PartialEq)]
pub enum OriginFacts {
    /// Nobody asks, or nothing is going to be written.
    NotAsked,
    /// It cannot be told, and why.
    Unknown(String),
    /// Those that are merged into the branch.
    Known {
        /// The commit, for people.
        commit: String,
        /// The branch.
        branch: String,
        /// Each with its people.
        pulls: Vec<OriginPull>,
    },
}

/// A merged pull request, and the people behind it.
#[derive(Clone, Debug, PartialEq)]
pub struct OriginPull {
    /// Its name for people.
    pub name: String,
    /// Who opened, wrote and reviewed it.
    pub people: PullPeople,
}

/// The approvals of a pull request that count, and why others do not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ApprovalCount {
    /// The logins of those who approve.
    pub by: Vec<String>,
    /// Why an approval does not count.
    pub ignored: Vec<String>,
    /// The logins of those who ask for changes.
    pub against: Vec<String>,
}

impl ApprovalCount {
    /// Counts the reviews of a pull request. Its own people approve nothing, nor does a machine, nor who may not write; a review
    /// of another commit has not seen what is merged. `is_barred` says of whom else no approval counts.
    pub fn of(people: &PullPeople, is_barred: impl Fn(&str) -> Option<&'static str>) -> Self {
        let mut count = Self::default();
        let is = |one: &str, other: &str| one.eq_ignore_ascii_case(other);
        for review in &people.reviews {
            let who = &review.reviewer;
            let opened = people.author.as_ref().is_some_and(|author| is(author, who));
            let wrote = people.committers.iter().any(|one| is(one, who));
            let has_seen_all = review.commit.as_ref() == Some(&people.head_commit);
            let why = match review.state {
                ReviewState::Commented => continue,
                ReviewState::ChangesRequested if review.can_write && !review.is_bot => {
                    count.against.push(who.clone());
                    continue;
                }
                ReviewState::ChangesRequested => continue,
                ReviewState::Dismissed => "gave a review that was dismissed",
                ReviewState::Approved if review.is_bot => "is a bot",
                ReviewState::Approved if opened => "opened it",
                ReviewState::Approved if wrote => "wrote some of it",
                ReviewState::Approved if !review.can_write => "may not write to the repository",
                ReviewState::Approved if !has_seen_all => "has approved an older commit",
                ReviewState::Approved => match is_barred(who) {
                    Some(why) => why,
                    None => {
                        count.by.push(who.clone());
                        continue;
                    }
                },
            };
            count
                .ignored
                .push(format!("`{}` {why}", who.escape_debug()));
        }
        count
    }

    /// Returns whether enough people approve, and nobody asks for changes.
    pub fn is_enough(&self, wanted: usize) -> bool {
        self.against.is_empty() && self.by.len() >= wanted
    }

    /// Says for people what there is of how many.
    pub fn describe(&self, wanted: usize) -> String {
        let names = |names: &[String]| {
            let names: Vec<String> = names
                .iter()
                .map(|name| format!("`{}`", name.escape_debug()))
                .collect();
            names.join(", ")
        };
        let mut words = format!("{} of {wanted} approvals", self.by.len());
        if !self.by.is_empty() {
            words.push_str(&format!(" ({})", names(&self.by)));
        }
        if !self.against.is_empty() {
            words.push_str(&format!(
                "; changes are asked for by {}",
                names(&self.against)
            ));
        }
        if !self.ignored.is_empty() {
            words.push_str(&format!("; not counted: {}", self.ignored.join(", ")));
        }
        words
    }
}

impl Facts {
    /// Returns whether a login of GitHub is that of whoever started the run, as far as that is known.
    pub fn is_starter(&self, login: &str) -> bool {
        match (&self.login, &self.actor) {
            (Some(own), _) => own.eq_ignore_ascii_case(login),
            (None, Some(actor)) => is_same_person(login, actor),
            (None, None) => false,
        }
    }
}

/// Returns whether two names may be of one person. One may be a login and the other an e-mail address: `dana` is
/// `dana@acme.example`.
pub fn is_same_person(one: &str, other: &str) -> bool {
    let login = |name: &str| {
        name.split('@')
            .next()
            .unwrap_or_default()
            .to_ascii_lowercase()
    };
    if one.contains('@') && other.contains('@') {
        one.eq_ignore_ascii_case(other)
    } else {
        login(one) == login(other)
    }
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

/// One scalar of one file, and what it should hold.
#[derive(Clone, Debug)]
pub struct DeployTarget {
    /// Index into [`Facts::files`].
    pub file: usize,
    /// Its address in the file.
    pub address: ScalarAddress,
    /// Its name for people.
    pub shown: String,
    /// Which part of the image's reference it holds.
    pub part: Part,
    /// Its place in the text, and its value.
    pub site: ScalarSite,
    /// The image that it holds, as far as it says so.
    pub held: Option<ImageReference>,
    /// The value that it should hold.
    pub wanted: String,
}

impl DeployTarget {
    /// Whether the manifest holds the image already, as text that no reader takes for a number.
    pub fn is_current(&self) -> bool {
        self.site.value == self.wanted && self.site.is_text
    }

    /// Finds the scalar in another version of its file.
    ///
    /// # Errors
    /// As [`yaml::find()`].
    pub fn find(&self, content: &str) -> Result<ScalarSite, String> {
        yaml::find(&YamlStream::read(content)?, &self.address)
    }
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
