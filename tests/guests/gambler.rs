//! Makes as many calls as its setting `calls` says, drawn by its setting `seed`: valid ones, nearly valid ones, stale ones and
//! nonsense, in any order, with arguments that it remembers from earlier answers or makes up. It swallows every failure, and
//! claims at the end whatever comes up.
//!
//! After a call that is denied the host takes no write of it any more. So it knows what it may (`may`, `base`, `head`, `entity`),
//! and goes beyond that in as many of a hundred choices as its setting `wild` says.

use contract::promote::policy::github_merge;
use contract::promote::policy::github_propose::{self, FileChange, Proposal};
use contract::promote::policy::github_read::{self, File, MergeMethod, PullFilter, PullRequest};
use contract::promote::policy::port_read;
use contract::promote::policy::port_write::{self, Change};
use contract::{EntityKey, Failure, Outcome, Policy, Promotion, Relation, Request};

promote_guests::guest!(world: "promote");
promote_guests::steps!();

/// Names that calls are tried with, whether they are granted or not.
const REPOSITORIES: [&str; 2] = ["acme/other", "acme/none"];
const PATHS: [&str; 5] = [
    "apps/web/staging/deployment.yaml",
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
const ENTITIES: [(&str, &str); 6] = [
    ("running_service", "web-prod"),
    ("running_service", "web-staging"),
    ("service", "web"),
    ("service", "other"),
    ("image", "web-1.4.2"),
    ("image", "web-1.4.1"),
];
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
    /// The choices of a hundred in which it goes beyond its grants.
    wild: u64,
    may: String,
    base: String,
    head: String,
    entity: String,
    files: Vec<File>,
    pulls: Vec<PullRequest>,
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
            may: text("may"),
            base: text("base"),
            head: text("head"),
            entity: text("entity"),
            files: Vec::new(),
            pulls: Vec::new(),
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
            0..2 => self.read(),
            2 => self.look_around(),
            3..7 if self.dares("propose") => self.propose(),
            7..11 if self.dares("merge") => self.merge(),
            11..14 if self.dares("update") => self.record(),
            14 if self.dares("propose") => self.tidy(),
            15 if self.dares("decorate") => self.decorate(),
            _ => self.read(),
        }
    }

    /// Whether a choice goes beyond the grants.
    fn is_wild(&mut self) -> bool {
        self.dice.roll(100) < self.wild
    }

    fn dares(&mut self, operation: &str) -> bool {
        self.may.contains(operation) || self.is_wild()
    }

    /// One of these names in a wild choice, else the granted one.
    fn choose(&mut self, granted: &str, all: &[&str]) -> String {
        if self.is_wild() {
            self.dice.name(all)
        } else {
            granted.to_owned()
        }
    }

    fn repository(&mut self) -> String {
        self.choose(steps::REPOSITORY, &REPOSITORIES)
    }

    fn manifest(&mut self) -> Result<File, Failure> {
        let file = github_read::read_file(steps::REPOSITORY, steps::MANIFEST, &self.base)?;
        let file = file.ok_or_else(|| Failure::NotFound(steps::MANIFEST.to_owned()))?;
        self.files.push(file.clone());
        Ok(file)
    }

    fn read(&mut self) -> Result<(), Failure> {
        let repository = self.repository();
        let (path, revision) = (self.choose(steps::MANIFEST, &PATHS), self.revision());
        if let Some(file) = github_read::read_file(&repository, &path, &revision)? {
            self.commits.push(file.commit.clone());
            self.files.push(file);
        }
        Ok(())
    }

    fn look_around(&mut self) -> Result<(), Failure> {
        let repository = self.repository();
        match self.dice.roll(5) {
            0 => {
                let (head, base) = (self.dice.name(&HEADS), self.dice.name(&BASES));
                let found =
                    github_read::find_pull_requests(&repository, &head, &base, PullFilter::Any)?;
                self.pulls.extend(found);
            }
            1 => {
                let Some(number) = self.number() else {
                    return Ok(());
                };
                self.pulls
                    .push(github_read::get_pull_request(&repository, number)?);
            }
            2 => {
                let revision = self.revision();
                if let Some(commit) = github_read::get_commit(&repository, &revision)? {
                    self.commits.extend(commit.parents);
                    self.commits.push(commit.id);
                }
            }
            3 => {
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
        let remembered = self.dice.pick(&self.files).filter(|_| self.is_wild());
        let file = match remembered {
            Some(file) => file,
            None => self.manifest()?,
        };
        let mut changes = vec![self.change(&file)];
        if self.is_wild()
            && let Some(beside) = self.dice.pick(&self.files)
        {
            changes.push(self.change(&beside));
        }
        let (base, head) = (self.base.clone(), self.head.clone());
        let proposal = Proposal {
            repository: self.repository(),
            base: self.choose(&base, &BASES),
            base_commit: if self.is_wild() {
                self.revision()
            } else {
                file.commit
            },
            head: self.choose(&head, &HEADS),
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
        let edits = if self.is_wild() {
            &EDITS[..]
        } else {
            &EDITS[..3]
        };
        let (from, to) = self.dice.pick(edits).unwrap_or_default();
        FileChange {
            path: self.choose(&file.path, &PATHS),
            content: file.content.replace(from, to),
            expected_blob: if self.is_wild() {
                self.revision()
            } else {
                file.blob.clone()
            },
        }
    }

    fn merge(&mut self) -> Result<(), Failure> {
        let repository = self.repository();
        let Some(pull) = self.dice.pick(&self.pulls) else {
            return Ok(());
        };
        let wild = self.number().filter(|_| self.is_wild());
        let number = wild.unwrap_or(pull.number);
        let head = if self.is_wild() {
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
        merge(&repository, number, &head, method)?;
        Ok(())
    }

    fn record(&mut self) -> Result<(), Failure> {
        let image = if self.is_wild() {
            self.dice.name(&["web-1.4.2", "web-1.4.1", "no-image"])
        } else {
            let held = self.manifest()?.content.contains("web:1.4.2");
            if held { "web-1.4.2" } else { "web-1.4.1" }.to_owned()
        };
        let _unread = steps::look_up(&image);
        let relation = Relation {
            name: self.choose("image", &["owner", "prod_runtime"]),
            targets: vec![image],
        };
        let change = Change {
            title: self.is_wild().then(|| "Ours".to_owned()),
            properties: self
                .is_wild()
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
                let head = self.choose(&head, &HEADS);
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
                let label = self.choose("promotion", &["approved"]);
                github_propose::add_labels(&repository, number, &[label])
            }
            _ => {
                let user = self.choose("kim", &["grace"]);
                github_propose::request_reviewers(&repository, number, &[user], &[])
            }
        }
    }

    fn revision(&mut self) -> String {
        match self.dice.roll(3) {
            0 if self.is_wild() => self.dice.name(&HEADS),
            0 => self.dice.pick(&self.commits).unwrap_or_default(),
            _ => self.base.clone(),
        }
    }

    /// The number of a pull request that it knows, in a wild choice any.
    fn number(&mut self) -> Option<u32> {
        if self.is_wild() {
            u32::try_from(self.dice.roll(6)).ok()
        } else {
            self.dice.pick(&self.pulls).map(|pull| pull.number)
        }
    }

    fn key(&mut self) -> EntityKey {
        let (blueprint, identifier) = if self.is_wild() {
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
