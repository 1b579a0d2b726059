//! `promote doctor`: checks everything that a run needs before it is needed, and says how to put it right.
//!
//! It reads; it never writes. For a service it runs the policy itself as a plan, so that what it finds is what a run would
//! find, whatever the policy.

mod github;
mod grants;
mod port;
mod probe;

use std::fmt::Write as _;

use clap::Args;
use serde_json::{Value, json};

pub use super::format::Format;
use crate::fleet::{self, Terms};
use promote_core::policy::Policy;
use promote_core::policy::engine::Engine;
use promote_core::text;
use promote_intake::choice::Load;
use promote_intake::config::{Config, PolicyConfig};
use promote_intake::lock::{Lock, LockError};

/// What `promote doctor` is told.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Examples:
  promote doctor                       check credentials, repository, Port, and the first service
  promote doctor --service web         and this service instead
  promote doctor --all-services        and every service of the catalog
  promote doctor --format json         for a program

Exit codes: 0 nothing but notes · 1 warnings · 2 errors: a run would fail · 3 Port or GitHub could not be asked")]
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

    /// The action in Port
    #[arg(long, value_name = "ACTION", default_value = "promote_to_production")]
    action: String,

    /// How to print what was found
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Good to know.
    Note,
    /// A run works, and somebody should look.
    Warning,
    /// A run would fail.
    Error,
    /// It could not be found out: a service did not answer.
    Unknown,
}

impl Severity {
    fn name(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Unknown => "unknown",
        }
    }
}

/// One thing that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// A word for `promote explain`.
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// On what.
    pub subject: String,
    /// What is wrong. Foreign text in it is not neutralised yet.
    pub what: String,
    /// What to do.
    pub fix: String,
}

/// Everything that was found so far.
#[derive(Default)]
pub struct Findings(pub Vec<Finding>);

impl Findings {
    fn add(
        &mut self,
        severity: Severity,
        code: &'static str,
        subject: &str,
        what: impl Into<String>,
        fix: &str,
    ) {
        let (subject, what, fix) = (subject.to_owned(), what.into(), fix.to_owned());
        self.0.push(Finding {
            code,
            severity,
            subject,
            what,
            fix,
        });
    }

    fn error(&mut self, code: &'static str, subject: &str, what: impl Into<String>, fix: &str) {
        self.add(Severity::Error, code, subject, what, fix);
    }

    fn warning(&mut self, code: &'static str, subject: &str, what: impl Into<String>, fix: &str) {
        self.add(Severity::Warning, code, subject, what, fix);
    }

    fn note(&mut self, code: &'static str, subject: &str, what: impl Into<String>, fix: &str) {
        self.add(Severity::Note, code, subject, what, fix);
    }

    /// Leaves each finding once: teams share repository and blueprints.
    fn once(&mut self) {
        let mut seen: Vec<Finding> = Vec::new();
        self.0.retain(|finding| {
            let is_new = !seen.contains(finding);
            if is_new {
                seen.push(finding.clone());
            }
            is_new
        });
    }

    /// 0 nothing but notes, 1 warnings, 2 errors, 3 something could not be found out.
    pub fn exit_code(&self) -> u8 {
        self.0
            .iter()
            .map(|finding| finding.severity as u8)
            .max()
            .unwrap_or(0)
    }
}

/// What is examined.
pub struct Patient<'a> {
    /// The configuration.
    pub config: &'a Config,
    /// Runs the policy.
    pub engine: &'a Engine,
    /// Brings the policies.
    pub load: &'a dyn Load,
    /// Port, or why there is no client.
    pub port: anyhow::Result<promote_core::service::port::Client>,
    /// GitHub, or why there is no client.
    pub github: anyhow::Result<promote_core::service::github::Client>,
    /// Whether a GitHub App acts.
    pub app: bool,
}

