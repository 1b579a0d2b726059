//! Port and GitHub as twenty lines of state, for tests of the flow.
//!
//! Every call is logged. A run can be cut off before or after any call, as if the host were killed there.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;

use crate::host::{
    Ancestry, Change, Check, Commit, Comparison, File, Host, MergeMethod, Mergeability, Merged, Proposal,
    PullFilter, PullRequest, PullState, Severity,
};
use crate::types::{Actor, Entity, EntityKey, Failure, Relation, Request, Workflow};

pub(crate) struct Fake {
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
    /// What `get-checks` answers, one after the other; the last one again and again.
    pub(crate) checks: Vec<Vec<Check>>,
}

/// `blueprint`, identifier, properties, relations.
pub(crate) fn entity(
    blueprint: &str,
    identifier: &str,
    properties: &str,
    relations: &[(&str, &str)],
) -> Entity {
    Entity {
        key: EntityKey { blueprint: blueprint.into(), identifier: identifier.into() },
        title: Some(identifier.to_uppercase()),
        teams: Vec::new(),
        properties: properties.into(),
        relations: relations
            .iter()
            .map(|(name, target)| Relation { name: (*name).into(), targets: vec![(*target).into()] })
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

impl Fake {
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
            checks: vec![Vec::new()],
        };
        fake.put(entity(
            "service",
            "web",
            "{}",
            &[("test_runtime", "web-staging"), ("prod_runtime", "web-prod")],
        ));
        fake.put(runtime("web-staging", "apps/web/staging", "web-1.4.2"));
        fake.put(runtime("web-prod", "apps/web/prod", "web-1.4.1"));
        fake.put(image("1.4.1", "a"));
        fake.put(image("1.4.2", "b"));
        fake.files.insert(MANIFEST.into(), DEPLOYMENT.into());
        fake
    }

    pub(crate) fn put(&mut self, entity: Entity) {
        self.entities.insert((entity.key.blueprint.clone(), entity.key.identifier.clone()), entity);
    }

    pub(crate) fn entity(&mut self, blueprint: &str, identifier: &str) -> &mut Entity {
        self.entities.get_mut(&(blueprint.into(), identifier.into())).unwrap()
    }

    pub(crate) fn production_image(&self) -> &str {
        &self.entities[&("running_service".into(), "web-prod".into())].relations[0].targets[0]
    }

    pub(crate) fn writes(&self) -> Vec<&str> {
        let reads = ["get-", "read-", "find-", "now", "compare", "sleep", "search"];
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
        self.calls.push(format!("{name} {what}").trim_end().to_owned());
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
        actor: Actor { email: Some("dana@acme.example".into()), name: None },
        requested_at: None,
        subject: entity("service", "web", "{}", &[]),
        inputs: "{}".into(),
        settings: settings.into(),
        workflow: Workflow {
            repository: Some("acme/gitops".into()),
            url: Some("https://ci.example/runs/1".into()),
            attempt: 1,
        },
    }
}

impl Host for Fake {
    fn now(&mut self) -> String {
        self.now.clone()
    }

    fn sleep(&mut self, seconds: u32) {
        self.slept += seconds;
    }

    fn note(&mut self, _: Severity, message: &str) {
        self.notes.push(message.into());
    }

    fn get_entity(&mut self, key: &EntityKey) -> Result<Option<Entity>, Failure> {
        let key = (key.blueprint.clone(), key.identifier.clone());
        self.call("get-entity", &key.1.clone(), |fake| Ok(fake.entities.get(&key).cloned()))
    }

    fn get_entities(&mut self, keys: &[EntityKey]) -> Result<Vec<Option<Entity>>, Failure> {
        let names: Vec<_> = keys.iter().map(|key| key.identifier.as_str()).collect();
        self.call("get-entities", &names.join(","), |fake| {
            let get = |key: &EntityKey| {
                fake.entities.get(&(key.blueprint.clone(), key.identifier.clone())).cloned()
            };
            Ok(keys.iter().map(get).collect())
        })
    }

    fn search(&mut self, blueprint: &str, query: &str) -> Result<Vec<Entity>, Failure> {
        self.call("search", &format!("{blueprint} {query}"), |fake| {
            Ok(fake.entities.values().filter(|entity| entity.key.blueprint == blueprint).cloned().collect())
        })
    }

    fn update_entity(&mut self, key: &EntityKey, change: &Change) -> Result<Entity, Failure> {
        let target = &change.relations[0];
        let what = format!("{} {}={}", key.identifier, target.name, target.targets.join(","));
        self.call("update-entity", &what, |fake| {
            let entity = fake.entity(&key.blueprint, &key.identifier);
            entity.relations.retain(|relation| relation.name != target.name);
            entity.relations.push(target.clone());
            Ok(entity.clone())
        })
    }

    fn read_file(&mut self, repository: &str, path: &str, revision: &str) -> Result<Option<File>, Failure> {
        self.call("read-file", &format!("{repository} {path} {revision}"), |fake| {
            let files = fake.history.get(revision).unwrap_or(&fake.files);
            Ok(files.get(path).map(|content| File {
                path: path.into(),
                content: content.clone(),
                commit: "c0".into(),
                blob: format!("blob{}", content.len()),
            }))
        })
    }

