//! The state of Port and git after a run, held against the state before it.

use std::ops::RangeInclusive;

use promote_mock::github::{PullRequest, PullState};
use promote_mock::sample::RUN;
use promote_mock::{ServiceName, SharedWorld, World};

/// The repository of the sample.
pub const REPOSITORY: &str = "acme/gitops";
/// Production's manifest.
pub const MANIFEST: &str = "apps/web/prod/deployment.yaml";

/// A world before a run, and the same world now.
#[derive(Clone, Debug)]
pub struct WorldWitness {
    before: World,
    /// The world as it is.
    pub world: SharedWorld,
}

impl WorldWitness {
    /// Remembers a world before anything happens in it.
    pub fn of(world: &SharedWorld) -> Self {
        Self {
            before: world.snapshot(),
            world: world.clone(),
        }
    }

    /// Checks that neither git nor the catalog has changed. Port's run may have.
    pub fn expect_nothing_written(&self) {
        let before = &self.before;
        let after = self.world.snapshot();
        assert_eq!(after.github.fingerprint(), before.github.fingerprint());
        assert_eq!(after.port.entities, before.port.entities);
    }

    /// Checks that nothing has changed anywhere: no write was even tried.
    pub fn expect_untouched(&self) {
        let before = self.before.fingerprint();
        let after = self.world.lock().fingerprint();
        let new: Vec<&str> = after
            .lines()
            .filter(|line| !before.lines().any(|old| old == *line))
            .collect();
        assert!(before == after, "both services as they were, but: {new:#?}");
        assert_eq!(self.writes(), Vec::<String>::new());
        let runs = |world: &World| world.port.runs.clone();
        assert_eq!(runs(&self.world.lock()), runs(&self.before), "Port's runs");
    }

    /// Checks that no base branch and no entity has changed; there may be a branch and a pull request.
    pub fn expect_production_untouched(&self) {
        assert_eq!(self.manifest(), manifest(&self.before));
        assert_eq!(self.world.lock().port.entities, self.before.port.entities);
    }

    /// Checks that git and catalog name the sample's newest image, by one merged pull request that changed nothing else.
    pub fn expect_promoted(&self) {
        self.expect_promoted_beside(0..=0);
    }

    /// Checks that production was promoted by one pull request, beside which
    /// a number of others may have been opened and closed again.
    ///
    /// Runs at the same time may each open one before they see another's.
    pub fn expect_promoted_beside(&self, withdrawn: RangeInclusive<usize>) {
        let expected = manifest(&self.before).replace("web:1.4.1", "web:1.4.2");
        assert_eq!(self.manifest(), expected);
        assert_eq!(self.recorded(), ["web-1.4.2"]);
        let pulls = self.pulls();
        let count =
            |is: fn(&PullState) -> bool| pulls.iter().filter(|pull| is(&pull.state)).count();
        let merged = count(|state| matches!(state, PullState::Merged { .. }));
        let closed = count(|state| matches!(state, PullState::Closed { .. }));
        assert_eq!((merged, merged + closed), (1, pulls.len()), "{pulls:?}");
        assert!(withdrawn.contains(&closed), "{pulls:?}");
        assert_eq!(self.world.lock().github.branches(REPOSITORY), ["main"]);
    }

    /// Checks the status and the label of Port's run.
    pub fn expect_port_run(&self, status: &str, label: &str) {
        let world = self.world.lock();
        let run = &world.port.runs[RUN];
        let label = Some(label).filter(|label| !label.is_empty());
        assert_eq!((run.status.as_str(), run.label.as_deref()), (status, label));
    }

    /// Returns production's manifest on the base branch.
    pub fn manifest(&self) -> String {
        manifest(&self.world.lock())
    }

    /// Returns the images that the catalog names for production.
    pub fn recorded(&self) -> Vec<String> {
        let world = self.world.lock();
        let production = world.port.entity("running_service", "web-prod").unwrap();
        production.relations["image"].identifiers().to_vec()
    }

    /// Returns every pull request.
    pub fn pulls(&self) -> Vec<PullRequest> {
        let world = self.world.lock();
        let pulls = world.github.pull_requests(REPOSITORY).into_iter();
        pulls.cloned().collect()
    }

    /// Returns the log of Port's run.
    pub fn log(&self) -> String {
        let world = self.world.lock();
        let lines: Vec<String> = world.port.runs[RUN]
            .logs
            .iter()
            .map(|line| format!("{line:?}"))
            .collect();
        lines.join("\n")
    }

    /// Returns the requests since the beginning that change something, as `METHOD path`. Logging in changes nothing.
    pub fn writes(&self) -> Vec<String> {
        let world = self.world.lock();
        let since = world.seen.iter().skip(self.before.seen.len());
        since
            .filter(|seen| seen.method != "GET" && !seen.path.ends_with("/access_token"))
            .filter(|seen| !(seen.service == ServiceName::Port && seen.path.ends_with("/search")))
            .filter(|seen| !seen.path.ends_with("/graphql"))
            .map(|seen| format!("{} {}", seen.method, seen.path))
            .collect()
    }

    /// Returns the world as it was at the beginning.
    pub fn before(&self) -> &World {
        &self.before
    }

    /// Returns the number of requests since the beginning.
    pub fn requests(&self) -> usize {
        self.world.lock().seen.len() - self.before.seen.len()
    }
}

fn manifest(world: &World) -> String {
    let manifest = world.github.file_at(REPOSITORY, "main", MANIFEST);
    manifest.unwrap()
}
