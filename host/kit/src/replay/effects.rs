//! The effects of calls on one another: which writes change something, and which reads they could change.

use promote_core::call::Call;
use promote_core::contract::MergeMethod;

/// Returns whether a call changes what others read; a log line does not.
pub(super) fn changes_something(call: &Call) -> bool {
    call.is_write() && !matches!(call, Call::Note { .. })
}

/// Returns whether two writes leave the same behind: a proposal whatever its words, a merge whatever its method.
pub(super) fn is_alike(one: &Call, other: &Call) -> bool {
    let bare = |call: &Call| match call.clone() {
        Call::Propose { mut proposal } => {
            proposal.title.clear();
            proposal.body.clear();
            Call::Propose { proposal }
        }
        Call::Merge {
            repository,
            number,
            expected_head,
            ..
        } => Call::Merge {
            repository,
            number,
            expected_head,
            method: MergeMethod::Squash,
        },
        call => call,
    };
    bare(one) == bare(other)
}

/// Returns whether a write could change what a read returns: Port's whole catalog, or one repository.
pub(super) fn touches(write: &Call, read: &Call) -> bool {
    match (repository(write), repository(read)) {
        (None, None) => true,
        (Some(written), Some(read)) => written == read,
        _ => false,
    }
}

/// The repository that a call is about; none if it is about Port.
fn repository(call: &Call) -> Option<&str> {
    match call {
        Call::ReadFile { repository, .. }
        | Call::GetPullRequest { repository, .. }
        | Call::FindPullRequests { repository, .. }
        | Call::GetChecks { repository, .. }
        | Call::GetBranchRules { repository, .. }
        | Call::GetCommit { repository, .. }
        | Call::Compare { repository, .. }
        | Call::DeleteBranch { repository, .. }
        | Call::ClosePullRequest { repository, .. }
        | Call::Comment { repository, .. }
        | Call::AddLabels { repository, .. }
        | Call::RequestReviewers { repository, .. }
        | Call::Merge { repository, .. }
        | Call::MergeWhenReady { repository, .. } => Some(repository),
        Call::Propose { proposal } => Some(&proposal.repository),
        Call::Now
        | Call::Sleep { .. }
        | Call::Note { .. }
        | Call::CheckRules { .. }
        | Call::GetEntity { .. }
        | Call::GetEntities { .. }
        | Call::Search { .. }
        | Call::UpdateEntity { .. } => None,
    }
}
