//! The organisation's baseline: rules, and upper bounds for grants and limits, in one document that `promote.toml` names by
//! its digest.
//!
//! ```toml
//! [baseline]
//! file = "baseline.toml" # or registry = "ghcr.io/acme/baseline:2"
//! sha256 = "…"
//! ```
//!
//! Its rules are asked first, under its name. What `promote.toml` grants counts only as far as the baseline grants it too, and
//! no limit is higher than the baseline's.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::component::{ComponentAddress, is_digest};
use crate::config::Config;
use crate::registry::{self, RegistryAccess};
use crate::rule::RuleConfig;
use promote_core::grants::Grants;
use promote_core::journal::digest;
use promote_core::limits::Limits;
use promote_core::policy::native::CodeCache;

/// Most bytes of a baseline.
const MAX_BYTES: usize = 1 << 20;

/// `[baseline]`: the document, and what it must be.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "BaselineForm")]
pub struct BaselineRef {
    /// Where it is.
    pub place: BaselinePlace,
    /// SHA-256 of the document, in hex.
    pub sha256: String,
}

/// The place of a baseline.
#[derive(Clone, Debug)]
pub enum BaselinePlace {
    /// A file, relative to the configuration.
    File(PathBuf),
    /// An artifact of one layer. Its tag may be moved: the SHA-256 says which document is meant.
    Registry(ComponentAddress),
}

/// A registry that may have the baseline.
#[derive(Clone, Debug, Default)]
pub struct BaselineRegistry {
    /// Who we are there.
    pub access: RegistryAccess,
    /// The folder where documents are kept, by their SHA-256.
    pub cache: Option<PathBuf>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BaselineForm {
    file: Option<PathBuf>,
    registry: Option<String>,
    sha256: String,
}

impl TryFrom<BaselineForm> for BaselineRef {
    type Error = String;

    fn try_from(form: BaselineForm) -> Result<Self, String> {
        let place = match (form.file, form.registry) {
            (Some(file), None) => BaselinePlace::File(file),
            (None, Some(reference)) => BaselinePlace::Registry(
                ComponentAddress::parse(&reference).map_err(|why| why.to_string())?,
            ),
            _ => return Err("[baseline] has either `file` or `registry`".to_owned()),
        };
        Ok(Self {
            place,
            sha256: form.sha256,
        })
    }
}

impl fmt::Display for BaselinePlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Registry(reference) => reference.fmt(f),
        }
    }
}

impl BaselineRef {
    /// Reads the document from a file; one in a registry is not asked for.
    ///
    /// # Errors
    /// When it cannot be read, or is in a registry.
    pub(crate) fn read_file(&self, folder: &Path) -> Result<String, String> {
        match &self.place {
            BaselinePlace::File(file) => {
                let path = folder.join(file);
                read(&path).map_err(|why| format!("cannot read {}: {why}", path.display()))
            }
            BaselinePlace::Registry(reference) => Err(format!(
                "{reference} is in a registry, and only a file is read here: save the document beside the configuration, and name it by `file`"
            )),
        }
    }

    /// Reads the document, from wherever it is.
    ///
    /// # Errors
    /// When it cannot be had.
    pub(crate) async fn read(
        &self,
        folder: &Path,
        from: &BaselineRegistry,
    ) -> Result<String, String> {
        let BaselinePlace::Registry(reference) = &self.place else {
            return self.read_file(folder);
        };
        let name = format!("{}.baseline", self.sha256);
        let kept = from.cache.as_ref().filter(|_| is_digest(&self.sha256));
        // A cache that cannot be used costs a download, and nothing else.
        let kept = kept.and_then(|folder| CodeCache::open(&folder.join("baselines")).ok());
        let known = kept.as_ref().and_then(|cache| cache.get(&name).ok()?);
        let bytes = match known.filter(|bytes| digest(bytes) == self.sha256) {
            Some(bytes) => bytes,
            None => {
                let bytes = fetch(reference, &from.access).await?;
                if let Some(cache) = kept.filter(|_| digest(&bytes) == self.sha256) {
                    let _ = cache.put(&name, &bytes);
                }
                bytes
            }
        };
        String::from_utf8(bytes).map_err(|_| format!("{reference} is no text"))
    }
}

