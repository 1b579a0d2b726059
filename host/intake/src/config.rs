//! `promote.toml`: which policy, with which settings, grants and limits. The operator's word, and the only one.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::actions::PortActions;
use crate::attestations::AttestationConfig;
use crate::baseline::{self, BaselineRef, BaselineRegistry};
pub use crate::component::ComponentRef;
use crate::rule::{self, RuleConfig};
use crate::team::{self, TeamRule};
use promote_core::contract::Entity;
use promote_core::grants::{Grants, Operation};
use promote_core::limits::Limits;
use promote_core::policy::PolicyTier;
use promote_core::run::OperatorTerms;

/// The whole file. An unknown key is an error: a misspelt grant must not pass for an absent one.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// `[policy]`
    pub policy: PolicyConfig,
    /// `[[team]]`: other policies for some services, the first that fits.
    pub team: Vec<TeamRule>,
    /// `[baseline]`: the organisation's word, which narrows this file.
    pub baseline: Option<BaselineRef>,
    /// The most that the grants may be, by the baseline.
    #[serde(skip)]
    pub bound: Option<Grants>,
    /// `[[rule]]`: what every policy must pass; those of the baseline first.
    pub rule: Vec<RuleConfig>,
    /// `[port]`
    pub port: PortConfig,
    /// `[attestations]`: whose word about a build counts.
    pub attestations: AttestationConfig,
    /// `[workflow]`
    pub workflow: WorkflowConfig,
    /// `[[grants]]`
    pub grants: Grants,
    /// `[limits]`
    #[serde(deserialize_with = "promote_core::limits::parse")]
    pub limits: Limits,
}

/// `[policy]`: the component and its settings.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PolicyConfig {
    /// `builtin`, a path relative to the file, or `registry/name@sha256:…`; `builtin` unless given.
    pub component: ComponentRef,
    /// The SHA-256 that the component must have, in hex.
    pub sha256: Option<String>,
    /// The most that the component may be able to do: `observe`, `propose` or `promote`, which is meant unless given.
    pub tier: Option<PolicyTier>,
    /// The policy's settings, whatever it takes.
    pub settings: toml::Table,
}

/// `[port]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PortConfig {
    /// The blueprint that keeps an entity for each promotion.
    pub record: Option<String>,
    /// `[port.actions]`: the actions that may start a run.
    pub actions: PortActions,
}

/// `[workflow]`: the workflow of GitHub that a run's action starts.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WorkflowConfig {
    /// The environment of its job. Where it has reviewers, resuming merges only what they let start.
    pub environment: Option<String>,
    /// The file of the workflow that goes on with what waits.
    pub resume: String,
}

impl Default for WorkflowConfig {
    fn default() -> Self {
        Self {
            environment: None,
            resume: "promote-resume.yml".to_owned(),
        }
    }
}

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {path}: {why}; `--config FILE` names another", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        why: std::io::Error,
    },
    /// It is not what it should be.
    #[error("{path}: {why}", path = path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// Line, key and reason.
        why: String,
    },
}

/// A configuration and the text that it was read from: read once, so that a digest of the text is one of this configuration.
#[derive(Clone, Debug)]
pub struct ConfigFile {
    /// What the text says.
    pub config: Config,
    /// The whole file.
    pub text: String,
}

impl ConfigFile {
    /// Reads and checks a file, and the baseline that it names.
    ///
    /// # Errors
    /// Names the file, and the line or grant that is wrong.
    pub async fn read(path: &Path, registry: &BaselineRegistry) -> Result<Self, ConfigError> {
        let text = read(path)?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let invalid = |why| ConfigError::Invalid {
            path: path.to_owned(),
            why,
        };
        let mut config = Config::parse(&text).map_err(invalid)?;
        if let Some(named) = config.baseline.clone() {
            let document = named.read(folder, registry).await;
            let narrowed = document.and_then(|text| baseline::apply(config, &named, &text));
            config = narrowed.map_err(|why| invalid(format!("[baseline]: {why}")))?;
        }
        let config = config.with_roots(folder).map_err(invalid)?;
        Ok(Self { config, text })
    }
}

