//! What a rule reads, as it is configured: templates, filled in from the facts.

use cel::{Context, Value};
use serde::Deserialize;
use serde_json::Value as Json;

use super::check::Scope;
use super::contract::{
    CommitChecks, CommitKey, EntityKey, EntitySearch, FactRead, PullKey, PullSearch, RepositoryFile,
};
use super::expression::Expression;
use super::facts;
use super::kind::Kind;
use super::template::Template;

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

/// A read that is ready to be filled in.
#[derive(Debug)]
pub struct Need {
    when: Option<Expression>,
    kind: NeedKind,
}

#[derive(Debug)]
enum NeedKind {
    Entity {
        blueprint: Template,
        identifier: Template,
    },
    Search {
        blueprint: Template,
        query: Json,
    },
    File {
        repository: Template,
        path: Template,
        revision: Template,
    },
    PullRequest {
        repository: Template,
        number: Template,
    },
    People {
        repository: Template,
        number: Template,
    },
    PullRequests {
        repository: Template,
        head: Template,
        base: Template,
    },
    Checks {
        repository: Template,
        commit: Template,
        base: Template,
    },
    Commit {
        repository: Template,
        revision: Template,
    },
    CommitPulls {
        repository: Template,
        commit: Template,
    },
}

const REPOSITORY: &str = "{candidate.repository}";
const BASE: &str = "{candidate.base}";

impl Need {
    /// Compiles a read.
    ///
    /// # Errors
    /// Names the key that is wrong, missing or one too many.
    pub fn compile(settings: &NeedSettings) -> Result<Self, String> {
        let kinds = [
            ("entity", settings.entity.is_some()),
            ("search", settings.search.is_some()),
            ("file", settings.file.is_some()),
            ("pull-request", settings.pull_request.is_some()),
            ("people", settings.people.is_some()),
            ("pull-requests", settings.pull_requests.is_some()),
            ("checks", settings.checks.is_some()),
            ("commit", settings.commit.is_some()),
            ("commit-pulls", settings.commit_pulls.is_some()),
        ];
        let given: Vec<&str> = kinds
            .iter()
            .filter(|(_, is_given)| *is_given)
            .map(|(name, _)| *name)
            .collect();
        let [kind] = given.as_slice() else {
            let all: Vec<String> = kinds.iter().map(|(name, _)| format!("`{name}`")).collect();
            return Err(format!("it has one of {}", all.join(", ")));
        };
        settings.refuse_others(kind)?;
        let when = settings.when.as_deref().map(Expression::compile);
        let when = when.transpose().map_err(|why| format!("`when`: {why}"))?;
        let kind = settings.kind(kind)?;
        Ok(Self { when, kind })
    }

    /// Checks every expression of the read.
    ///
    /// # Errors
    /// Names the first that is wrong.
    pub fn check(&self, scope: &Scope) -> Result<(), String> {
        if let Some(when) = &self.when {
            let kind = when.check(scope).map_err(|why| format!("`when`: {why}"))?;
            if !kind.is_open() && kind != Kind::Bool {
                return Err(format!("`when` is {kind}, and must be a boolean"));
            }
        }
        for template in self.templates() {
            template.check(scope)?;
        }
        if let NeedKind::Search { query, .. } = &self.kind {
            check_query(query, scope)?;
        }
        Ok(())
    }

    /// Returns the kind of the answer.
    pub fn answer(&self) -> Kind {
        let answer = match &self.kind {
            NeedKind::Entity { .. } => facts::entity("the entity"),
            NeedKind::Search { .. } => Kind::list(facts::entity("an entity")),
            NeedKind::File { .. } => file(),
            NeedKind::PullRequest { .. } => pull_request(),
            NeedKind::People { .. } => people(),
            NeedKind::PullRequests { .. } => Kind::list(pull_request()),
            NeedKind::Checks { .. } => Kind::list(check()),
            NeedKind::Commit { .. } => commit(),
            NeedKind::CommitPulls { .. } => Kind::list(pull_request()),
        };
        // A list may be null as well, where `when` leaves it unread.
        match (&self.when, answer) {
            (Some(_), Kind::List(_)) => Kind::Any,
            (_, answer) => answer,
        }
    }

