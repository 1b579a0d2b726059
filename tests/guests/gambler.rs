//! Makes as many calls as its setting `calls` says, drawn by its setting `seed`: valid ones, nearly valid ones, stale ones and
//! nonsense, in any order, with arguments that it remembers from earlier answers or makes up. It swallows every failure, and
//! claims at the end whatever comes up.
//!
//! After a call that is denied the host takes no write of it any more. So it knows what it may (`may`, `base`, `head`, `entity`),
//! and goes beyond that in as many of a hundred choices as its setting `wild` says: in one kind of choice alone, its setting
//! `vice`, so that no other denial comes first, or in every kind (`all`).

use contract::promote::policy::github_merge;
use contract::promote::policy::github_propose::{self, FileChange, Proposal};
use contract::promote::policy::github_read::{self, File, MergeMethod, PullFilter, PullRequest};
use contract::promote::policy::port_read;
use contract::promote::policy::port_write::{self, Change};
use contract::{EntityKey, Failure, Outcome, Policy, Promotion, Relation, Request};

promote_guests::guest!(world: "promote");
promote_guests::steps!();

const STAGING: &str = "apps/web/staging/deployment.yaml";
/// Names that calls are tried with, whether they are granted or not.
const REPOSITORIES: [&str; 3] = ["acme/other", "acme/other", "acme/none"];
const PATHS: [&str; 5] = [
    STAGING,
    "apps/other/prod/deployment.yaml",
    "clusters/prod/rbac.yaml",
    ".github/workflows/promote-production.yml",
    "apps/web/prod/../../other/prod/deployment.yaml",
];
const BASES: [&str; 3] = ["main", "old-release", "unreviewed"];
const HEADS: [&str; 6] = [
    "promote/web/one",
    "promote/web/two",
    "promote/web/other",
    "promote/other/one",
    "main",
    "old-release",
];
const ENTITIES: [(&str, &str); 5] = [
    ("running_service", "web-prod"),
    ("running_service", "web-staging"),
    ("running_service", "web-staging"),
    ("service", "web"),
    ("image", "web-1.4.2"),
];
/// Branches of pull requests that are somebody else's.
const FOREIGN_HEADS: [&str; 2] = ["promote/web/other", "promote/web/**"];
/// Edits of a manifest, of which the last three are more than another image.
const EDITS: [(&str, &str); 6] = [
    ("web:1.4.1", "web:1.4.2"),
    ("web:1.4.1", "web:1.4.2"),
    ("web:1.4.2", "web:1.4.1"),
    ("replicas: 3", "replicas: 300"),
    ("kind: Deployment", "kinds: Deployment"),
    ("spec:", "spec:\n  hostNetwork: true"),
];

/// A xorshift generator.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % sides.max(1)
    }

    fn pick<T: Clone>(&mut self, all: &[T]) -> Option<T> {
        let place = usize::try_from(self.roll(all.len() as u64)).ok()?;
        all.get(place).cloned()
    }

    fn name(&mut self, all: &[&str]) -> String {
        self.pick(all).unwrap_or_default().to_owned()
    }
}

/// A gambler, and everything that it remembers of answers.
struct Gambler {
    dice: Dice,
    /// The choices of a hundred in which it goes beyond its grants, and their kind.
    wild: u64,
    vice: String,
    may: String,
    base: String,
    head: String,
    entity: String,
    files: Vec<File>,
    /// Its own, and those that it has found.
    pulls: Vec<PullRequest>,
    found: Vec<PullRequest>,
    commits: Vec<String>,
}

impl Promotion for Policy {
    fn promote(request: Request) -> Result<Outcome, Failure> {
        let order: serde_json::Value = serde_json::from_str(&request.settings).unwrap_or_default();
        let set = |name: &str| order[name].as_u64().unwrap_or(1);
        let text = |name: &str| order[name].as_str().unwrap_or_default().to_owned();
        let mut gambler = Gambler {
            dice: Dice(set("seed").wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1),
            wild: set("wild"),
            vice: text("vice"),
            may: text("may"),
            base: text("base"),
            head: text("head"),
            entity: text("entity"),
            files: Vec::new(),
            pulls: Vec::new(),
            found: Vec::new(),
            commits: vec!["0".repeat(40)],
        };
        for _ in 0..set("calls") {
            // Whatever comes of it: another call comes next.
            let _swallowed = gambler.play();
        }
        match gambler.dice.roll(4) {
            0 => steps::promoted("ghcr.io/acme/web:1.4.2"),
            1 => steps::unchanged("ghcr.io/acme/web:1.4.2"),
            2 => steps::refused("no luck"),
            _ => Err(Failure::Other("no luck".to_owned())),
        }
    }
}

