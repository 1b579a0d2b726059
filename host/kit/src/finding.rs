//! The findings of `promote doctor`: their codes, their severity, and the list that the checks add to.
//!
//! It checks nothing and explains nothing: `doctor` finds, `explain` has the words for each code.

use promote_core::contract::Failure;
use promote_core::service::http::ServiceError;
use serde_json::{Value, json};

macro_rules! finding_codes {
    ($($(#[$doc:meta])* $code:ident = $word:literal,)*) => {
        /// A word for what is wrong, which `promote explain` takes.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum FindingCode {
            $($(#[$doc])* $code,)*
        }

        impl FindingCode {
            /// Every code, in the order of the checks.
            pub const ALL: &[Self] = &[$(Self::$code,)*];

            /// Returns the word.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$code => $word,)*
                }
            }
        }
    };
}

finding_codes! {
    /// Port refuses the credentials, or there are none.
    PortCredentials = "port-credentials",
    /// GitHub refuses the credentials, or there are none.
    GithubCredentials = "github-credentials",
    /// The token reaches more than a promotion needs.
    TokenWide = "token-wide",
    /// The token ends soon.
    TokenExpiry = "token-expiry",
    /// The repository cannot be read or written.
    RepositoryAccess = "repository-access",
    /// The repository is archived.
    RepositoryArchived = "repository-archived",
    /// The base branch or its rules cannot be read.
    BaseBranch = "base-branch",
    /// The branch does not allow the method of merging.
    MergeMethod = "merge-method",
    /// Required checks would never report.
    ChecksNeverStart = "checks-never-start",
    /// A merge at once does not wait for required checks.
    ChecksRequired = "checks-required",
    /// The branch merges through a queue.
    MergeQueue = "merge-queue",
    /// The branch demands more of a merge than checks and approvals.
    BranchDemands = "branch-demands",
    /// The branch takes signed commits only, and these credentials make none.
    CommitsUnsigned = "commits-unsigned",
    /// People must approve.
    ReviewsRequired = "reviews-required",
    /// Rules do not hold merges that others make.
    RulesUnheld = "rules-unheld",
    /// Rules can be left out by whoever changes the files that bind them.
    RulesUnguarded = "rules-unguarded",
    /// A rule, or why it cannot be used.
    Rules = "rules",
    /// The repository does not allow auto-merge.
    AutoMerge = "auto-merge",
    /// A later push would ride along with an armed auto-merge.
    LatePush = "late-push",
    /// A blueprint is missing.
    Blueprint = "blueprint",
    /// A relation is missing or leads elsewhere.
    BlueprintRelation = "blueprint-relation",
    /// A property that a rule reads is missing.
    BlueprintProperty = "blueprint-property",
    /// The action is missing or does not start the workflow.
    PortAction = "port-action",
    /// The installation behind the action is missing, or starts nothing.
    PortInstallation = "port-installation",
    /// The workflow that the action starts is not there, or cannot be started.
    WorkflowFile = "workflow-file",
    /// GitHub would refuse what the action sends to its workflow.
    WorkflowInputs = "workflow-inputs",
    /// The workflow's job runs in no environment, in another one, or in one that is not there.
    WorkflowEnvironment = "workflow-environment",
    /// The environment lets in other branches, or not the one that is needed.
    WorkflowBranches = "workflow-branches",
    /// The workflow's token may not do what is granted.
    WorkflowPermissions = "workflow-permissions",
    /// The workflow's runs are not called by their Port run.
    WorkflowRunName = "workflow-run-name",
    /// Nobody goes on with what waits.
    WorkflowResume = "workflow-resume",
    /// No action may start a run.
    PortActions = "port-actions",
    /// The component cannot be used.
    Component = "component",
    /// The component is neither pinned nor locked.
    ComponentUnpinned = "component-unpinned",
    /// The component is not the one that is locked.
    ComponentUnlocked = "component-unlocked",
    /// A rule asks for a team where Port keeps none.
    TeamNeverFits = "team-never-fits",
    /// A run may end before the policy has waited for as long as its settings say.
    LimitDeadline = "limit-deadline",
    /// Git holds an image that the catalog does not name yet.
    CatalogBehind = "catalog-behind",
    /// The settings do not fit the policy.
    Settings = "settings",
    /// The policy does not mark a setting that a check needs.
    SettingsUnmarked = "settings-unmarked",
    /// There are no grants, or one cannot be read.
    GrantsNone = "grants-none",
    /// A grant allows more than a promotion needs.
    GrantWide = "grant-wide",
    /// The policy makes a call that is not granted.
    GrantNarrow = "grant-narrow",
    /// A grant to update names no file that must hold the image.
    GrantEvidence = "grant-evidence",
    /// A grant allows a search and names an entity.
    GrantSearch = "grant-search",
    /// A granted operation was not used.
    GrantUnused = "grant-unused",
    /// There is no such service.
    NoService = "no-service",
    /// A run would be refused now.
    WouldRefuse = "would-refuse",
    /// A run would fail now.
    WouldFail = "would-fail",
}

/// The weight of a finding; as a number, the exit code that it leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Good to know.
    Note,
    /// A run works, and somebody should look.
    Warning,
    /// A run would fail.
    Error,
    /// It could not be found out: a service did not answer.
    Unknown,
}

