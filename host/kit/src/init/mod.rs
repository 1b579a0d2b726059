//! `promote init`: the workflow file, `promote.toml`, and Port's three blueprints and action, for the built-in policy.
//!
//! It shows what would change before it changes anything, adds what is missing, and never drops what others added: a
//! second run finds nothing to do. It writes no secret anywhere, it says which ones to set.

mod answers;
mod dialog;
mod files;
mod layout;
mod port;

use anyhow::{Context as _, bail};

use promote_core::service::port::Client;
use promote_core::text;

pub use answers::InitArgs;
pub use dialog::SetupDialog;

use answers::SetupAnswers;
use dialog::SetupDifference;

/// Sets things up and returns the exit code. `connect` makes the client of Port, if it is needed; `find_commit` looks up the
/// tag of a repository.
///
/// # Errors
/// When an answer is missing, something cannot be read or written, or Port refuses.
pub async fn run(
    args: &InitArgs,
    dialog: &SetupDialog<'_>,
    connect: impl FnOnce() -> anyhow::Result<Client>,
    find_commit: impl AsyncFnOnce(&str, &str) -> anyhow::Result<String>,
) -> anyhow::Result<u8> {
    let client = if args.no_port {
        None
    } else {
        Some(connect().context("`--no-port` leaves Port alone")?)
    };
    let mut answers = SetupAnswers::complete(args, dialog)?;
    answers.pin(find_commit).await?;
    let places = match &client {
        Some(client) => port::places(client).await?,
        None => Vec::new(),
    };
    answers.recognise(args, &places, dialog);
    if answers.paths.is_none() {
        answers.paths = port::guess_paths(&places, &answers.manifest);
    }
    answers.settle_paths(dialog)?;
    let files = files::plan(&answers, &args.folder, args.overwrite)?;
    let changes = match &client {
        Some(client) => port::plan(client, &answers).await?,
        None => port::PortChanges::default(),
    };
    for warning in changes.warnings.iter().chain(&files.kept) {
        (dialog.say)(&format!("warning: {}", text::line(warning)));
    }
    let differences: Vec<&SetupDifference> = changes
        .all
        .iter()
        .map(|change| &change.difference)
        .chain(files.all.iter().map(|file| &file.difference))
        .collect();
    for difference in &differences {
        difference.show(dialog);
    }
    if differences.is_empty() {
        (dialog.say)("nothing to change: everything is set up");
    } else if args.dry_run {
        (dialog.say)(&format!(
            "nothing was changed: `--dry-run` ({} differences)",
            differences.len()
        ));
    } else {
        confirm(args, dialog)?;
        if let Some(client) = &client {
            port::apply(client, &changes, dialog).await?;
        }
        files::write(&files, dialog)?;
    }
    (dialog.say)(&next_steps(&answers));
    Ok(0)
}

fn confirm(args: &InitArgs, dialog: &SetupDialog<'_>) -> anyhow::Result<()> {
    if args.yes {
        return Ok(());
    }
    match (dialog.ask)("make these changes? (yes or no)", "no") {
        Some(answer) if matches!(answer.as_str(), "y" | "yes") => Ok(()),
        Some(_) => bail!("nothing was changed"),
        None => bail!("nothing was changed: there is nobody to ask, `--yes` says so beforehand"),
    }
}

fn next_steps(answers: &SetupAnswers) -> String {
    let at = &answers.workflow_repository;
    let environment = &answers.environment;
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
    steps.push(if answers.app {
        format!(
            "install the App in {}: contents and pull requests, read and write; checks and commit statuses, read",
            answers.repository
        )
    } else {
        format!(
            "in the Actions settings of {at}, allow GitHub Actions to create and approve pull requests"
        )
    });
    steps.push(format!(
        "commit {} and {}, and have somebody review the grants",
        files::WORKFLOW,
        files::CONFIG
    ));
    steps.push("promote doctor".to_owned());
    format!("\nwhat is left to do:\n  {}", steps.join("\n  "))
}