fn read(path: &Path) -> Result<String, ConfigError> {
    std::fs::read_to_string(path).map_err(|why| ConfigError::Read {
        path: path.to_owned(),
        why,
    })
}

impl Config {
    /// Reads and checks a file, whose baseline must be a file too: no registry is asked.
    ///
    /// # Errors
    /// Names the file, and the line or grant that is wrong.
    pub fn read_local(path: &Path) -> Result<Self, ConfigError> {
        let text = read(path)?;
        let folder = path.parent().unwrap_or(Path::new(""));
        Self::parse(&text)
            .and_then(|config| config.within_baseline(folder))
            .and_then(|config| config.with_roots(folder))
            .map_err(|why| ConfigError::Invalid {
                path: path.to_owned(),
                why,
            })
    }

    /// Narrows what was read by the baseline that it names, if it names one: a file, relative to a folder.
    ///
    /// # Errors
    /// When the baseline is not the one that was reviewed.
    pub fn within_baseline(self, folder: &Path) -> Result<Self, String> {
        let Some(named) = self.baseline.clone() else {
            return Ok(self);
        };
        let text = named.read_file(folder);
        text.and_then(|text| baseline::apply(self, &named, &text))
            .map_err(|why| format!("[baseline]: {why}"))
    }

    /// Reads and checks a text.
    ///
    /// # Errors
    /// Names the line or grant that is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let config = toml::from_str(text).map_err(|error| {
            let line = error
                .span()
                .map(|span| text[..span.start].matches('\n').count() + 1);
            let at = line
                .map(|line| format!("line {line}: "))
                .unwrap_or_default();
            format!("{at}{}", error.message())
        });
        config.and_then(Self::checked)
    }

    /// Returns the configuration, if its grants make sense.
    ///
    /// # Errors
    /// Names the grant that does not.
    pub fn checked(mut config: Self) -> Result<Self, String> {
        config.grants.check()?;
        if config.grants.mention(Operation::KeepDeployment) && config.workflow.environment.is_none()
        {
            return Err(
                "the grant `github.deployment` needs `[workflow] environment`: deployments are recorded for it".to_owned(),
            );
        }
        rule::check_names(&config.rule)?;
        for team in &mut config.team {
            team.inherit(&config.policy);
        }
        Ok(config)
    }

    /// Every policy that a run may ask: the one of `[policy]`, then those of the rules, each with what people call it.
    pub fn policies(&self) -> impl Iterator<Item = (String, &PolicyConfig)> {
        let teams = self
            .team
            .iter()
            .map(|team| (format!("[[team]] {team}"), &team.policy));
        std::iter::once(("[policy]".to_owned(), &self.policy)).chain(teams)
    }

    /// Returns what a run is held to.
    pub fn terms(&self) -> OperatorTerms<'_> {
        OperatorTerms {
            grants: &self.grants,
            limits: self.limits.clone(),
            record: self.port.record.clone(),
            environment: self.workflow.environment.clone(),
            actions: self.port.actions.identifiers(),
            resume_workflow: self.workflow.resume.clone(),
        }
    }

    /// Returns whether the host keeps a status on what is proposed, by which rules hold merges that others make.
    pub fn keeps_status(&self) -> bool {
        !self.rule.is_empty() && self.grants.mention(Operation::KeepStatus)
    }

    /// Returns whether a newer image may take the place of one that waits: the built-in policy's setting `newer`. Only who asks
    /// the policy can tell that there is one, so the host must know.
    pub fn follows_staging(&self) -> bool {
        let follows = |policy: &PolicyConfig| {
            policy.settings.get("newer").and_then(toml::Value::as_str) == Some("replace")
        };
        let mut policies = self.policies();
        policies.any(|(_, policy)| self.port.actions.variants(policy).iter().any(follows))
    }

    /// The rules for a service as Port describes it, in order.
    pub fn rules_for<'a>(&'a self, service: &'a Entity) -> impl Iterator<Item = &'a RuleConfig> {
        self.rule.iter().filter(|rule| rule.applies_to(service))
    }

    /// The policy for a service as Port describes it, and the rule that says so, if one does.
    pub fn policy_for(&self, service: &Entity) -> (&PolicyConfig, Option<&TeamRule>) {
        let rule = team::choose(&self.team, service).map(|at| &self.team[at]);
        (rule.map_or(&self.policy, |rule| &rule.policy), rule)
    }
}

