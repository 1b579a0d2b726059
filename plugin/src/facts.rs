//! What a decision rests on. Gathered by [`crate::gather`], judged by [`crate::gates`]; nothing here makes a call.

use crate::catalog::Item;
use crate::host::{Ancestry, Comparison, File};
use crate::image::Reference;
use crate::settings::{Manifest, Part};
use crate::time::Seconds;
use crate::yaml::Site;

/// Everything known about a promotion.
#[derive(Debug)]
pub struct Facts {
    /// The service, read again: the payload is only a claim.
    pub service: Item,
    /// What the image comes from.
    pub staging: Option<Item>,
    /// What the image goes to.
    pub production: Option<Item>,
    /// The image that staging runs.
    pub image: Option<Item>,
    /// The image that production runs, by the catalog.
    pub current_image: Option<Item>,
    /// The reference of the image that staging runs.
    pub wanted: Option<Reference>,
    /// The files at the base branch, all at one commit.
    pub files: Vec<File>,
    /// The scalars to change, in the order of the settings.
    pub sites: Vec<Target>,
    /// The time, if a rule asks for it.
    pub now: Option<Seconds>,
    /// E-mail address of the person who started the run, else their name.
    pub actor: Option<String>,
    /// Their teams, if a rule asks for them.
    pub actor_teams: Vec<String>,
    /// When they started it.
    pub requested_at: Option<String>,
    /// Whether they asked for a hotfix, where the settings allow that.
    pub is_hotfix: bool,
    /// Who made the image, or why that is not known.
    pub author: Result<String, String>,
    /// Whether this run goes back to what git had before.
    pub is_rollback: bool,
    /// What was changed between the two images, if the settings ask for it.
    pub commits: Option<Result<Comparison, String>>,
    /// The text of the file that stops the line, if there is one.
    pub freeze_file: Option<String>,
    /// Since when the image has been in staging, or why that is not known.
    pub soaking_since: Result<String, String>,
    /// Staging's own manifest, and what it holds.
    pub staging_manifest: Option<(String, String)>,
    /// What staging's manifest should hold, by the catalog.
    pub staging_wanted: Option<String>,
    /// When the new and the current image were pushed, if the catalog knows both.
    pub pushed: Option<(Seconds, Seconds)>,
    /// Where the image was built from.
    pub provenance: Provenance,
}

/// Where an image was built from.
#[derive(Clone, Debug, PartialEq)]
pub enum Provenance {
    /// The rule is off.
    NotAsked,
    /// It cannot be told, and why.
    Unknown(String),
    /// How its commit relates to a branch.
    Known {
        /// The repository of the source.
        repository: String,
        /// Its branch.
        branch: String,
        /// The image's commit.
        commit: String,
        /// How the commit relates to the branch.
        status: Ancestry,
    },
}

/// One scalar of one file, and what it should hold.
#[derive(Clone, Debug)]
pub struct Target {
    /// Index into [`Facts::files`].
    pub file: usize,
    /// The setting that asks for it.
    pub manifest: Manifest,
    /// Where it is and what it holds.
    pub site: Site,
    /// What it should hold.
    pub wanted: String,
}

impl Target {
    /// Whether the manifest holds the image already, as text that no reader takes for a number.
    pub fn is_current(&self) -> bool {
        self.site.value == self.wanted && self.site.is_text
    }
}

impl Facts {
    /// Facts about a service of which nothing else is known.
    pub fn of(service: Item) -> Self {
        Self {
            service,
            staging: None,
            production: None,
            image: None,
            current_image: None,
            wanted: None,
            files: Vec::new(),
            sites: Vec::new(),
            now: None,
            actor: None,
            actor_teams: Vec::new(),
            requested_at: None,
            is_hotfix: false,
            author: Err("not asked".to_owned()),
            is_rollback: false,
            commits: None,
            freeze_file: None,
            soaking_since: Err("not asked".to_owned()),
            staging_manifest: None,
            staging_wanted: None,
            pushed: None,
            provenance: Provenance::NotAsked,
        }
    }

    /// Whether nothing has to change in git.
    pub fn is_current(&self) -> bool {
        self.sites.iter().all(Target::is_current)
    }

    /// What changes, for people.
    pub fn changed(&self) -> String {
        let changed = self.sites.iter().filter(|target| !target.is_current());
        let places = changed.map(|target| {
            format!(
                "{} in {}",
                target.manifest.image, self.files[target.file].path
            )
        });
        places.collect::<Vec<_>>().join(", ")
    }

    /// The image that the manifests hold now, as far as one of them holds a whole reference.
    pub fn previous(&self) -> Option<&str> {
        let holds = |target: &&Target| target.manifest.part == Part::Reference;
        self.sites
            .iter()
            .find(holds)
            .map(|target| target.site.value.as_str())
    }
}
