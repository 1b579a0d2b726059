//! The components that scenarios name: found by name or by file, compiled once however many name them, and again when a file has
//! changed.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};
use std::time::SystemTime;

use async_trait::async_trait;

use super::model::Scenario;
use super::run::{KnownSchema, ScenarioRunner};
use promote_core::policy::Policy;
use promote_core::policy::engine::Engine;
use promote_core::rule::RuleProgram;
use promote_intake::builtin;
use promote_intake::choice::LoadPolicy;
use promote_intake::config::{ComponentRef, PolicyConfig};
use promote_intake::settings;

/// A policy that a scenario names and that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{scenario}: policy `{policy}`: {why}", scenario = scenario.display())]
pub struct PolicyError {
    scenario: PathBuf,
    policy: String,
    why: String,
}

/// The file of a component that a scenario names.
struct FoundComponent {
    scenario: PathBuf,
    name: String,
    file: PathBuf,
    /// The component, if it is part of the binary.
    builtin: Option<&'static [u8]>,
    changed: Option<SystemTime>,
}

impl FoundComponent {
    fn error(&self, why: String) -> PolicyError {
        PolicyError {
            scenario: self.scenario.clone(),
            policy: self.name.clone(),
            why,
        }
    }

    fn bytes(&self) -> Result<Vec<u8>, PolicyError> {
        if let Some(builtin) = self.builtin {
            return Ok(builtin.to_vec());
        }
        std::fs::read(&self.file).map_err(|why| {
            self.error(format!(
                "cannot read {}: {why}; `--component {}=FILE` names its file",
                self.file.display(),
                self.name
            ))
        })
    }
}

impl ScenarioRunner {
    /// The policy of a scenario, and those of its teams, compiled once however many name it, and again when its file has changed.
    ///
    /// # Errors
    /// When there is no such policy, or it is none.
    pub fn policy(&self, scenario: &Scenario) -> Result<Policy, PolicyError> {
        for team in &scenario.config.team {
            self.component(scenario, &team.policy.component)?;
        }
        self.component(scenario, &scenario.config.policy.component)
    }

    /// A rule of a scenario, compiled once as policies are.
    fn rule(
        &self,
        scenario: &Scenario,
        component: &ComponentRef,
    ) -> Result<RuleProgram, PolicyError> {
        let found = self.find(scenario, component);
        let mut rules = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, rule)) = rules.get(&found.file)
            && *known == found.changed
        {
            return Ok(rule.clone());
        }
        let bytes = found.bytes()?;
        let loaded = builtin::load_rule(&self.engine, &bytes, self.cache.as_deref(), &|_| {});
        let rule = loaded.map_err(|why| found.error(format!("{why:#}")))?;
        rules.insert(found.file, (found.changed, rule.clone()));
        Ok(rule)
    }

    /// Finds the file of a component.
    fn find(&self, scenario: &Scenario, component: &ComponentRef) -> FoundComponent {
        let name = &match component {
            ComponentRef::Path(path) => path.clone(),
            // What is in a registry is here under a name, or as a file of that name: tests reach no network.
            other => PathBuf::from(other.to_string()),
        };
        let named = name.to_str().and_then(|name| self.named.get(name));
        let builtin = match component {
            _ if named.is_some() => None,
            ComponentRef::Builtin => Some(builtin::POLICY),
            ComponentRef::Cel => Some(builtin::CEL),
            _ => None,
        };
        let file = match (named, builtin) {
            (Some(file), _) => file.clone(),
            (None, Some(_)) => name.clone(),
            (None, None) => scenario.path.parent().unwrap_or(Path::new("")).join(name),
        };
        let changed = std::fs::metadata(&file)
            .and_then(|file| file.modified())
            .ok();
        FoundComponent {
            scenario: scenario.path.clone(),
            name: name.display().to_string(),
            builtin,
            file,
            changed,
        }
    }

    fn component(
        &self,
        scenario: &Scenario,
        component: &ComponentRef,
    ) -> Result<Policy, PolicyError> {
        let found = self.find(scenario, component);
        let mut policies = self.policies.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, policy)) = policies.get(&found.file)
            && *known == found.changed
        {
            return Ok(policy.clone());
        }
        let bytes = found.bytes()?;
        // A cache that cannot be used costs time and nothing else; `promote run` says what is wrong with it.
        let loaded = builtin::load(&self.engine, &bytes, self.cache.as_deref(), &|_| {});
        let (policy, _) = loaded.map_err(|why| found.error(why.to_string()))?;
        policies.insert(found.file, (found.changed, policy.clone()));
        Ok(policy)
    }

    /// Returns the schema of a policy's settings; the policy is asked once.
    async fn schema(&self, policy: &Policy) -> KnownSchema {
        let schemas = || self.schemas.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(described) = schemas().get(&policy.digest).cloned() {
            return described;
        }
        let schema = settings::schema(&self.engine, policy).await;
        let described = schema.map(Arc::new).map_err(|error| error.to_string());
        schemas().insert(policy.digest.clone(), described.clone());
        described
    }
}

/// The policies that a scenario names, as its runner knows them.
pub(super) struct RunnerPolicies<'a> {
    pub(super) runner: &'a ScenarioRunner,
    pub(super) scenario: &'a Scenario,
}

#[async_trait]
impl LoadPolicy for RunnerPolicies<'_> {
    async fn load(&self, wanted: &PolicyConfig) -> anyhow::Result<Policy> {
        Ok(self.runner.component(self.scenario, &wanted.component)?)
    }

    async fn load_rule(&self, wanted: &PolicyConfig) -> anyhow::Result<RuleProgram> {
        Ok(self.runner.rule(self.scenario, &wanted.component)?)
    }

    async fn fits(&self, _: &Engine, policy: &Policy, wanted: &PolicyConfig) -> anyhow::Result<()> {
        let schema = self
            .runner
            .schema(policy)
            .await
            .map_err(anyhow::Error::msg)?;
        Ok(settings::fit(&schema, wanted)?)
    }
}
