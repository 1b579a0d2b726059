//! The answers that the files and Port's action are made of: from flags, from the repository at hand, or asked.

use std::path::Path;

use anyhow::{Context as _, bail};
use clap::Args;

use super::backend::ActionBackend;
use super::catalog::{CatalogNames, GivenNames};
use super::dialog::SetupDialog;
use super::layout::{self, ManifestPlace};
use super::reference::DerivedReference;
use super::rules::RuleSettings;
use promote_core::service::PORT_URL;
use promote_core::service::github::RepositoryName;
use promote_core::text;

/// The repository that this binary was released from, `owner/name`, set by the release workflow.
const RELEASED_FROM: Option<&str> = option_env!("PROMOTE_RELEASED_FROM");

/// The arguments of `promote init`. It asks for the missing ones on a terminal.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Examples:
  promote init                                          ask for what is needed, on a terminal
  promote init --repository acme/gitops --dry-run       show what would change, in Port and here
  promote init --repository acme/gitops --yes           and change it
  promote init --repository acme/gitops --no-port       the files alone
  promote init --app                                    act as a GitHub App, with a link that makes one

It sets up the built-in policy for the catalog that is there: services, runtimes and images are found by where their relations
lead, whatever they are called. Run it in a clone of the GitOps repository, so that it sees the manifests. What it wrote before,
and the workflow of Port's guide, it renews; what a person changed stays unless `--overwrite` is given.

Exit codes: 0 everything is set up · 1 something that is there stays in the way · 2 nothing could be decided

Port is read and written with PORT_CLIENT_ID and PORT_CLIENT_SECRET (PORT_API_URL for another region).")]
pub struct InitArgs {
    /// The GitOps repository, whose manifests are changed
    #[arg(long, value_name = "OWNER/NAME")]
    pub repository: Option<String>,

    /// The repository of the workflow, if it is another one
    #[arg(long, value_name = "OWNER/NAME")]
    pub workflow_repository: Option<String>,

    /// The folder of the workflow's repository, where files are written
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    pub folder: std::path::PathBuf,

    /// This program as an action; a tag is looked up and written as its commit. A released binary knows its own
    #[arg(long, value_name = "OWNER/NAME@COMMIT")]
    pub uses: Option<String>,

    /// The branch that production follows
    #[arg(long, value_name = "BRANCH", default_value = "main")]
    pub base: String,

    /// The manifest of a service, a template over its runtime; recognised from the repository in the folder unless given
    #[arg(long, value_name = "TEMPLATE")]
    pub manifest: Option<String>,

    /// The place of the image in the manifest; unless given, it follows from what the manifest is
    #[arg(long, value_name = "PATH")]
    pub image: Option<String>,

    /// The image's reference, a template over its entity; derived from the catalog and the manifests unless given
    #[arg(long, value_name = "TEMPLATE")]
    pub reference: Option<String>,

    /// The files that a promotion of a service may change, a glob; guessed from the catalog unless given
    #[arg(long, value_name = "GLOB")]
    pub paths: Option<String>,

    /// Name of the environment that is promoted to
    #[arg(long, value_name = "NAME", default_value = "production")]
    pub environment: String,

    /// Act as a GitHub App instead of with the workflow's own token
    #[arg(long)]
    pub app: bool,

    /// Identifier of the action in Port
    #[arg(long, value_name = "ACTION", default_value = "promote_to_production")]
    pub port_action: String,

    /// The installation of Port's GitHub integration that starts the workflow; found in Port unless given
    #[arg(long, value_name = "ID", conflicts_with = "legacy_app")]
    pub installation: Option<String>,

    /// Have Port's GitHub app start the workflow, which Port has ended the support of
    #[arg(long)]
    pub legacy_app: bool,

    /// Move an action of Port's GitHub app to Port's GitHub integration
    #[arg(long, conflicts_with = "legacy_app")]
    pub migrate: bool,

    /// The branch of the workflow's repository that the workflow is started on; its default branch unless given
    #[arg(long = "ref", value_name = "BRANCH")]
    pub workflow_branch: Option<String>,

