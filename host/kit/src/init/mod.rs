//! `promote init`: the workflow file, `promote.toml`, Port's action and what the catalog lacks, for the built-in policy.
//!
//! It fits itself to the catalog and the manifests that are there, shows what would change before it changes anything, adds
//! what is missing, and never drops what others added: a second run finds nothing to do. It writes no secret anywhere, it says
//! which ones to set. In reading order: `args`, `dialog`, `answers`, `action_version`, `catalog`, `sample`, `layout`, `reference`, `paths`, `rules`, `backend`, `port_change`, `port`,
//! `contents`, `files`, `guide`, `app`, `report`.

mod action_version;
mod answers;
mod app;
mod args;
mod backend;
mod catalog;
mod contents;
mod dialog;
mod files;
mod guide;
mod layout;
mod paths;
mod port;
mod port_change;
mod reference;
mod report;
mod rules;
mod sample;

use anyhow::{Context as _, bail};
use serde_json::{Map, Value};

use promote_core::grants::Grants;
use promote_core::service::port::Client;
use promote_core::text;

pub use answers::PortRegion;
pub use args::InitArgs;
pub use dialog::SetupDialog;
pub use report::SetupReport;

use answers::SetupAnswers;
use backend::ActionBackend;
use catalog::{CatalogChoice, CatalogNames, CatalogProblem};
use dialog::{SetupQuestion, SetupQuestions};
use files::SetupFiles;
use port::{FoundActions, PortChanges};
use sample::CatalogSample;

/// What `init` is given of the world around it.
pub struct SetupTools<'a> {
    /// The region of Port.
    pub region: PortRegion,
    /// The address of GitHub for people.
    pub github: String,
    /// Checks that a GitHub App, whose credentials are in the environment, can do what these grants name; none if there are no
    /// credentials of one.
    pub check_app: Option<&'a dyn Fn(&Grants) -> AppCheck>,
}

/// The check of an App, under way: what is wrong with it, or nothing.
pub type AppCheck = std::pin::Pin<Box<dyn Future<Output = Result<(), String>>>>;

/// What was found in Port.
#[derive(Default)]
struct FoundPort {
    blueprints: Vec<Value>,
    choice: Option<CatalogChoice>,
    sample: CatalogSample,
    actions: FoundActions,
}

/// Sets things up and returns what that came to. `connect` makes the client of Port, if it is needed; `find_commit` looks up the
/// tag of a repository.
///
/// # Errors
/// When an answer is missing, something cannot be read or written, or Port refuses.
pub async fn run(
    args: &InitArgs,
    dialog: &SetupDialog<'_>,
    tools: &SetupTools<'_>,
    connect: impl FnOnce() -> anyhow::Result<Client>,
    find_commit: impl AsyncFnOnce(&str, &str) -> anyhow::Result<String>,
) -> anyhow::Result<SetupReport> {
    let client = if args.no_port {
        None
    } else {
        Some(connect().context("`--no-port` leaves Port alone")?)
    };
    let questions = SetupQuestions::new(dialog);
    let mut answers = SetupAnswers::complete(args, &questions)?;
    answers.set_region(&tools.region)?;
    if !answers.uses.is_empty() {
        answers.uses = action_version::pinned(&answers.uses, find_commit).await?;
    }
    let mut found = FoundPort::default();
    let mut left = Vec::new();
    if let Some(client) = &client {
        found = look(client, args, &mut answers, &questions).await?;
        let action = found.actions.promote.as_ref();
        left.extend(settle_backend(client, args, &mut answers, action, &questions).await?);
    }
    settle_manifest(args, &mut answers, &found.sample, &questions);
    questions.finish(args.yes || args.dry_run)?;
    answers.rules = rules::RuleSettings::choose(&answers.names, &found.blueprints, &found.sample);
    let files = files::plan(&answers, &args.folder, args.overwrite)?;
    let changes = match &found.choice {
        Some(choice) => port::plan(&answers, &found.blueprints, choice, found.actions)?,
        None => PortChanges::default(),
    };
    left.extend(files.kept.iter().map(|kept| {
        format!(
            "{} is there, was changed by a person and stays as it is: `--overwrite` replaces it",
            kept.name
        )
    }));
    show(&changes, &files, dialog);
    let mut report = SetupReport::of(&changes, &files);
    let all = changes.all.len() + files.all.len();
    if all == 0 && left.is_empty() {
        (dialog.say)("nothing to change: everything is set up");
    } else if all == 0 {
        (dialog.say)("nothing was changed");
    } else if args.dry_run {
        (dialog.say)(&format!(
            "nothing was changed: `--dry-run` ({all} differences)"
        ));
    } else {
        confirm(args, dialog)?;
        if let Some(client) = &client {
            port::apply(client, &changes, dialog).await?;
        }
        files::write(&files, dialog)?;
        report.is_changed = true;
    }
    left.extend(check_app(&answers, args, tools).await);
    report.left = left;
    report.next_steps = next_steps(&answers, args, tools);
    report.say_what_is_left(dialog);
    Ok(report)
}

