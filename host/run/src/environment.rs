//! What the environment says: credentials, the workflow around a run, folders. The variables are in `variables`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use crate::secret;
use crate::variables::{
    self, DOCKER_CONFIG, GITHUB_ACTIONS, GITHUB_ACTOR, GITHUB_API_URL, GITHUB_APP_ID,
    GITHUB_APP_PRIVATE_KEY, GITHUB_EVENT_PATH, GITHUB_OUTPUT, GITHUB_REPOSITORY,
    GITHUB_RUN_ATTEMPT, GITHUB_RUN_ID, GITHUB_SERVER_URL, GITHUB_SHA, GITHUB_STEP_SUMMARY,
    GITHUB_TOKEN, GITHUB_TRIGGERING_ACTOR, GITHUB_WORKFLOW_REF, HOME, NO_COLOR, PORT_API_URL,
    PORT_CLIENT_ID, PORT_CLIENT_SECRET, PROMOTE_CACHE_DIR, PROMOTE_REGISTRY,
    PROMOTE_REGISTRY_PASSWORD, PROMOTE_REGISTRY_URL, PROMOTE_REGISTRY_USER, RUNNER_TEMP, TERM,
    WORKFLOW_TOKEN, XDG_CACHE_HOME,
};
use promote_core::contract::Workflow;
use promote_core::grants::Grants;
use promote_core::journal::RunAudit;
use promote_core::service;
use promote_core::service::github::{self, App, RepositoryName, TokenScope};
use promote_core::service::port;
use promote_core::service::registry::RegistrySetup;
use promote_core::service::secret::{Login, Secret};
use promote_intake::baseline::BaselineRegistry;
use promote_intake::config::ConfigFile;
use promote_intake::registry::RegistryAccess;

/// GitHub's registry of images.
const GITHUB_REGISTRY: &str = "ghcr.io";

/// The variables of one process.
#[derive(Clone, Copy, Debug)]
pub struct Environment;

impl Environment {
    /// The variables of this process. One that is empty counts as not set, as GitHub passes a secret that is missing.
    pub fn of_process() -> Self {
        Self
    }

    fn get(&self, name: &str) -> Option<String> {
        debug_assert!(variables::is_known(name), "{name} is documented");
        std::env::var(name).ok().filter(|value| !value.is_empty())
    }

    fn secret(&self, name: &str) -> anyhow::Result<Option<Secret>> {
        Ok(secret::read(name, |name| self.get(name))?)
    }

    /// Port's base URL.
    pub fn port_url(&self) -> String {
        self.get(PORT_API_URL)
            .unwrap_or_else(|| service::PORT_URL.to_owned())
    }

    /// Port for people, if its API is one of the known ones (Port's documentation, "Port's regions").
    pub fn port_app(&self) -> Option<String> {
        let api = self.port_url();
        let host = api.trim_end_matches('/').strip_prefix("https://api.")?;
        let known = ["port.io", "us.port.io", "getport.io", "us.getport.io"].contains(&host);
        known.then(|| format!("https://app.{host}"))
    }

