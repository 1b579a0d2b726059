//! A policy that makes random calls against random grants: nothing outside the grants changes, the base branch gains only what
//! was proposed, and every run ends. `PROMOTE_GAMBLES` says how many seeds are played.
//!
//! The judge looks at the world before and after alone. What a grant covers it knows by predicates of its own, beside the texts
//! that the host reads.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use promote_mock::World;
use promote_mock::git::ObjectId;
use promote_mock::github::{PullRequest, PullState, RepositoryState};
use promote_mock::port::{CatalogEntity, RunStatus};
use promote_mock::sample::RUN;
use promote_tests::bench::{TestResult, TestRun};
use promote_tests::guests;
use promote_tests::settings::SampleConfig;
use promote_tests::witness::REPOSITORY;

use crate::grants::FOREIGN;

/// The seeds that are played unless `PROMOTE_GAMBLES` says otherwise.
const GAMBLES: u64 = 96;
/// The calls of a run.
const CALLS: u64 = 40;
/// A run that takes longer hangs.
const MAX_WAIT: Duration = Duration::from_secs(120);

/// The kinds of choices in which a gambler goes beyond its grants.
const VICES: [&str; 20] = [
    "none",
    "all",
    "operation",
    "repository",
    "repository",
    "path",
    "path of a change",
    "base",
    "head",
    "commit",
    "edit",
    "number",
    "number",
    "image",
    "image",
    "field",
    "relation",
    "decoration",
    "decoration",
    "entity",
];

