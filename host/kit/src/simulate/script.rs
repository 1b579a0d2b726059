//! What happens in a company: clicks, deeds of people, bad weather, time. A script is a scenario file in the making.

use std::fmt::Write as _;

use super::company::{BASE, Company, REPOSITORY, WORKFLOW, entity};
use crate::scenario::CallTrouble;

/// A company, and what happens in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Script {
    /// The seed that it was drawn by.
    pub(super) seed: u64,
    /// The company.
    pub(super) company: Company,
    /// The clicks in Port; a step names one by its place.
    pub(super) clicks: Vec<PortClick>,
    /// What happens, in order.
    pub(super) steps: Vec<ScriptStep>,
    /// The number of steps at the end that let everything settle: the weather clears, people approve, somebody clicks again.
    pub(super) settling: usize,
}

/// A click in Port, which made a run there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PortClick {
    /// The place of the service in the company.
    pub(super) service: usize,
    /// What was asked for.
    pub(super) wish: ClickWish,
    /// Whether the run may start.
    pub(super) state: ClickState,
    /// Who clicked.
    pub(super) by: &'static str,
}

/// What a click asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ClickWish {
    Promote,
    Rollback,
}

/// The state of a run before its workflow starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ClickState {
    Open,
    WaitsForApproval,
    Declined,
    OtherAction,
}

/// One thing that happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ScriptStep {
    /// The workflow of a click runs, perhaps once more.
    Run {
        click: usize,
        faults: Vec<ScriptFault>,
        trouble: Option<(usize, CallTrouble)>,
    },
    /// `promote resume` goes on with whatever waits.
    Resume {
        faults: Vec<ScriptFault>,
        trouble: Option<(usize, CallTrouble)>,
    },
    /// The workflows of several clicks run at the same time.
    Together { clicks: Vec<usize>, order: u64 },
    /// Somebody does something.
    Deed(Deed),
    /// Minutes pass.
    Advance(u32),
    /// The weather clears.
    Heal,
}

impl ScriptStep {
    /// Whether several runs go on at the same time.
    pub(super) fn is_crowded(&self) -> bool {
        matches!(self, Self::Together { .. })
    }
}

/// The faults of a run, and the call at which it meets a trouble.
pub(super) type RunTroubles = (Vec<ScriptFault>, Option<(usize, CallTrouble)>);

/// A fault of Port or GitHub.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ScriptFault {
    pub(super) route: FaultRoute,
    pub(super) effect: FaultKind,
    /// The first matching request that it strikes, from 1, and how many.
    pub(super) nth: u32,
    pub(super) times: u32,
}

/// A request that a promotion makes: service, method and path.
pub(super) type FaultRoute = (&'static str, &'static str, &'static str);

/// The requests that a promotion makes.
pub(super) const ROUTES: [FaultRoute; 20] = [
    ("port", "POST", "/v1/auth/access_token"),
    ("port", "GET", "/v1/actions/runs/*"),
    ("port", "POST", "/v1/entities/search"),
    ("port", "GET", "/v1/blueprints/*/entities/*"),
    ("port", "PATCH", "/v1/blueprints/*/entities/*"),
    ("port", "POST", "/v1/actions/runs/*/logs"),
    ("port", "PATCH", "/v1/actions/runs/*"),
    ("github", "POST", "/graphql"),
    ("github", "POST", "/repos/*/*/git/trees"),
    ("github", "POST", "/repos/*/*/git/commits"),
    ("github", "POST", "/repos/*/*/git/refs"),
    ("github", "PATCH", "/repos/*/*/git/refs/**"),
    ("github", "DELETE", "/repos/*/*/git/refs/**"),
    ("github", "POST", "/repos/*/*/pulls"),
    ("github", "GET", "/repos/*/*/pulls/*"),
    ("github", "PUT", "/repos/*/*/pulls/*/merge"),
    ("github", "GET", "/repos/*/*/compare/*"),
    ("github", "GET", "/repos/*/*/contents/**"),
    ("github", "GET", "/repos/*/*/commits/**"),
    ("github", "GET", "/repos/*/*/rules/**"),
];

/// The effect of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum FaultKind {
    Refused,
    CutBefore,
    CutAfter,
    BadGateway,
    Broken,
    Slow,
    TooSlow,
    Secondary,
    Primary,
}

impl FaultKind {
    pub(super) const ALL: [Self; 9] = [
        Self::Refused,
        Self::CutBefore,
        Self::CutAfter,
        Self::BadGateway,
        Self::Broken,
        Self::Slow,
        Self::TooSlow,
        Self::Secondary,
        Self::Primary,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::CutBefore => "cut before",
            Self::CutAfter => "answer lost",
            Self::BadGateway => "502",
            Self::Broken => "500",
            Self::Slow => "slow",
            Self::TooSlow => "too slow",
            Self::Secondary => "secondary limit",
            Self::Primary => "primary limit",
        }
    }

    fn toml(self) -> &'static str {
        match self {
            Self::Refused => "{ cut = \"refused\" }",
            Self::CutBefore => "{ cut = \"before\" }",
            Self::CutAfter => "{ cut = \"after\" }",
            Self::BadGateway => {
                "{ answer = { status = 502, headers = { content-type = \"text/html\" }, body = \"<html>502 Bad Gateway</html>\" } }"
            }
            Self::Broken => {
                "{ answer = { status = 500, headers = { content-type = \"application/json\" }, body = \"{}\" } }"
            }
            Self::Slow => "{ delay = \"5s\" }",
            Self::TooSlow => "{ delay = \"45s\" }",
            Self::Secondary => "{ rate-limit = { kind = \"secondary\", lasts = \"30s\" } }",
            Self::Primary => "{ rate-limit = { kind = \"primary\", lasts = \"90s\" } }",
        }
    }
}

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
            Self::Sync { .. } => "sync",
        }
    }

    fn toml(self, company: &Company) -> String {
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
            Self::Sync { service } => format!(
                "{{ sync = {{ entity = \"{}-prod\", repository = \"{REPOSITORY}\", branch = \"{BASE}\", path = \"{}\" }} }}",
                name(service),
                company.path(name(service))
            ),
        }
    }
}

