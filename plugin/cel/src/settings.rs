//! A rule as it is written: what it needs, what it refuses, and what it says then.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::check::Scope;
use super::contract::StopPoint;
use super::expression::Expression;
use super::facts;
use super::kind::Kind;
use super::need::{Need, NeedSettings};
use super::template::Template;

/// JSON Schema of the settings. The needs are looked at more closely by [`mistakes`].
pub const SCHEMA: &str = include_str!("../settings.schema.json");

/// The settings.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleSettings {
    #[serde(default)]
    needs: BTreeMap<String, NeedSettings>,
    deny: String,
    message: String,
    #[serde(default)]
    stops: StopSetting,
    cure: Option<CureSetting>,
    until: Option<String>,
}

/// What a no stops.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum StopSetting {
    #[default]
    Propose,
    Merge,
    Nothing,
}

/// What can cure a no.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CureSetting {
    /// Nothing can.
    Nothing,
    /// Time.
    Time,
    /// Somebody.
    People,
}

/// A rule whose expressions are compiled and checked.
#[derive(Debug)]
pub struct CompiledRule {
    /// What it reads, by the name of the answer.
    pub needs: BTreeMap<String, Need>,
    /// The condition under which it says no.
    pub deny: Expression,
    /// What it says then.
    pub message: Template,
    /// What its no stops.
    pub stops: StopPoint,
    /// What can cure it.
    pub cure: CureSetting,
    /// When it is cured by itself.
    pub until: Option<Expression>,
}

impl CompiledRule {
    /// Compiles the settings, and checks them.
    ///
    /// # Errors
    /// Says everything that is wrong, each in a sentence.
    pub fn of(settings: &RuleSettings) -> Result<Self, Vec<String>> {
        let mut mistakes = Vec::new();
        let needs = compile_needs(&settings.needs, &mut mistakes);
        let deny = noted(&mut mistakes, "deny", Expression::compile(&settings.deny));
        let message = noted(
            &mut mistakes,
            "message",
            Template::compile(&settings.message),
        );
        let until = settings.until.as_deref().map(Expression::compile);
        let until = noted(&mut mistakes, "until", until.transpose());
        let cure = match (settings.cure, &settings.until) {
            (None | Some(CureSetting::Time), Some(_)) => CureSetting::Time,
            (Some(_), Some(_)) => {
                mistakes.push("`until` belongs to `cure = \"time\"`".to_owned());
                CureSetting::Time
            }
            (cure, None) => cure.unwrap_or(CureSetting::People),
        };
        let (Some(deny), Some(message), Some(until)) = (deny, message, until) else {
            return Err(mistakes);
        };
        let rule = Self {
            needs,
            deny,
            message,
            stops: match settings.stops {
                StopSetting::Propose => StopPoint::Propose,
                StopSetting::Merge => StopPoint::Merge,
                StopSetting::Nothing => StopPoint::Nothing,
            },
            cure,
            until,
        };
        rule.check(&mut mistakes);
        if mistakes.is_empty() {
            Ok(rule)
        } else {
            Err(mistakes)
        }
    }

    fn check(&self, mistakes: &mut Vec<String>) {
        let mut scope: Scope = facts::scope();
        for (name, need) in &self.needs {
            scope.push((name.clone(), need.answer()));
        }
        for (name, need) in &self.needs {
            noted(mistakes, &format!("needs.{name}"), need.check(&scope));
        }
        noted(mistakes, "message", self.message.check(&scope));
        must_be(mistakes, "deny", &self.deny, &scope, Kind::Bool);
        if let Some(until) = &self.until {
            must_be(mistakes, "until", until, &scope, Kind::Timestamp);
        }
    }
}

fn compile_needs(
    settings: &BTreeMap<String, NeedSettings>,
    mistakes: &mut Vec<String>,
) -> BTreeMap<String, Need> {
    let mut needs = BTreeMap::new();
    for (name, settings) in settings {
        if facts::NAMES.contains(&name.as_str()) {
            mistakes.push(format!(
                "`needs.{name}`: every rule has a `{name}` already; choose another name"
            ));
        }
        let compiled = Need::compile(settings);
        if let Some(need) = noted(mistakes, &format!("needs.{name}"), compiled) {
            needs.insert(name.clone(), need);
        }
    }
    needs
}

/// Returns what came out right; else adds the mistake.
fn noted<T>(mistakes: &mut Vec<String>, key: &str, result: Result<T, String>) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(why) => {
            mistakes.push(format!("`{key}`: {why}"));
            None
        }
    }
}

fn must_be(
    mistakes: &mut Vec<String>,
    key: &str,
    expression: &Expression,
    scope: &Scope,
    wanted: Kind,
) {
    let found = noted(mistakes, key, expression.check(scope));
    if let Some(found) = found.filter(|found| !found.is_open() && *found != wanted) {
        mistakes.push(format!("`{key}` is {found}, and must be {wanted}"));
    }
}

/// Reads settings.
///
/// # Errors
/// Says everything that is wrong, each in a sentence.
pub fn read(settings: &str) -> Result<CompiledRule, Vec<String>> {
    let settings: RuleSettings =
        serde_json::from_str(settings).map_err(|error| vec![error.to_string()])?;
    CompiledRule::of(&settings)
}

/// Returns what is wrong with settings.
pub fn mistakes(settings: &str) -> Vec<String> {
    read(settings).err().unwrap_or_default()
}
