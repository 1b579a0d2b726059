//! What happens in a company: clicks, deeds of people, bad weather, time. A script is a scenario file in the making.

use std::fmt::Write as _;

use super::company::Company;
use super::deed::Deed;
use super::fault::{ScriptFault, write_troubles};
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
    /// Whether its workflow has a plan made and approved, and runs by that, where it runs alone.
    pub(super) is_planned: bool,
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
    Together {
        clicks: Vec<usize>,
        order: u64,
        faults: Vec<ScriptFault>,
    },
    /// Somebody does something.
    Deed(Deed),
    /// Minutes pass.
    Advance(u32),
    /// The weather clears.
    Heal,
}

impl ScriptStep {
    /// The clicks whose workflows run.
    pub(super) fn clicks(&self) -> &[usize] {
        match self {
            Self::Run { click, .. } => std::slice::from_ref(click),
            Self::Together { clicks, .. } => clicks,
            Self::Resume { .. } | Self::Deed(_) | Self::Advance(_) | Self::Heal => &[],
        }
    }

    /// Whether several runs go on at the same time.
    pub(super) fn is_crowded(&self) -> bool {
        matches!(self, Self::Together { .. })
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
                if self.clicks[*click].is_planned {
                    text.push_str("do = \"approved\"\n");
                }
                let _ = writeln!(text, "payload = {}", self.payload(*click));
                write_troubles(text, faults, *trouble)
            }
            ScriptStep::Resume { faults, trouble } => {
                text.push_str("do = \"resume\"\n");
                write_troubles(text, faults, *trouble)
            }
            ScriptStep::Together {
                clicks,
                order,
                faults,
            } => {
                let payloads: Vec<String> =
                    clicks.iter().map(|click| self.payload(*click)).collect();
                let _ = writeln!(
                    text,
                    "together = [\n  {},\n]\norder = {order}",
                    payloads.join(",\n  ")
                );
                write_troubles(text, faults, None)
            }
            ScriptStep::Deed(deed) => writeln!(text, "event = {}", deed.toml(&self.company)),
            ScriptStep::Advance(minutes) => writeln!(text, "advance = \"{minutes}m\""),
            ScriptStep::Heal => writeln!(text, "heal = true"),
        };
    }
}