impl Script {
    /// The identifier of a click's run in Port.
    pub(super) fn run_id(click: usize) -> String {
        format!("r_Click{click:011}")
    }

    /// The title of the workflow run that works for a click.
    pub(super) fn workflow_title(click: usize) -> String {
        format!("Port run {}", Self::run_id(click))
    }

    /// The script as a scenario file; `expect` is what its last step is held against, and `ends` what came of each.
    pub(super) fn scenario(&self, title: &str, expect: &str, ends: &[String]) -> String {
        let mut text = format!("title = {}\n", toml::Value::String(title.to_owned()));
        for (index, click) in self.clicks.iter().enumerate() {
            self.write_click(&mut text, index, *click);
        }
        let workflows = (0..self.clicks.len()).map(Self::workflow_title);
        text.push_str(&self.company.toml(workflows));
        for (index, step) in self.steps.iter().enumerate() {
            text.push_str("\n[[step]]\n");
            for line in ends.get(index).into_iter().flat_map(|end| end.lines()) {
                let _ = writeln!(text, "# {line}");
            }
            self.write_step(&mut text, step);
            if index + 1 == self.steps.len() {
                let _ = writeln!(text, "expect = {expect}");
            }
        }
        text
    }

    fn write_click(&self, text: &mut String, index: usize, click: PortClick) {
        let action = match click.state {
            ClickState::OtherAction => "another_action",
            _ => "promote_to_production",
        };
        let _ = write!(
            text,
            "[[given.port.runs]]\nid = \"{}\"\naction = \"{action}\"\nblueprint = \"service\"\nentity = \"{}\"\ncreated-by = \"{}@acme.example\"\nago = \"{}s\"\n",
            Self::run_id(index),
            self.company.services[click.service].name,
            click.by,
            self.clicks.len() - index,
        );
        match click.state {
            ClickState::WaitsForApproval => text.push_str("status = \"WAITING_FOR_APPROVAL\"\n"),
            ClickState::Declined => text.push_str("status = \"DECLINED\"\n"),
            ClickState::Open | ClickState::OtherAction => {}
        }
        if click.wish == ClickWish::Rollback {
            text.push_str("properties = { rollback = true }\n");
        }
    }

    fn payload(&self, click: usize) -> String {
        let service = self.company.services[self.clicks[click].service].name;
        format!(
            "{{ text = '{{\"run_id\":\"{}\",\"blueprint\":\"service\",\"entity\":\"{service}\"}}' }}",
            Self::run_id(click)
        )
    }

    fn write_step(&self, text: &mut String, step: &ScriptStep) {
        let _ = match step {
            ScriptStep::Run {
                click,
                faults,
                trouble,
            } => {
                let _ = writeln!(text, "payload = {}", self.payload(*click));
                write_troubles(text, faults, *trouble)
            }
            ScriptStep::Resume { faults, trouble } => {
                text.push_str("do = \"resume\"\n");
                write_troubles(text, faults, *trouble)
            }
            ScriptStep::Together { clicks, order } => {
                let payloads: Vec<String> =
                    clicks.iter().map(|click| self.payload(*click)).collect();
                writeln!(
                    text,
                    "together = [\n  {},\n]\norder = {order}",
                    payloads.join(",\n  ")
                )
            }
            ScriptStep::Deed(deed) => writeln!(text, "event = {}", deed.toml(&self.company)),
            ScriptStep::Advance(minutes) => writeln!(text, "advance = \"{minutes}m\""),
            ScriptStep::Heal => writeln!(text, "heal = true"),
        };
    }
}

/// What goes wrong from a step on.
fn write_troubles(
    text: &mut String,
    faults: &[ScriptFault],
    trouble: Option<(usize, CallTrouble)>,
) -> std::fmt::Result {
    if let Some((call, trouble)) = trouble {
        let name = trouble.name();
        writeln!(text, "trouble = {{ call = {call}, is = \"{name}\" }}")?;
    }
    let faults: Vec<String> = faults.iter().map(ScriptFault::toml).collect();
    if faults.is_empty() {
        return Ok(());
    }
    writeln!(text, "faults = [\n  {},\n]", faults.join(",\n  "))
}

impl ScriptFault {
    fn toml(&self) -> String {
        let (service, method, path) = self.route;
        format!(
            "{{ service = \"{service}\", method = \"{method}\", path = \"{path}\", nth = {}, times = {}, then = {} }}",
            self.nth,
            self.times,
            self.effect.toml()
        )
    }
}
