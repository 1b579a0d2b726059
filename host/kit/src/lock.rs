//! `promote lock`: writes down what each component is, and shows what has changed in what they could do.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{fs, io};

use anyhow::Context as _;
use clap::Args;
use serde_json::{Value, json};

use crate::inspect::authority;
use promote_core::contract::{Actor, CONTRACT, Entity, EntityKey, Request};
use promote_core::policy::ComponentSurface;
use promote_core::policy::PolicyTier;
use promote_core::policy::engine::Engine;
use promote_core::text;
use promote_intake::choice::LoadPolicy as _;
use promote_intake::component::ComponentAddress;
use promote_intake::config::Config;
use promote_intake::lock::{Lock, LockedComponent, LockedRule};
use promote_intake::supply::Supply;
use promote_run::{OutputFormat, json_text};

/// The arguments of `promote lock`.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Examples:
  promote lock                write promote.lock, show what components gain
  promote lock --deny-gain    only if no component could do more than before
  promote lock --check        in CI: is promote.lock what it should be?

Exit codes:
  0  written, or nothing to do
  1  `--check` found a difference, or `--deny-gain` a gain: nothing was written
  2  a component cannot be used")]
pub struct LockArgs {
    /// The operator's configuration; the lock is beside it
    #[arg(long, value_name = "FILE", default_value = "promote.toml")]
    pub config: PathBuf,

    /// Write nothing, and exit with 1 if the lock is not what it should be
    #[arg(long)]
    check: bool,

    /// Write nothing, and exit with 1, if a component could do anything that the locked one could not; a new one gains
    /// all that it could do
    #[arg(long)]
    deny_gain: bool,

    /// The form of the output
    #[arg(long, value_enum, default_value_t)]
    format: OutputFormat,
}

/// The exit code for a lock that is not what it should be, or for a gain that was denied.
const LOCK_DIFFERS: u8 = 1;

/// One component, with the one that it replaces.
struct ComponentChange<'a> {
    old: Option<&'a LockedComponent>,
    new: &'a LockedComponent,
}

/// Compares the lock with the components, and writes it. Returns the exit code; what changed goes to `data`, what came of
/// it to `say`.
///
/// # Errors
/// When a component cannot be used, or the lock not be written.
pub async fn run(
    args: &LockArgs,
    config: &Config,
    engine: &Engine,
    supply: &Supply<'_>,
    say: &dyn Fn(&str),
    data: &dyn Fn(&str),
) -> anyhow::Result<u8> {
    let path = Lock::path(&args.config);
    // One that cannot be read is written anew: nothing in it counts.
    let old = Lock::read(&path).unwrap_or_else(|error| {
        say(&error.to_string());
        None
    });
    let new = survey(config, engine, supply).await?;
    let changes = changes(old.as_ref(), &new);
    let gone = gone(old.as_ref(), &new);
    let is_same = old.as_ref() == Some(&new);
    data(&match args.format {
        OutputFormat::Text => changes
            .iter()
            .map(ComponentChange::print)
            .chain(gone.iter().map(|one| format!("- {one}\n")))
            .collect(),
        OutputFormat::Json => {
            let all: Value = changes.iter().map(ComponentChange::json).collect();
            let lock = path.display().to_string();
            let found = json!({ "lock": lock, "same": is_same, "components": all, "gone": gone });
            json_text(found)
        }
    });
    let gains = changes.iter().any(|change| !change.gained().is_empty());
    let shown = path.display();
    if is_same {
        say(&format!("{shown} is what it should be"));
        return Ok(0);
    }
    if args.check {
        say(&format!(
            "{shown} is not what it should be: run `promote lock`, and have its change reviewed"
        ));
        return Ok(LOCK_DIFFERS);
    }
    if args.deny_gain && gains {
        say(&format!(
            "{shown} was not written: a component gains authority; review it, then lock without `--deny-gain`"
        ));
        return Ok(LOCK_DIFFERS);
    }
    write(&path, &new.print()).with_context(|| format!("writing {shown}"))?;
    say(&format!(
        "wrote {shown}: commit it with promote.toml, and have both reviewed"
    ));
    Ok(0)
}

/// Reads every component of the configuration, and returns the lock that fits them. What they could do is read without
/// compiling them.
async fn survey(config: &Config, engine: &Engine, supply: &Supply<'_>) -> anyhow::Result<Lock> {
    let mut components: Vec<LockedComponent> = Vec::new();
    for (name, wanted) in config.policies() {
        // Also when it is there already: a second rule may set it another bound.
        let (surface, sha256) = supply.survey(wanted).await.context(name.clone())?;
        // What cannot run is not worth a lock: only an instance shows that the exports have the contract's types.
        let policy = supply.load(wanted).await.context(name.clone())?;
        supply.fits(engine, &policy, wanted).await.context(name)?;
        let found = locked(wanted.component.to_string(), &surface, sha256);
        if !components.contains(&found) {
            components.push(found);
        }
    }
    let mut rules = Vec::new();
    for rule in &config.rule {
        let loaded = rule.load(supply).await?;
        rules.push(LockedRule {
            name: rule.name.clone(),
            origin: loaded.origin.clone(),
            component: rule.component.component.to_string(),
            needs: loaded.first_needs(&made_up_service(), &config.limits).await,
        });
        let found = LockedComponent {
            reference: rule.component.component.to_string(),
            sha256: loaded.program.digest().to_owned(),
            contract: CONTRACT.to_owned(),
            // A rule can call nothing at all.
            tier: PolicyTier::Observe,
            authority: Vec::new(),
        };
        if !components.contains(&found) {
            components.push(found);
        }
    }
    let baseline = config.baseline.as_ref().map(|it| it.sha256.clone());
    Ok(Lock::new(components)
        .with_rules(rules)
        .with_baseline(baseline))
}