impl PolicyConfig {
    /// The settings as the policy gets them, JSON text.
    pub fn settings(&self) -> String {
        serde_json::to_string(&self.settings).unwrap_or_else(|_| "{}".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_file_grants_nothing() {
        let config = Config::parse("").unwrap_or_default();
        assert!(config.grants.0.is_empty());
        assert_eq!(config.policy.component, ComponentRef::Builtin);
    }

    #[test]
    fn a_team_inherits_the_component_each_setting_and_the_bound() {
        let text = "[policy]\ntier = \"propose\"\nsettings = { base = \"main\", soak = { at_least = \"1h\" } }\n\
                    [[team]]\nmatch = { team = \"a\" }\nsettings = { soak = { on_no = \"wait\" } }\n\
                    [[team]]\nmatch = { team = \"b\" }\ncomponent = \"b.wasm\"\ntier = \"promote\"\nsettings = { own = 1 }\n";
        let config = Config::parse(text).unwrap_or_default();
        let found: Vec<_> = config
            .policies()
            .map(|(name, it)| (name, it.tier, it.settings()))
            .collect();
        let expected = [
            (
                "[policy]",
                Some(PolicyTier::Propose),
                r#"{"base":"main","soak":{"at_least":"1h"}}"#,
            ),
            (
                "[[team]] team = a",
                Some(PolicyTier::Propose),
                r#"{"base":"main","soak":{"on_no":"wait"}}"#,
            ),
            (
                "[[team]] team = b",
                Some(PolicyTier::Promote),
                r#"{"own":1}"#,
            ),
        ];
        assert_eq!(
            found,
            expected.map(|(name, tier, settings)| (name.to_owned(), tier, settings.to_owned()))
        );
    }

    #[test]
    fn what_is_not_known_is_refused_with_its_line() {
        let cases = [
            (
                "[policy]\ncomponent = \"builtin\"\nsetting = 1\n",
                "line 3: unknown field `setting`",
            ),
            (
                "\n[[team]]\ncomponent = \"builtin\"\n",
                "line 2: missing field `match`",
            ),
            (
                "[[team]]\ncomponent = \"builtin\"\nmatch = { teem = \"a\" }\n",
                "line 3: unknown field `teem`",
            ),
            (
                "[[team]]\nmatch = { team = \"a\" }\ncomponent = \"builtin\"\nname = \"a\"\n",
                "line 4: unknown field `name`",
            ),
            (
                "[[team]]\nmatch = { team = 1 }\ncomponent = \"builtin\"\n",
                "line 2: expected a text or a list",
            ),
            (
                "[[team]]\nmatch = { team = [] }\ncomponent = \"builtin\"\n",
                "line 2: the list is empty",
            ),
            (
                "[[team]]\nmatch = {}\ncomponent = \"builtin\"\n",
                "line 1: `match` is empty",
            ),
            (
                "[[team]]\nmatch = { identifier = \"a[\" }\ncomponent = \"builtin\"\n",
                "line 2: `a[` is no pattern",
            ),
            (
                "[policy]\ncomponent = \"ghcr.io/acme/policy:1\"\n",
                "line 2: `ghcr.io/acme/policy:1` has no digest",
            ),
            ("[grant]\n", "line 1: unknown field `grant`"),
            (
                "[limits]\nmemory = 64\n",
                "line 2: invalid type: integer `64`",
            ),
            (
                "\n[[grants]]\nallow = [\"port.read\"]\n",
                "line 3: unknown operation `port.read`",
            ),
            (
                "[[grants]]\nallow = [\"github.merge\"]\nrepository = \"a/b\"\n",
                "grant 1: `github.merge` needs `base`",
            ),
        ];
        for (text, expected) in cases {
            let error = Config::parse(text).err().unwrap_or_default();
            assert!(error.starts_with(expected), "{text}: {error}");
        }
    }
}
