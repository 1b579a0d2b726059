//! `promote doctor`: checks everything that a run needs before it is needed, and says how to put it right.
//!
//! It reads; it never writes. For a service it runs the policy itself as a plan, so that it finds what a run would find,
//! whatever the policy. Of the settings it understands those that the policy marks (`marks`). In reading order:
//! `grants`, `rules`, `credentials`, `github`, `branch`, `port`, `action`, `workflow`, `workflow_file`, `environment`, `probe`,
//! `judge`.

mod action;
mod branch;
mod credentials;
mod environment;
mod github;
mod grants;
mod judge;
mod owners;
mod port;
mod probe;
mod rules;
mod workflow;
mod workflow_file;

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};

use self::action::ActionChecks;
use self::probe::{ServiceChoice, ServiceProbe};
use self::workflow::WorkflowReaders;
use crate::finding::{DoctorFindings, FindingCode, Severity};
use crate::fleet::FleetSettings;
use crate::marks::{MarkedSettings, SettingRole};
use promote_core::gate::describe;
use promote_core::policy::Policy;
use promote_core::policy::engine::Engine;
use promote_core::service;
use promote_core::source::live::Live;
use promote_core::text;
use promote_intake::choice::LoadPolicy;
use promote_intake::config::{Config, PolicyConfig};
use promote_intake::lock::{Lock, LockError};
use promote_intake::team::TeamRule;
use promote_run::{OutputFormat, json_text};

/// The arguments of `promote doctor`.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Examples:
  promote doctor                    credentials, repository, Port, a service
  promote doctor --service web      and this service instead
  promote doctor --all-services     and every service of the catalog
  promote doctor --format json      for a program

Of a policy's settings it checks those that the policy marks in its schema
with `x-promote-role`.

Exit codes:
  0  nothing but notes
  1  warnings
  2  errors: a run would fail
  3  Port or GitHub could not be asked")]
pub struct DoctorArgs {
    /// The operator's configuration
    #[arg(long, value_name = "FILE", default_value = "promote.toml")]
    pub config: std::path::PathBuf,

    /// Check this service; may be given several times
    #[arg(long, value_name = "SERVICE", conflicts_with = "all_services")]
    service: Vec<String>,

    /// Check every service of the catalog
    #[arg(long)]
    all_services: bool,

    /// The blueprint of services
    #[arg(long, value_name = "BLUEPRINT", default_value = "service")]
    blueprint: String,

    /// The form of the output
    #[arg(long, value_enum, default_value_t)]
    pub format: OutputFormat,
}

/// The set-up that is examined.
pub struct ExaminedSetup<'a> {
    /// The configuration.
    pub config: &'a Config,
    /// Runs the policy.
    pub engine: &'a Engine,
    /// Brings the policies.
    pub load: &'a dyn LoadPolicy,
    /// Port, or why there is no client.
    pub port: anyhow::Result<service::port::Client>,
    /// GitHub, or why there is no client.
    pub github: anyhow::Result<service::github::Client>,
    /// Registries of images.
    pub registry: service::registry::Client,
    /// Verifies attestations.
    pub verifier: Arc<dyn service::attestation::BundleVerifier>,
    /// GitHub by a workflow's own token, which reads workflows and environments of its repository.
    pub own: Option<(service::github::Client, String)>,
    /// True if a GitHub App acts.
    pub is_app: bool,
}

/// Examines everything; `say` tells people how far it is.
pub async fn run(
    args: &DoctorArgs,
    setup: ExaminedSetup<'_>,
    say: impl Fn(&str),
) -> DoctorFindings {
    let mut findings = DoctorFindings::default();
    let (policies, settings) = describe_policies(&setup, &mut findings).await;
    let is_locked = Lock::path(&args.config).exists();
    grants::check(setup.config, policies.as_deref(), is_locked, &mut findings);
    rules::describe(&setup, &mut findings).await;
    say("checking the repository");
    let github = check_github(&setup, &settings, &mut findings).await;
    say("checking Port's blueprints and action");
    let port = check_port(args, &setup, &settings, &mut findings).await;
    let is_usable = port == Some(true) && github == Some(true);
    if let (Ok(port), Ok(github), true) = (&setup.port, &setup.github, is_usable) {
        say("checking the workflow that the action starts");
        let readers = WorkflowReaders {
            port,
            github,
            own: setup.own.as_ref(),
            grants: &setup.config.grants,
            resume: &setup.config.workflow.resume,
            ruled: rules::has_binding(setup.config).then_some(args.config.as_path()),
        };
        let actions = setup.config.port.actions.identifiers();
        let guarded = setup.config.workflow.environment.as_deref();
        workflow::check(&readers, &actions, guarded, &mut findings).await;
    }
    match (policies, setup.port, setup.github) {
        (Some(policies), Ok(port), Ok(github)) if is_usable => {
            let live = Arc::new(Live {
                port,
                github,
                registry: setup.registry,
                verifier: setup.verifier,
            });
            ServiceProbe::new(
                setup.config,
                setup.engine,
                &policies,
                &settings,
                Arc::clone(&live),
            )
            .check(&args.blueprint, choice_of(args), &mut findings, &say)
            .await;
            revoke(&live.github, &say).await;
        }
        (_, _, Ok(github)) => revoke(&github, &say).await,
        _ => {}
    }
    findings.settle();
    findings
}

