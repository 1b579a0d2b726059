//! The texts of the workflow files and of `promote.toml`, from templates. Each carries the sum of itself.

use anyhow::Context as _;

use super::answers::{HostExtras, SetupAnswers};
use promote_core::journal::digest;
use promote_intake::config::Config;

const WORKFLOW_TEMPLATE: &str = include_str!("workflow.yml");
const RESUME_TEMPLATE: &str = include_str!("resume.yml");
const CONFIG_TEMPLATE: &str = include_str!("promote.toml");

/// The word in a template for the sum of its text, and before the sum in a file.
const SUM: &str = "sum ";
/// How many digits of the sum are written.
const SUM_DIGITS: usize = 16;

/// Writes the sum of a text into it, in place of the word for it.
fn sealed(text: &str) -> String {
    let sum = &digest(text.as_bytes())[..SUM_DIGITS];
    text.replacen(SUM, &format!("{SUM}{sum}"), 1)
}

/// Returns whether a text carries its own sum.
pub(super) fn is_unchanged(text: &str) -> bool {
    let Some(at) = text.find(SUM).map(|at| at + SUM.len()) else {
        return false;
    };
    let Some(sum) = text.get(at..at + SUM_DIGITS) else {
        return false;
    };
    let unsealed = format!("{}{}", &text[..at], &text[at + SUM_DIGITS..]);
    digest(unsealed.as_bytes()).starts_with(sum)
}

/// The text of the workflow that promotes.
pub(super) fn workflow(answers: &SetupAnswers) -> String {
    sealed(&filled_in(WORKFLOW_TEMPLATE, answers))
}

/// The workflow that carries on what waits. What happens to pull requests of another repository starts nothing here: the
/// schedule finds it.
pub(super) fn resume(answers: &SetupAnswers) -> String {
    let is_own = answers.repository == answers.workflow_repository;
    let mut is_kept = true;
    let mut text = String::new();
    for line in RESUME_TEMPLATE.lines() {
        match line.trim() {
            "#<own>" => is_kept = is_own,
            "#</own>" => is_kept = true,
            _ if is_kept => {
                text.push_str(line);
                text.push('\n');
            }
            _ => {}
        }
    }
    // Texts of JSON are texts of YAML.
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let paths = path_filter(answers.paths.as_deref().unwrap_or_default());
    let text = text
        .replace("PATHS", &quoted(&paths))
        .replace("[BASE]", &format!("[{}]", quoted(&answers.base)));
    sealed(&filled_in(&text, answers))
}

/// Makes a pattern of GitHub's out of one with templates, each of which may stand for several folders.
fn path_filter(pattern: &str) -> String {
    let mut filter = String::new();
    let mut rest = pattern;
    while let Some((before, inside)) = rest.split_once('{') {
        let Some((_, after)) = inside.split_once('}') else {
            break;
        };
        filter.push_str(before);
        filter.push_str("**");
        rest = after;
    }
    filter + rest
}

fn filled_in(template: &str, answers: &SetupAnswers) -> String {
    let own = "github-token: ${{ github.token }}";
    let app = "app-id: ${{ secrets.PROMOTE_APP_ID }}\n          app-private-key: ${{ secrets.PROMOTE_APP_PRIVATE_KEY }}";
    let write = "      contents: write # the branch of a promotion, and the merge\n      pull-requests: write # its pull request";
    let read = "      contents: read # promote.toml; the App has the rest";
    let deployments = if answers.extras.deployments && !answers.app {
        "\n      deployments: write # what production should run, as GitHub shows it"
    } else {
        ""
    };
    let region = answers.api_url.as_ref().map_or(String::new(), |address| {
        format!("          port-api-url: {address}\n")
    });
    template
        .replace(
            "      PERMISSIONS: none",
            &format!("{}{deployments}", if answers.app { read } else { write }),
        )
        .replace("CREDENTIALS: none", if answers.app { app } else { own })
        .replace("          REGION: none\n", &region)
        .replace("ENVIRONMENT", &answers.environment)
        .replace("OWNER/PROMOTE@COMMIT", &answers.uses)
        .replace("VERSION", env!("CARGO_PKG_VERSION"))
}

/// The grants for what the host keeps at GitHub.
fn kept(answers: &SetupAnswers) -> String {
    let repository = toml::Value::String(answers.repository.clone());
    let HostExtras {
        comment,
        deployments,
        ..
    } = answers.extras;
    let mut text = String::new();
    for (is_wanted, operation, what) in [
        (
            comment,
            "github.comment",
            "Keep one comment under the pull request up to date.",
        ),
        (
            deployments,
            "github.deployment",
            "Record what production should run as a deployment, where GitHub shows it.",
        ),
    ] {
        if is_wanted {
            text.push_str(&format!(
                "# {what}\n[[grants]]\nallow = [\"{operation}\"]\nrepository = {repository}\n\n"
            ));
        }
    }
    text
}

/// The text of promote.toml.
pub(super) fn config(answers: &SetupAnswers) -> anyhow::Result<String> {
    let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
    let names = &answers.names;
    let paths = answers.paths.as_deref().unwrap_or_default();
    let blueprints = [&names.service, &names.runtime, &names.image].map(|name| quoted(name));
    // A relation of another name than the blueprint that it leads to says so.
    let target = if names.image_relation == names.image {
        String::new()
    } else {
        format!("target = {}\n", quoted(&names.image))
    };
    let record = answers.record.as_ref().map_or_else(String::new, |record| {
        format!(
            "\n# An entity of this blueprint is kept for each promotion: who, what, when, by which policy and rules.\n[port]\nrecord = {}\n",
            quoted(record)
        )
    });
    let run = if answers.extras.reviews {
        r#"["run.note", "run.reviews"]"#
    } else {
        r#"["run.note"]"#
    };
    let (rollback, search) = match &answers.rollback {
        None => (String::new(), String::new()),
        Some(action) => (
            format!(
                "rollback = {{ action = {}, settings = {{ rollback = {{ enabled = true }} }} }}\n",
                quoted(action)
            ),
            format!(
                "# Find the image that git had before, for a rollback.\n[[grants]]\nallow = [\"port.search\"]\nblueprint = {}\n\n",
                quoted(&names.image)
            ),
        ),
    };
    let text = CONFIG_TEMPLATE
        .replace("$ROLLBACK\n", &rollback)
        .replace("$SEARCH\n", &search)
        .replace("$RUN\n", &format!("{run}\n"))
        .replace("$KEPT\n", &kept(answers))
        .replace("$REPOSITORY", &quoted(&answers.repository))
        .replace("$REFERENCE", &quoted(&answers.reference))
        .replace("$MANIFEST", &answers.entry)
        .replace("$SETTINGS\n", &answers.settings())
        .replace("$HOLDS", &quoted(&answers.holds))
        .replace("$ENVIRONMENT", &quoted(&answers.environment))
        .replace("$BASE", &quoted(&answers.base))
        .replace("$ACTION", &quoted(&answers.port_action))
        .replace("$RECORD\n", &record)
        .replace("$BLUEPRINTS", &format!("[{}]", blueprints.join(", ")))
        .replace("$RUNTIME", &quoted(&names.runtime))
        .replace(
            "$PRODUCTION",
            &quoted(&format!("{{service.relations.{}}}", names.production)),
        )
        .replace("$RELATION", &quoted(&names.image_relation))
        .replace("$TARGET\n", &target)
        .replace("$PATHS", &quoted(paths));
    Config::parse(&text)
        .map_err(|what| anyhow::anyhow!("{what}"))
        .context("what was answered makes no promote.toml")?;
    Ok(sealed(&text))
}