/// Examines everything; `say` tells people how far it is.
pub async fn run(args: &DoctorArgs, patient: Patient<'_>, say: impl Fn(&str)) -> Findings {
    let mut findings = Findings::default();
    let Patient {
        config,
        engine,
        load,
        port,
        github,
        app,
    } = patient;
    let (policies, terms) = described(engine, config, load, &mut findings).await;
    grants::check(
        config,
        policies.as_deref(),
        Lock::path(&args.config).exists(),
        &mut findings,
    );
    say("checking the repository");
    let github = match github {
        Ok(client) => {
            let mut usable = true;
            for settings in terms.all() {
                usable &= github::check(&client, config, settings, app, &mut findings).await;
            }
            usable.then_some(client)
        }
        Err(error) => {
            findings.error(
                "github-credentials",
                "GitHub",
                format!("{error:#}"),
                "set GITHUB_TOKEN, or GITHUB_APP_ID and GITHUB_APP_PRIVATE_KEY",
            );
            None
        }
    };
    say("checking Port's blueprints and action");
    let port = match port {
        Ok(client) => {
            let mut usable = true;
            for settings in terms.all() {
                usable &= port::check(
                    &client,
                    &args.blueprint,
                    &args.action,
                    settings,
                    &mut findings,
                )
                .await;
            }
            usable.then_some(client)
        }
        Err(error) => {
            findings.error(
                "port-credentials",
                "Port",
                format!("{error:#}"),
                "set PORT_CLIENT_ID and PORT_CLIENT_SECRET, and PORT_API_URL outside Europe",
            );
            None
        }
    };
    if let (Some(policies), Some(port), Some(github)) = (policies, port, github) {
        let wanted = match (args.all_services, &args.service[..]) {
            (true, _) => probe::Wanted::All,
            (false, []) => probe::Wanted::First,
            (false, names) => probe::Wanted::Named(names),
        };
        let probing = probe::Probe::new(config, engine, &policies, &terms, port, github);
        probing
            .services(&args.blueprint, wanted, &mut findings, &say)
            .await;
    }
    findings.once();
    findings
        .0
        .sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    findings
}

/// The policies, if every one can be used, and their settings with every default filled in.
async fn described<'a>(
    engine: &Engine,
    config: &'a Config,
    load: &dyn Load,
    findings: &mut Findings,
) -> (Option<Vec<Policy>>, Terms<'a>) {
    let (mut policies, mut all) = (Vec::new(), Vec::new());
    for (at, (name, wanted)) in config.policies().enumerate() {
        let name = if at == 0 { "policy" } else { &name };
        let (policy, settings) = one(engine, wanted, load, name, findings).await;
        policies.push(policy);
        all.push(settings);
    }
    (
        policies.into_iter().collect(),
        Terms::new(&config.team, all),
    )
}

async fn one(
    engine: &Engine,
    wanted: &PolicyConfig,
    load: &dyn Load,
    name: &str,
    findings: &mut Findings,
) -> (Option<Policy>, Value) {
    let given = || serde_json::from_str(&wanted.settings()).unwrap_or_default();
    let policy = match load.load(wanted).await {
        Ok(policy) => policy,
        Err(error) => {
            let (code, fix) = match error.downcast_ref::<LockError>() {
                Some(_) => (
                    "component-unlocked",
                    "review what `promote lock` shows, and commit promote.lock",
                ),
                None => (
                    "component",
                    "use the component that was reviewed, built for this host's contract: `promote inspect FILE`",
                ),
            };
            findings.error(code, name, format!("{error:#}"), fix);
            return (None, given());
        }
    };
    let schema = match engine.describe(&policy.program).await {
        Ok(description) => description.settings_schema,
        Err(error) => {
            let what = format!("it cannot describe itself: {error:#}");
            findings.error("component", name, what, "tell its author");
            return (None, given());
        }
    };
    if let Err(error) = promote_intake::settings::check(engine, &policy, wanted).await {
        let fix = "correct it in promote.toml; `promote inspect --format json` shows the schema";
        findings.error(
            "settings",
            &format!("{name}.settings"),
            error.to_string(),
            fix,
        );
    }
    (Some(policy), fleet::settings(wanted, &schema))
}

/// The text for standard output.
pub fn print(findings: &Findings, format: Format) -> String {
    if format == Format::Json {
        let all: Value = findings.0.iter().map(json).collect();
        let found = json!({ "exit-code": findings.exit_code(), "findings": all });
        return text::json(&format!("{found:#}\n"));
    }
    let mut text = String::new();
    for finding in &findings.0 {
        let mark = match finding.severity {
            Severity::Note => "·",
            Severity::Warning => "!",
            Severity::Error => "✗",
            Severity::Unknown => "?",
        };
        let head = format!(
            "{mark} {} [{}]: {}",
            finding.subject, finding.code, finding.what
        );
        let _ = writeln!(
            text,
            "{}\n    {}",
            text::log(&text::line(&head)),
            text::log(&text::line(&finding.fix))
        );
    }
    let count = |severity| {
        findings
            .0
            .iter()
            .filter(|finding| finding.severity == severity)
            .count()
    };
    let (errors, warnings) = (
        count(Severity::Error) + count(Severity::Unknown),
        count(Severity::Warning),
    );
    let _ = match errors + warnings {
        0 => writeln!(text, "nothing is wrong: a run can start"),
        _ => writeln!(
            text,
            "{errors} errors, {warnings} warnings; `promote explain CODE` says more"
        ),
    };
    text
}

fn json(finding: &Finding) -> Value {
    json!({
        "code": finding.code, "severity": finding.severity.name(), "subject": finding.subject,
        "what": finding.what, "fix": finding.fix,
    })
}
