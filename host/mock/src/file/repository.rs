//! The repositories of a world file.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::{Value, json};
use toml::Spanned;

use super::event::ReviewFile;
use super::folder::{self, ContentFile};
use super::rules::{CiFile, RulesFile, SettingsFile};
use super::workflow::ActionsFile;
use super::{FilePlace, WorldFileError, is_inline};
use crate::github::{
    FileSpec, GitHub, GitHubToken, PushCheck, RepositorySettings, StoredAttestation, TokenKind,
};
use crate::{ServiceName, World};

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct RepositoryFile {
    name: Spanned<String>,
    #[serde(default)]
    renamed_from: Vec<String>,
    #[serde(default)]
    settings: SettingsFile,
    #[serde(default)]
    collaborators: Vec<String>,
    /// A folder whose files the repository begins with.
    folder: Option<String>,
    #[serde(default)]
    files: BTreeMap<String, ContentFile>,
    #[serde(default)]
    commits: Vec<CommitFile>,
    #[serde(default)]
    branches: Vec<BranchFile>,
    #[serde(default)]
    rules: BTreeMap<String, RulesFile>,
    #[serde(default)]
    ci: Vec<CiFile>,
    #[serde(default)]
    checks: Vec<CheckFile>,
    #[serde(default)]
    actions: ActionsFile,
    #[serde(default)]
    pulls: Vec<Spanned<PullFile>>,
    #[serde(default)]
    attestations: Vec<AttestationFile>,
}

/// A stored attestation.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct AttestationFile {
    /// The digest that it is stored under.
    subject: String,
    /// A file with the bundle, relative to this one, or the bundle itself.
    bundle: String,
    /// Whether the list only says where the bundle is.
    #[serde(default)]
    apart: bool,
}