    /// Blueprint of services; found by the relations of the catalog unless given
    #[arg(long, value_name = "BLUEPRINT", help_heading = "Names in the catalog")]
    pub service_blueprint: Option<String>,

    /// Blueprint of runtimes
    #[arg(long, value_name = "BLUEPRINT", help_heading = "Names in the catalog")]
    pub runtime_blueprint: Option<String>,

    /// Blueprint of images
    #[arg(long, value_name = "BLUEPRINT", help_heading = "Names in the catalog")]
    pub image_blueprint: Option<String>,

    /// Relation of a service to the runtime that an image comes from
    #[arg(long, value_name = "RELATION", help_heading = "Names in the catalog")]
    pub staging_relation: Option<String>,

    /// Relation of a service to the runtime that an image goes to
    #[arg(long, value_name = "RELATION", help_heading = "Names in the catalog")]
    pub production_relation: Option<String>,

    /// Relation of a runtime to the image that it runs
    #[arg(long, value_name = "RELATION", help_heading = "Names in the catalog")]
    pub image_relation: Option<String>,

    /// Create the blueprints of Port's guide beside those of a catalog in which nothing fits
    #[arg(long)]
    pub guide: bool,

    /// Leave Port alone
    #[arg(long)]
    pub no_port: bool,

    /// Replace a workflow file or promote.toml that differs
    #[arg(long)]
    pub overwrite: bool,

    /// Show what would change, and change nothing
    #[arg(long, conflicts_with = "yes")]
    pub dry_run: bool,

    /// Do not ask before changing something
    #[arg(long)]
    pub yes: bool,
}

/// The region of Port that an account lives in.
pub struct PortRegion {
    /// The address of its API.
    pub api_url: String,
    /// The address for people, if it is known.
    pub app: Option<String>,
}

impl InitArgs {
    /// Returns the names that were given by flags.
    pub(super) fn given_names(&self) -> GivenNames {
        GivenNames {
            service: self.service_blueprint.clone(),
            runtime: self.runtime_blueprint.clone(),
            image: self.image_blueprint.clone(),
            staging: self.staging_relation.clone(),
            production: self.production_relation.clone(),
            image_relation: self.image_relation.clone(),
        }
    }
}

/// Everything that is filled in.
#[derive(Clone, Debug)]
pub(super) struct SetupAnswers {
    /// The GitOps repository.
    pub repository: String,
    /// The repository of the workflow.
    pub workflow_repository: String,
    /// `owner/name@commit`, once it is pinned.
    pub uses: String,
    /// The branch that production follows.
    pub base: String,
    /// Template of the manifest's path.
    pub manifest: String,
    /// The setting `manifest`, an inline table.
    pub entry: String,
    /// What the base branch must hold before the catalog is told.
    pub holds: String,
    /// Template of the reference.
    pub reference: String,
    /// The files that may be changed, a glob; none until it is settled.
    pub paths: Option<String>,
    /// The environment.
    pub environment: String,
    /// True if a GitHub App acts.
    pub app: bool,
    /// The action in Port.
    pub port_action: String,
    /// What starts the workflow when somebody clicks.
    pub backend: ActionBackend,
    /// The branch that the workflow is started on, if it is not the default one.
    pub workflow_branch: Option<String>,
    /// Port's address, if it is not the usual one.
    pub api_url: Option<String>,
    /// Where people see Port, likewise.
    pub portal: Option<String>,
    /// The names in the catalog.
    pub names: CatalogNames,
    /// The property of runtimes with the place of their manifests.
    pub path_property: String,
    /// The rules that read properties of the catalog.
    pub rules: RuleSettings,
}

