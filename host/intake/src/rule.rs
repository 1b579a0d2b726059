//! `[[rule]]`: what must be asked before a promotion, whatever the policy is.
//!
//! ```toml
//! [[rule]]
//! name = "incidents"
//! component = "rules/incidents.wasm"
//! match = { team = "payments" }
//! mode = "enforce"
//! settings = { blueprint = "incident" }
//! ```
//!
//! Without a component it is an expression, for which the binary has one:
//!
//! ```toml
//! [[rule]]
//! name = "owner"
//! deny = "size(service.teams) == 0"
//! message = "{service.identifier} belongs to no team"
//! ```

use anyhow::Context as _;
use serde::Deserialize;

use crate::choice::LoadPolicy;
use crate::component::ComponentRef;
use crate::config::PolicyConfig;
use crate::settings::{self, SettingsError};
use crate::team::TeamMatch;
use promote_core::contract::Entity;
use promote_core::rule::{Rule, RuleAnswer, RuleMode};
use promote_core::text;

/// A rule as it is configured.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "RuleTable")]
pub struct RuleConfig {
    /// Its name, which its reasons have.
    pub name: String,
    /// Where it is written down, for people.
    pub(crate) origin: String,
    /// The services that it is asked for; without it, all.
    matches: Option<TeamMatch>,
    /// Whether its no is obeyed.
    pub mode: RuleMode,
    /// What follows from a no that something can cure.
    pub on_no: RuleAnswer,
    /// The component and its settings.
    pub component: PolicyConfig,
}

/// The table as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleTable {
    name: String,
    r#match: Option<TeamMatch>,
    component: Option<ComponentRef>,
    sha256: Option<String>,
    #[serde(default)]
    mode: RuleMode,
    #[serde(default)]
    on_no: RuleAnswer,
    settings: Option<toml::Table>,
    needs: Option<toml::Table>,
    deny: Option<String>,
    message: Option<String>,
    stops: Option<ExpressionStop>,
    cure: Option<ExpressionCure>,
    until: Option<String>,
}

/// What the no of an expression stops.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum ExpressionStop {
    Propose,
    Merge,
    Nothing,
}

/// What can cure it.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum ExpressionCure {
    People,
    Time,
    Nothing,
}

impl ExpressionStop {
    fn word(self) -> String {
        let word = match self {
            Self::Propose => "propose",
            Self::Merge => "merge",
            Self::Nothing => "nothing",
        };
        word.to_owned()
    }
}

impl ExpressionCure {
    fn word(self) -> String {
        let word = match self {
            Self::People => "people",
            Self::Time => "time",
            Self::Nothing => "nothing",
        };
        word.to_owned()
    }
}

impl RuleTable {
    /// Returns the component with its settings; the keys of an expression are the settings of the component for it.
    fn policy(&mut self) -> Result<PolicyConfig, String> {
        let texts = [
            ("deny", self.deny.take()),
            ("message", self.message.take()),
            ("stops", self.stops.take().map(ExpressionStop::word)),
            ("cure", self.cure.take().map(ExpressionCure::word)),
            ("until", self.until.take()),
        ];
        let texts = texts.map(|(key, text)| (key, text.map(toml::Value::String)));
        let needs = ("needs", self.needs.take().map(toml::Value::Table));
        let keys: toml::Table = texts
            .into_iter()
            .chain([needs])
            .filter_map(|(key, value)| Some((key.to_owned(), value?)))
            .collect();
        let (component, settings) = match (self.component.take(), self.settings.take()) {
            (Some(component), settings) if keys.is_empty() => {
                (component, settings.unwrap_or_default())
            }
            (None, None) if keys.contains_key("deny") && keys.contains_key("message") => {
                (ComponentRef::Cel, keys)
            }
            (None, None) => {
                return Err(
                    "it has no `component`, or an expression in `deny` with a `message`".to_owned(),
                );
            }
            (Some(_), _) => {
                let all: Vec<String> = keys.keys().map(|key| format!("`{key}`")).collect();
                return Err(format!(
                    "{} belong to an expression, and this rule has a `component`: it takes `settings`",
                    all.join(", ")
                ));
            }
            (None, Some(_)) => {
                return Err("`settings` belong to a `component`, and this rule has none".to_owned());
            }
        };
        if component == ComponentRef::Builtin {
            return Err(
                "`builtin` is a policy and no rule: name a file or `registry/name@sha256:…`, or write `deny`"
                    .to_owned(),
            );
        }
        Ok(PolicyConfig {
            component,
            sha256: self.sha256.take(),
            tier: None,
            settings,
        })
    }
}

impl TryFrom<RuleTable> for RuleConfig {
    type Error = String;

    fn try_from(mut table: RuleTable) -> Result<Self, String> {
        let component = table
            .policy()
            .map_err(|why| format!("[[rule]] {}: {why}", table.name))?;
        let RuleTable {
            name,
            r#match: matches,
            mode,
            on_no,
            ..
        } = table;
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if name.is_empty() || name.len() > 40 || !name.chars().all(is_plain) {
            return Err(format!(
                "`{name}` is no name for a rule: a short one of a-z, 0-9 and `-`, such as `incidents`"
            ));
        }
        if matches.as_ref().is_some_and(TeamMatch::is_empty) {
            return Err(
                "`match` is empty: leave it out, and the rule is asked for every service"
                    .to_owned(),
            );
        }
        Ok(Self {
            name,
            origin: "promote.toml".to_owned(),
            matches,
            mode,
            on_no,
            component,
        })
    }
}