    /// Returns the read; none where it is not to be made.
    ///
    /// # Errors
    /// When an expression has no value yet.
    pub fn read(&self, context: &Context<'_, '_>) -> Result<Option<FactRead>, String> {
        if let Some(when) = &self.when {
            match when.compute(context) {
                Ok(Value::Bool(true)) => {}
                Ok(Value::Bool(false)) => return Ok(None),
                Ok(_) => return Err("`when` is no boolean".to_owned()),
                Err(why) => return Err(format!("`when`: {why}")),
            }
        }
        let text = |template: &Template| template.render(context);
        Ok(Some(match &self.kind {
            NeedKind::Entity {
                blueprint,
                identifier,
            } => FactRead::Entity(EntityKey {
                blueprint: text(blueprint)?,
                identifier: text(identifier)?,
            }),
            NeedKind::Search { blueprint, query } => FactRead::Search(EntitySearch {
                blueprint: text(blueprint)?,
                query: fill_query(query, context)?.to_string(),
            }),
            NeedKind::File {
                repository,
                path,
                revision,
            } => FactRead::File(RepositoryFile {
                repository: text(repository)?,
                path: text(path)?,
                revision: text(revision)?,
            }),
            NeedKind::PullRequest { repository, number } => {
                FactRead::PullRequest(pull_key(text(repository)?, &text(number)?)?)
            }
            NeedKind::People { repository, number } => {
                FactRead::PullPeople(pull_key(text(repository)?, &text(number)?)?)
            }
            NeedKind::PullRequests {
                repository,
                head,
                base,
            } => FactRead::PullRequests(PullSearch {
                repository: text(repository)?,
                head: text(head)?,
                base: text(base)?,
            }),
            NeedKind::Checks {
                repository,
                commit,
                base,
            } => FactRead::Checks(CommitChecks {
                repository: text(repository)?,
                commit: text(commit)?,
                base: text(base)?,
            }),
            NeedKind::Commit {
                repository,
                revision,
            } => FactRead::Commit(CommitKey {
                repository: text(repository)?,
                revision: text(revision)?,
            }),
            NeedKind::CommitPulls { repository, commit } => FactRead::CommitPulls(CommitKey {
                repository: text(repository)?,
                revision: text(commit)?,
            }),
        }))
    }

    fn templates(&self) -> Vec<&Template> {
        match &self.kind {
            NeedKind::Entity {
                blueprint,
                identifier,
            } => vec![blueprint, identifier],
            NeedKind::Search { blueprint, .. } => vec![blueprint],
            NeedKind::File {
                repository,
                path,
                revision,
            } => vec![repository, path, revision],
            NeedKind::PullRequest { repository, number }
            | NeedKind::People { repository, number } => vec![repository, number],
            NeedKind::PullRequests {
                repository,
                head,
                base,
            } => vec![repository, head, base],
            NeedKind::Checks {
                repository,
                commit,
                base,
            } => vec![repository, commit, base],
            NeedKind::Commit {
                repository,
                revision,
            } => vec![repository, revision],
            NeedKind::CommitPulls { repository, commit } => vec![repository, commit],
        }
    }
}

impl NeedSettings {
    /// Refuses a key that this kind of read has no use for: it would be a mistake that nobody sees.
    fn refuse_others(&self, kind: &str) -> Result<(), String> {
        let given = [
            ("identifier", self.identifier.is_some(), &["entity"][..]),
            ("query", self.query.is_some(), &["search"]),
            (
                "repository",
                self.repository.is_some(),
                &[
                    "file",
                    "pull-request",
                    "people",
                    "pull-requests",
                    "checks",
                    "commit",
                    "commit-pulls",
                ],
            ),
            ("revision", self.revision.is_some(), &["file"]),
            ("base", self.base.is_some(), &["pull-requests", "checks"]),
        ];
        for (name, is_given, kinds) in given {
            if is_given && !kinds.contains(&kind) {
                return Err(format!("`{name}` does not belong to `{kind}`"));
            }
        }
        Ok(())
    }

