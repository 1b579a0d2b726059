//! The state that is compared between a disturbed run and an undisturbed one: all that people and machines act on, and
//! nothing that tells the two apart by nature (times, commits that nothing names, lines of logs).

use promote_mock::github::PullState;
use promote_mock::sample::RUN;
use promote_tests::witness::{REPOSITORY, WorldWitness};

/// The state of Port and GitHub.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct State {
    /// The tree of the base branch: files and modes, byte for byte.
    tree: String,
    branches: Vec<String>,
    pulls: Vec<String>,
    entities: Vec<String>,
    /// Status and label of Port's run, unless they do not count.
    pub(super) run: Option<String>,
}

impl State {
    pub(super) fn of(witness: &WorldWitness) -> Self {
        let world = witness.world.lock();
        let repository = world.github.find(REPOSITORY).unwrap();
        let main = repository.branch("main").unwrap();
        let pulls = world
            .github
            .pull_requests(REPOSITORY)
            .into_iter()
            .map(|pull| {
                let state = match &pull.state {
                    PullState::Merged { .. } => "merged".to_owned(),
                    other => format!("{other:?}")
                        .chars()
                        .take_while(|c| c.is_alphanumeric())
                        .collect(),
                };
                let head = &pull.head;
                let base = &pull.base;
                format!(
                    "#{} {state} {head} → {base} {:?} {:?}",
                    pull.number, pull.title, pull.labels
                )
            });
        let entities = world.port.entities.values().map(|entity| {
            let id = &entity.identifier;
            let of = &entity.blueprint;
            format!("{of}/{id} {:?} {:?}", entity.properties, entity.relations)
        });
        let run = &world.port.runs[RUN];
        Self {
            tree: format!("{:?}", repository.git.tree_of(main).unwrap()),
            branches: world.github.branches(REPOSITORY),
            pulls: pulls.collect(),
            entities: entities.collect(),
            run: Some(format!("{} {:?}", run.status.as_str(), run.label)),
        }
    }

    /// The world is in this state.
    pub(super) fn check(&self, witness: &WorldWitness) -> Result<(), String> {
        let mut now = Self::of(witness);
        if self.run.is_none() {
            now.run = None;
        }
        if now == *self {
            Ok(())
        } else {
            Err(format!("expected {self:#?}\ngot {now:#?}"))
        }
    }
}

/// The catalog is not ahead of git: the image that it names is on the base branch.
pub(super) fn check_order(witness: &WorldWitness) -> Result<(), String> {
    let recorded = witness.recorded();
    let manifest = witness.manifest();
    let ahead = |image: &String| {
        let reference = format!("ghcr.io/acme/{}", image.replacen('-', ":", 1));
        // Behind is allowed: the image that was there before the run.
        !manifest.contains(&reference) && image != "web-1.4.1"
    };
    match recorded.iter().find(|image| ahead(image)) {
        Some(image) => Err(format!(
            "the catalog names {image}, and git does not hold it"
        )),
        None => Ok(()),
    }
}
