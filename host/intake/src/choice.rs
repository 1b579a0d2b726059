//! Which policy a run asks: by `promote.toml`, and by what Port says of the service.
//!
//! What a payload claims of a service decides nothing. A configuration without `[[team]]` has one policy, which is loaded
//! and held to its settings before any service is asked; with rules, the one that was chosen is, once Port has answered.

use std::sync::OnceLock;

use anyhow::Context as _;
use async_trait::async_trait;

use crate::actions::PortActions;
use crate::config::{Config, PolicyConfig};
use crate::settings;
use promote_core::contract::Entity;
use promote_core::grants::Operation;
use promote_core::policy::Policy;
use promote_core::policy::engine::Engine;
use promote_core::rule::{Rule, RuleProgram, RuleRecord};
use promote_core::run::{ChosenPolicy, PolicyChoice};

/// A source of policies.
#[async_trait]
pub trait LoadPolicy: Sync {
    /// The policy that a part of the configuration names, checked against what it says of it.
    ///
    /// # Errors
    /// Names the component, and what is wrong with it.
    async fn load(&self, wanted: &PolicyConfig) -> anyhow::Result<Policy>;

    /// The rule that a part of the configuration names, checked against what it says of it.
    ///
    /// # Errors
    /// Names the component, and what is wrong with it.
    async fn load_rule(&self, wanted: &PolicyConfig) -> anyhow::Result<RuleProgram>;

    /// Holds the settings to what the policy says that they should be.
    ///
    /// # Errors
    /// As [`settings::check`].
    async fn fits(
        &self,
        engine: &Engine,
        policy: &Policy,
        wanted: &PolicyConfig,
    ) -> anyhow::Result<()> {
        Ok(settings::check(engine, policy, wanted).await?)
    }
}

/// The policies of a configuration, one of which is chosen.
pub struct Policies<'a> {
    config: &'a Config,
    engine: &'a Engine,
    load: &'a dyn LoadPolicy,
    /// The one that there is, if there is one only.
    only: Option<Policy>,
    /// SHA-256 of the component that must be chosen, if an approved plan says so.
    bound: Option<String>,
    picked: OnceLock<PickedPolicy>,
    /// The choice as far as it is known before Port has answered.
    expected: Option<PickedPolicy>,
}

/// The choice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PickedPolicy {
    /// SHA-256 of the component.
    pub digest: String,
    /// The rule that decided, if one did.
    pub team: Option<String>,
    /// The rules that apply to the service, in the order in which people read them.
    pub rules: Vec<RuleRecord>,
}

impl<'a> Policies<'a> {
    /// Prepares the choice. Without teams there is none: the policy is loaded, and its settings are checked. Expressions of
    /// rules are checked too.
    ///
    /// # Errors
    /// When the one policy cannot be used, or does not take its settings, or when an expression is wrong.
    pub async fn prepare(
        config: &'a Config,
        engine: &'a Engine,
        load: &'a dyn LoadPolicy,
    ) -> anyhow::Result<Self> {
        let only = match config.team.is_empty() {
            true => Some(usable(engine, load, &config.policy, &config.port.actions).await?),
            false => None,
        };
        for rule in config.rule.iter().filter(|rule| rule.is_expression()) {
            rule.load(load).await?;
        }
        let expected = only.as_ref().map(|policy| PickedPolicy {
            digest: policy.digest.clone(),
            team: None,
            rules: Vec::new(),
        });
        Ok(Self {
            config,
            engine,
            load,
            only,
            bound: None,
            picked: OnceLock::new(),
            expected,
        })
    }

    /// Binds the choice to a component, by its SHA-256.
    ///
    /// # Errors
    /// When there is one policy only, and it is another.
    pub fn bound_to(self, component: Option<&str>) -> anyhow::Result<Self> {
        let bound = Self {
            bound: component.map(str::to_owned),
            ..self
        };
        bound
            .only
            .as_ref()
            .map_or(Ok(()), |only| bound.held(&only.digest))?;
        Ok(bound)
    }

    /// The choice, once it was made.
    pub fn picked(&self) -> Option<&PickedPolicy> {
        self.picked.get().or(self.expected.as_ref())
    }

    /// Holds a component to the bound.
    fn held(&self, digest: &str) -> anyhow::Result<()> {
        match self.bound.as_ref().filter(|bound| *bound != digest) {
            None => Ok(()),
            Some(bound) => anyhow::bail!(
                "the plan is for another component ({bound}, here {digest}): plan again, and have that approved"
            ),
        }
    }

    /// Returns the settings with what grants turn on. Without a grant that could, the policy is not asked.
    async fn granted(&self, policy: &Policy, settings: String) -> anyhow::Result<String> {
        if !self.config.grants.mention(Operation::ReadImage) {
            return Ok(settings);
        }
        let grants = &self.config.grants;
        Ok(settings::with_granted(self.engine, policy, grants, settings).await?)
    }

    async fn pick(&self, subject: &Entity, action: &str) -> anyhow::Result<ChosenPolicy> {
        let (wanted, rule) = self.config.policy_for(subject);
        let team = rule.map(ToString::to_string);
        let named = || {
            team.as_ref()
                .map_or("[policy]".to_owned(), |team| format!("[[team]] {team}"))
        };
        let policy = match &self.only {
            Some(policy) => policy.clone(),
            None => usable(self.engine, self.load, wanted, &self.config.port.actions)
                .await
                .with_context(named)?,
        };
        self.held(&policy.digest)?;
        let mut rules = Vec::new();
        for rule in self.config.rules_for(subject) {
            rules.push(rule.load(self.load).await?);
        }
        let picked = PickedPolicy {
            digest: policy.digest.clone(),
            team: team.clone(),
            rules: rules.iter().map(Rule::record).collect(),
        };
        let _ = self.picked.set(picked);
        let settings = self.config.port.actions.settings(wanted, action);
        let settings = self.granted(&policy, settings).await?;
        Ok(ChosenPolicy {
            program: policy.program,
            settings: Some(settings),
            team,
            rules,
            bound: self.config.bound.clone(),
        })
    }
}

#[async_trait]
impl PolicyChoice for Policies<'_> {
    async fn choose(&self, subject: &Entity, action: &str) -> Result<ChosenPolicy, String> {
        self.pick(subject, action)
            .await
            .map_err(|error| format!("{error:#}"))
    }
}

/// Loads a policy that takes its settings.
async fn usable(
    engine: &Engine,
    load: &dyn LoadPolicy,
    wanted: &PolicyConfig,
    actions: &PortActions,
) -> anyhow::Result<Policy> {
    let policy = load.load(wanted).await?;
    for variant in actions.variants(wanted) {
        load.fits(engine, &policy, &variant).await?;
    }
    Ok(policy)
}

/// A policy that is there already, whatever is asked for.
#[async_trait]
impl LoadPolicy for Policy {
    async fn load(&self, _: &PolicyConfig) -> anyhow::Result<Self> {
        Ok(self.clone())
    }

    async fn load_rule(&self, wanted: &PolicyConfig) -> anyhow::Result<RuleProgram> {
        anyhow::bail!(
            "{} is not loaded here: there is one policy, and no rule",
            wanted.component
        )
    }
}