    fn kind(&self, kind: &str) -> Result<NeedKind, String> {
        let needed = |name: &str, text: &Option<String>| match text {
            Some(text) => compile(name, text),
            None => Err(format!("`{name}` is missing")),
        };
        let or = |name: &str, text: &Option<String>, default: &str| {
            compile(name, text.as_deref().unwrap_or(default))
        };
        let repository = || or("repository", &self.repository, REPOSITORY);
        Ok(match kind {
            "entity" => NeedKind::Entity {
                blueprint: needed("entity", &self.entity)?,
                identifier: needed("identifier", &self.identifier)?,
            },
            "search" => {
                let query = self.query.clone().ok_or("`query` is missing")?;
                if !query.is_object() {
                    return Err("`query` is a table: `{ combinator = …, rules = […] }`".to_owned());
                }
                NeedKind::Search {
                    blueprint: needed("search", &self.search)?,
                    query,
                }
            }
            "file" => NeedKind::File {
                repository: repository()?,
                path: needed("file", &self.file)?,
                revision: or("revision", &self.revision, BASE)?,
            },
            "pull-request" => NeedKind::PullRequest {
                repository: repository()?,
                number: needed("pull-request", &self.pull_request)?,
            },
            "people" => NeedKind::People {
                repository: repository()?,
                number: needed("people", &self.people)?,
            },
            "pull-requests" => NeedKind::PullRequests {
                repository: repository()?,
                head: needed("pull-requests", &self.pull_requests)?,
                base: or("base", &self.base, BASE)?,
            },
            "checks" => NeedKind::Checks {
                repository: repository()?,
                commit: needed("checks", &self.checks)?,
                base: or("base", &self.base, BASE)?,
            },
            "commit-pulls" => NeedKind::CommitPulls {
                repository: repository()?,
                commit: needed("commit-pulls", &self.commit_pulls)?,
            },
            _ => NeedKind::Commit {
                repository: repository()?,
                revision: needed("commit", &self.commit)?,
            },
        })
    }
}

fn compile(name: &str, text: &str) -> Result<Template, String> {
    Template::compile(text).map_err(|why| format!("`{name}`: {why}"))
}

/// Checks the texts of a query; every one may be a template.
fn check_query(query: &Json, scope: &Scope) -> Result<(), String> {
    match query {
        Json::String(text) => {
            let template = compile("query", text)?;
            template
                .check(scope)
                .map_err(|why| format!("`query`: {why}"))
        }
        Json::Array(values) => values.iter().try_for_each(|it| check_query(it, scope)),
        Json::Object(fields) => fields.values().try_for_each(|it| check_query(it, scope)),
        _ => Ok(()),
    }
}

/// Fills a query in, text by text: what comes from the catalog stays a text, and never becomes a part of the query.
fn fill_query(query: &Json, context: &Context<'_, '_>) -> Result<Json, String> {
    Ok(match query {
        Json::String(text) => compile("query", text)?.render_json(context)?,
        Json::Array(values) => values
            .iter()
            .map(|value| fill_query(value, context))
            .collect::<Result<_, _>>()?,
        Json::Object(fields) => {
            let filled: Result<serde_json::Map<_, _>, String> = fields
                .iter()
                .map(|(name, value)| Ok((name.clone(), fill_query(value, context)?)))
                .collect();
            Json::Object(filled?)
        }
        other => other.clone(),
    })
}

fn file() -> Kind {
    Kind::Record(
        "the file",
        vec![
            ("path", Kind::Text),
            ("content", Kind::Text),
            ("blob", Kind::Text),
            ("commit", Kind::Text),
        ],
    )
}

fn pull_request() -> Kind {
    Kind::Record(
        "a pull request",
        vec![
            ("number", Kind::Int),
            ("url", Kind::Text),
            ("title", Kind::Text),
            ("state", Kind::Text),
            ("head", Kind::Text),
            ("headCommit", Kind::Text),
            ("base", Kind::Text),
            ("mergeCommit", Kind::Any),
            ("mergedAt", Kind::Any),
            ("mergeable", Kind::Text),
        ],
    )
}

fn people() -> Kind {
    let review = Kind::Record(
        "a review",
        vec![
            ("reviewer", Kind::Text),
            ("isBot", Kind::Bool),
            ("canWrite", Kind::Bool),
            ("state", Kind::Text),
            ("commit", Kind::Any),
            ("submittedAt", Kind::Any),
        ],
    );
    Kind::Record(
        "the people of a pull request",
        vec![
            ("author", Kind::Any),
            ("committers", Kind::list(Kind::Text)),
            ("headCommit", Kind::Text),
            ("mergedBy", Kind::Any),
            ("reviews", Kind::list(review)),
        ],
    )
}

fn pull_key(repository: String, number: &str) -> Result<PullKey, String> {
    let number = number
        .parse()
        .map_err(|_| format!("`{number}` is no number of a pull request"))?;
    Ok(PullKey { repository, number })
}

fn check() -> Kind {
    Kind::Record(
        "a check",
        vec![
            ("name", Kind::Text),
            ("state", Kind::Text),
            ("required", Kind::Bool),
            ("url", Kind::Any),
        ],
    )
}

fn commit() -> Kind {
    Kind::Record(
        "the commit",
        vec![
            ("id", Kind::Text),
            ("parents", Kind::list(Kind::Text)),
            ("message", Kind::Text),
            ("author", Kind::Any),
            ("committedAt", Kind::Any),
        ],
    )
}
