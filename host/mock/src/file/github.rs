//! GitHub's part of a world file.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use serde::Deserialize;
use toml::Spanned;

use super::access::{self, AppFile, LevelFile};
use super::repository::RepositoryFile;
use super::{FilePlace, WorldFileError, duration};
use crate::github::{GitHub, GitHubToken, GitHubWeather, TokenKind};
use crate::{SecretText, World, WorldEvent};

/// GitHub's part of a world file: tokens, Apps, repositories and weather.
#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct GitHubFile {
    tokens: Vec<TokenFile>,
    apps: Vec<AppFile>,
    repositories: Vec<RepositoryFile>,
    weather: Option<WeatherFile>,
    rate_limit: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct TokenFile {
    token: Spanned<String>,
    login: String,
    #[serde(default)]
    kind: KindFile,
    /// The repositories that it reaches; all if the key is missing.
    repositories: Option<Vec<String>>,
    /// The permissions that it has; all if the key is missing.
    permissions: Option<BTreeMap<String, LevelFile>>,
    /// The time after the beginning at which it ceases to work.
    lifetime: Option<SignedDuration>,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum KindFile {
    Classic,
    #[default]
    FineGrained,
    Actions,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct WeatherFile {
    stale_reads: Option<u32>,
    unknown_mergeable: Option<u32>,
    base_modified: Option<u32>,
    head_out_of_date: Option<u32>,
    slow_merges: Option<u32>,
    unknown_pulls: Option<u32>,
    #[serde(default)]
    failing_fields: Vec<FieldFile>,
}

/// A mutation of GraphQL that may stand beside others in a document.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
enum FieldFile {
    CreateRef,
    CreateCommitOnBranch,
    CreatePullRequest,
    MergePullRequest,
}

impl GitHubFile {
    pub(super) fn build(self, at: &FilePlace<'_>, world: &mut World) -> Result<(), WorldFileError> {
        world.github.now = world.now;
        world.github.rate_limits.limit = self.rate_limit;
        for repository in self.repositories {
            repository.build(at, world)?;
        }
        // Requests that the file itself made do not count, and bad weather begins after them.
        world.github.requests = 0;
        if let Some(weather) = self.weather {
            world.github.weather = weather.into();
        }
        for app in self.apps {
            let app = app.build(at, &world.github)?;
            world.github.apps.push(app);
        }
        for file in self.tokens {
            let text = file.token.get_ref().clone();
            let secret = SecretText::new(text.clone());
            if let Some(lifetime) = file.lifetime {
                // As an event, because a served world begins in the present.
                world.after(duration(lifetime), WorldEvent::ExpireToken(secret.clone()));
            }
            world.github_token.get_or_insert(secret);
            let token = file.build(at, &world.github)?;
            world.github.tokens.insert(text, token);
        }
        Ok(())
    }
}

impl TokenFile {
    fn build(self, at: &FilePlace<'_>, github: &GitHub) -> Result<GitHubToken, WorldFileError> {
        let kind = match self.kind {
            KindFile::Classic => TokenKind::Classic,
            KindFile::FineGrained => TokenKind::FineGrained,
            KindFile::Actions => TokenKind::Actions,
        };
        let mut token = GitHubToken::full(kind, self.login);
        let offset = self.token.span().start;
        token.access = access::reach(at, offset, github, self.repositories.as_deref())?;
        if let Some(permissions) = self.permissions {
            token.permissions = access::permissions(permissions);
        }
        Ok(token)
    }
}

impl FieldFile {
    /// Returns the name of the field.
    fn name(self) -> &'static str {
        match self {
            Self::CreateRef => "createRef",
            Self::CreateCommitOnBranch => "createCommitOnBranch",
            Self::CreatePullRequest => "createPullRequest",
            Self::MergePullRequest => "mergePullRequest",
        }
    }
}

impl From<WeatherFile> for GitHubWeather {
    fn from(file: WeatherFile) -> Self {
        let usual = Self::default();
        Self {
            stale_reads: file.stale_reads.unwrap_or(usual.stale_reads),
            unknown_mergeable: file.unknown_mergeable.unwrap_or(usual.unknown_mergeable),
            base_modified: file.base_modified.unwrap_or(usual.base_modified),
            head_out_of_date: file.head_out_of_date.unwrap_or(usual.head_out_of_date),
            slow_merges: file.slow_merges.unwrap_or(usual.slow_merges),
            unknown_pulls: file.unknown_pulls.unwrap_or(usual.unknown_pulls),
            failing_fields: file
                .failing_fields
                .into_iter()
                .map(FieldFile::name)
                .collect(),
        }
    }
}