#[cfg(feature = "oci")]
async fn fetch(reference: &ComponentAddress, access: &RegistryAccess) -> Result<Vec<u8>, String> {
    let fetched = registry::pull_document(reference, access, MAX_BYTES).await;
    fetched.map_err(|why| format!("fetching {reference}: {why:#}"))
}

#[cfg(not(feature = "oci"))]
async fn fetch(reference: &ComponentAddress, _: &RegistryAccess) -> Result<Vec<u8>, String> {
    Err(format!(
        "{reference}: this program was built without registries (feature `oci`): name a file"
    ))
}

/// The document.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
#[derive(Default)]
struct BaselineFile {
    rule: Vec<RuleConfig>,
    grants: Option<Grants>,
    #[serde(deserialize_with = "bounds")]
    limits: Option<Limits>,
}

fn bounds<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Limits>, D::Error> {
    promote_core::limits::parse(from).map(Some)
}

/// Returns whether a text is a baseline, as far as that can be told without a configuration that names it.
///
/// # Errors
/// Names the line or grant that is wrong.
pub fn check(text: &str) -> Result<(), String> {
    BaselineFile::parse(text).map(drop)
}

impl BaselineFile {
    fn parse(text: &str) -> Result<Self, String> {
        let file: Self = toml::from_str(text).map_err(|error| {
            let line = error
                .span()
                .map_or(1, |span| text[..span.start].matches('\n').count() + 1);
            format!("line {line}: {}", error.message())
        })?;
        match &file.grants {
            Some(grants) => grants.check().map(|()| file),
            None => Ok(file),
        }
    }
}

/// Narrows a configuration by the text of the baseline that it names.
///
/// # Errors
/// When the baseline is not the one that was reviewed, or is none.
pub(crate) fn apply(mut config: Config, named: &BaselineRef, text: &str) -> Result<Config, String> {
    let shown = &named.place;
    let found = digest(text.as_bytes());
    if !is_digest(&named.sha256) || named.sha256 != found {
        return Err(format!(
            "{shown} has the SHA-256 {found}, and `sha256` is {}: it is not the baseline that was reviewed",
            named.sha256
        ));
    }
    let file = BaselineFile::parse(text).map_err(|why| format!("{shown}: {why}"))?;
    let mut rules = file.rule;
    for rule in &mut rules {
        rule.origin = format!("the baseline {shown}");
    }
    rules.append(&mut config.rule);
    config.rule = rules;
    crate::rule::check_names(&config.rule)?;
    config.bound = file.grants;
    if let Some(most) = file.limits {
        config.limits = narrowed(config.limits, &most);
    }
    Ok(config)
}

fn read(path: &Path) -> Result<String, String> {
    let size = std::fs::metadata(path)
        .map_err(|why| why.to_string())?
        .len();
    if size > MAX_BYTES as u64 {
        return Err(format!("it is larger than {MAX_BYTES} bytes"));
    }
    std::fs::read_to_string(path).map_err(|why| why.to_string())
}