fn choice_of(args: &DoctorArgs) -> ServiceChoice<'_> {
    if args.all_services {
        ServiceChoice::All
    } else if args.service.is_empty() {
        ServiceChoice::First
    } else {
        ServiceChoice::Named(&args.service)
    }
}

/// Gives back what an App minted for the check-up.
async fn revoke(github: &service::github::Client, say: &impl Fn(&str)) {
    if let Err(failure) = github.revoke().await {
        say(&format!(
            "the installation token could not be revoked, it ends within the hour: {}",
            describe(&failure)
        ));
    }
}

/// Checks GitHub for every policy, and returns whether it can be used; none if there is no client.
async fn check_github(
    setup: &ExaminedSetup<'_>,
    settings: &FleetSettings<'_>,
    findings: &mut DoctorFindings,
) -> Option<bool> {
    let client = match &setup.github {
        Ok(client) => client,
        Err(error) => {
            findings.error(
                FindingCode::GithubCredentials,
                "GitHub",
                format!("{error:#}"),
                "set GITHUB_TOKEN, or GITHUB_APP_ID and GITHUB_APP_PRIVATE_KEY",
            );
            return None;
        }
    };
    let mut is_usable = true;
    for marks in settings.all() {
        is_usable &= github::check(client, setup.config, marks, setup.is_app, findings).await;
    }
    Some(is_usable)
}

/// Checks Port for every policy, and returns whether it can be used; none if there is no client.
async fn check_port(
    args: &DoctorArgs,
    setup: &ExaminedSetup<'_>,
    settings: &FleetSettings<'_>,
    findings: &mut DoctorFindings,
) -> Option<bool> {
    let client = match &setup.port {
        Ok(client) => client,
        Err(error) => {
            findings.error(
                FindingCode::PortCredentials,
                "Port",
                format!("{error:#}"),
                "set PORT_CLIENT_ID and PORT_CLIENT_SECRET, and PORT_API_URL outside Europe",
            );
            return None;
        }
    };
    let names_teams = setup.config.team.iter().any(TeamRule::names_teams);
    let mut is_usable = true;
    for marks in settings.all() {
        is_usable &= port::check(client, &args.blueprint, names_teams, marks, findings).await;
    }
    if is_usable {
        let checks = ActionChecks {
            client,
            service: &args.blueprint,
        };
        let actions = setup.config.port.actions.identifiers();
        is_usable = port::check_actions(&checks, &actions, findings).await;
    }
    if let Some(record) = setup.config.port.record.as_ref().filter(|_| is_usable) {
        is_usable &= port::check_record(client, record, findings).await;
    }
    Some(is_usable)
}

/// Returns the policies, if every one can be used, and their settings.
async fn describe_policies<'a>(
    setup: &ExaminedSetup<'a>,
    findings: &mut DoctorFindings,
) -> (Option<Vec<Policy>>, FleetSettings<'a>) {
    let mut policies = Vec::new();
    let mut all = Vec::new();
    for (at, (name, wanted)) in setup.config.policies().enumerate() {
        let name = if at == 0 { "policy" } else { &name };
        let (policy, schema) = describe_policy(setup, wanted, name, findings).await;
        let marks = MarkedSettings::read(&schema.unwrap_or_default(), &wanted.settings());
        check_deadlines(&marks, setup.config.limits.wall, name, findings);
        if policy.is_some() {
            note_unmarked(&marks, name, findings);
        }
        policies.push(policy);
        all.push(marks);
    }
    (
        policies.into_iter().collect(),
        FleetSettings::new(&setup.config.team, all),
    )
}

