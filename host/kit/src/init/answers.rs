//! The answers that the files and Port's action are made of: from flags, from the repository at hand, or asked.

use std::path::Path;

use anyhow::bail;

use super::action_version;
use super::args::InitArgs;
use super::backend::ActionBackend;
use super::catalog::{CatalogNames, GivenNames};
use super::dialog::{SetupDialog, SetupQuestion, SetupQuestions};
use super::files;
use super::layout::{self, ManifestPlace};
use super::reference::DerivedReference;
use super::rules::RuleSettings;
use promote_core::grants::{Grants, Operation};
use promote_core::service::PORT_URL;
use promote_core::service::github::RepositoryName;
use promote_core::text;
use promote_intake::config::Config;

/// The input of the action by which somebody says that an image may be promoted again after it was rolled back.
pub(super) const AGAIN: &str = "again";

/// The region of Port that an account lives in.
pub struct PortRegion {
    /// The address of its API.
    pub api_url: String,
    /// The address for people, if it is known.
    pub app: Option<String>,
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
    /// The action in Port that goes back, if there is to be one.
    pub rollback: Option<String>,
    /// The blueprint of the record of promotions, if there is to be one.
    pub record: Option<String>,
    /// Whether each blueprint that is created gets a page in the catalog.
    pub catalog_pages: bool,
    /// What the host keeps at GitHub, and asks it.
    pub extras: HostExtras,
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

/// What the host may do besides what the policy asks for; nothing unless somebody wants it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct HostExtras {
    /// The comment under each pull request.
    pub comment: bool,
    /// Deployments at GitHub.
    pub deployments: bool,
    /// The words of reviewers of the environment.
    pub reviews: bool,
}

impl HostExtras {
    /// Takes flags, and what the configuration that is there has granted: a run of `init` takes nothing back.
    fn of(args: &InitArgs, there: &Grants) -> Self {
        Self {
            comment: args.comment || there.mention(Operation::KeepComment),
            deployments: args.deployments || there.mention(Operation::KeepDeployment),
            reviews: args.reviews || there.mention(Operation::ReadReviews),
        }
    }
}

impl SetupAnswers {
    /// Takes flags, else what is at hand, else asks.
    pub(super) fn complete(
        args: &InitArgs,
        questions: &SetupQuestions<'_>,
    ) -> anyhow::Result<Self> {
        let here = repository_of(&args.folder);
        let repository = args.repository.clone().unwrap_or_else(|| {
            questions.ask(&SetupQuestion {
                words: "the GitOps repository (owner/name)",
                default: here.as_deref().unwrap_or_default(),
                flag: "`--repository OWNER/NAME` names the GitOps repository",
            })
        });
        let workflow_repository = args
            .workflow_repository
            .clone()
            .unwrap_or_else(|| repository.clone());
        for name in [&repository, &workflow_repository] {
            if !name.is_empty() && RepositoryName::parse(name).is_err() {
                bail!("`{name}` is not a repository: write owner/name");
            }
        }
        let own = args.uses.clone().or_else(action_version::own);
        let uses = own.unwrap_or_else(|| {
            questions.ask(&SetupQuestion {
                words: "this program as an action (owner/name@commit, or a tag)",
                default: "",
                flag: "`--uses OWNER/NAME@COMMIT` says where the action of this program is: this binary was not released",
            })
        });
        if !uses.is_empty() {
            action_version::check_uses(&uses)?;
        }
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
        if args.rollback.as_ref() == Some(&args.port_action) {
            bail!("`--rollback` names the action that promotes: a rollback needs one of its own");
        }
        let config = args.folder.join(files::CONFIG);
        let there = Config::read_local(&config).unwrap_or_default();
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
            rollback: args.rollback.clone().or_else(|| {
                let known = there.port.actions.rollback.first();
                known.map(|known| known.action.clone())
            }),
            record: args.record.clone().or(there.port.record),
            catalog_pages: args.catalog_pages,
            extras: HostExtras::of(args, &there.grants),
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
        questions: &SetupQuestions<'_>,
    ) {
        let dialog = questions.dialog;
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
                DerivedReference::Contradicted { image, held } => questions.ask(&SetupQuestion {
                    words: &format!("the image `{image}` of the catalog is `{held}` in the manifest; its reference as a template"),
                    default: "",
                    flag: &format!("`--reference TEMPLATE` says how the image `{image}` of the catalog becomes `{held}`, which the manifest holds: no template that is known makes it"),
                }),
                DerivedReference::Unknown => questions.ask(&SetupQuestion {
                    words: "how an image of the catalog becomes its reference, as a template over the image's entity, such as {identifier} or {registryId}:{tags[0]}",
                    default: "",
                    flag: "`--reference TEMPLATE` says how an image of the catalog becomes its reference, such as `{identifier}` or `{registryId}:{tags[0]}`: no manifest is at hand, and no image of the catalog looks like a reference",
                }),
            };
        }
        if self.holds.is_empty() {
            self.holds.clone_from(&self.reference);
        }
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

    /// Decides which files a promotion may change: the narrowest pattern that is known.
    pub(super) fn settle_paths(&mut self, questions: &SetupQuestions<'_>) {
        let by_service = self.manifest.contains("{service.identifier}");
        let own =
            (!self.manifest.contains("{production") && by_service).then(|| self.manifest.clone());
        let known = self.paths.take().or(own);
        self.paths = Some(known.unwrap_or_else(|| {
            questions.ask(&SetupQuestion {
                words: "the files that a promotion of a service may change (glob)",
                default: "apps/{service.identifier}/prod/*.yaml",
                flag: "`--paths GLOB` says which files a promotion may change, such as 'apps/{service.identifier}/prod/*.yaml': the catalog does not tell",
            })
        }));
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
mod tests {
    use super::*;

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
