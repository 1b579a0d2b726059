//! Whether the files that bind the rules have owners, without whose review nobody changes them.
//!
//! GitHub, "About code owners": the first of three places counts, the last pattern that fits a file decides, and an entry without
//! owners takes the file from all.

use std::path::Path;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use super::workflow::{RepositoryReader, add_unread};
use crate::finding::{DoctorFindings, FindingCode};
use promote_core::service::github::BranchDemand;
use promote_intake::lock::Lock;

/// The places of the file, the one that counts first.
const PLACES: [&str; 3] = [".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS"];

/// Checks that nobody can leave the rules out without a review: by another configuration, lock or workflow.
pub(super) async fn check(
    reader: &RepositoryReader<'_>,
    branch: &str,
    config: &Path,
    workflow: String,
    findings: &mut DoctorFindings,
) {
    let code = FindingCode::RulesUnguarded;
    let subject = format!("{} {branch}", reader.name);
    let mut owners = None;
    for place in PLACES {
        match reader.file(place, branch).await {
            Ok(text) => {
                owners = Some(text);
                break;
            }
            Err(error) if error.says(404, "") => {}
            Err(error) => return add_unread(&error, code, &subject, "contents: read", findings),
        }
    }
    let mut gaps = Vec::new();
    match owners {
        None => gaps.push("it has no CODEOWNERS".to_owned()),
        Some(text) => {
            let owners = CodeOwners::parse(&text);
            let mut files = vec![workflow];
            files.extend(
                [config.to_owned(), Lock::path(config)]
                    .iter()
                    .filter_map(in_repository),
            );
            files.retain(|file| !owners.has_owner(file));
            if !files.is_empty() {
                gaps.push(format!("CODEOWNERS names nobody for {}", files.join(", ")));
            }
        }
    }
    let protection = reader.protection(branch).await;
    if protection.is_ok_and(|it| !it.demands.contains(&BranchDemand::CodeOwners)) {
        gaps.push("no rule of the branch asks for the review of a code owner".to_owned());
    }
    if !gaps.is_empty() {
        findings.warning(
            code,
            &subject,
            format!("whoever may push here can leave the rules out: {}", gaps.join("; ")),
            "name the platform team in CODEOWNERS for promote.toml, promote.lock and .github/, and have a ruleset of the branch require the review of code owners",
        );
    }
}

/// The path of a file in its repository, if it is said relative to that.
fn in_repository(path: &impl AsRef<Path>) -> Option<String> {
    let path = path.as_ref();
    let path = path.strip_prefix(".").unwrap_or(path);
    let is_inside = path
        .components()
        .all(|part| matches!(part, std::path::Component::Normal(_)));
    path.to_str().filter(|_| is_inside).map(str::to_owned)
}

/// The entries of a CODEOWNERS file: a pattern, and whether it has owners.
struct CodeOwners(Vec<(GlobSet, bool)>);

impl CodeOwners {
    /// Reads a file. GitHub skips lines that it does not understand, and so does this.
    fn parse(text: &str) -> Self {
        let entries = text.lines().filter_map(|line| {
            let line = line.split(" #").next().unwrap_or_default().trim();
            let mut words = line.split_whitespace();
            let pattern = words.next().filter(|word| !word.starts_with('#'))?;
            Some((globs(pattern)?, words.next().is_some()))
        });
        Self(entries.collect())
    }

    fn has_owner(&self, file: &str) -> bool {
        let mut entries = self.0.iter().rev();
        entries
            .find(|(pattern, _)| pattern.is_match(file))
            .is_some_and(|(_, has_owners)| *has_owners)
    }
}

/// The files that a pattern means. It is one of gitignore's, without `!` and `[…]`; `docs/*` means no files in folders below.
fn globs(pattern: &str) -> Option<GlobSet> {
    if pattern.starts_with('!') || pattern.contains(['[', ']', '\\']) {
        return None;
    }
    let folder = pattern.strip_suffix('/');
    let bare = folder.unwrap_or(pattern);
    let name = bare.strip_prefix('/').unwrap_or(bare);
    let anchored = if bare.contains('/') {
        name.to_owned()
    } else {
        format!("**/{name}")
    };
    let within = format!("{anchored}/**");
    let meant = match folder {
        Some(_) => vec![within],
        None if anchored.ends_with('*') => vec![anchored],
        None => vec![anchored, within],
    };
    let mut set = GlobSetBuilder::new();
    for text in meant {
        set.add(
            GlobBuilder::new(&text)
                .literal_separator(true)
                .build()
                .ok()?,
        );
    }
    set.build().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_pattern_that_fits_decides() {
        let workflow = ".github/workflows/promote.yml";
        for (text, file, expected) in [
            ("* @acme/platform", "promote.toml", true),
            ("* @acme/platform", workflow, true),
            ("*.toml @acme/platform", "promote.toml", true),
            ("*.toml @acme/platform", "promote.lock", false),
            ("promote.* @acme/platform # both", "promote.lock", true),
            ("/promote.toml @acme/platform", "promote.toml", true),
            ("/promote.toml @acme/platform", "apps/promote.toml", false),
            ("promote.toml @acme/platform", "apps/promote.toml", true),
            (".github/ @acme/platform", workflow, true),
            ("/.github/workflows/ @acme/platform", workflow, true),
            ("/.github @acme/platform", workflow, true),
            (".github/* @acme/platform", workflow, false),
            (".github/** @acme/platform", workflow, true),
            ("* @acme/platform\n/promote.toml", "promote.toml", false),
            ("* @a\n# *.toml @b\n!promote.toml\n", "promote.toml", true),
            ("", "promote.toml", false),
        ] {
            let found = CodeOwners::parse(text).has_owner(file);
            assert_eq!(found, expected, "{text:?} {file}");
        }
    }

    #[test]
    fn a_configuration_elsewhere_is_in_no_repository() {
        let place = |path: &str| in_repository(&Path::new(path));
        assert_eq!(place("promote.toml"), Some("promote.toml".to_owned()));
        assert_eq!(place("./a/promote.toml"), Some("a/promote.toml".to_owned()));
        assert_eq!(place("../promote.toml"), None);
        assert_eq!(place("/tmp/promote.toml"), None);
    }
}
