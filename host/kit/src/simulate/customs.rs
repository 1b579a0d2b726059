//! How companies differ: the form of their manifests, the way to a merge, what a branch asks for, and what keeps promotions back.

use super::company::{FREEZE_FROM, FREEZE_TO};

/// What keeps promotions back in a company, beside the branch's rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum CompanyGuard {
    /// The policy's own lock, as in all the others but one.
    Lock,
    /// An expression that looks at the same property.
    LockExpression,
    /// An expression that wants somebody else's approval before a merge.
    Approval,
    /// The policy's own approvals of its pull request.
    Reviews,
    /// Nobody promotes an image of their own.
    FourEyes,
    /// Hours in which promotions are refused.
    FreezeRefuses,
    /// Hours whose end promotions wait for.
    FreezeWaits,
}

/// The form of a manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ManifestLayout {
    Kubernetes,
    Kustomize,
    HelmValues,
    ArgoCd,
}

/// The policy's setting `mode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum MergeMode {
    Merge,
    Checks,
    AutoMerge,
    PullRequest,
}

/// What the base branch asks for before a merge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum BranchRule {
    Nothing,
    Check,
    StrictCheck,
    Approval,
    Queue,
}

impl ManifestLayout {
    pub(super) const ALL: [Self; 4] = [
        Self::Kubernetes,
        Self::Kustomize,
        Self::HelmValues,
        Self::ArgoCd,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Kubernetes => "kubernetes",
            Self::Kustomize => "kustomize",
            Self::HelmValues => "helm-values",
            Self::ArgoCd => "argocd-application",
        }
    }

    pub(super) fn file(self) -> &'static str {
        match self {
            Self::Kubernetes => "deployment.yaml",
            Self::Kustomize => "kustomization.yaml",
            Self::HelmValues => "values.yaml",
            Self::ArgoCd => "app.yaml",
        }
    }

    pub(super) fn setting(self) -> String {
        let key = self.name().replace('-', "_");
        format!("{{ {key} = \"{{production.gitPath}}/{}\" }}", self.file())
    }

    /// Whether the file holds the tag alone, so that the grant must ask for it alone.
    pub(super) fn holds(self) -> &'static str {
        match self {
            Self::Kubernetes => "{registryId}:{tags[0]}",
            Self::Kustomize | Self::HelmValues | Self::ArgoCd => "{tags[0]}",
        }
    }
}

impl MergeMode {
    pub(super) const ALL: [Self; 4] = [
        Self::Merge,
        Self::Checks,
        Self::AutoMerge,
        Self::PullRequest,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Merge => "merge",
            Self::Checks => "checks",
            Self::AutoMerge => "auto-merge",
            Self::PullRequest => "pull-request",
        }
    }

    /// Whether a merge may happen after the run that asked for it, on GitHub's or a person's word.
    pub(super) fn leaves_the_merge_to_others(self) -> bool {
        matches!(self, Self::AutoMerge | Self::PullRequest)
    }
}

impl CompanyGuard {
    pub(super) const ALL: [Self; 7] = [
        Self::Lock,
        Self::LockExpression,
        Self::Approval,
        Self::Reviews,
        Self::FourEyes,
        Self::FreezeRefuses,
        Self::FreezeWaits,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Lock => "lock",
            Self::LockExpression => "lock as an expression",
            Self::Approval => "approval as an expression",
            Self::Reviews => "approvals of the policy",
            Self::FourEyes => "four eyes",
            Self::FreezeRefuses => "freeze that refuses",
            Self::FreezeWaits => "freeze that waits",
        }
    }

    /// Whether a person must have approved what is merged.
    pub(super) fn wants_approval(self) -> bool {
        matches!(self, Self::Approval | Self::Reviews)
    }

    /// Settings of the policy.
    pub(super) fn settings(self) -> String {
        let freeze = |on_no: &str| {
            format!(
                "[config.policy.settings.freeze]\nzone = \"UTC\"\nholidays = [\"{FREEZE_FROM}..{FREEZE_TO}\"]\non_no = \"{on_no}\"\n"
            )
        };
        match self {
            Self::Lock | Self::Approval | Self::Reviews => String::new(),
            Self::LockExpression => "[config.policy.settings.lock]\nenabled = false\n".to_owned(),
            Self::FourEyes => "[config.policy.settings.people]\nfour_eyes = true\n".to_owned(),
            Self::FreezeRefuses => freeze("refuse"),
            Self::FreezeWaits => freeze("wait"),
        }
    }

    /// Rules of the host.
    pub(super) fn rules(self) -> &'static str {
        match self {
            Self::LockExpression => {
                "[[config.rule]]\nname = \"locked\"\ndeny = \"has(service.properties.locked_in_prod) && service.properties.locked_in_prod == true\"\n\
                 message = \"{service.identifier} is locked\"\n"
            }
            Self::Approval => {
                "[[config.rule]]\nname = \"approvals\"\n\
                 deny = \"step == 'merge' && !people.reviews.exists(r, r.state == 'approved' && r.commit == candidate.headCommit && r.reviewer != people.author)\"\n\
                 message = \"somebody else must approve pull request {candidate.pullRequest}\"\nstops = \"merge\"\n\
                 [config.rule.needs.people]\npeople = \"{candidate.pullRequest}\"\nwhen = \"step == 'merge'\"\n"
            }
            Self::Lock
            | Self::Reviews
            | Self::FourEyes
            | Self::FreezeRefuses
            | Self::FreezeWaits => "",
        }
    }
}

impl BranchRule {
    pub(super) const ALL: [Self; 5] = [
        Self::Nothing,
        Self::Check,
        Self::StrictCheck,
        Self::Approval,
        Self::Queue,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Check => "check",
            Self::StrictCheck => "strict-check",
            Self::Approval => "approval",
            Self::Queue => "queue",
        }
    }

    pub(super) fn toml(self) -> &'static str {
        match self {
            Self::Nothing => "",
            Self::Check => "required-checks = [\"validate\"]\n",
            Self::StrictCheck => "required-checks = [\"validate\"]\nstrict = true\n",
            Self::Approval => "required-approvals = 1\n",
            Self::Queue => "merge-queue = true\n",
        }
    }
}
