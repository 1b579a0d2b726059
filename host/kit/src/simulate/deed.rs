//! Deeds of people, and of machines that are not ours.

use super::company::{BASE, Company, REPOSITORY, WORKFLOW, entity};
use super::script::Script;

/// A deed of a person or of a machine that is not ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deed {
    /// Staging runs another image.
    Stage { service: usize, image: u32 },
    /// The service is locked, or unlocked.
    Lock { service: usize, locked: bool },
    /// Somebody writes into the catalog which image production runs.
    EditCatalog { service: usize, image: u32 },
    /// Somebody sets production's manifest by hand.
    SetByHand {
        service: usize,
        image: u32,
        replicas: u32,
    },
    /// Somebody commits to a file that nobody promotes.
    CommitElsewhere { line: u32 },
    /// Somebody pushes onto the branch of the newest open pull request.
    Push { service: usize, image: u32 },
    /// Somebody gives a pull request another title.
    Rename { number: u32 },
    /// The workflow run of a click is over.
    WorkflowEnds { click: usize, how: WorkflowEnd },
    /// Somebody closes the newest open pull request.
    Close,
    /// Somebody merges the newest open pull request.
    Merge,
    /// Somebody points the newest open pull request at another branch.
    Retarget,
    /// Somebody approves the newest open pull request, or asks for changes.
    Review { approves: bool },
    /// A check of the newest open pull request ends once more.
    Check { passes: bool },
    /// The tokens that a service has handed out cease to work.
    RevokeTokens(&'static str),
    /// The cluster takes over what git says.
    Sync { service: usize },
}

/// How a workflow run ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum WorkflowEnd {
    Success,
    Failure,
    Cancelled,
}

impl WorkflowEnd {
    /// GitHub's word.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Cancelled => "cancelled",
        }
    }
}

impl Deed {
    /// A few words, for the table.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Stage { .. } => "staging moves",
            Self::Lock { locked: true, .. } => "lock",
            Self::Lock { locked: false, .. } => "unlock",
            Self::EditCatalog { .. } => "catalog edited",
            Self::SetByHand { .. } => "manifest by hand",
            Self::CommitElsewhere { .. } => "other commit",
            Self::Push { .. } => "push onto the branch",
            Self::Rename { .. } => "renamed",
            Self::WorkflowEnds { how, .. } => match how {
                WorkflowEnd::Success => "workflow ends",
                WorkflowEnd::Failure => "runner dies",
                WorkflowEnd::Cancelled => "workflow cancelled",
            },
            Self::Close => "close",
            Self::Merge => "merge",
            Self::Retarget => "retarget",
            Self::Review { approves: true } => "approval",
            Self::Review { approves: false } => "changes requested",
            Self::Check { passes: true } => "check passes",
            Self::Check { passes: false } => "check fails",
            Self::RevokeTokens("port") => "Port's tokens revoked",
            Self::RevokeTokens(_) => "registry's tokens revoked",
            Self::Sync { .. } => "sync",
        }
    }

    pub(super) fn toml(self, company: &Company) -> String {
        let name = |service: usize| company.services[service].name;
        let patch = |blueprint: &str, entity: &str, body: &str| {
            format!(
                "{{ request = {{ service = \"port\", method = \"PATCH\", path = \"/v1/blueprints/{blueprint}/entities/{entity}\", body = {body} }} }}"
            )
        };
        let runs = |service: usize, place: &str, image: u32| {
            let name = name(service);
            let body = format!(
                "{{ relations = {{ image = \"{}\" }} }}",
                entity(name, image)
            );
            patch("running_service", &format!("{name}-{place}"), &body)
        };
        let commit = |path: &str, text: &str| {
            format!(
                "{{ commit = {{ repository = \"{REPOSITORY}\", files = {{ \"{path}\" = {} }} }} }}",
                toml::Value::String(text.to_owned())
            )
        };
        match self {
            Self::Stage { service, image } => runs(service, "staging", image),
            Self::EditCatalog { service, image } => runs(service, "prod", image),
            Self::Lock { service, locked } => {
                let body = format!("{{ properties = {{ locked_in_prod = {locked} }} }}");
                patch("service", name(service), &body)
            }
            Self::SetByHand {
                service,
                image,
                replicas,
            } => {
                let name = name(service);
                commit(
                    &company.path(name),
                    &company.manifest(name, image, replicas),
                )
            }
            Self::Push { service, image } => {
                let name = name(service);
                let text = toml::Value::String(company.manifest(name, image, 9));
                format!(
                    "{{ push = {{ repository = \"{REPOSITORY}\", files = {{ \"{}\" = {text} }} }} }}",
                    company.path(name)
                )
            }
            Self::Rename { number } => format!(
                "{{ request = {{ service = \"github\", method = \"PATCH\", path = \"/repos/{REPOSITORY}/pulls/{number}\", body = {{ title = \"Another title\" }} }} }}"
            ),
            Self::WorkflowEnds { click, how } => format!(
                "{{ workflow-run = {{ repository = \"{REPOSITORY}\", workflow = \"{WORKFLOW}\", title = \"{}\", conclusion = \"{}\" }} }}",
                Script::workflow_title(click),
                how.name()
            ),
            Self::CommitElsewhere { line } => commit("OWNERS", &format!("team {line}\n")),
            Self::Close => format!("{{ close = {{ repository = \"{REPOSITORY}\" }} }}"),
            Self::Merge => format!("{{ merge = {{ repository = \"{REPOSITORY}\" }} }}"),
            Self::Retarget => {
                format!("{{ retarget = {{ repository = \"{REPOSITORY}\", base = \"other\" }} }}")
            }
            Self::Review { approves } => format!(
                "{{ review = {{ repository = \"{REPOSITORY}\", user = \"kim\", state = \"{}\" }} }}",
                if approves {
                    "approved"
                } else {
                    "changes-requested"
                }
            ),
            Self::Check { passes } => format!(
                "{{ check = {{ repository = \"{REPOSITORY}\", name = \"validate\", conclusion = \"{}\" }} }}",
                if passes { "success" } else { "failure" }
            ),
            Self::RevokeTokens(service) => format!("{{ revoke-tokens = \"{service}\" }}"),
            Self::Sync { service } => format!(
                "{{ sync = {{ entity = \"{}-prod\", repository = \"{REPOSITORY}\", branch = \"{BASE}\", path = \"{}\" }} }}",
                name(service),
                company.path(name(service))
            ),
        }
    }
}