impl RuleConfig {
    /// Returns whether the rule is asked for a service.
    pub fn applies_to(&self, service: &Entity) -> bool {
        self.matches
            .as_ref()
            .is_none_or(|matches| matches.fits(service))
    }

    /// Loads the component, and holds the settings to its own schema.
    ///
    /// # Errors
    /// Names the rule, and what is wrong with its component or its settings.
    pub async fn load(&self, load: &dyn LoadPolicy) -> anyhow::Result<Rule> {
        let named = || self.title();
        let program = load.load_rule(&self.component).await.with_context(named)?;
        let schema = program
            .settings_schema()
            .await
            .map_err(|what| anyhow::anyhow!("it does not describe itself: it {what}"))
            .with_context(named)?;
        let schema = settings::SettingsSchema::read(&schema).with_context(named)?;
        settings::fit(&schema, &self.component)
            .map_err(|error| self.own_keys(error))
            .with_context(named)?;
        let mistakes = program.settings_mistakes(&self.component.settings()).await;
        let mistakes = mistakes
            .map_err(|what| anyhow::anyhow!("it does not look at its settings: it {what}"))
            .with_context(named)?;
        if !mistakes.is_empty() {
            let mistakes: Vec<String> = mistakes.iter().map(|one| text::line(one)).collect();
            return Err(anyhow::anyhow!(mistakes.join("; ")).context(named()));
        }
        Ok(Rule {
            name: self.name.clone(),
            origin: self.origin.clone(),
            mode: self.mode,
            on_no: self.on_no,
            settings: self.component.settings(),
            program,
        })
    }

    /// Names the keys as they are written here: under `settings`, and those of an expression beside `name`.
    fn own_keys(&self, error: SettingsError) -> SettingsError {
        let SettingsError::Unfit(mut problems) = error else {
            return error;
        };
        let start = if self.is_expression() {
            "policy.settings."
        } else {
            "policy."
        };
        for problem in &mut problems {
            if let Some(own) = problem.key.strip_prefix(start) {
                problem.key = own.to_owned();
            }
        }
        SettingsError::Unfit(problems)
    }

    /// Returns whether it is an expression, whose component is part of the binary.
    pub fn is_expression(&self) -> bool {
        self.component.component == ComponentRef::Cel
    }

    /// Returns what people call it.
    pub fn title(&self) -> String {
        format!("[[rule]] {}", self.name)
    }
}

/// Checks that no two rules have one name.
///
/// # Errors
/// Names the rule that is there twice.
pub(crate) fn check_names(rules: &[RuleConfig]) -> Result<(), String> {
    for (at, rule) in rules.iter().enumerate() {
        if rules[..at].iter().any(|other| other.name == rule.name) {
            return Err(format!(
                "[[rule]] {}: there are two of this name, and people could not tell which one refused",
                rule.name
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use crate::config::Config;
    use promote_core::rule::RuleMode;

    #[test]
    fn a_rule_is_enforced_unless_it_is_only_monitored() {
        let text = "[[rule]]\nname = \"a\"\ncomponent = \"a.wasm\"\n\
                    [[rule]]\nname = \"b\"\ncomponent = \"b.wasm\"\nmode = \"monitor\"\non_no = \"wait\"\n";
        let config = Config::parse(text).unwrap();
        let modes: Vec<RuleMode> = config.rule.iter().map(|rule| rule.mode).collect();
        assert_eq!(modes, [RuleMode::Enforce, RuleMode::Monitor]);
    }

    #[test]
    fn what_is_no_rule_is_refused() {
        let cases = [
            (
                "name = \"a\"\n",
                "line 1: [[rule]] a: it has no `component`, or an expression",
            ),
            (
                "name = \"a\"\ndeny = \"true\"\n",
                "line 1: [[rule]] a: it has no `component`, or an expression in `deny` with a `message`",
            ),
            (
                "name = \"a\"\ncomponent = \"a.wasm\"\nstops = \"merge\"\n",
                "line 1: [[rule]] a: `stops` belong to an expression",
            ),
            (
                "name = \"A b\"\ncomponent = \"a.wasm\"\n",
                "line 1: `A b` is no name for a rule",
            ),
            (
                "name = \"a\"\ncomponent = \"builtin\"\n",
                "line 1: [[rule]] a: `builtin` is a policy and no rule",
            ),
            (
                "name = \"a\"\ncomponent = \"a.wasm\"\nmatch = {}\n",
                "line 1: `match` is empty",
            ),
            (
                "name = \"a\"\ncomponent = \"a.wasm\"\nmode = \"warn\"\n",
                "line 4: unknown variant `warn`",
            ),
            (
                "name = \"a\"\ncomponent = \"a.wasm\"\n[[rule]]\nname = \"a\"\ncomponent = \"b.wasm\"\n",
                "[[rule]] a: there are two of this name",
            ),
        ];
        for (text, expected) in cases {
            let error = Config::parse(&format!("[[rule]]\n{text}")).unwrap_err();
            assert!(error.starts_with(expected), "{text}: {error}");
        }
    }
}
