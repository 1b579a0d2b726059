//! Grants filled in from one request, and the question whether a call is allowed.

use std::sync::OnceLock;

use globset::{Glob, GlobBuilder, GlobSet};
use serde_json::{Map, Value};

use crate::contract::Change;
use crate::grants::{Grant, Grants, Operation, RepositoryTarget, Target, Template};

/// Where branches of our own may live unless a grant says otherwise.
const OWN_BRANCHES: &str = "promote/**";

/// The grants of one run.
#[derive(Debug, Default)]
pub struct Resolved(Vec<Rule>);

/// A grant with its templates filled in.
#[derive(Debug)]
struct Rule {
    grant: Grant,
    paths: Vec<Pattern>,
    heads: Vec<Pattern>,
    bases: Vec<String>,
    entities: Vec<String>,
}

/// A glob that is compiled when it is first asked: most runs ask few of theirs. As a set, since that takes no regular
/// expression for a name or a prefix, which most are.
#[derive(Debug)]
pub(super) struct Pattern(Glob, OnceLock<GlobSet>);

impl Resolved {
    /// Fills in the grants from a request: `service` (the subject, as read from Port), `inputs`, `run`.
    ///
    /// A grant whose template names something that this request has not got allows nothing: it is left out.
    ///
    /// # Errors
    /// When a pattern is not a glob.
    pub fn new(grants: &Grants, context: &Value) -> Result<Self, String> {
        let rules = grants.0.iter().zip(1..).filter_map(|(grant, number)| {
            Rule::new(grant, context)
                .map_err(|what| format!("grant {number}: {what}"))
                .transpose()
        });
        rules.collect::<Result<_, _>>().map(Self)
    }

    /// The grants under which the call may be made on this target, each with the conditions that it sets: any one of them
    /// is enough, so that a grant more never denies what was allowed. None if there is no such grant, never an empty list.
    pub fn allow(&self, operation: Operation, target: &Target<'_>) -> Option<Vec<&Grant>> {
        let fits =
            |rule: &&Rule| rule.grant.allow.contains(&operation) && rule.matches(operation, target);
        let allowed: Vec<&Grant> = self.0.iter().filter(fits).map(|rule| &rule.grant).collect();
        (!allowed.is_empty()).then_some(allowed)
    }

    /// Whether a file is one that may be proposed to this branch: such a file tells what production runs.
    pub fn governs(&self, repository: &str, path: &str, base: &str) -> bool {
        let target = Target::Repository(RepositoryTarget {
            repository,
            paths: vec![path],
            base: Some(base),
            ..RepositoryTarget::default()
        });
        self.allow(Operation::Propose, &target).is_some()
    }
}

impl Rule {
    /// None if a template names something that the request has not got.
    fn new(grant: &Grant, context: &Value) -> Result<Option<Self>, String> {
        let fill = |templates: &[Template], quote: fn(&str) -> String| -> Option<Vec<String>> {
            templates
                .iter()
                .map(|template| template.render(context, quote).ok())
                .collect()
        };
        let heads = match grant.head.is_empty() {
            true => Some(vec![OWN_BRANCHES.to_owned()]),
            false => fill(&grant.head, escape_glob),
        };
        let paths = fill(&grant.path, escape_glob);
        let (bases, entities) = (
            fill(&grant.base, str::to_owned),
            fill(&grant.entity, str::to_owned),
        );
        let (Some(paths), Some(heads), Some(bases), Some(entities)) =
            (paths, heads, bases, entities)
        else {
            return Ok(None);
        };
        let globs = |texts: Vec<String>| -> Result<Vec<_>, _> {
            texts.iter().map(|text| Pattern::new(text)).collect()
        };
        let (paths, heads) = (globs(paths)?, globs(heads)?);
        Ok(Some(Self {
            grant: grant.clone(),
            paths,
            heads,
            bases,
            entities,
        }))
    }

    fn matches(&self, operation: Operation, target: &Target<'_>) -> bool {
        match target {
            Target::Run => true,
            Target::Entity {
                blueprint,
                identifier,
                change,
            } => {
                // A grant that names no entity allows to read each, and to change none.
                let reads_all = self.entities.is_empty() && change.is_none();
                self.grant.blueprint.iter().any(|b| b == blueprint)
                    && identifier.is_none_or(|id| {
                        reads_all || self.entities.iter().any(|entity| entity == id)
                    })
                    && change.is_none_or(|change| self.covers_change(change))
            }
            Target::Repository(at) => {
                let reads_any = operation == Operation::ReadFile && self.paths.is_empty();
                let path_fits = |path: &&str| {
                    is_normal_path(path)
                        && (reads_any || self.paths.iter().any(|glob| glob.is_match(path)))
                };
                let head_fits = |head: &str| {
                    is_branch(head) && self.heads.iter().any(|glob| glob.is_match(head))
                };
                self.grant
                    .repository
                    .iter()
                    .any(|name| name == at.repository)
                    && at.paths.iter().all(path_fits)
                    && at.head.is_none_or(head_fits)
                    && at
                        .base
                        .is_none_or(|base| self.bases.iter().any(|name| name == base))
            }
        }
    }

    fn covers_change(&self, change: &Change) -> bool {
        let properties = change.properties.as_deref().unwrap_or("{}");
        let is_granted =
            |map: Map<String, Value>| map.keys().all(|name| self.grant.properties.contains(name));
        // A title is not a property, and nothing grants it.
        change.title.is_none()
            && serde_json::from_str(properties).is_ok_and(is_granted)
            && change
                .relations
                .iter()
                .all(|relation| self.grant.relations.contains(&relation.name))
    }
}

/// A text that a glob matches and that stands for nothing else, also within `{a,b}`.
fn escape_glob(text: &str) -> String {
    globset::escape(text).replace(',', "[,]")
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

impl Pattern {
    pub(super) fn new(text: &str) -> Result<Self, String> {
        // `globset::escape` leaves a backslash as it is, so it must stand for itself: in no path or branch that is allowed.
        let glob = GlobBuilder::new(text)
            .literal_separator(true)
            .backslash_escape(false)
            .build();
        glob.map(|glob| Self(glob, OnceLock::new()))
            .map_err(|error| format!("`{text}` is not a glob: {}", error.kind()))
    }

    pub(super) fn is_match(&self, text: &str) -> bool {
        // What cannot be compiled allows nothing.
        self.1
            .get_or_init(|| GlobSet::new([&self.0]).unwrap_or_default())
            .is_match(text)
    }
}
