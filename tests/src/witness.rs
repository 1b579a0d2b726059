//! What a run has left behind in Port and git, and what it must not have touched.

use promote_mock::github::{PullRequest, PullState};
use promote_mock::sample::RUN;
use promote_mock::{Service, Shared, World};

/// The repository of the sample.
pub const REPOSITORY: &str = "acme/gitops";
/// Production's manifest.
pub const MANIFEST: &str = "apps/web/prod/deployment.yaml";

/// A world as it was before a run, and as it is.
#[derive(Clone, Debug)]
pub struct Witness {
    before: World,
    /// The world as it is.
    pub world: Shared,
}

impl Witness {
    /// Looks at a world before anything happens in it.
    pub fn of(world: &Shared) -> Self {
        Self {
            before: world.snapshot(),
            world: world.clone(),
        }
    }

    /// Neither git nor the catalog has changed. Port's run may have.
    pub fn expect_nothing_written(&self) {
        let (before, after) = (&self.before, self.world.snapshot());
        assert_eq!(after.github.fingerprint(), before.github.fingerprint());
        assert_eq!(after.port.entities, before.port.entities);
    }

    /// Nothing has changed anywhere: no write was even tried.
    pub fn expect_untouched(&self) {
        let (before, after) = (self.before.fingerprint(), self.world.lock().fingerprint());
        let new: Vec<&str> = after
            .lines()
            .filter(|line| !before.lines().any(|old| old == *line))
            .collect();
        assert!(before == after, "both services as they were, but: {new:#?}");
        assert_eq!(self.writes(), Vec::<String>::new());
        let runs = |world: &World| world.port.runs.clone();
        assert_eq!(runs(&self.world.lock()), runs(&self.before), "Port's runs");
    }

    /// No base branch and no entity has changed; there may be a branch and a pull request.
    pub fn expect_production_untouched(&self) {
        assert_eq!(self.manifest(), manifest(&self.before));
        assert_eq!(self.world.lock().port.entities, self.before.port.entities);
    }

    /// Git and catalog name the sample's newest image, by one merged pull request that changed nothing else.
    pub fn expect_promoted(&self) {
        let expected = manifest(&self.before).replace("web:1.4.1", "web:1.4.2");
        assert_eq!(self.manifest(), expected);
        assert_eq!(self.recorded(), ["web-1.4.2"]);
        let pulls = self.pulls();
        assert!(
            matches!(&pulls[..], [pull] if matches!(pull.state, PullState::Merged { .. })),
            "{pulls:?}"
        );
        assert_eq!(self.world.lock().github.branches(REPOSITORY), ["main"]);
    }

    /// Port's run stands like this.
    pub fn expect_port_run(&self, status: &str, label: &str) {
        let world = self.world.lock();
        let run = &world.port.runs[RUN];
        let label = Some(label).filter(|label| !label.is_empty());
        assert_eq!((run.status.as_str(), run.label.as_deref()), (status, label));
    }

    /// Production's manifest on the base branch.
    pub fn manifest(&self) -> String {
        manifest(&self.world.lock())
    }

    /// The images that the catalog names for production.
    pub fn recorded(&self) -> Vec<String> {
        let world = self.world.lock();
        let production = world.port.entity("running_service", "web-prod").unwrap();
        production.relations["image"].identifiers().to_vec()
    }

    /// The pull requests there are.
    pub fn pulls(&self) -> Vec<PullRequest> {
        let world = self.world.lock();
        let pulls = world.github.pull_requests(REPOSITORY).into_iter();
        pulls.cloned().collect()
    }

    /// The last lines of the log of Port's run.
    pub fn log(&self) -> String {
        let world = self.world.lock();
        let lines: Vec<String> = world.port.runs[RUN]
            .logs
            .iter()
            .map(|line| format!("{line:?}"))
            .collect();
        lines.join("\n")
    }

    /// Requests since the beginning that change something, as `METHOD path`. Logging in changes nothing.
    pub fn writes(&self) -> Vec<String> {
        let world = self.world.lock();
        let since = world.seen.iter().skip(self.before.seen.len());
        since
            .filter(|seen| seen.method != "GET" && !seen.path.ends_with("/access_token"))
            .filter(|seen| !(seen.service == Service::Port && seen.path.ends_with("/search")))
            .filter(|seen| !seen.path.ends_with("/graphql"))
            .map(|seen| format!("{} {}", seen.method, seen.path))
            .collect()
    }

    /// How many requests have arrived since the beginning.
    pub fn requests(&self) -> usize {
        self.world.lock().seen.len() - self.before.seen.len()
    }
}

fn manifest(world: &World) -> String {
    let manifest = world.github.file_at(REPOSITORY, "main", MANIFEST);
    manifest.unwrap()
}
