//! What a rule reads: templates, filled in from the facts.
//!
//! - `settings`: a read as it is written;
//! - `answer`: what an expression knows of an answer before it is there;
//! - `query`: searches of the catalog, whose texts may be templates.

mod answer;
mod query;
mod settings;

pub use settings::NeedSettings;

use cel::{Context, Value};
use serde_json::Value as Json;

use super::check::Scope;
use super::contract::{
    CommitChecks, CommitKey, EntityKey, EntitySearch, FactRead, PullKey, PullSearch, RepositoryFile,
};
use super::expression::Expression;
use super::kind::Kind;
use super::template::Template;

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

impl Need {
    /// Compiles a read.
    ///
    /// # Errors
    /// Names the key that is wrong, missing or one too many.
    pub fn compile(settings: &NeedSettings) -> Result<Self, String> {
        let kind = settings.kind()?;
        let when = settings.when()?;
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
            query::check(query, scope)?;
        }
        Ok(())
    }

    /// Returns the kind of the answer.
    pub fn answer(&self) -> Kind {
        let answer = answer::of(&self.kind);
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
                query: query::fill(query, context)?.to_string(),
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

fn pull_key(repository: String, number: &str) -> Result<PullKey, String> {
    let number = number
        .parse()
        .map_err(|_| format!("`{number}` is no number of a pull request"))?;
    Ok(PullKey { repository, number })
}