/// A pattern of a grant, and the names that it covers.
type NamePattern = (&'static str, fn(&str) -> bool);

const PATHS: [NamePattern; 3] = [
    ("apps/{service.identifier}/prod/*.yaml", |path| {
        let file = path.strip_prefix("apps/web/prod/");
        file.is_some_and(|file| !file.contains('/') && file.ends_with(".yaml"))
    }),
    ("apps/**", |path| path.starts_with("apps/")),
    ("apps/web/prod/deployment.yaml", |path| {
        path == "apps/web/prod/deployment.yaml"
    }),
];
const BASES: [NamePattern; 3] = [
    ("main", |branch| branch == "main"),
    ("main", |branch| branch == "main"),
    ("old-release", |branch| branch == "old-release"),
];
const HEADS: [NamePattern; 2] = [
    ("promote/{service.identifier}/**", |branch| {
        branch.starts_with("promote/web/")
    }),
    ("promote/web/one", |branch| branch == "promote/web/one"),
];
const ENTITIES: [NamePattern; 3] = [
    ("{service.relations.prod_runtime}", |name| {
        name == "web-prod"
    }),
    ("{service.relations.prod_runtime}", |name| {
        name == "web-prod"
    }),
    ("web-staging", |name| name == "web-staging"),
];

/// Grants that a seed has drawn.
#[derive(Debug)]
struct DrawnGrants {
    proposes: bool,
    merges: bool,
    decorates: bool,
    updates: bool,
    after_merge: bool,
    /// The choices of a hundred in which the gambler goes beyond them.
    wild: u64,
    /// The kind of those choices.
    vice: &'static str,
    path: NamePattern,
    base: NamePattern,
    head: NamePattern,
    entity: NamePattern,
}

impl DrawnGrants {
    fn draw(seed: u64) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed);
        Self {
            proposes: rng.u8(..6) > 0,
            merges: rng.u8(..4) > 0,
            decorates: rng.bool(),
            updates: rng.u8(..4) > 0,
            after_merge: rng.u8(..3) > 0,
            wild: [2, 10, 30, 60][rng.usize(..4)],
            vice: VICES[rng.usize(..VICES.len())],
            path: PATHS[rng.usize(..PATHS.len())],
            base: BASES[rng.usize(..BASES.len())],
            head: HEADS[rng.usize(..HEADS.len())],
            entity: ENTITIES[rng.usize(..ENTITIES.len())],
        }
    }

    /// The settings of the gambler: what it is granted, and how often it does not care.
    fn hints(&self, seed: u64) -> String {
        let parts = [
            (self.proposes, "propose"),
            (self.merges, "merge"),
            (self.decorates, "decorate"),
            (self.updates, "update"),
        ];
        let may = parts.iter().filter(|(is_granted, _)| *is_granted);
        let may: Vec<&str> = may.map(|(_, name)| *name).collect();
        let mut entities = ["web-prod", "web-staging"].into_iter();
        let entity = entities.find(|name| (self.entity.1)(name));
        format!(
            "seed = {seed}\ncalls = {CALLS}\nwild = {}\nvice = \"{}\"\nmay = \"{}\"\nbase = \"{}\"\nhead = \"promote/web/one\"\nentity = \"{}\"",
            self.wild,
            self.vice,
            may.join(" "),
            self.base.0,
            entity.unwrap_or_default(),
        )
    }

    /// The grants of a `promote.toml`.
    fn toml(&self) -> String {
        let mut text = String::from(
            "[[grants]]\nallow = [\"port.get-entity\"]\nblueprint = [\"service\", \"running_service\", \"image\"]\n\
             [[grants]]\nallow = [\"github.read\"]\nrepository = \"acme/gitops\"\n",
        );
        let at = format!("repository = \"{REPOSITORY}\"\n");
        let base = format!("base = \"{}\"\n", self.base.0);
        if self.proposes {
            let (path, head) = (self.path.0, self.head.0);
            text += &format!(
                "[[grants]]\nallow = [\"github.propose\"]\n{at}{base}path = \"{path}\"\nhead = \"{head}\"\n"
            );
        }
        if self.merges {
            text += &format!("[[grants]]\nallow = [\"github.merge\"]\n{at}{base}");
        }
        if self.decorates {
            text += &format!(
                "[[grants]]\nallow = [\"github.decorate\"]\n{at}labels = [\"promotion\"]\nreviewers = [\"kim\"]\n"
            );
        }
        if self.updates {
            let after = if self.after_merge {
                format!(
                    "after = \"merge\"\nholds = \"{{registryId}}:{{tags[0]}}\"\nin = \"{}\"\n",
                    self.path.0
                )
            } else {
                String::new()
            };
            text += &format!(
                "[[grants]]\nallow = [\"port.update-entity\"]\nblueprint = \"running_service\"\nentity = \"{}\"\nrelations = [\"image\"]\n{after}",
                self.entity.0
            );
        }
        text
    }
}

