//! `promote init`: the workflow file, `promote.toml`, and Port's three blueprints and action.
//!
//! It shows what would change before it changes anything, adds what is missing, and never drops what others added: a
//! second run finds nothing to do. It writes no secret anywhere, it says which ones to set.

mod answers;
mod files;
mod port;

use anyhow::{Context as _, bail};
use clap::Args;
use similar::TextDiff;

use promote_core::service::port::Client;
use promote_core::text;

pub use answers::Answers;

/// What `promote init` is told. What is missing it asks on a terminal.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Examples:
  promote init                                          ask for what is needed, on a terminal
  promote init --repository acme/gitops --dry-run       show what would change, in Port and here
  promote init --repository acme/gitops --yes           and change it
  promote init --repository acme/gitops --no-port       the files alone

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

    /// This program as an action, pinned by its commit; a released binary knows it
    #[arg(long, value_name = "OWNER/NAME@COMMIT")]
    pub uses: Option<String>,

    /// The branch that production follows
    #[arg(long, value_name = "BRANCH", default_value = "main")]
    pub base: String,

    /// The manifest of a service, a template over its runtime
    #[arg(
        long,
        value_name = "TEMPLATE",
        default_value = "{production.gitPath}/deployment.yaml"
    )]
    pub manifest: String,

    /// Where in the manifest the image stands
    #[arg(
        long,
        value_name = "PATH",
        default_value = "spec.template.spec.containers[0].image"
    )]
    pub image: String,

    /// How an image entity becomes an image reference
    #[arg(
        long,
        value_name = "TEMPLATE",
        default_value = "{registryId}:{tags[0]}"
    )]
    pub reference: String,

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

    /// Port's GitHub integration of the newer kind (Ocean) by its installation id, instead of the GitHub app
    #[arg(long, value_name = "ID")]
    pub installation: Option<String>,

    /// To blueprints that exist, add only what a promotion reads, not all that the guide has
    #[arg(long)]
    pub minimal: bool,

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

/// How `init` talks to people.
pub struct Talk<'a> {
    /// Shows a line; it is neutralised here already.
    pub say: &'a dyn Fn(&str),
    /// Asks a question with a default answer; none if there is nobody to ask.
    pub ask: &'a dyn Fn(&str, &str) -> Option<String>,
}

/// One thing that would change.
struct Difference {
    name: String,
    before: String,
    after: String,
}

/// Sets things up and returns the exit code. `connect` makes the client of Port, if it is needed.
///
/// # Errors
/// When an answer is missing, something cannot be read or written, or Port refuses.
pub async fn run(
    args: &InitArgs,
    talk: &Talk<'_>,
    connect: impl FnOnce() -> anyhow::Result<Client>,
) -> anyhow::Result<u8> {
    let client = if args.no_port {
        None
    } else {
        Some(connect().context("`--no-port` leaves Port alone")?)
    };
    let mut answers = Answers::complete(args, talk)?;
    if let Some(client) = &client
        && answers.paths.is_none()
    {
        answers.paths = port::guess_paths(client, &answers.manifest).await?;
    }
    answers.settle_paths(talk)?;
    let files = files::plan(&answers, &args.folder, args.overwrite)?;
    let changes = match &client {
        Some(client) => port::plan(client, &answers).await?,
        None => port::Changes::default(),
    };
    for warning in changes.warnings.iter().chain(&files.kept) {
        (talk.say)(&format!("warning: {}", text::line(warning)));
    }
    let differences: Vec<&Difference> = changes
        .all
        .iter()
        .map(|change| &change.difference)
        .chain(files.all.iter().map(|file| &file.difference))
        .collect();
    for difference in &differences {
        show(difference, talk);
    }
    if differences.is_empty() {
        (talk.say)("nothing to change: everything is set up");
    } else if args.dry_run {
        (talk.say)(&format!(
            "nothing was changed: `--dry-run` ({} differences)",
            differences.len()
        ));
    } else {
        confirm(args, talk)?;
        if let Some(client) = &client {
            port::apply(client, &changes, talk).await?;
        }
        files::write(&files, talk)?;
    }
    (talk.say)(&next_steps(&answers));
    Ok(0)
}

fn confirm(args: &InitArgs, talk: &Talk<'_>) -> anyhow::Result<()> {
    if args.yes {
        return Ok(());
    }
    match (talk.ask)("make these changes? (yes or no)", "no") {
        Some(answer) if matches!(answer.as_str(), "y" | "yes") => Ok(()),
        Some(_) => bail!("nothing was changed"),
        None => bail!("nothing was changed: there is nobody to ask, `--yes` says so beforehand"),
    }
}

fn show(difference: &Difference, talk: &Talk<'_>) {
    let diff = TextDiff::from_lines(&difference.before, &difference.after);
    let (from, to) = match difference.before.is_empty() {
        true => (
            "(not there)".to_owned(),
            format!("{} (new)", difference.name),
        ),
        false => (
            difference.name.clone(),
            format!("{} (changed)", difference.name),
        ),
    };
    let mut unified = diff.unified_diff();
    let shown = unified.context_radius(2).header(&from, &to).to_string();
    for line in shown.lines() {
        (talk.say)(&text::line(line));
    }
    (talk.say)("");
}

fn next_steps(answers: &Answers) -> String {
    let (at, environment) = (&answers.workflow_repository, &answers.environment);
    let mut secrets = vec!["PORT_CLIENT_ID", "PORT_CLIENT_SECRET"];
    if answers.app {
        secrets.extend(["PROMOTE_APP_ID", "PROMOTE_APP_PRIVATE_KEY"]);
    }
    let mut steps: Vec<String> = secrets
        .iter()
        .map(|name| format!("gh secret set {name} --env {environment} --repo {at}"))
        .collect();
    steps.insert(
        0,
        format!(
            "make the environment {environment} in the settings of {at}, for the default branch only; then"
        ),
    );
    steps.push(match answers.app {
        true => format!(
            "install the App in {}: contents and pull requests, read and write; checks and commit statuses, read",
            answers.repository
        ),
        false => format!("in the Actions settings of {at}, allow GitHub Actions to create and approve pull requests"),
    });
    steps.push(format!(
        "commit {} and {}, and have somebody review the grants",
        files::WORKFLOW,
        files::CONFIG
    ));
    steps.push("promote doctor".to_owned());
    format!("\nwhat is left to do:\n  {}", steps.join("\n  "))
}