/// Shows every difference, and what a person has to know.
fn show(changes: &PortChanges, files: &SetupFiles, dialog: &SetupDialog<'_>) {
    for warning in changes.warnings.iter().chain(&files.notes) {
        (dialog.say)(&format!("note: {}", text::line(warning)));
    }
    let differences = changes
        .all
        .iter()
        .map(|change| &change.difference)
        .chain(files.all.iter().map(|file| &file.difference));
    for difference in differences {
        difference.show(dialog);
    }
    for kept in &files.kept {
        (dialog.say)(&format!("{} would become:", kept.name));
        kept.show(dialog);
    }
}

/// Reads the catalog, and takes its names.
async fn look(
    client: &Client,
    args: &InitArgs,
    answers: &mut SetupAnswers,
    questions: &SetupQuestions<'_>,
) -> anyhow::Result<FoundPort> {
    let dialog = questions.dialog;
    let blueprints = port::blueprints(client).await?;
    let choice = choose_names(&blueprints, args, questions)?;
    answers.names = choice.names().clone();
    let names = &answers.names;
    (dialog.say)(&text::line(&format!(
        "catalog: {} by `{}` and `{}` to {}, by `{}` to {}{}",
        names.service,
        names.staging,
        names.production,
        names.runtime,
        names.image_relation,
        names.image,
        match choice {
            CatalogChoice::Complete(_) => "",
            CatalogChoice::Partial(_) => "; what is missing of it is added",
        }
    )));
    let sample = match &choice {
        CatalogChoice::Complete(_) => sample::read(client, names).await?,
        CatalogChoice::Partial(_) => CatalogSample::default(),
    };
    let action = port::find_action(client, answers).await?;
    if let Some(identifier) = action.as_ref().and_then(|it| it["identifier"].as_str())
        && identifier != answers.port_action
    {
        (dialog.say)(&text::line(&format!(
            "Port has the action {} as {identifier}: that one is used",
            answers.port_action
        )));
        identifier.clone_into(&mut answers.port_action);
    }
    let rollback = match &answers.rollback {
        Some(rollback) => port::action_named(client, rollback).await?,
        None => None,
    };
    Ok(FoundPort {
        blueprints,
        choice: Some(choice),
        sample,
        actions: FoundActions {
            promote: action,
            rollback,
        },
    })
}