/// Returns the lower of each pair of limits.
fn narrowed(limits: Limits, most: &Limits) -> Limits {
    Limits {
        wall: limits.wall.min(most.wall),
        wait: limits.wait.min(most.wait),
        memory: limits.memory.min(most.memory),
        calls: limits.calls.min(most.calls),
        writes: limits.writes.min(most.writes),
        rule: limits.rule.min(most.rule),
        traffic: limits.traffic.min(most.traffic),
        compile: limits.compile,
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::time::Duration;

    use super::*;

    const BASELINE: &str = "[[rule]]\nname = \"owned\"\ndeny = \"size(service.teams) == 0\"\nmessage = \"no team\"\n\
                            [[grants]]\nallow = [\"github.read\"]\nrepository = \"acme/gitops\"\n\
                            [limits]\nwall = \"1m\"\ncalls = 50\n";

    fn config(folder: &Path, baseline: &str, sha256: &str, own: &str) -> Result<Config, String> {
        std::fs::write(folder.join("baseline.toml"), baseline).unwrap();
        let text = format!("{own}\n[baseline]\nfile = \"baseline.toml\"\nsha256 = \"{sha256}\"\n");
        Config::parse(&text).unwrap().within_baseline(folder)
    }

    #[test]
    fn its_rules_come_first_and_its_bounds_narrow() {
        let folder = tempfile::tempdir().unwrap();
        let own = "[[rule]]\nname = \"own\"\ndeny = \"false\"\nmessage = \"no\"\n\
                   [limits]\nwall = \"10m\"\ncalls = 20\n";
        let found = config(folder.path(), BASELINE, &digest(BASELINE.as_bytes()), own).unwrap();
        let rules: Vec<_> = found
            .rule
            .iter()
            .map(|rule| (&*rule.name, &*rule.origin))
            .collect();
        assert_eq!(
            rules,
            [
                ("owned", "the baseline baseline.toml"),
                ("own", "promote.toml")
            ]
        );
        assert_eq!(found.limits.wall, Duration::from_secs(60));
        assert_eq!(found.limits.calls, 20);
        assert_eq!(found.bound.unwrap().0.len(), 1);
    }

    #[test]
    fn it_is_in_one_place() {
        for (place, expected) in [
            (
                "file = \"a\"\nregistry = \"ghcr.io/acme/b:1\"",
                "either `file` or `registry`",
            ),
            ("", "either `file` or `registry`"),
            ("registry = \"baseline\"", "it has no registry"),
        ] {
            let text = format!("[baseline]\n{place}\nsha256 = \"\"\n");
            let error = Config::parse(&text).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[tokio::test]
    async fn what_was_kept_counts_while_it_is_what_its_digest_says() {
        let folder = tempfile::tempdir().unwrap();
        let sha256 = digest(BASELINE.as_bytes());
        // Nobody listens on port 1: what is not kept cannot be had.
        let text =
            format!("[baseline]\nregistry = \"127.0.0.1:1/baseline:1\"\nsha256 = \"{sha256}\"\n");
        let config = Config::parse(&text).unwrap();
        let from = BaselineRegistry {
            cache: Some(folder.path().to_owned()),
            ..BaselineRegistry::default()
        };
        let named = config.baseline.as_ref().unwrap();
        let read = async || named.read(Path::new(""), &from).await;
        assert!(read().await.is_err());
        let cache = CodeCache::open(&folder.path().join("baselines")).unwrap();
        let name = format!("{sha256}.baseline");
        cache.put(&name, BASELINE.as_bytes()).unwrap();
        assert_eq!(read().await.unwrap(), BASELINE);
        std::fs::write(folder.path().join("baselines").join(&name), "[limits]\n").unwrap();
        assert!(read().await.is_err());
    }

    #[test]
    fn what_is_no_reviewed_baseline_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let right = digest(BASELINE.as_bytes());
        let other = format!("{BASELINE}# changed\n");
        let twice = "[[rule]]\nname = \"owned\"\ndeny = \"false\"\nmessage = \"no\"\n";
        let unknown = "[[rules]]\n";
        for (text, sha256, own, expected) in [
            (
                &*other,
                &*right,
                "",
                "it is not the baseline that was reviewed",
            ),
            (BASELINE, "", "", "it is not the baseline that was reviewed"),
            (BASELINE, &*right, twice, "there are two of this name"),
            (
                unknown,
                &*digest(unknown.as_bytes()),
                "",
                "unknown field `rules`",
            ),
        ] {
            let error = config(folder.path(), text, sha256, own).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }
}
