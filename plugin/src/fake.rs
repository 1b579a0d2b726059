//! Port and GitHub as twenty lines of state, for tests of the flow.
//!
//! Every call is logged. A run can be cut off before or after any call, as if the host were killed there.

#![allow(clippy::unwrap_used, reason = "tests")]

mod calls;

use std::collections::BTreeMap;

use crate::host::{
    Ancestry, Attestation, Candidate, Check, Commit, Mergeability, Proposal, PullPeople,
    PullRequest,
};
use crate::types::{Actor, Entity, EntityKey, Failure, Reason, Relation, Request, Workflow};

pub(crate) struct FakeHost {
    pub(crate) entities: BTreeMap<(String, String), Entity>,
    pub(crate) files: BTreeMap<String, String>,
    /// The files at each commit of the base branch but the newest, by its name: `m2` comes after `m1`.
    pub(crate) history: BTreeMap<String, BTreeMap<String, String>>,
    pub(crate) pulls: Vec<(PullRequest, Proposal)>,
    pub(crate) branches: Vec<String>,
    pub(crate) calls: Vec<String>,
    pub(crate) notes: Vec<String>,
    /// The call, counted from 1, at which the run is cut off, and whether the call still took effect.
    pub(crate) cut: Option<(usize, bool)>,
    /// Failures to answer with, by the name of the call.
    pub(crate) failures: BTreeMap<&'static str, Failure>,
    pub(crate) merge_later: bool,
    pub(crate) mergeable: Mergeability,
    pub(crate) ancestry: Ancestry,
    pub(crate) commits: Vec<Commit>,
    pub(crate) now: String,
    pub(crate) slept: u32,
    /// The Port run that proposes.
    pub(crate) run: String,
    /// What the rules of organisation and team say, and what they were asked about.
    pub(crate) rules: Vec<Reason>,
    pub(crate) judged: Vec<Candidate>,
    /// What `get-checks` answers, one after the other; the last one again and again.
    pub(crate) checks: Vec<Vec<Check>>,
    /// The attestations that hold, of any artifact.
    pub(crate) attestations: Vec<Attestation>,
    /// Why others do not.
    pub(crate) bad_attestations: Vec<String>,
    /// The people of every pull request.
    pub(crate) people: PullPeople,
    /// The pull requests that brought any commit.
    pub(crate) origin: Vec<PullRequest>,
    /// The digests that registries have, by reference.
    pub(crate) registry: BTreeMap<String, String>,
}

/// `blueprint`, identifier, properties, relations.
pub(crate) fn entity(
    blueprint: &str,
    identifier: &str,
    properties: &str,
    relations: &[(&str, &str)],
) -> Entity {
    Entity {
        key: EntityKey {
            blueprint: blueprint.into(),
            identifier: identifier.into(),
        },
        title: Some(identifier.to_uppercase()),
        teams: Vec::new(),
        properties: properties.into(),
        relations: relations
            .iter()
            .map(|(name, target)| Relation {
                name: (*name).into(),
                targets: vec![(*target).into()],
            })
            .collect(),
        updated_at: None,
    }
}

pub(crate) const MANIFEST: &str = "apps/web/prod/deployment.yaml";
pub(crate) const DEPLOYMENT: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  template:
    spec:
      containers:
        - name: app
          image: ghcr.io/acme/web:1.4.1 # pinned
";

