//! Updates of the catalog that come late: between the evidence and the answer others may have changed the base branch, and
//! have told the catalog so before this run did. Who writes last to the catalog looks at git once more.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use super::Gate;
use crate::call::Call;
use crate::contract::{Ancestry, Failure};
use crate::id::{BranchFile, BranchName, CommitId, RepositoryId};
use crate::run::RunMode;

/// The age of evidence up to which nobody can have overtaken an update: it takes ten requests one after another, a merge
/// among them, to read the base branch, to propose, to merge and to tell the catalog.
const RECORD_TIME: SignedDuration = SignedDuration::from_secs(2);

impl Gate {
    /// Looks at the base branch again after an update whose evidence is old by now. Fails with a conflict if the branch does not
    /// hold any more what the catalog has been told: the policy then looks again, and tells what is there.
    pub(super) async fn check_late_update(&mut self, call: &Call) -> Result<(), Failure> {
        if self.run.source.mode() == RunMode::Plan {
            return Ok(());
        }
        let mut has_moved = false;
        for ((repository, branch, commit), files) in self.old_evidence(call) {
            let began = self.run.clock.now();
            let repo = self.run.source.live().github.repo(repository.as_str())?;
            let found = repo.compare(commit.as_str(), branch.as_str()).await?;
            // A branch that is shown as it was before says nothing.
            if matches!(found.status, Ancestry::Identical | Ancestry::Behind) {
                continue;
            }
            let is_whole = usize::try_from(found.ahead_by) == Ok(found.commits.len());
            let newest = found.commits.last().filter(|_| is_whole);
            let at = newest.map_or(branch.as_str(), |commit| &commit.id);
            for file in files {
                let read = repo.file(file.path.as_str(), at).await?;
                self.evidence.see_again(file, read.as_ref(), began);
            }
            has_moved = true;
        }
        if has_moved && self.admit(call).is_err() {
            return Err(Failure::Conflict(
                "the catalog was told what the base branch does not hold any more: somebody has changed it meanwhile".to_owned(),
            ));
        }
        Ok(())
    }

    /// The files that prove an update and were read long ago, by the commits at which they are known.
    fn old_evidence(
        &self,
        call: &Call,
    ) -> BTreeMap<(RepositoryId, BranchName, CommitId), Vec<BranchFile>> {
        let mut old: BTreeMap<_, Vec<BranchFile>> = BTreeMap::new();
        let Call::UpdateEntity { .. } = call else {
            return old;
        };
        let now = self.run.clock.now();
        let Ok(time) = now.checked_sub(RECORD_TIME) else {
            return old;
        };
        let Some((operation, targets)) = call.targets() else {
            return old;
        };
        let permissions = targets
            .iter()
            .filter_map(|target| self.grants.allow(operation, target))
            .flatten()
            .filter(|permission| permission.demands_merge());
        for permission in permissions {
            let Some(is_evidence) = self.grants.evidence_files(permission) else {
                continue;
            };
            for (file, commit) in self.evidence.known_before(time, is_evidence) {
                let at = (file.repository.clone(), file.branch.clone(), commit);
                let files = old.entry(at).or_default();
                if !files.contains(&file) {
                    files.push(file);
                }
            }
        }
        old
    }
}
