//! A rule component: what makes one, and asking it under limits.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use wasmtime::Store;

use crate::contract::ruling::Need;
use crate::contract::{CONTRACT, CheckedRulePre, Reason, RulePre, RuleWorld};
use crate::journal::json;
use crate::limits::Limits;
use crate::policy::crash;
use crate::policy::engine::{Engine, Program, new_store};
use crate::policy::sandbox::{Sandbox, SandboxSetup};
use crate::text;

/// Most bytes of an answer.
const MAX_ANSWER: usize = 256 << 10;

/// Most lines that are told of what a crashed rule printed.
const PRINTED_LINES: usize = 6;

/// A component that is ready to be asked.
#[derive(Clone)]
pub struct RuleProgram {
    linked: RulePre<Sandbox>,
    /// The same, if it also looks at its settings.
    checked: Option<CheckedRulePre<Sandbox>>,
    digest: String,
}

/// The reason why a component is no rule.
#[derive(Debug, thiserror::Error)]
pub enum NotARule {
    /// It can call something.
    #[error(
        "the component imports {0}, and a rule imports nothing: what it must know, it says in `needs`"
    )]
    Import(String),
    /// It does not export what a rule must, or with other types.
    #[error("the component is no rule of {CONTRACT}: {0}")]
    Types(String),
}

/// An answer that did not come, in words that follow "the rule".
pub(super) type NoAnswer = String;

impl RuleProgram {
    /// Checks that a component is a rule.
    ///
    /// # Errors
    /// Says what it imports, or what it lacks.
    pub fn of(engine: &Engine, program: &Program) -> Result<Self, NotARule> {
        let component = program.component();
        let kind = component.component_type();
        let types = CONTRACT.replace('@', "/types@");
        for (name, _) in kind.imports(component.engine()) {
            let inert = name.starts_with("wasi:") && name.contains("@0.2.");
            if !inert && name != types {
                return Err(NotARule::Import(text::line(name)));
            }
        }
        let linked = engine
            .link_rule(program)
            .map_err(|error| NotARule::Types(text::line(&format!("{error:#}"))))?;
        let check = CONTRACT.replace('@', "/settings-check@");
        let checked = kind
            .exports(component.engine())
            .any(|(name, _)| name == check);
        let checked = checked.then(|| CheckedRulePre::new(linked.instance_pre().clone()));
        let checked = checked
            .transpose()
            .map_err(|error| NotARule::Types(text::line(&format!("{error:#}"))))?;
        Ok(Self {
            linked,
            checked,
            digest: program.digest().to_owned(),
        })
    }

    /// Returns the SHA-256 of the component in hex.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Returns the JSON Schema of the rule's settings, as it describes itself.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn settings_schema(&self) -> Result<String, String> {
        let limits = Limits::default();
        let described = self.ask(&limits, |rule, store| {
            Box::pin(async move { rule.promote_policy_about().call_describe(store).await })
        });
        described.await.map(|described| described.settings_schema)
    }

    /// Returns what the rule finds wrong with its settings; nothing if it does not look at them.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn settings_mistakes(&self, settings: &str) -> Result<Vec<String>, String> {
        let Some(checked) = &self.checked else {
            return Ok(Vec::new());
        };
        let limits = Limits::default();
        let sandbox = Sandbox::new(None, &SandboxSetup::default(), &limits);
        let mut store = new_store(self.linked.engine(), sandbox, limits.traffic);
        let asked = async {
            let rule = checked.instantiate_async(&mut store).await?;
            rule.promote_policy_settings_check()
                .call_check(&mut store, &settings.to_owned())
                .await
        };
        let answered = tokio::time::timeout(limits.rule, asked).await;
        let mistakes = answer(answered, &store, limits.rule)?;
        within_size(json(&mistakes).get().len()).map(|()| mistakes)
    }

    /// Asks what the rule needs to know.
    pub(super) async fn needs(&self, facts: &str, limits: &Limits) -> Result<Vec<Need>, NoAnswer> {
        let facts = facts.to_owned();
        let needs = self
            .ask(limits, |rule, store| {
                Box::pin(
                    async move { rule.promote_policy_ruling().call_needs(store, &facts).await },
                )
            })
            .await?;
        within_size(json(&needs).get().len()).map(|()| needs)
    }

    /// Asks what the rule has against a promotion.
    pub(super) async fn check(
        &self,
        facts: &str,
        limits: &Limits,
    ) -> Result<Vec<Reason>, NoAnswer> {
        let facts = facts.to_owned();
        let reasons = self
            .ask(limits, |rule, store| {
                Box::pin(
                    async move { rule.promote_policy_ruling().call_check(store, &facts).await },
                )
            })
            .await?;
        within_size(json(&reasons).get().len()).map(|()| reasons)
    }

    /// Asks one thing, in an instance that lives no longer: nothing is remembered from one question to the next, so the same
    /// facts have the same answer.
    async fn ask<T>(
        &self,
        limits: &Limits,
        call: impl for<'a> FnOnce(
            &'a RuleWorld,
            &'a mut Store<Sandbox>,
        )
            -> Pin<Box<dyn Future<Output = wasmtime::Result<T>> + Send + 'a>>,
    ) -> Result<T, NoAnswer> {
        let sandbox = Sandbox::new(None, &SandboxSetup::default(), limits);
        let mut store = new_store(self.linked.engine(), sandbox, limits.traffic);
        let asked = async {
            let rule = self.linked.instantiate_async(&mut store).await?;
            call(&rule, &mut store).await
        };
        let answered = tokio::time::timeout(limits.rule, asked).await;
        answer(answered, &store, limits.rule)
    }
}

fn answer<T>(
    answered: Result<wasmtime::Result<T>, tokio::time::error::Elapsed>,
    store: &Store<Sandbox>,
    limit: Duration,
) -> Result<T, NoAnswer> {
    match answered {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(trap)) => Err(match store.data().memory_limit() {
            Some(limit) => format!("reached its limit of {}", limit.limit),
            None => crashed(&trap, &store.data().printed()),
        }),
        Err(_) => Err(too_slow(limit)),
    }
}

/// A crash in words, with the last that the rule printed: an exception or a panic says more than a trap.
fn crashed(trap: &wasmtime::Error, printed: &str) -> NoAnswer {
    let printed = printed.to_owned() + &crash::places(trap);
    let lines = printed.lines().map(str::trim);
    let lines: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
    let last = &lines[lines.len().saturating_sub(PRINTED_LINES)..];
    let cause = trap.root_cause();
    if last.is_empty() {
        return format!("crashed: {cause}");
    }
    format!(
        "crashed: {cause}; it printed: {}",
        text::line(&last.join(" | "))
    )
}

fn too_slow(limit: Duration) -> NoAnswer {
    format!("gave no answer within {limit:?} (`limits.rule`)")
}

fn within_size(bytes: usize) -> Result<(), NoAnswer> {
    if bytes > MAX_ANSWER {
        return Err(format!("answered with more than {MAX_ANSWER} bytes"));
    }
    Ok(())
}