/// A service that nobody has, to ask rules about.
fn made_up_service() -> Request {
    let key = EntityKey {
        blueprint: "service".to_owned(),
        identifier: "SERVICE".to_owned(),
    };
    Request {
        run_id: "RUN".to_owned(),
        action: "ACTION".to_owned(),
        actor: Actor {
            id: "USER".to_owned(),
            email: None,
            name: None,
        },
        ..Request::trial("lock", Entity::named(key))
    }
}

fn locked(reference: String, surface: &ComponentSurface, sha256: String) -> LockedComponent {
    let powers = authority::of(surface)
        .into_iter()
        .filter(|power| power.operation.is_some());
    LockedComponent {
        reference,
        sha256,
        contract: CONTRACT.to_owned(),
        tier: surface.tier,
        authority: powers
            .map(|power| format!("{}.{}", power.interface, power.function))
            .collect(),
    }
}

/// Each component with the one that it replaces: of the same reference, else of the same name in the same registry.
fn changes<'a>(old: Option<&'a Lock>, new: &'a Lock) -> Vec<ComponentChange<'a>> {
    let known = old.map(|lock| &lock.components[..]).unwrap_or_default();
    new.components
        .iter()
        .map(|new| ComponentChange {
            old: find_replaced(known, new),
            new,
        })
        .collect()
}

fn find_replaced<'a>(
    known: &'a [LockedComponent],
    new: &LockedComponent,
) -> Option<&'a LockedComponent> {
    let same = known.iter().find(|old| old.reference == new.reference);
    same.or_else(|| {
        let name = artifact(new)?;
        known
            .iter()
            .find(|old| artifact(old).as_ref() == Some(&name))
    })
}

/// References that are locked and named no more, nor replaced.
fn gone(old: Option<&Lock>, new: &Lock) -> Vec<String> {
    let replaced: Vec<_> = changes(old, new)
        .into_iter()
        .filter_map(|change| change.old)
        .cloned()
        .collect();
    let known = old.map(|lock| &lock.components[..]).unwrap_or_default();
    known
        .iter()
        .filter(|old| !replaced.contains(old))
        .map(|old| old.reference.clone())
        .collect()
}

/// Returns the name of a component in its registry, if it is from one.
fn artifact(locked: &LockedComponent) -> Option<String> {
    let reference = ComponentAddress::parse(&locked.reference).ok()?;
    reference.digest.as_ref().map(|_| reference.name())
}

impl ComponentChange<'_> {
    fn gained(&self) -> Vec<&str> {
        only(
            &self.new.authority,
            self.old.map(|old| &old.authority[..]).unwrap_or_default(),
        )
    }

    fn lost(&self) -> Vec<&str> {
        self.old
            .map(|old| only(&old.authority, &self.new.authority))
            .unwrap_or_default()
    }

    fn print(&self) -> String {
        let new = self.new;
        let mark = match self.old {
            None => "+",
            Some(old) if old == new => "=",
            Some(_) => "~",
        };
        let mut out = format!(
            "{mark} {} ({}, {})\n",
            text::line(&new.reference),
            &new.sha256[..12],
            new.tier.name()
        );
        if let Some(old) = self.old.filter(|old| *old != new) {
            let _ = writeln!(
                out,
                "    was {} ({}, {})",
                text::line(&old.reference),
                &old.sha256[..12],
                old.tier.name()
            );
            if self.gained().is_empty() {
                out.push_str("    gains no authority\n");
            }
        }
        for (word, functions) in [("gains", self.gained()), ("loses", self.lost())] {
            for function in functions {
                let _ = writeln!(
                    out,
                    "    {word} {}{}",
                    text::line(function),
                    meaning(function)
                );
            }
        }
        out
    }

    fn json(&self) -> Value {
        let new = self.new;
        json!({
            "reference": new.reference, "sha256": new.sha256, "contract": new.contract, "tier": new.tier.name(),
            "authority": new.authority, "gained": self.gained(), "lost": self.lost(),
            "was": self.old.map(|old| json!({ "reference": old.reference, "sha256": old.sha256, "tier": old.tier.name() })),
        })
    }
}

fn only<'a>(these: &'a [String], those: &[String]) -> Vec<&'a str> {
    these
        .iter()
        .filter(|name| !those.contains(name))
        .map(String::as_str)
        .collect()
}

/// Says what a function lets a policy do; nothing for one that this version does not know.
fn meaning(function: &str) -> String {
    let known = authority::POWERS
        .iter()
        .find(|power| format!("{}.{}", power.interface, power.function) == function);
    known
        .map(|power| format!(": {}", power.may))
        .unwrap_or_default()
}

/// Whole or not at all: a run that reads it meanwhile sees the old lock or the new one.
fn write(path: &Path, text: &str) -> io::Result<()> {
    let new = path.with_extension(format!("lock.{}.new", std::process::id()));
    let written = fs::write(&new, text).and_then(|()| fs::rename(&new, path));
    if written.is_err() {
        let _ = fs::remove_file(&new);
    }
    written
}
