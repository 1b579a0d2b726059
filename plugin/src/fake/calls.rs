//! The effect of each call on the fake.

use super::FakeHost;
use crate::host::{
    Attestations, Candidate, Change, Check, Commit, Comparison, File, MergeMethod, Merged,
    PolicyHost, Proposal, PullFilter, PullPeople, PullRequest, PullState, Severity,
};
use crate::types::{Entity, EntityKey, Failure, Reason};

impl PolicyHost for FakeHost {
    fn now(&mut self) -> String {
        self.now.clone()
    }

    fn check_rules(&mut self, candidate: &Candidate) -> Vec<Reason> {
        self.judged.push(candidate.clone());
        self.rules.clone()
    }

    fn sleep(&mut self, seconds: u32) {
        self.slept += seconds;
    }

    fn note(&mut self, _: Severity, message: &str) {
        self.notes.push(message.into());
    }

    fn get_entity(&mut self, key: &EntityKey) -> Result<Option<Entity>, Failure> {
        let key = (key.blueprint.clone(), key.identifier.clone());
        self.call("get-entity", &key.1.clone(), |fake| {
            Ok(fake.entities.get(&key).cloned())
        })
    }

    fn get_entities(&mut self, keys: &[EntityKey]) -> Result<Vec<Option<Entity>>, Failure> {
        let names: Vec<_> = keys.iter().map(|key| key.identifier.as_str()).collect();
        self.call("get-entities", &names.join(","), |fake| {
            let get = |key: &EntityKey| {
                fake.entities
                    .get(&(key.blueprint.clone(), key.identifier.clone()))
                    .cloned()
            };
            Ok(keys.iter().map(get).collect())
        })
    }

    fn search(&mut self, blueprint: &str, query: &str) -> Result<Vec<Entity>, Failure> {
        self.call("search", &format!("{blueprint} {query}"), |fake| {
            Ok(fake
                .entities
                .values()
                .filter(|entity| entity.key.blueprint == blueprint)
                .cloned()
                .collect())
        })
    }

    fn update_entity(&mut self, key: &EntityKey, change: &Change) -> Result<Entity, Failure> {
        let target = &change.relations[0];
        let what = format!(
            "{} {}={}",
            key.identifier,
            target.name,
            target.targets.join(",")
        );
        self.call("update-entity", &what, |fake| {
            let entity = fake.entity(&key.blueprint, &key.identifier);
            entity
                .relations
                .retain(|relation| relation.name != target.name);
            entity.relations.push(target.clone());
            Ok(entity.clone())
        })
    }

    fn read_file(
        &mut self,
        repository: &str,
        path: &str,
        revision: &str,
    ) -> Result<Option<File>, Failure> {
        self.call(
            "read-file",
            &format!("{repository} {path} {revision}"),
            |fake| {
                let files = fake.history.get(revision).unwrap_or(&fake.files);
                Ok(files.get(path).map(|content| File {
                    path: path.into(),
                    content: content.clone(),
                    commit: "c0".into(),
                    blob: format!("blob{}", content.len()),
                }))
            },
        )
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

    fn get_attestations(
        &mut self,
        repository: &str,
        digest: &str,
    ) -> Result<Attestations, Failure> {
        self.call(
            "get-attestations",
            &format!("{repository} {digest}"),
            |fake| {
                Ok(Attestations {
                    verified: fake.attestations.clone(),
                    refused: fake.bad_attestations.clone(),
                })
            },
        )
    }

    fn get_pull_people(&mut self, _: &str, number: u32) -> Result<PullPeople, Failure> {
        self.call("get-pull-people", &number.to_string(), |fake| {
            Ok(fake.people.clone())
        })
    }

    fn get_commit_pulls(
        &mut self,
        repository: &str,
        commit: &str,
    ) -> Result<Vec<PullRequest>, Failure> {
        self.call(
            "get-commit-pulls",
            &format!("{repository} {commit}"),
            |fake| Ok(fake.origin.clone()),
        )
    }

    fn get_file_pulls(
        &mut self,
        repository: &str,
        path: &str,
        base: &str,
    ) -> Result<Vec<PullRequest>, Failure> {
        self.call(
            "get-file-pulls",
            &format!("{repository} {path} {base}"),
            |fake| {
                let merged = |pull: &&PullRequest| pull.state == PullState::Merged;
                let pulls = fake.pulls.iter().rev().map(|(pull, _)| pull);
                Ok(pulls.filter(merged).cloned().collect())
            },
        )
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
            Ok(all
                .filter(|pull| pull.head.starts_with(prefix) && wanted(pull))
                .collect())
        })
    }

    fn compare(&mut self, repository: &str, base: &str, head: &str) -> Result<Comparison, Failure> {
        self.call(
            "compare",
            &format!("{repository} {base}...{head}"),
            |fake| {
                Ok(Comparison {
                    status: fake.ancestry,
                    ahead_by: fake.commits.len() as u32,
                    behind_by: 0,
                    commits: fake.commits.clone(),
                    url: format!("https://git.example/{repository}/compare/{base}...{head}"),
                })
            },
        )
    }

    fn is_granted(&mut self, reference: &str) -> Result<bool, Failure> {
        self.call("is-granted", reference, |_| {
            Ok(reference.starts_with("ghcr.io/acme/"))
        })
    }

    fn get_digest(&mut self, reference: &str) -> Result<Option<String>, Failure> {
        self.call("get-digest", reference, |fake| {
            Ok(fake.registry.get(reference).cloned())
        })
    }

    fn get_image_attestations(&mut self, reference: &str) -> Result<Attestations, Failure> {
        self.call("get-image-attestations", reference, |fake| {
            Ok(Attestations {
                verified: fake.attestations.clone(),
                refused: fake.bad_attestations.clone(),
            })
        })
    }

    fn propose(&mut self, proposal: &Proposal) -> Result<PullRequest, Failure> {
        self.call("propose", &proposal.head, |fake| {
            if let Some((pull, _)) = fake
                .pulls
                .iter()
                .find(|(pull, _)| pull.head == proposal.head)
            {
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
                image: proposal.image.clone(),
                runs: vec![fake.run.clone()],
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
            fake.history
                .entry(format!("m{}", number - 1))
                .or_insert_with(|| fake.files.clone());
            for change in proposal.changes.clone() {
                fake.files.insert(change.path, change.content);
            }
            fake.history
                .insert(format!("m{number}"), fake.files.clone());
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
        self.call(
            "add-labels",
            &format!("{number} {}", labels.join(",")),
            |_| Ok(()),
        )
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