/// Finds the names in the catalog, or asks for them.
fn choose_names(
    blueprints: &[Value],
    args: &InitArgs,
    questions: &SetupQuestions<'_>,
) -> anyhow::Result<CatalogChoice> {
    let mut given = args.given_names();
    let problem = match catalog::find(blueprints, &given, args.guide) {
        Ok(choice) => return Ok(choice),
        Err(problem) => problem,
    };
    let flag = problem.to_string();
    let is_answered = match problem {
        CatalogProblem::Absent(_) => bail!(flag),
        CatalogProblem::Several(ways) => {
            let question = SetupQuestion {
                words: "several ways lead from services by runtimes to images; which one?",
                default: "",
                flag: &flag,
            };
            let options: Vec<String> = ways.iter().map(CatalogNames::way).collect();
            let chosen = questions.choose(&question, &options);
            given = chosen.map_or(given, |at| ways[at].as_given());
            chosen.is_some()
        }
        CatalogProblem::Unfit(names) => ask_names(&names, &mut given, &flag, questions),
    };
    if is_answered {
        return Ok(catalog::find(blueprints, &given, args.guide)?);
    }
    Ok(CatalogChoice::Partial(CatalogNames::guide(&given)))
}

/// Asks for the names of a catalog in which nothing fits; stops at the first that nobody answers.
fn ask_names(
    names: &[String],
    given: &mut catalog::GivenNames,
    flag: &str,
    questions: &SetupQuestions<'_>,
) -> bool {
    let listed = names.join(", ");
    let guide = CatalogNames::guide(given);
    let wanted = [
        (
            &mut given.service,
            format!("the blueprint of services ({listed})"),
            "",
        ),
        (
            &mut given.runtime,
            "the blueprint of what runs of a service in one environment".to_owned(),
            "",
        ),
        (&mut given.image, "the blueprint of images".to_owned(), ""),
        (
            &mut given.staging,
            "the relation of a service to the runtime that an image comes from".to_owned(),
            guide.staging.as_str(),
        ),
        (
            &mut given.production,
            "the relation of a service to the runtime that an image goes to".to_owned(),
            guide.production.as_str(),
        ),
        (
            &mut given.image_relation,
            "the relation of a runtime to its image".to_owned(),
            guide.image_relation.as_str(),
        ),
    ];
    for (name, words, default) in wanted {
        if name.is_some() {
            continue;
        }
        let question = SetupQuestion {
            words: &words,
            default,
            flag,
        };
        let answer = questions.ask(&question);
        if answer.is_empty() {
            return false;
        }
        *name = Some(answer);
    }
    true
}

/// Decides what starts the workflow, and says what stays in the way of that.
async fn settle_backend(
    client: &Client,
    args: &InitArgs,
    answers: &mut SetupAnswers,
    action: Option<&Map<String, Value>>,
    questions: &SetupQuestions<'_>,
) -> anyhow::Result<Option<String>> {
    let present = action.and_then(backend::backend_of);
    let mut left = None;
    answers.backend = match (present, &args.installation) {
        _ if args.legacy_app => ActionBackend::LegacyApp,
        (Some(ActionBackend::LegacyApp), None) if !args.migrate => {
            left = Some(format!(
                "the action {} is started by Port's GitHub app, which Port has ended the support of: a click may start nothing; \
                 `--migrate` moves it to Port's GitHub integration, `--legacy-app` keeps it",
                answers.port_action
            ));
            ActionBackend::LegacyApp
        }
        (_, Some(installation)) => ActionBackend::Installation(installation.clone()),
        (Some(present @ ActionBackend::Installation(_)), None) => present,
        (_, None) => {
            ActionBackend::Installation(backend::find_installation(client, questions).await?)
        }
    };
    // The app looks for the workflow in `main`, the integration in the default branch.
    let is_own = answers.repository == answers.workflow_repository;
    if answers.backend == ActionBackend::LegacyApp && is_own && answers.base != "main" {
        answers.workflow_branch.get_or_insert(answers.base.clone());
    }
    Ok(left)
}