impl SetupAnswers {
    /// Takes flags, else what is at hand, else asks.
    pub(super) fn complete(args: &InitArgs, dialog: &SetupDialog<'_>) -> anyhow::Result<Self> {
        let here = repository_of(&args.folder);
        let repository = answer(
            args.repository.clone(),
            "the GitOps repository (owner/name)",
            here,
            dialog,
        )
        .context("`--repository OWNER/NAME` names the GitOps repository")?;
        let workflow_repository = args
            .workflow_repository
            .clone()
            .unwrap_or_else(|| repository.clone());
        for name in [&repository, &workflow_repository] {
            RepositoryName::parse(name)
                .map_err(|_| anyhow::anyhow!("`{name}` is not a repository: write owner/name"))?;
        }
        let uses = args
            .uses
            .clone()
            .or_else(|| RELEASED_FROM.map(|from| format!("{from}@v{}", env!("CARGO_PKG_VERSION"))));
        let uses = answer(
            uses,
            "this program as an action (owner/name@commit, or a tag)",
            None,
            dialog,
        )
        .context(
            "this binary was not released: `--uses OWNER/NAME@COMMIT` says where its action is",
        )?;
        check_uses(&uses)?;
        if !args
            .environment
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
        {
            bail!(
                "`{}` is not the name of an environment: letters, digits, - and _",
                args.environment
            );
        }
        // The workflow's own token reaches its own repository only (GitHub, "Automatic token authentication").
        let app = args.app || repository != workflow_repository;
        Ok(Self {
            repository,
            workflow_repository,
            uses,
            base: args.base.clone(),
            manifest: args.manifest.clone().unwrap_or_default(),
            entry: String::new(),
            holds: String::new(),
            reference: args.reference.clone().unwrap_or_default(),
            paths: args.paths.clone(),
            environment: args.environment.clone(),
            app,
            port_action: args.port_action.clone(),
            backend: match &args.installation {
                Some(installation) => ActionBackend::Installation(installation.clone()),
                None => ActionBackend::LegacyApp,
            },
            workflow_branch: args.workflow_branch.clone(),
            api_url: None,
            portal: None,
            names: CatalogNames::guide(&args.given_names()),
            path_property: "gitPath".to_owned(),
            rules: RuleSettings::default(),
        })
    }

    /// Takes the region of Port, where it is not the usual one.
    pub(super) fn set_region(&mut self, region: &PortRegion) -> anyhow::Result<()> {
        if region.api_url == PORT_URL {
            return Ok(());
        }
        let is_plain =
            |c: char| c.is_ascii_alphanumeric() || matches!(c, ':' | '/' | '.' | '-' | '_');
        if !region.api_url.chars().all(is_plain) {
            bail!(
                "`{}` is no address of Port: correct PORT_API_URL",
                region.api_url
            );
        }
        self.api_url = Some(region.api_url.clone());
        self.portal.clone_from(&region.app);
        Ok(())
    }

    /// Decides how an image's entity becomes its reference, and says by what.
    pub(super) fn settle_reference(
        &mut self,
        derived: &DerivedReference,
        dialog: &SetupDialog<'_>,
    ) -> anyhow::Result<()> {
        if self.reference.is_empty() {
            self.reference = match derived {
                DerivedReference::Proven(template) => {
                    (dialog.say)(&text::line(&format!(
                        "derived from the manifests: reference = \"{template}\""
                    )));
                    template.clone()
                }
                DerivedReference::Likely(template) => {
                    (dialog.say)(&text::line(&format!(
                        "derived from the images of the catalog: reference = \"{template}\""
                    )));
                    template.clone()
                }
                DerivedReference::Contradicted { image, held } => answer(
                    None,
                    &format!("the image `{image}` of the catalog is `{held}` in the manifest; its reference as a template"),
                    None,
                    dialog,
                )
                .with_context(|| format!(
                    "no template makes `{held}`, which the manifest holds, of the image `{image}` of the catalog: `--reference TEMPLATE` says how"
                ))?,
                DerivedReference::Unknown => "{identifier}".to_owned(),
            };
        }
        if self.holds.is_empty() {
            self.holds.clone_from(&self.reference);
        }
        Ok(())
    }

    /// Returns the lines of settings that differ from the policy's own.
    pub(super) fn settings(&self) -> String {
        let guide = CatalogNames::guide(&GivenNames::default());
        let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
        let mut lines = String::new();
        let relation = |name: &str| format!("{{service.relations.{name}}}");
        for (setting, is, usual) in [
            (
                "staging",
                relation(&self.names.staging),
                relation(&guide.staging),
            ),
            (
                "production",
                relation(&self.names.production),
                relation(&guide.production),
            ),
            (
                "runtime_blueprint",
                self.names.runtime.clone(),
                guide.runtime,
            ),
            ("image_blueprint", self.names.image.clone(), guide.image),
            (
                "image_relation",
                self.names.image_relation.clone(),
                guide.image_relation,
            ),
        ] {
            if is != usual {
                lines.push_str(&format!("{setting} = {}\n", quoted(&is)));
            }
        }
        if let Some(portal) = &self.portal {
            lines.push_str(&format!("portal = {}\n", quoted(portal)));
        }
        lines + &self.rules.settings()
    }

