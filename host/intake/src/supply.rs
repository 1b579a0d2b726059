//! Brings the components that `promote.toml` names: from the binary, a file or a registry.
//!
//! Whatever comes is held against its digest, `sha256` and the lock before it is compiled. What can be known without a
//! network is checked before any service is asked, for every team.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context as _, bail};
use async_trait::async_trait;

use crate::builtin;
use crate::choice::LoadPolicy;
use crate::component::ComponentRef;
use crate::config::{Config, PolicyConfig};
use crate::lock::Lock;
use crate::registry;
use promote_core::journal::digest;
use promote_core::policy::engine::Engine;
use promote_core::policy::{ComponentSurface, HEADER, LARGEST, NotAPolicy, Policy, check_header};
use promote_core::rule::RuleProgram;

/// The supply of components, for one configuration.
pub struct Supply<'a> {
    engine: &'a Engine,
    /// The folder that paths are relative to.
    folder: PathBuf,
    /// The folder for compiled policies and for what came from registries, if there is one.
    cache: Option<PathBuf>,
    access: registry::RegistryAccess,
    lock: Option<Lock>,
    say: &'a (dyn Fn(&str) + Sync),
    /// Files as they were read: what was checked is what is compiled.
    read: Mutex<BTreeMap<PathBuf, Arc<[u8]>>>,
    /// Rules that are loaded, by digest: many have the same component, with other settings.
    rules: Mutex<BTreeMap<String, RuleProgram>>,
}

impl<'a> Supply<'a> {
    /// Components as a configuration in this file names them, and no lock.
    pub fn new(
        engine: &'a Engine,
        config: &Path,
        cache: Option<PathBuf>,
        access: registry::RegistryAccess,
        say: &'a (dyn Fn(&str) + Sync),
    ) -> Self {
        let folder = config.parent().unwrap_or(Path::new("")).to_owned();
        Self {
            engine,
            folder,
            cache,
            access,
            lock: None,
            say,
            read: Mutex::default(),
            rules: Mutex::default(),
        }
    }

    /// Held to a lock, if there is one.
    #[must_use]
    pub fn locked(self, lock: Option<Lock>) -> Self {
        Self { lock, ..self }
    }

    /// Checks every component of a configuration, as far as that needs no network.
    ///
    /// # Errors
    /// Names the first that is missing, or is not the one that was reviewed.
    pub fn check(&self, config: &Config) -> anyhow::Result<()> {
        if let Some(lock) = &self.lock {
            let baseline = config.baseline.as_ref();
            lock.check_baseline(baseline.map(|it| it.sha256.as_str()))?;
        }
        let rules = config.rule.iter();
        let rules = rules.map(|rule| (rule.title(), &rule.component));
        let is_single = config.team.is_empty() && config.rule.is_empty();
        for (name, wanted) in config.policies().chain(rules) {
            let checked = match &wanted.component {
                ComponentRef::Oci(_) => self.lock.as_ref().map_or(Ok(()), |lock| {
                    lock.of(&wanted.component)
                        .map(drop)
                        .map_err(anyhow::Error::from)
                }),
                _ => self
                    .local(wanted)
                    .and_then(|bytes| self.verify(wanted, &bytes)),
            };
            if is_single {
                checked?;
            } else {
                checked.context(name)?;
            }
        }
        Ok(())
    }

    /// The bytes of a component, checked.
    ///
    /// # Errors
    /// When they cannot be had, or are not the ones that were reviewed.
    pub async fn bytes(&self, wanted: &PolicyConfig) -> anyhow::Result<Arc<[u8]>> {
        let bytes = match &wanted.component {
            ComponentRef::Oci(pinned) => {
                let folder = self.cache.as_ref().map(|cache| cache.join("components"));
                registry::fetch(pinned, &self.access, folder.as_deref(), self.say)
                    .await?
                    .into()
            }
            _ => self.local(wanted)?,
        };
        self.verify(wanted, &bytes)?;
        Ok(bytes)
    }

    /// What is on this machine.
    fn local(&self, wanted: &PolicyConfig) -> anyhow::Result<Arc<[u8]>> {
        let path = match &wanted.component {
            ComponentRef::Path(path) => path,
            ComponentRef::Cel => return Ok(builtin::CEL.into()),
            _ => return Ok(builtin::POLICY.into()),
        };
        let path = self.folder.join(path);
        if let Some(bytes) = self.files().get(&path) {
            return Ok(Arc::clone(bytes));
        }
        let bytes: Arc<[u8]> = read(&path, &named(&wanted.component, &self.folder))?.into();
        self.files().insert(path, Arc::clone(&bytes));
        Ok(bytes)
    }

