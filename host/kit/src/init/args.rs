//! The command line of `promote init`.

use clap::Args;
use promote_run::OutputFormat;

use super::catalog::GivenNames;

/// The arguments of `promote init`. It asks for the missing ones on a terminal.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Examples:
  promote init                                       ask, on a terminal
  promote init --repository acme/gitops --dry-run    show what would change
  promote init --repository acme/gitops --yes        and change it
  promote init --repository acme/gitops --no-port    the files alone
  promote init --app                                 act as a GitHub App

It sets up the built-in policy for the catalog that is there: services,
runtimes and images are found by where their relations lead, whatever they are
called. Run it in a clone of the GitOps repository, so that it sees the
manifests. What it wrote before, and the workflow of Port's guide, it renews;
what a person changed stays unless `--overwrite` is given.

Port is read and written with PORT_CLIENT_ID and PORT_CLIENT_SECRET
(PORT_API_URL for another region).

Exit codes:
  0  everything is set up
  1  something that is there stays in the way
  2  nothing could be decided: usage or a file is in the way
  3  Port or GitHub failed, or said no")]
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

    /// Make an action in Port that takes back what the last promotion of a service brought, without a question to staging
    #[arg(
        long,
        value_name = "ACTION",
        num_args = 0..=1,
        default_missing_value = "rollback_production"
    )]
    pub rollback: Option<String>,

    /// Keep an entity in Port for each promotion, of this blueprint, which is created if it is not there
    #[arg(
        long,
        value_name = "BLUEPRINT",
        num_args = 0..=1,
        default_missing_value = "promotion"
    )]
    pub record: Option<String>,

    /// Have Port make a page in the catalog beside each blueprint that is created
    #[arg(long)]
    pub catalog_pages: bool,

    /// Keep one comment under each pull request up to date: how it stands, what comes next, and the journal's seal
    #[arg(long)]
    pub comment: bool,

    /// Record each promotion as a deployment at GitHub
    #[arg(long)]
    pub deployments: bool,

    /// Let the run know who approved it in GitHub's environment
    #[arg(long)]
    pub reviews: bool,

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

    /// The form of the result on standard output: none, or one JSON object; what happens is told on standard error
    #[arg(long, value_enum, default_value_t)]
    pub format: OutputFormat,
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