    /// Decides what the manifest is: by the flags, else by the files of one service in the folder, else a Deployment.
    pub(super) fn recognise(
        &mut self,
        args: &InitArgs,
        places: &[(String, String)],
        dialog: &SetupDialog<'_>,
    ) {
        let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
        let usual = format!("{{production.{}}}/deployment.yaml", self.path_property);
        let file = args.manifest.as_deref().unwrap_or(&usual);
        if let Some(image) = &args.image {
            file.clone_into(&mut self.manifest);
            self.entry = format!("{{ path = {}, image = {} }}", quoted(file), quoted(image));
            if let Some(part) = part_of(image) {
                part.clone_into(&mut self.holds);
            }
            return;
        }
        let git_paths: Vec<_> = places.iter().map(|(_, path)| path.clone()).collect();
        let found = match &args.manifest {
            Some(_) => None,
            None => layout::recognise(&args.folder, &git_paths),
        };
        let Some(ManifestPlace { folder, layout }) = found else {
            file.clone_into(&mut self.manifest);
            self.entry = format!("{{ kubernetes = {} }}", quoted(file));
            return;
        };
        let place = format!("{{production.{}}}", self.path_property);
        self.manifest = match folder {
            None => place,
            // The catalog does not tell where manifests are: the folder does, by the name of its service.
            Some(folder) if places.is_empty() => {
                format!("{}/{}", service_folder(&folder), layout.file)
            }
            Some(_) => format!("{place}/{}", layout.file),
        };
        let at = layout
            .at
            .map_or_else(String::new, |at| format!(", at = {}", quoted(&at)));
        self.entry = format!("{{ {} = {}{at} }}", layout.setting, quoted(&self.manifest));
        if let Some(holds) = layout.holds {
            holds.clone_into(&mut self.holds);
        }
        (dialog.say)(&format!(
            "recognised {} in the repository: manifest = {}",
            text::line(&layout.file),
            text::line(&self.entry)
        ));
    }

    /// Replaces the tag of the action by the commit that it names: a tag can move.
    pub(super) async fn pin(
        &mut self,
        find_commit: impl AsyncFnOnce(&str, &str) -> anyhow::Result<String>,
    ) -> anyhow::Result<()> {
        let (action, version) = self.uses.split_once('@').context("`uses` has no version")?;
        if is_commit(version) {
            return Ok(());
        }
        let commit = find_commit(action, version).await.with_context(|| {
            format!("cannot find {version} of {action}: `--uses {action}@COMMIT` needs no look-up")
        })?;
        if !is_commit(&commit) {
            bail!("GitHub says that {version} of {action} is {commit:?}, which is not a commit");
        }
        self.uses = format!("{action}@{commit}");
        Ok(())
    }

    /// Decides which files a promotion may change: the narrowest pattern that is known.
    pub(super) fn settle_paths(&mut self, dialog: &SetupDialog<'_>) -> anyhow::Result<()> {
        let by_service = self.manifest.contains("{service.identifier}");
        let own =
            (!self.manifest.contains("{production") && by_service).then(|| self.manifest.clone());
        let known = self.paths.take().or(own);
        let guess = "apps/{service.identifier}/prod/*.yaml".to_owned();
        let paths = answer(
            known,
            "the files that a promotion of a service may change (glob)",
            Some(guess),
            dialog,
        );
        self.paths = Some(paths.context(
            "the catalog does not tell which files a promotion may change: `--paths 'apps/{service.identifier}/prod/*.yaml'`",
        )?);
        Ok(())
    }
}