impl Severity {
    /// Returns the severity of a call that failed: an answer speaks of the set-up, no answer speaks of nothing.
    pub(crate) fn of_failure(failure: &Failure) -> Self {
        match failure {
            Failure::Unavailable(_) | Failure::RateLimited(_) => Self::Unknown,
            _ => Self::Error,
        }
    }

    /// Returns the severity of a request that failed, as for a call.
    pub(crate) fn of_error(error: &ServiceError) -> Self {
        // Nothing that was answered: not even the connection came about, or a rate limit did not clear.
        let is_silent = matches!(error, ServiceError::NoAnswer(..) | ServiceError::Limited(_));
        if is_silent || error.is_uncertain() {
            Self::Unknown
        } else {
            Self::Error
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Unknown => "unknown",
        }
    }

    /// The mark before the finding's line.
    pub(crate) fn mark(self) -> char {
        match self {
            Self::Note => '·',
            Self::Warning => '!',
            Self::Error => '✗',
            Self::Unknown => '?',
        }
    }
}

/// One thing that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DoctorFinding {
    /// The word for it.
    pub code: FindingCode,
    /// Its severity.
    pub severity: Severity,
    /// The thing that it is about, such as `service web`.
    pub subject: String,
    /// The fault. Foreign text in it is not neutralised yet.
    pub what: String,
    /// The remedy.
    pub fix: String,
}

impl DoctorFinding {
    /// Returns the finding for machines.
    pub(crate) fn json(&self) -> Value {
        json!({
            "code": self.code.name(), "severity": self.severity.name(), "subject": self.subject,
            "what": self.what, "fix": self.fix,
        })
    }
}

/// Everything that was found so far.
#[derive(Default)]
pub struct DoctorFindings(pub Vec<DoctorFinding>);

impl DoctorFindings {
    pub(crate) fn add(
        &mut self,
        severity: Severity,
        code: FindingCode,
        subject: &str,
        what: impl Into<String>,
        fix: &str,
    ) {
        self.0.push(DoctorFinding {
            code,
            severity,
            subject: subject.to_owned(),
            what: what.into(),
            fix: fix.to_owned(),
        });
    }

    pub(crate) fn error(
        &mut self,
        code: FindingCode,
        subject: &str,
        what: impl Into<String>,
        fix: &str,
    ) {
        self.add(Severity::Error, code, subject, what, fix);
    }

    pub(crate) fn warning(
        &mut self,
        code: FindingCode,
        subject: &str,
        what: impl Into<String>,
        fix: &str,
    ) {
        self.add(Severity::Warning, code, subject, what, fix);
    }

    pub(crate) fn note(
        &mut self,
        code: FindingCode,
        subject: &str,
        what: impl Into<String>,
        fix: &str,
    ) {
        self.add(Severity::Note, code, subject, what, fix);
    }

    /// Leaves each finding once, the worst first: teams share repository and blueprints.
    pub(crate) fn settle(&mut self) {
        let mut once: Vec<DoctorFinding> = Vec::new();
        for finding in self.0.drain(..) {
            if !once.contains(&finding) {
                once.push(finding);
            }
        }
        once.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        self.0 = once;
    }

    /// Returns how many findings have this severity.
    pub(crate) fn count(&self, severity: Severity) -> usize {
        self.0
            .iter()
            .filter(|finding| finding.severity == severity)
            .count()
    }

    /// Returns 0 for nothing but notes, 1 for warnings, 2 for errors, 3 if something could not be found out.
    pub fn exit_code(&self) -> u8 {
        self.0
            .iter()
            .map(|finding| finding.severity as u8)
            .max()
            .unwrap_or(0)
    }
}