/// The sample with branches, a pull request, a file and a repository that are no business of a promotion.
fn world() -> World {
    let more = "
        [[github.repositories.branches]]
        name = \"promote/other/one\"
        files = { \"apps/other/prod/deployment.yaml\" = \"replicas: 3\" }
        [[github.repositories]]
        name = \"acme/other\"
        files = { \"apps/web/prod/deployment.yaml\" = \"replicas: 3\" }
        [[github.repositories.branches]]
        name = \"promote/web/one\"
        files = { \"apps/web/prod/deployment.yaml\" = \"replicas: 4\" }
        [[port.entities]]
        blueprint = \"service\"
        identifier = \"other\"
    ";
    let text = format!("{}{FOREIGN}{more}", promote_mock::sample::SAMPLE);
    World::from_toml(&text, Path::new("")).unwrap()
}

/// What a run has left that its grants do not cover.
struct GambleJudge<'a> {
    grants: &'a DrawnGrants,
    before: &'a World,
    after: &'a World,
}

impl<'a> GambleJudge<'a> {
    fn broken(&self) -> Vec<String> {
        let mut broken = self.in_the_catalog();
        broken.extend(self.in_port());
        broken.extend(self.in_other_repositories());
        broken.extend(self.on_branches());
        broken.extend(self.on_pull_requests());
        broken
    }

    fn repository(world: &'a World) -> &'a RepositoryState {
        world.github.find(REPOSITORY).unwrap()
    }

    fn in_the_catalog(&self) -> Vec<String> {
        let (was, now) = (&self.before.port.entities, &self.after.port.entities);
        let mut broken = Vec::new();
        if was.keys().ne(now.keys()) {
            broken.push("the catalog has other entities".to_owned());
        }
        for (key, now) in now.iter() {
            let Some(was) = was.get(key) else { continue };
            let is_granted =
                self.grants.updates && key.0 == "running_service" && (self.grants.entity.1)(&key.1);
            let image = |entity: &CatalogEntity| entity.relations.get("image").cloned();
            let mut relations = now.relations.clone();
            if let (true, Some(image)) = (is_granted, image(was)) {
                relations.insert("image".to_owned(), image);
            }
            if (&was.properties, &was.title, &was.relations)
                != (&now.properties, &now.title, &relations)
            {
                broken.push(format!("{key:?} has changed"));
            }
            let told = image(now).filter(|now| image(was).as_ref() != Some(now));
            let told = told.and_then(|image| image.identifiers().first().cloned());
            if let Some(told) = told
                && self.grants.after_merge
                && !self.was_held(&told)
            {
                broken.push(format!("{key:?} names {told}, which the base never held"));
            }
        }
        broken
    }

    /// Whether a file at a granted place of the base held an image, before or since.
    fn was_held(&self, image: &str) -> bool {
        let reference = image.replace("web-", "ghcr.io/acme/web:");
        let git = &Self::repository(self.after).git;
        let commits = self.gained(self.grants.base.0).into_iter();
        let commits = commits.chain(Self::repository(self.before).branch(self.grants.base.0));
        commits.into_iter().any(|commit| {
            let files = git.walk(git.tree_of(commit).unwrap());
            files.iter().any(|(path, entry)| {
                let text = git.blob(entry.id).map(String::from_utf8_lossy);
                (self.grants.path.1)(path) && text.is_some_and(|text| text.contains(&reference))
            })
        })
    }

    /// The commits that a branch has gained.
    fn gained(&self, branch: &str) -> Vec<ObjectId> {
        let (was, now) = (Self::repository(self.before), Self::repository(self.after));
        let old: BTreeSet<ObjectId> = was
            .branch(branch)
            .map(|head| was.git.ancestors(head))
            .unwrap_or_default();
        let all = now.branch(branch).map(|head| now.git.ancestors(head));
        let all = all.unwrap_or_default().into_iter();
        all.filter(|commit| !old.contains(commit)).collect()
    }

    /// The run has ended, and is the only one that is not as it was.
    fn in_port(&self) -> Vec<String> {
        let (was, now) = (&self.before.port.runs, &self.after.port.runs);
        let mut broken = Vec::new();
        if now[RUN].status == RunStatus::InProgress {
            broken.push("Port shows the run in progress".to_owned());
        }
        let others = now.iter().filter(|(id, _)| *id != RUN);
        let others = others.filter(|(id, run)| was.get(*id) != Some(run));
        broken.extend(others.map(|(id, _)| format!("run {id} has changed")));
        broken
    }

    fn in_other_repositories(&self) -> Vec<String> {
        let all = self.after.github.repositories.iter();
        let others = all.filter(|it| it.full_name() != REPOSITORY);
        let changed = others.filter(|now| {
            let was = self.before.github.find(&now.full_name());
            was.is_none_or(|was| (&was.refs, &was.pulls) != (&now.refs, &now.pulls))
        });
        changed
            .map(|it| format!("{} has changed", it.full_name()))
            .collect()
    }

    fn on_branches(&self) -> Vec<String> {
        let (was, now) = (Self::repository(self.before), Self::repository(self.after));
        let names: BTreeSet<&String> = was.refs.keys().chain(now.refs.keys()).collect();
        let mut broken = Vec::new();
        for name in names {
            let (old, new) = (was.refs.get(name), now.refs.get(name));
            if old == new {
                continue;
            }
            let branch = name.strip_prefix("refs/heads/").unwrap_or(name);
            let is_head = self.grants.proposes && (self.grants.head.1)(branch);
            let is_base = self.grants.merges && (self.grants.base.1)(branch);
            match (old, new) {
                _ if is_head && branch != "main" => {}
                (Some(_), Some(_)) if is_base => broken.extend(self.on_base(branch)),
                _ => broken.push(format!("{name} has changed")),
            }
        }
        broken
    }

    /// Files at granted places alone, of each no more than the values of lines, and each line from a proposal that was merged.
    fn on_base(&self, branch: &str) -> Vec<String> {
        let (was, now) = (Self::repository(self.before), Self::repository(self.after));
        let git = &now.git;
        let old = was.git.tree_of(was.branch(branch).unwrap());
        let new = git.tree_of(now.branch(branch).unwrap());
        let text = |id| String::from_utf8_lossy(git.blob(id).unwrap()).into_owned();
        let mut broken = Vec::new();
        for change in git.changes(old, new) {
            let path = &change.path;
            if !(self.grants.path.1)(path) {
                broken.push(format!("{path} has changed on {branch}"));
            }
            let (Some(old), Some(new)) = (change.old, change.new) else {
                broken.push(format!("{path} has come or gone on {branch}"));
                continue;
            };
            if old.mode != new.mode {
                broken.push(format!("{path} has another mode on {branch}"));
            }
            let (old, new) = (text(old.id), text(new.id));
            let key = |line: &str| line.split(':').next().unwrap_or_default().to_owned();
            if old.lines().map(key).ne(new.lines().map(key)) {
                broken.push(format!("{path} has other keys on {branch}"));
            }
            let proposed = self.merged(branch).flat_map(|pull| {
                let tree = git.tree_of(pull.head_sha);
                let entry = tree.and_then(|tree| git.entry_at(tree, path));
                entry.map(|entry| text(entry.id))
            });
            let proposed: Vec<String> = proposed.collect();
            let is_proposed =
                |line: &str| proposed.iter().any(|it| it.lines().any(|it| it == line));
            let lines = old.lines().zip(new.lines());
            let strange = lines.filter(|(old, new)| old != new && !is_proposed(new));
            broken.extend(strange.map(|(_, new)| format!("{path} has {new:?}, never proposed")));
        }
        broken
    }

    /// A proposal changes files at granted places alone.
    fn in_proposal(&self, pull: &PullRequest) -> Vec<String> {
        let git = &Self::repository(self.after).git;
        let start = git.merge_base(pull.base_sha, pull.head_sha);
        let changes = git.changes(
            start.and_then(|start| git.tree_of(start)),
            git.tree_of(pull.head_sha),
        );
        let strange = changes.iter().filter(|it| !(self.grants.path.1)(&it.path));
        strange
            .map(|it| format!("#{} changes {}", pull.number, it.path))
            .collect()
    }

    /// The pull requests of the run that were merged into a branch.
    fn merged(&self, branch: &str) -> impl Iterator<Item = &'a PullRequest> {
        let known = &Self::repository(self.before).pulls;
        let pulls = Self::repository(self.after).pulls.values();
        pulls.filter(move |pull| {
            let is_merged = matches!(pull.state, PullState::Merged { .. });
            is_merged && pull.base == branch && !known.contains_key(&pull.number)
        })
    }

    fn on_pull_requests(&self) -> Vec<String> {
        let known = &Self::repository(self.before).pulls;
        let mut broken = Vec::new();
        for pull in Self::repository(self.after).pulls.values() {
            let number = pull.number;
            let is_granted = self.grants.proposes && (self.grants.head.1)(&pull.head);
            match known.get(&number) {
                Some(_) if matches!(pull.state, PullState::Merged { .. }) => {
                    broken.push(format!("#{number} was not ours, and is merged"));
                }
                Some(was) if !is_granted && was.state != pull.state => {
                    broken.push(format!("#{number} is closed"));
                }
                Some(was) if (&was.title, &was.base) != (&pull.title, &pull.base) => {
                    broken.push(format!("#{number} has another title or base"));
                }
                Some(_) => {}
                None if is_granted && (self.grants.base.1)(&pull.base) => {
                    broken.extend(self.in_proposal(pull));
                }
                None => broken.push(format!("#{number} into {} is not granted", pull.base)),
            }
            let is_merged = matches!(pull.state, PullState::Merged { .. });
            if is_merged && !self.grants.merges {
                broken.push(format!("#{number} is merged"));
            }
            let labels: Vec<&String> = pull.labels.iter().collect();
            let (users, teams) = &pull.reviewers;
            let is_decorated = !labels.is_empty() || !users.is_empty() || !teams.is_empty();
            let is_granted = labels.iter().all(|label| *label == "promotion")
                && users.iter().all(|user| user == "kim")
                && teams.is_empty()
                && self.grants.decorates;
            if is_decorated && !is_granted {
                broken.push(format!("#{number} has {labels:?}, {users:?} and {teams:?}"));
            }
        }
        broken
    }
}

/// Plays a seed; returns what its run has left that the grants do not cover, and how it ended.
async fn gamble(seed: u64) -> (Vec<String>, TestResult) {
    let grants = DrawnGrants::draw(seed);
    let settings = SampleConfig::default()
        .component(guests::GAMBLER)
        .more(&grants.hints(seed))
        .grants(&grants.toml());
    let run = TestRun::guest(guests::GAMBLER)
        .settings(settings)
        .world(world())
        .run();
    let ended = tokio::time::timeout(MAX_WAIT, run);
    let ended = ended.await.expect("the run ends in time");
    let after = ended.witness.world.snapshot();
    let judge = GambleJudge {
        grants: &grants,
        before: ended.witness.before(),
        after: &after,
    };
    let mut broken = judge.broken();
    let ending = ended.done.ending.kind();
    let is_denied = ended.journal.contains("\"Denied\"");
    if is_denied && ["promoted", "unchanged", "refused"].contains(&ending) {
        broken.push(format!("denied, and ended as {ending}"));
    }
    if is_denied && after.port.runs[RUN].status == RunStatus::Success {
        broken.push("denied, and Port shows a success".to_owned());
    }
    let broken = broken.into_iter();
    let broken = broken.map(|what| format!("seed {seed}: {what} ({grants:?})"));
    (broken.collect(), ended)
}

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::print_stdout, reason = "the figures are there to be read")]
async fn what_a_gambler_is_not_granted_it_does_not_change() {
    let set = std::env::var("PROMOTE_GAMBLES").ok();
    let gambles = set.and_then(|set| set.parse().ok()).unwrap_or(GAMBLES);
    let (mut broken, mut denied, mut merged, mut told) = (Vec::new(), 0, 0, 0);
    for seed in 1..=gambles {
        let (found, ended) = gamble(seed).await;
        broken.extend(found);
        let (witness, after) = (&ended.witness, ended.witness.world.snapshot());
        denied += u64::from(ended.journal.contains("\"Denied\""));
        let pulls = after.github.pull_requests(REPOSITORY).into_iter();
        let is_merged = |pull: &&PullRequest| matches!(pull.state, PullState::Merged { .. });
        merged += u64::from(pulls.filter(is_merged).count() > 0);
        told += u64::from(witness.before().port.entities != after.port.entities);
    }
    println!(
        "{gambles} gambles of {CALLS} calls: {denied} were denied something, {merged} merged, {told} told the catalog"
    );
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    // A gambler that never wins shows nothing.
    assert!(
        merged * 10 >= gambles && told * 10 >= gambles,
        "{merged} {told}"
    );
    assert!(denied * 3 >= gambles, "{denied}");
}