/// Returns a policy, and the schema of its settings.
async fn describe_policy(
    setup: &ExaminedSetup<'_>,
    wanted: &PolicyConfig,
    name: &str,
    findings: &mut DoctorFindings,
) -> (Option<Policy>, Option<String>) {
    let policy = match setup.load.load(wanted).await {
        Ok(policy) => policy,
        Err(error) => {
            let (code, fix) = if error.is::<LockError>() {
                (
                    FindingCode::ComponentUnlocked,
                    "review what `promote lock` shows, and commit promote.lock",
                )
            } else {
                (
                    FindingCode::Component,
                    "use the component that was reviewed, built for this host's contract: `promote inspect FILE`",
                )
            };
            findings.error(code, name, format!("{error:#}"), fix);
            return (None, None);
        }
    };
    let schema = match setup.engine.describe(&policy.program).await {
        Ok(description) => description.settings_schema,
        Err(error) => {
            let what = format!("it cannot describe itself: {error:#}");
            findings.error(FindingCode::Component, name, what, "tell its author");
            return (None, None);
        }
    };
    if let Err(error) = promote_intake::settings::check(setup.engine, &policy, wanted).await {
        findings.error(
            FindingCode::Settings,
            &format!("{name}.settings"),
            error.to_string(),
            "correct it in promote.toml; `promote inspect --format json` shows the schema",
        );
    }
    (Some(policy), Some(schema))
}

/// Says which checks of the set-up cannot be made, since the policy marks no setting for them.
fn note_unmarked(marks: &MarkedSettings, name: &str, findings: &mut DoctorFindings) {
    let checked = [
        SettingRole::Repository,
        SettingRole::BaseBranch,
        SettingRole::RuntimeBlueprint,
        SettingRole::Target,
    ];
    let missing: Vec<&str> = checked
        .into_iter()
        .filter(|role| marks.get(*role).is_none())
        .map(SettingRole::name)
        .collect();
    if !missing.is_empty() {
        findings.note(
            FindingCode::SettingsUnmarked,
            name,
            format!(
                "no setting with a value is marked as {}: what depends on it is not checked, only planned",
                missing.join(", ")
            ),
            "set it, or have the policy's author mark it with `x-promote-role` in the settings schema",
        );
    }
}

/// Finds a policy that may wait for longer than the whole run has.
fn check_deadlines(
    marks: &MarkedSettings,
    wall: Duration,
    name: &str,
    findings: &mut DoctorFindings,
) {
    let waits_for_checks = marks.text(SettingRole::MergeMode) == Some("checks");
    let checks = marks.get(SettingRole::ChecksDeadline);
    let over = |text: &str| seconds(text).filter(|it| *it >= wall.as_secs());
    if let Some(setting) = checks.filter(|_| waits_for_checks)
        && let Some(deadline) = over(&setting.text)
    {
        findings.warning(
            FindingCode::LimitDeadline,
            name,
            format!(
                "`{}` lets it wait for {deadline} s, and `limits.wall` ends the whole run after {} s",
                setting.name,
                wall.as_secs()
            ),
            "raise `limits.wall` above it, with room for the rest of the run, or shorten it",
        );
    }
}

/// A time span of the settings, such as `10m`, in seconds.
fn seconds(text: &str) -> Option<u64> {
    let unit = text.chars().last()?;
    let factor = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return None,
    };
    let number: u64 = text[..text.len() - 1].parse().ok()?;
    number.checked_mul(factor)
}

/// Returns the text for standard output.
pub fn print(findings: &DoctorFindings, format: OutputFormat) -> String {
    if format == OutputFormat::Json {
        let all: Value = findings.0.iter().map(|finding| finding.json()).collect();
        let found = json!({ "exit-code": findings.exit_code(), "findings": all });
        return json_text(found);
    }
    let mut shown = String::new();
    for finding in &findings.0 {
        let head = format!(
            "{} {} [{}]: {}",
            finding.severity.mark(),
            finding.subject,
            finding.code.name(),
            finding.what
        );
        let _ = writeln!(
            shown,
            "{}\n    {}",
            text::log(&text::line(&head)),
            text::log(&text::line(&finding.fix))
        );
    }
    let errors = findings.count(Severity::Error) + findings.count(Severity::Unknown);
    let warnings = findings.count(Severity::Warning);
    if errors + warnings == 0 {
        shown.push_str("nothing is wrong: a run can start\n");
    } else {
        let _ = writeln!(
            shown,
            "{}, {}; `promote explain CODE` says more",
            text::count(errors, "error"),
            text::count(warnings, "warning")
        );
    }
    shown
}