impl Gambler {
    fn play(&mut self) -> Result<(), Failure> {
        match self.dice.roll(16) {
            0 => self.read(),
            1..3 => self.look_around(),
            3..7 if self.dares("propose") => self.propose(),
            7..10 if self.dares("merge") => self.merge(),
            10..13 if self.dares("update") => self.record(),
            13 if self.dares("propose") => self.tidy(),
            14..16 if self.dares("decorate") => self.decorate(),
            _ => self.read(),
        }
    }

    /// Whether a choice goes beyond the grants.
    fn is_wild(&mut self, kind: &str) -> bool {
        let is_vice = self.vice == kind || self.vice == "all";
        is_vice && self.dice.roll(100) < self.wild
    }

    fn dares(&mut self, operation: &str) -> bool {
        self.may.contains(operation) || self.is_wild("operation")
    }

    /// One of these names in a wild choice, else the granted one.
    fn choose(&mut self, kind: &str, granted: &str, all: &[&str]) -> String {
        if self.is_wild(kind) {
            self.dice.name(all)
        } else {
            granted.to_owned()
        }
    }

    fn repository(&mut self) -> String {
        self.choose("repository", steps::REPOSITORY, &REPOSITORIES)
    }

    fn manifest(&mut self) -> Result<File, Failure> {
        let file = github_read::read_file(steps::REPOSITORY, steps::MANIFEST, &self.base)?;
        let file = file.ok_or_else(|| Failure::NotFound(steps::MANIFEST.to_owned()))?;
        self.files.push(file.clone());
        Ok(file)
    }

    /// Any file may be read, so that each can be proposed.
    fn read(&mut self) -> Result<(), Failure> {
        let repository = self.repository();
        let path = self.dice.name(&[steps::MANIFEST, STAGING, STAGING]);
        let revision = self.revision();
        if let Some(file) = github_read::read_file(&repository, &path, &revision)? {
            self.commits.push(file.commit.clone());
            self.files.push(file);
        }
        Ok(())
    }

    fn look_around(&mut self) -> Result<(), Failure> {
        let repository = self.repository();
        match self.dice.roll(10) {
            0..6 => {
                let (head, base) = (self.dice.name(&FOREIGN_HEADS), "main");
                let found =
                    github_read::find_pull_requests(&repository, &head, base, PullFilter::Any)?;
                self.found.extend(found);
            }
            6 => {
                let Some(number) = self.number() else {
                    return Ok(());
                };
                self.found
                    .push(github_read::get_pull_request(&repository, number)?);
            }
            7 => {
                let revision = self.revision();
                if let Some(commit) = github_read::get_commit(&repository, &revision)? {
                    self.commits.extend(commit.parents);
                    self.commits.push(commit.id);
                }
            }
            8 => {
                let (base, head) = (self.revision(), self.revision());
                github_read::compare(&repository, &base, &head)?;
            }
            _ => {
                port_read::get_entity(&self.key())?;
            }
        }
        Ok(())
    }

    fn propose(&mut self) -> Result<(), Failure> {
        let own = self.manifest()?;
        let remembered = self.dice.pick(&self.files);
        let file = match remembered {
            Some(file) if self.is_wild("path") => file,
            _ => own.clone(),
        };
        let mut changes = vec![self.change(&file)];
        if self.is_wild("path")
            && let Some(beside) = self.dice.pick(&self.files)
        {
            changes.push(self.change(&beside));
        }
        let granted = self.base.clone();
        let base = self.choose("base", &granted, &BASES);
        let mut base_commit = own.commit;
        if base != granted
            && let Some(there) = github_read::read_file(steps::REPOSITORY, steps::MANIFEST, &base)?
        {
            base_commit = there.commit;
        }
        if self.is_wild("commit") {
            base_commit = self.revision();
        }
        let head = self.head.clone();
        let proposal = Proposal {
            repository: self.repository(),
            base,
            base_commit,
            head: self.choose("head", &head, &HEADS),
            title: "A gambler's proposal".to_owned(),
            body: String::new(),
            changes,
            image: (self.dice.roll(2) == 0).then(|| "web-1.4.2".to_owned()),
        };
        self.pulls.push(github_propose::propose(&proposal)?);
        Ok(())
    }