    fn get_commit(&mut self, repository: &str, revision: &str) -> Result<Option<Commit>, Failure> {
        self.call("get-commit", &format!("{repository} {revision}"), |_| {
            let number: u32 = revision.trim_start_matches('m').parse().unwrap();
            Ok(Some(Commit {
                id: revision.into(),
                parents: vec![format!("m{}", number - 1)],
                message: String::new(),
                author: String::new(),
                committed_at: String::new(),
            }))
        })
    }

    fn get_pull_request(&mut self, _: &str, number: u32) -> Result<PullRequest, Failure> {
        self.call("get-pull-request", &number.to_string(), |fake| {
            Ok(fake.pulls[number as usize - 1].0.clone())
        })
    }

    fn find_pull_requests(
        &mut self,
        _: &str,
        head: &str,
        _: &str,
        filter: PullFilter,
    ) -> Result<Vec<PullRequest>, Failure> {
        self.call("find-pull-requests", head, |fake| {
            let prefix = head.trim_end_matches('*');
            let all = fake.pulls.iter().rev().map(|(pull, _)| pull.clone());
            let wanted = |pull: &PullRequest| match filter {
                PullFilter::Open => pull.state == PullState::Open,
                PullFilter::Ended => pull.state != PullState::Open,
                PullFilter::Any => true,
            };
            Ok(all.filter(|pull| pull.head.starts_with(prefix) && wanted(pull)).collect())
        })
    }

    fn compare(&mut self, repository: &str, base: &str, head: &str) -> Result<Comparison, Failure> {
        self.call("compare", &format!("{repository} {base}...{head}"), |fake| {
            Ok(Comparison {
                status: fake.ancestry,
                ahead_by: fake.commits.len() as u32,
                behind_by: 0,
                commits: fake.commits.clone(),
                url: format!("https://git.example/{repository}/compare/{base}...{head}"),
            })
        })
    }

    fn propose(&mut self, proposal: &Proposal) -> Result<PullRequest, Failure> {
        self.call("propose", &proposal.head, |fake| {
            if let Some((pull, _)) = fake.pulls.iter().find(|(pull, _)| pull.head == proposal.head) {
                return match pull.state {
                    PullState::Closed => Err(Failure::Conflict("somebody closed it".into())),
                    _ => Ok(pull.clone()),
                };
            }
            let number = fake.pulls.len() as u32 + 1;
            let pull = PullRequest {
                number,
                url: format!("https://git.example/{number}"),
                title: proposal.title.clone(),
                state: PullState::Open,
                head: proposal.head.clone(),
                head_commit: format!("h{number}"),
                base: proposal.base.clone(),
                merge_commit: None,
                merged_at: None,
                mergeable: fake.mergeable,
            };
            fake.branches.push(proposal.head.clone());
            fake.pulls.push((pull.clone(), proposal.clone()));
            Ok(pull)
        })
    }

    fn delete_branch(&mut self, _: &str, branch: &str) -> Result<(), Failure> {
        self.call("delete-branch", branch, |fake| {
            fake.branches.retain(|other| other != branch);
            Ok(())
        })
    }

    fn merge(
        &mut self,
        _: &str,
        number: u32,
        expected_head: &str,
        _: MergeMethod,
    ) -> Result<Merged, Failure> {
        self.call("merge", &format!("{number} {expected_head}"), |fake| {
            if fake.merge_later {
                return Ok(Merged::Later("1 approving review".into()));
            }
            let (pull, proposal) = &mut fake.pulls[number as usize - 1];
            assert_eq!(pull.head_commit, expected_head);
            pull.state = PullState::Merged;
            pull.merge_commit = Some(format!("m{number}"));
            pull.merged_at = Some(format!("2026-01-06T10:{number:02}:00Z"));
            fake.history.entry(format!("m{}", number - 1)).or_insert_with(|| fake.files.clone());
            for change in proposal.changes.clone() {
                fake.files.insert(change.path, change.content);
            }
            fake.history.insert(format!("m{number}"), fake.files.clone());
            Ok(Merged::Now(format!("m{number}")))
        })
    }

    fn get_checks(&mut self, _: &str, commit: &str, _: &str) -> Result<Vec<Check>, Failure> {
        self.call("get-checks", commit, |fake| {
            let now = fake.checks[0].clone();
            if fake.checks.len() > 1 {
                fake.checks.remove(0);
            }
            Ok(now)
        })
    }

    fn close_pull_request(&mut self, _: &str, number: u32) -> Result<(), Failure> {
        self.call("close-pull-request", &number.to_string(), |fake| {
            fake.pulls[number as usize - 1].0.state = PullState::Closed;
            Ok(())
        })
    }

    fn comment(&mut self, _: &str, number: u32, marker: &str, body: &str) -> Result<(), Failure> {
        self.call("comment", &format!("{number} {marker} {body}"), |_| Ok(()))
    }

    fn add_labels(&mut self, _: &str, number: u32, labels: &[String]) -> Result<(), Failure> {
        self.call("add-labels", &format!("{number} {}", labels.join(",")), |_| Ok(()))
    }

    fn request_reviewers(
        &mut self,
        _: &str,
        number: u32,
        users: &[String],
        teams: &[String],
    ) -> Result<(), Failure> {
        let all = [users, teams].concat().join(",");
        self.call("request-reviewers", &format!("{number} {all}"), |_| Ok(()))
    }

    fn merge_when_ready(
        &mut self,
        repository: &str,
        number: u32,
        expected_head: &str,
        method: MergeMethod,
    ) -> Result<Merged, Failure> {
        self.merge(repository, number, expected_head, method)
    }
}
