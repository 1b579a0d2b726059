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