    /// GitHub for people, as the runner says, else the one that everybody knows.
    pub fn github_server(&self) -> Option<String> {
        let server = self
            .get(GITHUB_SERVER_URL)
            .unwrap_or_else(|| "https://github.com".to_owned());
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, ':' | '/' | '.' | '-');
        (server.starts_with("https://") && server.chars().all(plain)).then_some(server)
    }

    /// GitHub's base URL.
    pub fn github_url(&self) -> String {
        self.get(GITHUB_API_URL)
            .unwrap_or_else(|| service::GITHUB_URL.to_owned())
    }

    /// Port's credentials.
    ///
    /// # Errors
    /// Names the variable that is missing.
    pub fn port_credentials(&self) -> anyhow::Result<port::Credentials> {
        match (self.get(PORT_CLIENT_ID), self.secret(PORT_CLIENT_SECRET)?) {
            (Some(client_id), Some(client_secret)) => Ok(port::Credentials {
                client_id,
                client_secret,
            }),
            (None, None) => bail!(
                "{PORT_CLIENT_ID} and {PORT_CLIENT_SECRET} are not set: take them from Port, and put them into the environment"
            ),
            (None, Some(_)) => bail!("{}", missing(PORT_CLIENT_ID)),
            (Some(_), None) => bail!("{}", missing(PORT_CLIENT_SECRET)),
        }
    }

    /// GitHub's credentials: an App's, narrowed to what the grants name, or a token as it is.
    ///
    /// # Errors
    /// Names the variable that is missing, or says that there are two ways.
    pub fn github_credentials(&self, grants: &Grants) -> anyhow::Result<github::Credentials> {
        let token = self.secret(GITHUB_TOKEN)?;
        let Some(issuer) = self.get(GITHUB_APP_ID) else {
            let token = token.with_context(|| {
                format!(
                    "{}, or {GITHUB_APP_ID} with {GITHUB_APP_PRIVATE_KEY}",
                    missing(GITHUB_TOKEN)
                )
            })?;
            return Ok(github::Credentials::Token(token));
        };
        self.refuse_two_identities()?;
        let key = self
            .secret(GITHUB_APP_PRIVATE_KEY)?
            .with_context(|| missing(GITHUB_APP_PRIVATE_KEY))?;
        Ok(github::Credentials::App(App {
            issuer,
            key,
            scopes: scopes(grants)?,
        }))
    }

    fn refuse_two_identities(&self) -> anyhow::Result<()> {
        if self.is_app() && self.secret(GITHUB_TOKEN)?.is_some() {
            bail!(
                "{GITHUB_TOKEN} and {GITHUB_APP_ID} are both set: set one of them, so that it is clear who acts"
            );
        }
        Ok(())
    }

    /// Returns the token that reads workflow runs, with their repository; none if one of them is missing.
    ///
    /// # Errors
    /// When the token cannot be read.
    pub fn workflow_access(&self) -> anyhow::Result<Option<(github::Credentials, String)>> {
        let token = self.secret(WORKFLOW_TOKEN)?;
        Ok(token
            .map(github::Credentials::Token)
            .zip(self.get(GITHUB_REPOSITORY)))
    }

    /// Returns our logins in registries: the variables' for one of them, docker's configuration for the others.
    ///
    /// # Errors
    /// Names the variable that is missing.
    pub fn registry(&self) -> anyhow::Result<RegistryAccess> {
        let docker = self
            .get(DOCKER_CONFIG)
            .or_else(|| Some(format!("{}/.docker", self.get(HOME)?)));
        let docker = docker.map(|folder| PathBuf::from(folder).join("config.json"));
        let given = match self.get(PROMOTE_REGISTRY) {
            None => None,
            Some(registry) => {
                let user = self
                    .get(PROMOTE_REGISTRY_USER)
                    .with_context(|| missing(PROMOTE_REGISTRY_USER))?;
                let password = self.secret(PROMOTE_REGISTRY_PASSWORD)?;
                let password = password.with_context(|| missing(PROMOTE_REGISTRY_PASSWORD))?;
                Some((registry, Login { user, password }))
            }
        };
        Ok(RegistryAccess { given, docker })
    }

    /// Returns the way to the registries of the images that the grants let be read, with our login at each.
    ///
    /// # Errors
    /// Names the variable that is missing, or says why docker's configuration or its helper gives no login.
    pub fn image_registries(&self, grants: &Grants) -> anyhow::Result<RegistrySetup> {
        let access = self.registry()?;
        let mut logins = BTreeMap::new();
        for host in grants.registries() {
            let login = match access.to(&host)? {
                None if host == GITHUB_REGISTRY => self.package_login()?,
                login => login,
            };
            logins.extend(login.map(|login| (host, login)));
        }
        Ok(RegistrySetup {
            mirror: self.get(PROMOTE_REGISTRY_URL),
            logins,
        })
    }

    /// The run's own token at GitHub's registry (GitHub docs, "Working with the Container registry"). Only a token of
    /// github.com goes there.
    fn package_login(&self) -> anyhow::Result<Option<Login>> {
        if self.github_url() != service::GITHUB_URL {
            return Ok(None);
        }
        let user = self
            .get(GITHUB_ACTOR)
            .unwrap_or_else(|| "promote".to_owned());
        let token = self.secret(GITHUB_TOKEN)?;
        Ok(token.map(|password| Login { user, password }))
    }

    /// Returns whether a GitHub App acts, not a token.
    pub fn is_app(&self) -> bool {
        self.get(GITHUB_APP_ID).is_some()
    }

    /// Returns the workflow that this runs in.
    pub fn workflow(&self) -> Workflow {
        let repository = self.get(GITHUB_REPOSITORY);
        let url = || {
            let server = self.get(GITHUB_SERVER_URL)?;
            Some(format!(
                "{server}/{}/actions/runs/{}",
                repository.as_ref()?,
                self.get(GITHUB_RUN_ID)?
            ))
        };
        let attempt = self
            .get(GITHUB_RUN_ATTEMPT)
            .and_then(|attempt| attempt.parse().ok())
            .unwrap_or(1);
        Workflow {
            url: url(),
            repository,
            attempt,
        }
    }

    /// Returns what the runner says of the workflow, for the journal.
    pub fn audit(&self) -> RunAudit {
        RunAudit {
            config: None,
            plan: None,
            commit: self.get(GITHUB_SHA),
            workflow_ref: self.get(GITHUB_WORKFLOW_REF),
            actor: self.get(GITHUB_ACTOR),
            triggering_actor: self.get(GITHUB_TRIGGERING_ACTOR),
        }
    }

    /// Returns whether a runner of GitHub Actions reads the output.
    pub fn is_workflow(&self) -> bool {
        self.get(GITHUB_ACTIONS).as_deref() == Some("true")
    }

    /// The event file.
    pub fn event(&self) -> Option<PathBuf> {
        self.get(GITHUB_EVENT_PATH).map(PathBuf::from)
    }

    /// The file for outputs.
    pub fn output(&self) -> Option<PathBuf> {
        self.get(GITHUB_OUTPUT).map(PathBuf::from)
    }

    /// The file for the step summary.
    pub fn summary(&self) -> Option<PathBuf> {
        self.get(GITHUB_STEP_SUMMARY).map(PathBuf::from)
    }

    /// A folder for files that may go when the job ends.
    pub fn temporary(&self) -> PathBuf {
        let folder = self
            .get(RUNNER_TEMP)
            .map_or_else(std::env::temp_dir, PathBuf::from);
        // Best effort: a folder that cannot be made shows when the journal is.
        let _ = fs::create_dir_all(&folder);
        folder
    }

    /// A folder for compiled policies; none if nothing says where the user's files are. A relative path counts only where
    /// the user has given it: the specification wants that of the others ignored.
    pub fn cache(&self) -> Option<PathBuf> {
        let absolute = |name| {
            self.get(name)
                .map(PathBuf::from)
                .filter(|path| path.is_absolute())
        };
        self.get(PROMOTE_CACHE_DIR).map(PathBuf::from).or_else(|| {
            let folder =
                absolute(XDG_CACHE_HOME).or_else(|| Some(absolute(HOME)?.join(".cache")))?;
            Some(folder.join("promote"))
        })
    }

    /// Reads the configuration, with the baseline from wherever it is.
    ///
    /// # Errors
    /// Names the file, and the line or grant that is wrong.
    pub async fn config(&self, path: &Path) -> anyhow::Result<ConfigFile> {
        let registry = BaselineRegistry {
            access: self.registry()?,
            cache: self.cache(),
        };
        Ok(ConfigFile::read(path, &registry).await?)
    }

    /// Returns whether the user, or the terminal, wants no colours.
    pub(crate) fn no_color(&self) -> bool {
        self.get(NO_COLOR).is_some() || self.is_dumb()
    }

    /// Returns whether the terminal knows no escape sequences.
    pub(crate) fn is_dumb(&self) -> bool {
        self.get(TERM).as_deref() == Some("dumb")
    }

    /// Looks whether a run has all credentials that it needs, before it asks for one of them.
    ///
    /// # Errors
    /// Names every variable that is missing, or says that there are two ways to GitHub.
    pub(crate) fn check_credentials(&self, needs_workflow: bool) -> anyhow::Result<()> {
        self.refuse_two_identities()?;
        let mut absent = Vec::new();
        if self.get(PORT_CLIENT_ID).is_none() {
            absent.push(PORT_CLIENT_ID.to_owned());
        }
        let mut look_for = |name: &str, words: String| -> anyhow::Result<()> {
            if self.secret(name)?.is_none() {
                absent.push(words);
            }
            Ok(())
        };
        look_for(PORT_CLIENT_SECRET, PORT_CLIENT_SECRET.to_owned())?;
        if self.is_app() {
            look_for(GITHUB_APP_PRIVATE_KEY, GITHUB_APP_PRIVATE_KEY.to_owned())?;
        } else {
            let words =
                format!("{GITHUB_TOKEN} (or {GITHUB_APP_ID} with {GITHUB_APP_PRIVATE_KEY})");
            look_for(GITHUB_TOKEN, words)?;
        }
        if needs_workflow {
            let words = format!("{WORKFLOW_TOKEN} (for the grant `run.reviews`)");
            look_for(WORKFLOW_TOKEN, words)?;
        }
        match absent.as_slice() {
            [] => Ok(()),
            [one] => bail!("{}", missing(one)),
            [first @ .., last] => bail!(
                "{} and {last} are not set: pass them to this step as environment variables, from secrets",
                first.join(", ")
            ),
        }
    }
}