/// Decides where the manifests are, what they hold, and which files may change.
fn settle_manifest(
    args: &InitArgs,
    answers: &mut SetupAnswers,
    sample: &CatalogSample,
    questions: &SetupQuestions<'_>,
) {
    let property = sample.path_property(&args.folder);
    let places = property
        .as_ref()
        .map_or_else(Vec::new, |name| sample.places(name));
    if let Some(property) = &property {
        answers.path_property.clone_from(property);
    }
    answers.recognise(args, &places, questions.dialog);
    if answers.paths.is_none() {
        answers.paths = paths::guess_paths(&places, &answers.manifest, &answers.path_property);
    }
    answers.settle_paths(questions);
    let images = sample.images(&args.folder, property.as_deref());
    answers.settle_reference(&reference::derive(&images), questions);
    let misfits = reference::misfits(&answers.reference, &images);
    if let Some((image, held)) = misfits.first() {
        let count = misfits.len();
        (questions.dialog.say)(&text::line(&format!(
            "note: `reference` does not fit {count} of {} images with a manifest here, such as {image}, for which the manifest holds {held}: \
             a `[[team]]` rule gives their services settings of their own, or they are corrected in the catalog",
            images.iter().filter(|image| !image.held.is_empty()).count()
        )));
    }
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

/// Tries the App whose credentials are at hand.
async fn check_app(
    answers: &SetupAnswers,
    args: &InitArgs,
    tools: &SetupTools<'_>,
) -> Option<String> {
    let check = tools.check_app.filter(|_| answers.app)?;
    let config =
        promote_intake::config::Config::read_local(&args.folder.join(files::CONFIG)).ok()?;
    let problem = check(&config.grants).await.err()?;
    Some(format!(
        "the GitHub App cannot do what {} grants: {problem}",
        files::CONFIG
    ))
}

/// The grants of the promote.toml that is there; before there is one, of the one that would be written.
fn grants_there(answers: &SetupAnswers, args: &InitArgs) -> Grants {
    use promote_intake::config::Config;
    let there = Config::read_local(&args.folder.join(files::CONFIG)).ok();
    let wanted = || Config::parse(&contents::config(answers).ok()?).ok();
    there.or_else(wanted).unwrap_or_default().grants
}

fn next_steps(answers: &SetupAnswers, args: &InitArgs, tools: &SetupTools<'_>) -> Vec<String> {
    let at = &answers.workflow_repository;
    let environment = &answers.environment;
    let mut steps = vec![format!(
        "make the environment {environment} in the settings of {at}, for the default branch only; then"
    )];
    let mut secrets = vec!["PORT_CLIENT_ID", "PORT_CLIENT_SECRET"];
    if answers.app {
        secrets.extend(["PROMOTE_APP_ID", "PROMOTE_APP_PRIVATE_KEY"]);
        let owner = answers.repository.split('/').next().unwrap_or_default();
        let permissions = app::app_permissions(&grants_there(answers, args));
        let [organisation, person] = app::new_app_links(&tools.github, owner, &permissions);
        steps.insert(
            0,
            format!(
                "make a GitHub App, if there is none yet, make a private key for it, and install it in {}:\n    {organisation}\n    \
                 (for a person's own account: {person})",
                answers.repository
            ),
        );
    }
    let set = |name: &&str| format!("gh secret set {name} --env {environment} --repo {at}");
    steps.extend(secrets.iter().map(set));
    steps.push(format!(
        "make the environment {environment}-resume, for the default branch only and without reviewers; then"
    ));
    let set = |name: &&str| format!("gh secret set {name} --env {environment}-resume --repo {at}");
    steps.extend(secrets.iter().map(set));
    steps.push(if answers.app {
        "promote init --app again with GITHUB_APP_ID and GITHUB_APP_PRIVATE_KEY set, which tries the App".to_owned()
    } else {
        format!(
            "in the Actions settings of {at}, allow GitHub Actions to create and approve pull requests"
        )
    });
    steps.push(format!(
        "commit {}, {} and {}, and have somebody review the grants",
        files::WORKFLOW,
        files::RESUME,
        files::CONFIG
    ));
    steps.push("promote doctor".to_owned());
    steps
}
