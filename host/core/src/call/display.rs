//! A call, on one line.

use std::fmt;

use crate::call::Call;
use crate::grants::Operation;

/// A line for people: the function and its target. The target is the policy's text and not neutralised.
impl fmt::Display for Call {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Now => return to.write_str("now"),
            Self::Sleep { seconds } => return write!(to, "sleep {seconds} s"),
            Self::Note { message, .. } => return write!(to, "note {message}"),
            Self::CheckRules { candidate } => {
                return write!(to, "ask the rules about {}", candidate.repository);
            }
            Self::IsGranted { reference } => return write!(to, "may read {reference}"),
            _ => {}
        }
        let (operation, targets) = self.targets().unwrap_or((Operation::Note, Vec::new()));
        let (_, word) = operation.name().split_once('.').unwrap_or_default();
        let word = match self {
            Self::DeleteBranch { .. } => "delete branch",
            Self::ClosePullRequest { .. } => "close",
            Self::Comment { .. } => "comment on",
            Self::AddLabels { .. } => "label",
            Self::RequestReviewers { .. } => "ask for reviews of",
            Self::MergeWhenReady { .. } => "merge when ready",
            Self::GetPullPeople { .. } => "read the people of",
            Self::GetCommitPulls { .. } => "read the pull requests of a commit in",
            Self::GetFilePulls { .. } => "read the pull requests of a file in",
            Self::GetAttestations { .. } => "read the attestations in",
            Self::GetDigest { .. } => "get the digest of",
            Self::GetImage { .. } => "get image",
            Self::GetImageAttestations { .. } => "read the attestations of",
            _ => word,
        };
        let targets: Vec<String> = targets.iter().map(ToString::to_string).collect();
        write!(to, "{} {}", word.replace('-', " "), targets.join(", "))
    }
}