impl FakeHost {
    /// The guide's data: staging runs 1.4.2, production 1.4.1.
    pub(crate) fn guide() -> Self {
        let digest = |c: &str| c.repeat(64);
        let image = |version: &str, c: &str| {
            let properties = format!(
                r#"{{"registryId":"ghcr.io/acme/web","tags":["{version}"],"digest":"sha256:{}"}}"#,
                digest(c)
            );
            entity("image", &format!("web-{version}"), &properties, &[])
        };
        let runtime = |name: &str, path: &str, image: &str| {
            let properties =
                format!(r#"{{"gitPath":"{path}","healthStatus":"Healthy","syncStatus":"Synced"}}"#);
            entity("running_service", name, &properties, &[("image", image)])
        };
        let mut fake = Self {
            entities: BTreeMap::new(),
            files: BTreeMap::new(),
            history: BTreeMap::new(),
            pulls: Vec::new(),
            branches: Vec::new(),
            calls: Vec::new(),
            notes: Vec::new(),
            cut: None,
            failures: BTreeMap::new(),
            merge_later: false,
            mergeable: Mergeability::Ready,
            ancestry: Ancestry::Behind,
            commits: Vec::new(),
            now: "2026-01-06T10:00:00Z".into(),
            slept: 0,
            run: "r_Ab12Cd34Ef56Gh78".into(),
            rules: Vec::new(),
            judged: Vec::new(),
            checks: vec![Vec::new()],
            attestations: Vec::new(),
            bad_attestations: Vec::new(),
            people: PullPeople {
                author: Some("promote[bot]".into()),
                committers: Vec::new(),
                head_commit: "h1".into(),
                merged_by: None,
                reviews: Vec::new(),
            },
            origin: Vec::new(),
            registry: BTreeMap::new(),
        };
        fake.put(entity(
            "service",
            "web",
            "{}",
            &[
                ("test_runtime", "web-staging"),
                ("prod_runtime", "web-prod"),
            ],
        ));
        fake.put(runtime("web-staging", "apps/web/staging", "web-1.4.2"));
        fake.put(runtime("web-prod", "apps/web/prod", "web-1.4.1"));
        fake.put(image("1.4.1", "a"));
        fake.put(image("1.4.2", "b"));
        fake.files.insert(MANIFEST.into(), DEPLOYMENT.into());
        fake
    }

    pub(crate) fn put(&mut self, entity: Entity) {
        self.entities.insert(
            (entity.key.blueprint.clone(), entity.key.identifier.clone()),
            entity,
        );
    }

    pub(crate) fn entity(&mut self, blueprint: &str, identifier: &str) -> &mut Entity {
        self.entities
            .get_mut(&(blueprint.into(), identifier.into()))
            .unwrap()
    }

    pub(crate) fn production_image(&self) -> &str {
        &self.entities[&("running_service".into(), "web-prod".into())].relations[0].targets[0]
    }

    pub(crate) fn writes(&self) -> Vec<&str> {
        let reads = [
            "get-",
            "read-",
            "find-",
            "is-granted",
            "now",
            "compare",
            "sleep",
            "search",
        ];
        self.calls
            .iter()
            .map(String::as_str)
            .filter(|call| !reads.iter().any(|read| call.starts_with(read)))
            .collect()
    }

    /// Logs the call and runs its effect, unless the run is cut off here or the call is told to fail.
    fn call<T>(
        &mut self,
        name: &'static str,
        what: &str,
        effect: impl FnOnce(&mut Self) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        self.calls
            .push(format!("{name} {what}").trim_end().to_owned());
        let cut_off = || Failure::Other("cut off".into());
        match self.cut {
            Some((at, _)) if self.calls.len() > at => return Err(cut_off()),
            Some((at, false)) if self.calls.len() == at => return Err(cut_off()),
            Some((at, true)) if self.calls.len() == at => {
                return effect(self).and(Err(cut_off()));
            }
            _ => {}
        }
        match self.failures.get(name) {
            Some(failure) => Err(failure.clone()),
            None => effect(self),
        }
    }
}

/// Dana's request to promote `web`, with settings as JSON.
pub(crate) fn request(settings: &str) -> Request {
    Request {
        run_id: "r_Ab12Cd34Ef56Gh78".into(),
        action: "promote_to_production".into(),
        approval: None,
        environment_reviews: None,
        actor: Actor {
            id: "auth0|1".to_owned(),
            email: Some("dana@acme.example".into()),
            name: None,
        },
        requested_at: None,
        subject: entity("service", "web", "{}", &[]),
        inputs: "{}".into(),
        settings: settings.into(),
        resumed: None,
        workflow: Workflow {
            repository: Some("acme/gitops".into()),
            url: Some("https://ci.example/runs/1".into()),
            attempt: 1,
        },
    }
}
