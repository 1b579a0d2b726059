//! The repositories of a world file.

use std::collections::BTreeMap;
use std::path::{Component, Path};

use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::{Value, json};
use toml::Spanned;

use super::{Place, WorldFileError};
use crate::world::git::Mode;
use crate::world::github::{BranchRules, Ci, FileSpec, GitHub, Method, Settings, Token, TokenKind};
use crate::world::{Service, World};

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
    files: BTreeMap<String, FileFile>,
    #[serde(default)]
    branches: Vec<BranchFile>,
    #[serde(default)]
    rules: BTreeMap<String, RulesFile>,
    #[serde(default)]
    ci: Vec<CiFile>,
    #[serde(default)]
    checks: Vec<CheckFile>,
    #[serde(default)]
    pulls: Vec<Spanned<PullFile>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum FileFile {
    Text(String),
    Special { text: String, mode: ModeFile },
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum ModeFile {
    Executable,
    Symlink,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct BranchFile {
    name: String,
    #[serde(default)]
    message: Option<String>,
    files: BTreeMap<String, FileFile>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct SettingsFile {
    default_branch: Option<String>,
    private: Option<bool>,
    archived: Option<bool>,
    allow_merge_commit: Option<bool>,
    allow_squash_merge: Option<bool>,
    allow_rebase_merge: Option<bool>,
    allow_auto_merge: Option<bool>,
    delete_branch_on_merge: Option<bool>,
    has_issues: Option<bool>,
    actions_may_create_pulls: Option<bool>,
    rules_available: Option<bool>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct RulesFile {
    required_checks: Vec<String>,
    strict: bool,
    required_approvals: u32,
    require_pull_request: bool,
    allowed_methods: Option<Vec<MethodFile>>,
    merge_queue: bool,
    linear_history: bool,
    required_signatures: bool,
    restricts_pushes: bool,
    classic: bool,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum MethodFile {
    Merge,
    Squash,
    Rebase,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct CiFile {
    name: String,
    /// It never ends if it is missing.
    takes: Option<SignedDuration>,
    #[serde(default = "success")]
    conclusion: String,
}

fn success() -> String {
    "success".to_owned()
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct CheckFile {
    branch: String,
    name: String,
    /// It is still running if it is missing.
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
}

fn main() -> String {
    "main".to_owned()
}

fn dana() -> String {
    "dana".to_owned()
}

impl RepositoryFile {
    pub(super) fn build(self, at: &Place<'_>, world: &mut World) -> Result<(), WorldFileError> {
        let (name, offset) = (self.name.get_ref().as_str(), self.name.span().start);
        let refuse =
            |message: String| at.error(offset, &format!("github.repositories \"{name}\""), message);
        if name.split('/').filter(|part| !part.is_empty()).count() != 2 {
            return Err(refuse("the name is not owner/name".to_owned()));
        }
        let mut files = BTreeMap::new();
        if let Some(folder) = &self.folder {
            collect(&at.folder.join(folder), Path::new(""), &mut files)
                .map_err(|error| refuse(format!("folder {folder}: {error}")))?;
        }
        files.extend(
            self.files
                .into_iter()
                .map(|(path, file)| (path, file.into())),
        );
        let settings = Settings::from(self.settings);
        let default = settings.default_branch.clone();
        let repository = world
            .github
            .create_repository(name, Vec::<(String, FileSpec)>::new());
        repository.settings = settings;
        repository.renamed_from = self.renamed_from;
        repository.collaborators.extend(self.collaborators);
        let commit =
            |github: &mut GitHub, branch: &str, message: &str, files: Vec<(String, FileSpec)>| {
                let made = github.commit_files(name, branch, message, files);
                made.ok_or_else(|| refuse(format!("the files of branch {branch} are not a tree")))
            };
        commit(
            &mut world.github,
            &default,
            "Initial commit",
            files.into_iter().collect(),
        )?;
        for branch in self.branches {
            let message = branch.message.unwrap_or(format!("Add {}", branch.name));
            let files = branch
                .files
                .into_iter()
                .map(|(path, file)| (path, file.into()));
            commit(&mut world.github, &branch.name, &message, files.collect())?;
        }
        for pull in &self.pulls {
            open(world, name, pull.get_ref()).map_err(|message| {
                at.error(pull.span().start, "github.repositories.pulls", message)
            })?;
        }
        for check in self.checks {
            let commit = world
                .github
                .find(name)
                .and_then(|repository| repository.branch(&check.branch));
            let commit =
                commit.ok_or_else(|| refuse(format!("there is no branch {}", check.branch)))?;
            world
                .github
                .set_check(name, commit, &check.name, check.conclusion.as_deref());
        }
        // Rules and checks of pushes come last: they are for what happens from now on.
        if let Some(repository) = world.github.find_mut(name) {
            repository.rules = self
                .rules
                .into_iter()
                .map(|(branch, rules)| (branch, rules.into()))
                .collect();
            repository.ci = self.ci.into_iter().map(Ci::from).collect();
        }
        Ok(())
    }
}

/// Opens a pull request the way a person would, through the API.
fn open(world: &mut World, repository: &str, pull: &PullFile) -> Result<(), String> {
    const TOKEN: &str = "the world file's own";
    world
        .github
        .tokens
        .insert(TOKEN, Token::full(TokenKind::Classic, &pull.author));
    let mut send = |method: &str, path: String, body: Value| {
        let request = http::Request::builder()
            .method(method)
            .uri(path)
            .header(http::header::AUTHORIZATION, format!("Bearer {TOKEN}"))
            .header(http::header::USER_AGENT, "world-file")
            .body(body.to_string().into_bytes())
            .map_err(|error| error.to_string())?;
        let response = world.serve(Service::GitHub, &request);
        let answer: Value = serde_json::from_slice(response.body()).unwrap_or_default();
        match response.status().is_success() {
            true => Ok(answer),
            false => Err(answer.to_string()),
        }
    };
    let body = json!({
        "head": pull.head, "base": pull.base, "title": pull.title, "body": pull.body, "draft": pull.draft,
    });
    let opened = send("POST", format!("/repos/{repository}/pulls"), body)?;
    if pull.closed {
        let path = format!("/repos/{repository}/pulls/{}", opened["number"]);
        send("PATCH", path, json!({"state": "closed"}))?;
    }
    world.github.tokens.revoke(TOKEN);
    Ok(())
}

/// The files of a folder, by their path in the repository. Links and Git's own folder are left out.
fn collect(
    root: &Path,
    below: &Path,
    files: &mut BTreeMap<String, FileSpec>,
) -> std::io::Result<()> {
    let mut entries = std::fs::read_dir(root.join(below))?.collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let (kind, path) = (entry.file_type()?, below.join(entry.file_name()));
        if kind.is_dir() && entry.file_name() != ".git" {
            collect(root, &path, files)?;
        } else if kind.is_file() {
            let parts = path.components().filter_map(|part| match part {
                Component::Normal(part) => part.to_str(),
                _ => None,
            });
            let name: Vec<&str> = parts.collect();
            let text = std::fs::read_to_string(entry.path())
                .map_err(|error| std::io::Error::other(format!("{}: {error}", path.display())))?;
            files.insert(name.join("/"), text.into());
        }
    }
    Ok(())
}

impl From<FileFile> for FileSpec {
    fn from(file: FileFile) -> Self {
        match file {
            FileFile::Text(text) => text.into(),
            FileFile::Special { text, mode } => Self {
                text,
                mode: match mode {
                    ModeFile::Executable => Mode::Executable,
                    ModeFile::Symlink => Mode::Symlink,
                },
            },
        }
    }
}

impl From<SettingsFile> for Settings {
    fn from(file: SettingsFile) -> Self {
        let usual = Self::default();
        Self {
            default_branch: file.default_branch.unwrap_or(usual.default_branch),
            private: file.private.unwrap_or(usual.private),
            archived: file.archived.unwrap_or(usual.archived),
            allow_merge_commit: file.allow_merge_commit.unwrap_or(usual.allow_merge_commit),
            allow_squash_merge: file.allow_squash_merge.unwrap_or(usual.allow_squash_merge),
            allow_rebase_merge: file.allow_rebase_merge.unwrap_or(usual.allow_rebase_merge),
            allow_auto_merge: file.allow_auto_merge.unwrap_or(usual.allow_auto_merge),
            delete_branch_on_merge: file
                .delete_branch_on_merge
                .unwrap_or(usual.delete_branch_on_merge),
            has_issues: file.has_issues.unwrap_or(usual.has_issues),
            actions_may_create_pulls: file
                .actions_may_create_pulls
                .unwrap_or(usual.actions_may_create_pulls),
            rules_available: file.rules_available.unwrap_or(usual.rules_available),
        }
    }
}

impl From<RulesFile> for BranchRules {
    fn from(file: RulesFile) -> Self {
        let method = |method| match method {
            MethodFile::Merge => Method::Merge,
            MethodFile::Squash => Method::Squash,
            MethodFile::Rebase => Method::Rebase,
        };
        Self {
            required_checks: file.required_checks,
            strict: file.strict,
            required_approvals: file.required_approvals,
            require_pull_request: file.require_pull_request,
            allowed_methods: file
                .allowed_methods
                .map(|methods| methods.into_iter().map(method).collect()),
            merge_queue: file.merge_queue,
            linear_history: file.linear_history,
            required_signatures: file.required_signatures,
            restricts_pushes: file.restricts_pushes,
            classic: file.classic,
        }
    }
}

impl From<CiFile> for Ci {
    fn from(file: CiFile) -> Self {
        Self {
            name: file.name,
            takes: file.takes,
            conclusion: file.conclusion,
        }
    }
}