    fn files(&self) -> MutexGuard<'_, BTreeMap<PathBuf, Arc<[u8]>>> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Holds bytes against what was reviewed.
    fn verify(&self, wanted: &PolicyConfig, bytes: &[u8]) -> anyhow::Result<()> {
        let name = || named(&wanted.component, &self.folder);
        let found = digest(bytes);
        if let Some(expected) = wanted
            .sha256
            .as_ref()
            .filter(|expected| !expected.eq_ignore_ascii_case(&found))
        {
            bail!(
                "{} has the SHA-256 {found}, and `sha256` in the configuration is {expected}: it is not the component that was reviewed",
                name()
            );
        }
        match &self.lock {
            Some(lock) => Ok(lock.check(&wanted.component, &found)?),
            None => Ok(()),
        }
    }
}

impl Supply<'_> {
    /// Reads what a component could do, without compiling it: its border and its SHA-256.
    ///
    /// # Errors
    /// As [`LoadPolicy::load`], except that the types of its imports are not compared with the contract's.
    pub async fn survey(
        &self,
        wanted: &PolicyConfig,
    ) -> anyhow::Result<(ComponentSurface, String)> {
        let bytes = self.bytes(wanted).await?;
        let surface = ComponentSurface::read(&bytes)
            .and_then(|surface| surface.check(wanted.tier).map(|()| surface))
            .with_context(|| named(&wanted.component, &self.folder))?;
        Ok((surface, digest(&bytes)))
    }
}

#[async_trait]
impl LoadPolicy for Supply<'_> {
    async fn load(&self, wanted: &PolicyConfig) -> anyhow::Result<Policy> {
        let bytes = self.bytes(wanted).await?;
        let loaded = builtin::load(self.engine, &bytes, self.cache.as_deref(), self.say);
        let checked =
            loaded.and_then(|(policy, _)| policy.surface.check(wanted.tier).map(|()| policy));
        checked.with_context(|| named(&wanted.component, &self.folder))
    }

    async fn load_rule(&self, wanted: &PolicyConfig) -> anyhow::Result<RuleProgram> {
        let bytes = self.bytes(wanted).await?;
        let mut rules = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = rules.get(&digest(&bytes)) {
            return Ok(known.clone());
        }
        let rule = builtin::load_rule(self.engine, &bytes, self.cache.as_deref(), self.say)
            .with_context(|| named(&wanted.component, &self.folder))?;
        rules.insert(digest(&bytes), rule.clone());
        Ok(rule)
    }
}

/// Reads a component from a file, which may be something else, larger than the memory, or without an end: then no more of
/// it is read than tells so. People call it `name`.
///
/// # Errors
/// When it cannot be read, or does not start as a component does.
pub fn read(path: &Path, name: &str) -> anyhow::Result<Vec<u8>> {
    let reading = || format!("reading {name}");
    let file = File::open(path).with_context(reading)?;
    let size = file.metadata().with_context(reading)?.len();
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(LARGEST).min(LARGEST));
    if size <= LARGEST as u64 {
        (&file)
            .take(HEADER as u64)
            .read_to_end(&mut bytes)
            .with_context(reading)?;
        check_header(&bytes).with_context(|| name.to_owned())?;
        file.take((LARGEST + 1 - HEADER) as u64)
            .read_to_end(&mut bytes)
            .with_context(reading)?;
    }
    match size > LARGEST as u64 || bytes.len() > LARGEST {
        true => Err(NotAPolicy::TooLarge).with_context(|| name.to_owned()),
        false => Ok(bytes),
    }
}

/// Returns the name of a component, for people.
fn named(component: &ComponentRef, folder: &Path) -> String {
    match component {
        ComponentRef::Cel => "the rule for expressions".to_owned(),
        ComponentRef::Builtin => "the built-in policy".to_owned(),
        ComponentRef::Path(path) => format!("the policy {}", folder.join(path).display()),
        ComponentRef::Oci(pinned) => format!("the policy {}", pinned.reference),
    }
}