/// A folder of production as a template: the part before the last one is the service's name.
fn service_folder(folder: &str) -> String {
    let parts: Vec<&str> = folder.split('/').collect();
    let service = parts.len().checked_sub(2);
    let hole = |(at, part): (usize, &&str)| {
        if Some(at) == service {
            "{service.identifier}".to_owned()
        } else {
            (*part).to_owned()
        }
    };
    parts
        .iter()
        .enumerate()
        .map(hole)
        .collect::<Vec<_>>()
        .join("/")
}

/// The part of an image that a value holds by the name of its key, as `holds` of a grant asks for it.
fn part_of(image: &str) -> Option<&'static str> {
    let key = image.rsplit(['.', ']']).next().unwrap_or_default();
    let key = key.to_ascii_lowercase();
    if key.ends_with("tag") {
        Some("{tags[0]}")
    } else {
        key.ends_with("digest").then_some("{digest}")
    }
}

/// A given answer, else what a person says.
fn answer(
    given: Option<String>,
    question: &str,
    default: Option<String>,
    dialog: &SetupDialog<'_>,
) -> Option<String> {
    given
        .or_else(|| (dialog.ask)(question, default.as_deref().unwrap_or_default()))
        .filter(|text| !text.is_empty())
}

fn check_uses(uses: &str) -> anyhow::Result<()> {
    let (action, version) = uses.split_once('@').unwrap_or((uses, ""));
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    if RepositoryName::parse(action).is_err()
        || version.is_empty()
        || !version.bytes().all(is_plain)
    {
        bail!(
            "`{uses}` names no action: write owner/name@ and the full hash of a commit, or a tag"
        );
    }
    Ok(())
}

fn is_commit(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The repository that a folder is a clone of, from Git's own configuration.
fn repository_of(folder: &Path) -> Option<String> {
    repository_in(&std::fs::read_to_string(folder.join(".git/config")).ok()?)
}

fn repository_in(config: &str) -> Option<String> {
    let origin = config.split("[remote \"origin\"]").nth(1)?;
    let url = origin
        .lines()
        .find_map(|line| line.trim().strip_prefix("url = "))?;
    let name: Vec<&str> = url
        .trim_end_matches(".git")
        .rsplit(['/', ':'])
        .take(2)
        .collect();
    let name = format!("{}/{}", name.get(1)?, name.first()?);
    RepositoryName::parse(&name).is_ok().then_some(name)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

    #[test]
    fn an_action_has_a_commit_or_a_tag() {
        assert!(check_uses(&format!("acme/promote@{COMMIT}")).is_ok());
        assert!(check_uses("acme/promote@v1.2.3-rc.1").is_ok());
        for wrong in [
            "acme/promote",
            "promote@0123456789abcdef0123456789abcdef01234567",
            "a/b@",
            "a/b@v1 # x",
            "a/b@../v1",
        ] {
            assert!(check_uses(wrong).is_err(), "{wrong}");
        }
    }

    #[tokio::test]
    async fn a_tag_becomes_its_commit() {
        let mut answers = crate::init::files::tests::answers();
        answers.pin(async |_, _| bail!("asked")).await.unwrap();
        answers.uses = "acme/promote@v1.2.3".to_owned();
        let found = answers.pin(async |action, tag| {
            assert_eq!((action, tag), ("acme/promote", "v1.2.3"));
            Ok(COMMIT.to_owned())
        });
        found.await.unwrap();
        assert_eq!(answers.uses, format!("acme/promote@{COMMIT}"));
        answers.uses = "acme/promote@v1.2.3".to_owned();
        let branch = answers.pin(async |_, _| Ok("main".to_owned())).await;
        assert!(branch.unwrap_err().to_string().contains("not a commit"));
    }

    #[test]
    fn a_clone_knows_its_repository() {
        for (url, name) in [
            ("https://github.com/acme/gitops.git", Some("acme/gitops")),
            ("git@github.com:acme/gitops.git", Some("acme/gitops")),
            ("nonsense", None),
        ] {
            let config = format!("[core]\n\tbare = false\n[remote \"origin\"]\n\turl = {url}\n");
            assert_eq!(repository_in(&config).as_deref(), name, "{url}");
        }
        assert_eq!(repository_in("[core]\n"), None);
    }
}
