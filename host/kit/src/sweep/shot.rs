//! One failure at one call of one step, and how it is named on the command line.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use crate::scenario::CallTrouble;

/// One trouble at one call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SweepShot {
    /// The scenario: its file's name without the ending.
    pub scenario: String,
    /// The step, from 1.
    pub step: usize,
    /// The number of the call in the step, from 1.
    pub call: usize,
    /// The name of the call in the journal.
    pub name: String,
    /// The trouble that it meets.
    #[serde(serialize_with = "as_name")]
    pub trouble: CallTrouble,
}

fn as_name<S: serde::Serializer>(trouble: &CallTrouble, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(trouble.name())
}

/// As `--only` takes it.
impl fmt::Display for SweepShot {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let step = if self.step == 1 {
            String::new()
        } else {
            format!("/{}", self.step)
        };
        write!(
            to,
            "{}{step}:{}:{}",
            self.scenario,
            self.call,
            self.trouble.name()
        )
    }
}

/// Chooses shots: `SCENARIO[/STEP]:CALL:TROUBLE`, where a call is its number or its name, and `*` is any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ShotFilter {
    scenario: Option<String>,
    step: Option<usize>,
    call: Option<String>,
    trouble: Option<CallTrouble>,
}

impl ShotFilter {
    /// Returns whether a scenario is meant, by its file's name without the ending.
    pub fn means_scenario(&self, name: &str) -> bool {
        self.scenario
            .as_ref()
            .is_none_or(|scenario| scenario == name)
    }

    /// Returns whether this shot is meant.
    pub fn means(&self, shot: &SweepShot) -> bool {
        self.means_scenario(&shot.scenario)
            && self.step.is_none_or(|step| step == shot.step)
            && self
                .call
                .as_ref()
                .is_none_or(|call| *call == shot.name || *call == shot.call.to_string())
            && self.trouble.is_none_or(|trouble| trouble == shot.trouble)
    }
}

impl FromStr for ShotFilter {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let form = "it is SCENARIO[/STEP]:CALL:TROUBLE, such as happy:4:lost-answer or *:merge:*";
        let [place, call, trouble] = text.split(':').collect::<Vec<_>>()[..] else {
            return Err(form.to_owned());
        };
        let (scenario, step) = match place.rsplit_once('/') {
            Some((scenario, step)) => (scenario, Some(step.parse().map_err(|_| form.to_owned())?)),
            None => (place, None),
        };
        let given = |text: &str| (text != "*").then(|| text.to_owned());
        let trouble = match trouble {
            "*" => None,
            name => Some(
                CallTrouble::all()
                    .find(|trouble| trouble.name() == name)
                    .ok_or_else(|| {
                        let names: Vec<&str> = CallTrouble::all().map(CallTrouble::name).collect();
                        format!("there is no trouble `{name}`, but {}", names.join(", "))
                    })?,
            ),
        };
        Ok(Self {
            scenario: given(scenario),
            step,
            call: given(call),
            trouble,
        })
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_shot_is_found_by_the_name_that_it_is_shown_with() {
        for trouble in CallTrouble::all() {
            for step in [1, 3] {
                let scenario = "happy".to_owned();
                let name = "merge".to_owned();
                let shot = SweepShot {
                    scenario,
                    step,
                    call: 9,
                    name,
                    trouble,
                };
                assert!(
                    shot.to_string().parse::<ShotFilter>().unwrap().means(&shot),
                    "{shot}"
                );
                let other = SweepShot {
                    call: 8,
                    name: "now".to_owned(),
                    ..shot.clone()
                };
                assert!(
                    !shot
                        .to_string()
                        .parse::<ShotFilter>()
                        .unwrap()
                        .means(&other),
                    "{shot}"
                );
                assert!("*:merge:*".parse::<ShotFilter>().unwrap().means(&shot));
            }
        }
        for wrong in ["happy", "happy:4", "happy/x:4:denied", "happy:4:lost"] {
            assert!(wrong.parse::<ShotFilter>().is_err(), "{wrong}");
        }
    }
}
