//! The organisation's baseline: rules, and upper bounds for grants and limits, in one document that `promote.toml` names by
//! its digest.
//!
//! ```toml
//! [baseline]
//! file = "baseline.toml"
//! sha256 = "…"
//! ```
//!
//! Its rules are asked first, under its name. What `promote.toml` grants counts only as far as the baseline grants it too, and
//! no limit is higher than the baseline's.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::component::is_digest;
use crate::config::Config;
use crate::rule::RuleConfig;
use promote_core::grants::Grants;
use promote_core::journal::digest;
use promote_core::limits::Limits;

/// Most bytes of a baseline.
const MAX_BYTES: u64 = 1 << 20;

/// `[baseline]`: the document, and what it must be.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BaselineRef {
    /// A file, relative to the configuration.
    pub file: PathBuf,
    /// SHA-256 of the file, in hex.
    pub sha256: String,
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

/// Narrows a configuration by the baseline that it names.
///
/// # Errors
/// When the baseline cannot be read, is not the one that was reviewed, or is none.
pub(crate) fn apply(mut config: Config, folder: &Path) -> Result<Config, String> {
    let Some(named) = &config.baseline else {
        return Ok(config);
    };
    let path = folder.join(&named.file);
    let shown = path.display();
    let text = read(&path).map_err(|why| format!("[baseline]: cannot read {shown}: {why}"))?;
    let found = digest(text.as_bytes());
    if !is_digest(&named.sha256) || named.sha256 != found {
        return Err(format!(
            "[baseline]: {shown} has the SHA-256 {found}, and `sha256` is {}: it is not the baseline that was reviewed",
            named.sha256
        ));
    }
    let file: BaselineFile = toml::from_str(&text).map_err(|error| {
        let line = error
            .span()
            .map_or(1, |span| text[..span.start].matches('\n').count() + 1);
        format!("[baseline]: {shown}: line {line}: {}", error.message())
    })?;
    let mut rules = file.rule;
    for rule in &mut rules {
        rule.origin = format!("the baseline {}", named.file.display());
    }
    rules.append(&mut config.rule);
    config.rule = rules;
    crate::rule::check_names(&config.rule)?;
    if let Some(grants) = &file.grants {
        grants
            .check()
            .map_err(|why| format!("[baseline]: {shown}: {why}"))?;
    }
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
    if size > MAX_BYTES {
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
        apply(Config::parse(&text).unwrap(), folder)
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