fn missing(name: &str) -> String {
    format!("{name} is not set: pass it to this step as an environment variable, from a secret")
}

/// Returns what the tokens of an App are for. A token has the same permissions on all of its repositories, so each set of
/// permissions has a token of its own, and one that writes comes first.
fn scopes(grants: &Grants) -> anyhow::Result<Vec<TokenScope>> {
    let mut scopes: Vec<TokenScope> = Vec::new();
    for name in grants.repositories() {
        let repository = RepositoryName::parse(&name).map_err(|_| {
            anyhow::anyhow!("the grants name `{name}`, which is not a repository `owner/name`")
        })?;
        let permissions = permissions(grants, &name);
        let is_same = |scope: &&mut TokenScope| {
            let is_of_owner = scope
                .repositories
                .iter()
                .any(|one| one.is_of_owner_of(&repository));
            scope.permissions == permissions && is_of_owner
        };
        match scopes.iter_mut().find(is_same) {
            Some(scope) => scope.repositories.push(repository),
            None => scopes.push(TokenScope {
                repositories: vec![repository],
                permissions,
            }),
        }
    }
    scopes.sort_by_key(|scope| !scope.permissions.values().any(|level| level == "write"));
    Ok(scopes)
}

/// The permissions of an installation token that can do what the grants allow in a repository, and no more (GitHub,
/// "Permissions required for GitHub Apps").
pub fn permissions(grants: &Grants, repository: &str) -> BTreeMap<String, String> {
    use promote_core::grants::Operation as O;
    let named = || {
        let all = grants.0.iter();
        all.filter(|grant| grant.repository.iter().any(|name| name == repository))
    };
    let is_granted = |operation: &O| named().any(|grant| grant.covers(*operation));
    let mut permissions = BTreeMap::new();
    let mut ask = |operations: &[O], permission: &str, level: &str| {
        if operations.iter().any(is_granted) {
            permissions.insert(permission.to_owned(), level.to_owned());
        }
    };
    // In this order: a later line widens an earlier one. Rules and refs are metadata and contents.
    let github: Vec<O> = O::ALL
        .into_iter()
        .filter(|operation| operation.is_github())
        .collect();
    ask(&github, "metadata", "read");
    ask(&[O::ReadFile, O::ReadCommits], "contents", "read");
    ask(&[O::ReadAttestations], "attestations", "read");
    ask(&[O::ReadPullRequest], "pull_requests", "read");
    ask(&[O::ReadChecks], "checks", "read");
    ask(&[O::ReadChecks], "statuses", "read");
    ask(&[O::KeepStatus], "statuses", "write");
    ask(&[O::KeepDeployment], "deployments", "write");
    ask(&[O::Propose, O::Merge], "contents", "write");
    ask(
        &[O::Propose, O::Decorate, O::Merge, O::KeepComment],
        "pull_requests",
        "write",
    );
    // Without it GitHub finds no team, and an App that has not got it gets no token: so only where a team may be asked.
    if named().any(|grant| grant.covers(O::Decorate) && !grant.teams.is_empty()) {
        permissions.insert("members".to_owned(), "read".to_owned());
    }
    permissions
}