    /// A change of a file, at its own path or another one.
    fn change(&mut self, file: &File) -> FileChange {
        let edits = if self.is_wild("edit") {
            &EDITS[..]
        } else {
            &EDITS[..3]
        };
        let (from, to) = self.dice.pick(edits).unwrap_or_default();
        FileChange {
            path: self.choose("path of a change", &file.path, &PATHS),
            content: file.content.replace(from, to),
            expected_blob: if self.is_wild("commit") {
                self.revision()
            } else {
                file.blob.clone()
            },
        }
    }

    fn merge(&mut self) -> Result<(), Failure> {
        let repository = self.repository();
        let of = if self.is_wild("number") {
            &self.found
        } else {
            &self.pulls
        };
        let Some(pull) = self.dice.pick(of) else {
            return Ok(());
        };
        let head = if self.is_wild("commit") {
            self.revision()
        } else {
            pull.head_commit
        };
        let methods = [MergeMethod::Merge, MergeMethod::Squash, MergeMethod::Rebase];
        let method = self.dice.pick(&methods).unwrap_or(MergeMethod::Merge);
        let merge = match self.dice.roll(3) {
            0 => github_merge::merge_when_ready,
            _ => github_merge::merge,
        };
        merge(&repository, pull.number, &head, method)?;
        Ok(())
    }

    fn record(&mut self) -> Result<(), Failure> {
        let image = if self.is_wild("image") {
            self.dice
                .name(&["web-1.4.2", "web-1.4.2", "web-1.4.1", "no-image"])
        } else if self.vice == "image" {
            // What is right would cover what was wrong before it.
            return Ok(());
        } else {
            let held = self.manifest()?.content.contains("web:1.4.2");
            if held { "web-1.4.2" } else { "web-1.4.1" }.to_owned()
        };
        let _unread = steps::look_up(&image);
        let relation = Relation {
            name: self.choose("relation", "image", &["owner", "prod_runtime"]),
            targets: vec![image],
        };
        let change = Change {
            title: self.is_wild("field").then(|| "Ours".to_owned()),
            properties: self
                .is_wild("field")
                .then(|| r#"{"locked_in_prod": true, "lifecycle": "Ours"}"#.to_owned()),
            relations: vec![relation],
        };
        port_write::update_entity(&self.key(), &change)?;
        Ok(())
    }

    fn tidy(&mut self) -> Result<(), Failure> {
        let repository = self.repository();
        match self.dice.roll(2) {
            0 => {
                let head = self.head.clone();
                let head = self.choose("head", &head, &HEADS);
                github_propose::delete_branch(&repository, &head)
            }
            _ => {
                let Some(number) = self.number() else {
                    return Ok(());
                };
                github_propose::close_pull_request(&repository, number)
            }
        }
    }

    fn decorate(&mut self) -> Result<(), Failure> {
        let repository = self.repository();
        let Some(number) = self.number() else {
            return Ok(());
        };
        match self.dice.roll(3) {
            0 => github_propose::comment(&repository, number, "gamble", "hello"),
            1 => {
                let label = self.choose("decoration", "promotion", &["approved"]);
                github_propose::add_labels(&repository, number, &[label])
            }
            _ => {
                let user = self.choose("decoration", "kim", &["grace"]);
                github_propose::request_reviewers(&repository, number, &[user], &[])
            }
        }
    }

    fn revision(&mut self) -> String {
        match self.dice.roll(3) {
            0 if self.is_wild("commit") => self.dice.name(&HEADS),
            0 => self.dice.pick(&self.commits).unwrap_or_default(),
            _ => self.base.clone(),
        }
    }

    /// The number of a pull request that it knows, in a wild choice any.
    fn number(&mut self) -> Option<u32> {
        if self.is_wild("number") {
            u32::try_from(self.dice.roll(6)).ok()
        } else {
            self.dice.pick(&self.pulls).map(|pull| pull.number)
        }
    }

    fn key(&mut self) -> EntityKey {
        let (blueprint, identifier) = if self.is_wild("entity") {
            self.dice.pick(&ENTITIES).unwrap_or_default()
        } else {
            ("running_service", self.entity.as_str())
        };
        EntityKey {
            blueprint: blueprint.to_owned(),
            identifier: identifier.to_owned(),
        }
    }
}