/// A commit after the first one, in the order of the file.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct CommitFile {
    /// The branch; the default branch if the key is missing.
    branch: Option<String>,
    message: Option<String>,
    files: BTreeMap<String, ContentFile>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct BranchFile {
    name: String,
    #[serde(default)]
    message: Option<String>,
    #[serde(default = "dana")]
    author: String,
    files: BTreeMap<String, ContentFile>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct CheckFile {
    branch: String,
    name: String,
    /// The way it ended; a check without one is still running.
    conclusion: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct PullFile {
    head: String,
    #[serde(default = "main")]
    base: String,
    title: String,
    #[serde(default)]
    body: String,
    #[serde(default)]
    draft: bool,
    #[serde(default = "dana")]
    author: String,
    #[serde(default)]
    closed: bool,
    /// What reviewers say of it.
    #[serde(default)]
    reviews: Vec<PullReviewFile>,
    /// Files that are pushed to its head after these reviews, by its author.
    #[serde(default)]
    pushed: BTreeMap<String, ContentFile>,
    /// What reviewers say of it after that.
    #[serde(default)]
    later_reviews: Vec<PullReviewFile>,
    /// How it is merged, if it is.
    merged: Option<MergedFile>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct PullReviewFile {
    user: String,
    state: ReviewFile,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum MergedFile {
    Merge,
    Squash,
    Rebase,
}

fn main() -> String {
    "main".to_owned()
}

fn dana() -> String {
    "dana".to_owned()
}

impl RepositoryFile {
    pub(super) fn build(self, at: &FilePlace<'_>, world: &mut World) -> Result<(), WorldFileError> {
        let offset = self.name.span().start;
        let key = format!("github.repositories \"{}\"", self.name.get_ref());
        let refuse = |message: String| at.error(offset, &key, message);
        let name = self.name.get_ref().clone();
        if name.split('/').filter(|part| !part.is_empty()).count() != 2 {
            return Err(refuse("the name is not owner/name".to_owned()));
        }
        let mut files = BTreeMap::new();
        if let Some(folder) = &self.folder {
            folder::collect(&at.folder.join(folder), Path::new(""), &mut files)
                .map_err(|error| refuse(format!("folder {folder}: {error}")))?;
        }
        let attestations = self.stored(at.folder).map_err(refuse)?;
        let content = self.content(files, &mut world.github).map_err(refuse)?;
        for attestation in attestations {
            world.github.attest(&name, attestation);
        }
        for pull in content {
            let start = pull.span().start;
            open(world, &name, pull.into_inner())
                .map_err(|message| at.error(start, "github.repositories.pulls", message))?;
        }
        Ok(())
    }

    /// Reads the attestations with their bundles.
    fn stored(&self, folder: &Path) -> Result<Vec<StoredAttestation>, String> {
        let read = |file: &AttestationFile| {
            let bundle = match is_inline(&file.bundle) {
                true => file.bundle.clone(),
                false => {
                    let path = folder.join(&file.bundle);
                    std::fs::read_to_string(&path)
                        .map_err(|error| format!("bundle {}: {error}", path.display()))?
                }
            };
            Ok(StoredAttestation {
                subject: file.subject.clone(),
                bundle,
                is_apart: file.apart,
            })
        };
        self.attestations.iter().map(read).collect()
    }

    /// Builds everything but the pull requests, which are opened on branches that must exist before.
    fn content(
        self,
        mut files: BTreeMap<String, FileSpec>,
        github: &mut GitHub,
    ) -> Result<Vec<Spanned<PullFile>>, String> {
        let name = self.name.get_ref();
        files.extend(specs(self.files));
        let repository = github.create_repository(name, BTreeMap::<String, FileSpec>::new());
        repository.settings = RepositorySettings::from(self.settings);
        repository.renamed_from = self.renamed_from;
        repository.collaborators.extend(self.collaborators);
        let rules = self.rules.into_iter();
        repository.rules = rules
            .map(|(branch, rules)| (branch, rules.into()))
            .collect();
        let default = repository.settings.default_branch.clone();
        let commit = |github: &mut GitHub, branch: &str, message: &str, files| {
            let made = github.commit_files(name, branch, message, files);
            made.ok_or_else(|| format!("the files of branch {branch} are not a tree"))
        };
        commit(github, &default, "Initial commit", files)?;
        for made in self.commits {
            let message = made.message.unwrap_or("Change by somebody else".to_owned());
            let branch = made.branch.as_deref().unwrap_or(&default);
            commit(github, branch, &message, specs(made.files).collect())?;
        }
        for branch in self.branches {
            let message = branch.message.unwrap_or(format!("Add {}", branch.name));
            let files: BTreeMap<_, _> = specs(branch.files).collect();
            github
                .commit_files_by(&branch.author, name, &branch.name, &message, files)
                .ok_or_else(|| format!("the files of branch {} are not a tree", branch.name))?;
        }
        for check in self.checks {
            let repository = github.find(name);
            let commit = repository.and_then(|repository| repository.branch(&check.branch));
            let commit = commit.ok_or_else(|| format!("there is no branch {}", check.branch))?;
            github.set_check(name, commit, &check.name, check.conclusion.as_deref());
        }
        self.actions.build(name, github);
        // Checks of pushes are set last, so that the commits of the file itself start none.
        if let Some(repository) = github.find_mut(name) {
            repository.ci = self.ci.into_iter().map(PushCheck::from).collect();
        }
        Ok(self.pulls)
    }
}

fn specs(files: BTreeMap<String, ContentFile>) -> impl Iterator<Item = (String, FileSpec)> {
    files.into_iter().map(|(path, file)| (path, file.into()))
}

/// Opens a pull request the way a person would, through the API.
fn open(world: &mut World, repository: &str, pull: PullFile) -> Result<(), String> {
    const TOKEN: &str = "the world file's own";
    world
        .github
        .tokens
        .insert(TOKEN, GitHubToken::full(TokenKind::Classic, &pull.author));
    let send = |world: &mut World, method: &str, path: String, body: Value| {
        let request = http::Request::builder()
            .method(method)
            .uri(path)
            .header(http::header::AUTHORIZATION, format!("Bearer {TOKEN}"))
            .header(http::header::USER_AGENT, "world-file")
            .body(body.to_string().into_bytes())
            .map_err(|error| error.to_string())?;
        let response = world.serve(ServiceName::GitHub, &request);
        let answer: Value = serde_json::from_slice(response.body()).unwrap_or_default();
        if response.status().is_success() {
            Ok(answer)
        } else {
            Err(answer.to_string())
        }
    };
    let body = json!({
        "head": pull.head, "base": pull.base, "title": pull.title, "body": pull.body, "draft": pull.draft,
    });
    let opened = send(world, "POST", format!("/repos/{repository}/pulls"), body)?;
    let number = opened["number"].as_u64().unwrap_or_default();
    let path = format!("/repos/{repository}/pulls/{number}");
    for (reviews, pushed) in [
        (pull.reviews, pull.pushed),
        (pull.later_reviews, BTreeMap::new()),
    ] {
        for review in reviews {
            let state = review.state.into();
            world
                .github
                .review(repository, number, &review.user, state)
                .ok_or_else(|| format!("{} has nothing to dismiss", review.user))?;
        }
        if !pushed.is_empty() {
            let files: BTreeMap<_, _> = specs(pushed).collect();
            world
                .github
                .commit_files_by(&pull.author, repository, &pull.head, "More", files)
                .ok_or_else(|| format!("the files of branch {} are not a tree", pull.head))?;
        }
    }
    if pull.closed {
        send(world, "PATCH", path.clone(), json!({"state": "closed"}))?;
    }
    if let Some(merged) = pull.merged {
        let method = match merged {
            MergedFile::Merge => "merge",
            MergedFile::Squash => "squash",
            MergedFile::Rebase => "rebase",
        };
        let merge = json!({"merge_method": method});
        send(world, "PUT", format!("{path}/merge"), merge)?;
    }
    world.github.tokens.revoke(TOKEN);
    Ok(())
}
