//! The patterns of a grant: templates that are filled in from a request, and globs over paths, branches and images.

use std::sync::OnceLock;

use globset::{Glob, GlobBuilder, GlobSet};
use serde_json::Value;

use crate::grants::Template;

/// A glob that is compiled when it is first asked: most runs ask few of theirs. As a set, since that takes no regular
/// expression for a name or a prefix, which most are.
#[derive(Debug)]
pub(super) struct GrantPattern(Glob, OnceLock<GlobSet>);

impl GrantPattern {
    pub(super) fn new(text: &str) -> Result<Self, String> {
        // `globset::escape` leaves a backslash as it is, so it must stand for itself: in no path or branch that is allowed.
        let glob = GlobBuilder::new(text)
            .literal_separator(true)
            .backslash_escape(false)
            .build();
        glob.map(|glob| Self(glob, OnceLock::new()))
            .map_err(|error| format!("`{text}` is not a glob: {}", error.kind()))
    }

    /// Returns the glob as it was written, filled in.
    pub(super) fn text(&self) -> &str {
        self.0.glob()
    }

    pub(super) fn is_match(&self, text: &str) -> bool {
        // What cannot be compiled allows nothing.
        self.1
            .get_or_init(|| GlobSet::new([&self.0]).unwrap_or_default())
            .is_match(text)
    }
}

/// Stands for a value that would lead into another folder: no path and no branch has it.
const CROSSING: &str = "\0";

/// Fills in templates; none if one names something that is not there.
pub(super) fn fill(
    templates: &[Template],
    context: &Value,
    quote: fn(&str) -> String,
) -> Option<Vec<String>> {
    templates
        .iter()
        .map(|template| template.render(context, quote).ok())
        .collect()
}

/// Fills in templates of globs. A value of the catalog never leads into another folder: a grant with such a value is left
/// out, for whoever edits the catalog would choose what it allows.
pub(super) fn fill_patterns(templates: &[Template], context: &Value) -> Option<Vec<String>> {
    let filled = fill(templates, context, quote_for_glob)?;
    let crosses = filled.iter().any(|text| text.contains(CROSSING));
    (!crosses).then_some(filled)
}

/// Writes a value so that a glob takes it for itself.
fn quote_for_glob(value: &str) -> String {
    if value.contains(['/', '\\']) || matches!(value, "." | "..") {
        CROSSING.to_owned()
    } else {
        // A comma would stand between the alternatives of `{a,b}`.
        globset::escape(value).replace(',', "[,]")
    }
}

pub(super) fn compile(texts: &[String]) -> Result<Vec<GrantPattern>, String> {
    texts.iter().map(|text| GrantPattern::new(text)).collect()
}

/// Whether a path is written in the one way that means it: relative, with `/`, without empty, `.` or `..` parts, without
/// characters that a server might decode or ignore. What is not normal never matches a grant.
pub(crate) fn is_normal_path(path: &str) -> bool {
    !path.is_empty()
        && !path.contains(['\\', '%', '\u{fffd}'])
        && !path.chars().any(char::is_control)
        && path
            .split('/')
            .all(|part| !matches!(part, "" | "." | "..") && part != ".git")
}

/// Whether Git takes the name for a branch (git-check-ref-format), and no more lenient reader takes it for another.
pub(crate) fn is_branch(name: &str) -> bool {
    is_normal_path(name)
        && !name.contains(['~', '^', ':', '?', '*', '[', ' ', '@'])
        && !name.contains("..")
        && !name.starts_with('-')
        && name
            .split('/')
            .all(|part| !part.starts_with('.') && !part.ends_with('.') && !part.ends_with(".lock"))
}
