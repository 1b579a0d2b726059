//! A read as it is written: the key that says what is read, and those that say which.

use serde::Deserialize;
use serde_json::Value as Json;

use super::NeedKind;
use crate::expression::Expression;
use crate::template::Template;

const REPOSITORY: &str = "{candidate.repository}";
const BASE: &str = "{candidate.base}";

/// A read as it is written: one of the first nine keys says what is read.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct NeedSettings {
    /// The blueprint of an entity.
    entity: Option<String>,
    /// The blueprint whose entities are searched.
    search: Option<String>,
    /// The path of a file.
    file: Option<String>,
    /// The number of a pull request.
    pull_request: Option<String>,
    /// The number of a pull request whose people are read.
    people: Option<String>,
    /// The head branch of pull requests.
    pull_requests: Option<String>,
    /// A commit whose checks are read.
    checks: Option<String>,
    /// A branch, tag or commit.
    commit: Option<String>,
    /// A commit whose pull requests are read.
    commit_pulls: Option<String>,
    /// The identifier of the entity.
    identifier: Option<String>,
    /// Port's search query.
    query: Option<Json>,
    /// `owner/name`; the repository of the promotion unless given.
    repository: Option<String>,
    /// A branch, tag or commit; the base branch unless given.
    revision: Option<String>,
    /// The base branch, unless it is another one.
    base: Option<String>,
    /// An expression: where it is false nothing is read, and the fact is null.
    when: Option<String>,
}

/// The key that says what is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ReadKey {
    Entity,
    Search,
    File,
    PullRequest,
    People,
    PullRequests,
    Checks,
    Commit,
    CommitPulls,
}

impl ReadKey {
    const ALL: [Self; 9] = [
        Self::Entity,
        Self::Search,
        Self::File,
        Self::PullRequest,
        Self::People,
        Self::PullRequests,
        Self::Checks,
        Self::Commit,
        Self::CommitPulls,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Entity => "entity",
            Self::Search => "search",
            Self::File => "file",
            Self::PullRequest => "pull-request",
            Self::People => "people",
            Self::PullRequests => "pull-requests",
            Self::Checks => "checks",
            Self::Commit => "commit",
            Self::CommitPulls => "commit-pulls",
        }
    }

    /// Returns the keys that may stand beside it, but for `when`.
    const fn others(self) -> &'static [&'static str] {
        match self {
            Self::Entity => &["identifier"],
            Self::Search => &["query"],
            Self::File => &["repository", "revision"],
            Self::PullRequests | Self::Checks => &["repository", "base"],
            Self::PullRequest | Self::People | Self::Commit | Self::CommitPulls => &["repository"],
        }
    }
}

impl NeedSettings {
    /// Compiles the condition, if there is one.
    pub(super) fn when(&self) -> Result<Option<Expression>, String> {
        let when = self.when.as_deref().map(Expression::compile);
        when.transpose().map_err(|why| format!("`when`: {why}"))
    }

    /// Compiles what is read.
    ///
    /// # Errors
    /// Names the key that is wrong, missing or one too many.
    pub(super) fn kind(&self) -> Result<NeedKind, String> {
        let key = self.key()?;
        self.refuse_others(key)?;
        let subject = compile(key.name(), self.subject(key).unwrap_or_default())?;
        let repository = || or("repository", &self.repository, REPOSITORY);
        Ok(match key {
            ReadKey::Entity => NeedKind::Entity {
                blueprint: subject,
                identifier: match &self.identifier {
                    Some(text) => compile("identifier", text)?,
                    None => return Err("`identifier` is missing".to_owned()),
                },
            },
            ReadKey::Search => NeedKind::Search {
                blueprint: subject,
                query: self.search_query()?,
            },
            ReadKey::File => NeedKind::File {
                repository: repository()?,
                path: subject,
                revision: or("revision", &self.revision, BASE)?,
            },
            ReadKey::PullRequest => NeedKind::PullRequest {
                repository: repository()?,
                number: subject,
            },
            ReadKey::People => NeedKind::People {
                repository: repository()?,
                number: subject,
            },
            ReadKey::PullRequests => NeedKind::PullRequests {
                repository: repository()?,
                head: subject,
                base: or("base", &self.base, BASE)?,
            },
            ReadKey::Checks => NeedKind::Checks {
                repository: repository()?,
                commit: subject,
                base: or("base", &self.base, BASE)?,
            },
            ReadKey::Commit => NeedKind::Commit {
                repository: repository()?,
                revision: subject,
            },
            ReadKey::CommitPulls => NeedKind::CommitPulls {
                repository: repository()?,
                commit: subject,
            },
        })
    }

    /// Returns the one key that says what is read.
    fn key(&self) -> Result<ReadKey, String> {
        let mut given = ReadKey::ALL
            .into_iter()
            .filter(|key| self.subject(*key).is_some());
        match (given.next(), given.next()) {
            (Some(key), None) => Ok(key),
            _ => {
                let all = ReadKey::ALL.map(|key| format!("`{}`", key.name()));
                Err(format!("it has one of {}", all.join(", ")))
            }
        }
    }

    /// Returns what stands at a key that says what is read.
    fn subject(&self, key: ReadKey) -> Option<&str> {
        let text = match key {
            ReadKey::Entity => &self.entity,
            ReadKey::Search => &self.search,
            ReadKey::File => &self.file,
            ReadKey::PullRequest => &self.pull_request,
            ReadKey::People => &self.people,
            ReadKey::PullRequests => &self.pull_requests,
            ReadKey::Checks => &self.checks,
            ReadKey::Commit => &self.commit,
            ReadKey::CommitPulls => &self.commit_pulls,
        };
        text.as_deref()
    }

    /// Refuses a key that this read has no use for: it would be a mistake that nobody sees.
    fn refuse_others(&self, key: ReadKey) -> Result<(), String> {
        let given = [
            ("identifier", self.identifier.is_some()),
            ("query", self.query.is_some()),
            ("repository", self.repository.is_some()),
            ("revision", self.revision.is_some()),
            ("base", self.base.is_some()),
        ];
        for (name, is_given) in given {
            if is_given && !key.others().contains(&name) {
                return Err(format!("`{name}` does not belong to `{}`", key.name()));
            }
        }
        Ok(())
    }

    fn search_query(&self) -> Result<Json, String> {
        let query = self.query.clone().ok_or("`query` is missing")?;
        if !query.is_object() {
            return Err("`query` is a table: `{ combinator = …, rules = […] }`".to_owned());
        }
        Ok(query)
    }
}

fn or(name: &str, text: &Option<String>, default: &str) -> Result<Template, String> {
    compile(name, text.as_deref().unwrap_or(default))
}

fn compile(name: &str, text: &str) -> Result<Template, String> {
    Template::compile(text).map_err(|why| format!("`{name}`: {why}"))
}
