//! `promote matrix`: lists the services to promote, for the matrix of a workflow.
//!
//! GitHub Actions is the engine of a fleet: each entry becomes a job of its own, which starts the action in Port with
//! `promote start` or reads on.

use anyhow::{Context as _, bail};
use clap::Args;
use serde_json::{Value, json};

use crate::failure::ServiceFailure;
use crate::fleet::{self, FleetService, FleetSettings, RuntimeName};
use crate::marks::SettingRole;
use promote_core::contract::{EntityKey, Failure};
use promote_core::gate::describe;
use promote_core::service::port;
use promote_core::text;
use promote_run::OutputFormat;

/// The most jobs that a matrix may have (GitHub, "Usage limits for self-hosted and GitHub-hosted runners").
const MAX_JOBS: usize = 256;

/// The arguments of `promote matrix`.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Examples:
  promote matrix --behind            whose production is not on staging's image
  promote matrix --team payments --format text

In a job, whose output `matrix` the next one reads by fromJSON:
  echo \"matrix=$(promote matrix --behind)\" >> \"$GITHUB_OUTPUT\"")]
pub struct MatrixArgs {
    /// The operator's configuration
    #[arg(long, value_name = "FILE", default_value = "promote.toml")]
    pub config: std::path::PathBuf,

    /// The blueprint of services
    #[arg(long, value_name = "BLUEPRINT", default_value = "service")]
    blueprint: String,

    /// Only services of this team; may be given several times
    #[arg(long, value_name = "TEAM")]
    team: Vec<String>,

    /// Only services whose production runs, says the catalog, another image than staging
    #[arg(long)]
    behind: bool,

    /// The form of the output: `json` is one line, for `fromJSON` in a workflow
    #[arg(long, value_enum, default_value_t = OutputFormat::Json)]
    format: OutputFormat,
}

/// One job of the matrix.
struct MatrixEntry {
    service: FleetService,
    image: Option<String>,
    previous: Option<String>,
}

/// Reads the catalog and returns what to print. Services that have nothing to be promoted to are left out.
///
/// # Errors
/// When Port cannot be read, when there are more services than a matrix takes, or when `--behind` is asked of a policy that
/// does not mark where its images are.
pub async fn run(
    args: &MatrixArgs,
    settings: &FleetSettings<'_>,
    port: &port::Client,
) -> anyhow::Result<String> {
    if args.behind {
        check_marks(settings)?;
    }
    let services = fleet::services(port, &args.blueprint, settings)
        .await
        .map_err(read_error)
        .with_context(|| format!("reading the services `{}`", args.blueprint))?;
    let services = services
        .into_iter()
        .filter(|service| service.is_promotable() && is_in_team(service, &args.team))
        .collect();
    let mut entries = entries(port, settings, services)
        .await
        .map_err(read_error)
        .context("reading the runtimes")?;
    if args.behind {
        entries.retain(|entry| entry.image.is_some() && entry.image != entry.previous);
    }
    if entries.len() > MAX_JOBS {
        bail!(
            "{} services are more than the {MAX_JOBS} jobs that a matrix may have: choose with `--team` or `--behind`",
            entries.len()
        );
    }
    Ok(match args.format {
        OutputFormat::Json => {
            let all: Value = entries
                .iter()
                .map(|entry| entry.json(&args.blueprint))
                .collect();
            text::json(&format!("{}\n", json!({ "include": all })))
        }
        OutputFormat::Text => entries.iter().map(MatrixEntry::line).collect(),
    })
}

fn read_error(failure: Failure) -> anyhow::Error {
    ServiceFailure(describe(&failure).to_owned()).into()
}

/// Refuses to compare images of which nothing is known.
fn check_marks(settings: &FleetSettings<'_>) -> anyhow::Result<()> {
    let needed = [
        SettingRole::Source,
        SettingRole::Target,
        SettingRole::RuntimeBlueprint,
        SettingRole::ImageRelation,
    ];
    for marks in settings.all() {
        if let Some(role) = needed.into_iter().find(|role| marks.get(*role).is_none()) {
            bail!(
                "`--behind` compares the images of two runtimes, and a policy of this configuration marks no setting as \
                 `{}`: leave it out, or have the policy's author mark it with `x-promote-role` in the settings schema",
                role.name()
            );
        }
    }
    Ok(())
}

fn is_in_team(service: &FleetService, teams: &[String]) -> bool {
    teams.is_empty() || service.entity.teams.iter().any(|team| teams.contains(team))
}

/// Reads the runtimes of the services, as far as they are known, and the images that they run.
async fn entries(
    port: &port::Client,
    settings: &FleetSettings<'_>,
    services: Vec<FleetService>,
) -> Result<Vec<MatrixEntry>, Failure> {
    let keys: Vec<EntityKey> = services
        .iter()
        .flat_map(|service| [service.source.key(), service.target.key()])
        .flatten()
        .cloned()
        .collect();
    let found = fleet::entities_of(port, &keys).await?;
    let image = |service: &FleetService, runtime: &RuntimeName| {
        let relation = settings.of(service).text(SettingRole::ImageRelation)?;
        let key = runtime.key()?;
        let entity = found.get(key)?;
        fleet::related(entity, relation).map(str::to_owned)
    };
    Ok(services
        .into_iter()
        .map(|service| MatrixEntry {
            image: image(&service, &service.source),
            previous: image(&service, &service.target),
            service,
        })
        .collect())
}

impl MatrixEntry {
    /// Returns identifiers only: a title may hold anything, and an expression would put it into a script.
    fn json(&self, blueprint: &str) -> Value {
        let identifier = |runtime: &RuntimeName| runtime.key().map(|key| key.identifier.clone());
        json!({
            "service": self.service.entity.key.identifier,
            "blueprint": blueprint,
            "staging": identifier(&self.service.source),
            "production": identifier(&self.service.target),
            "image": self.image,
            "previous-image": self.previous,
        })
    }

    fn line(&self) -> String {
        let now = self.previous.as_deref().unwrap_or("nothing");
        let next = self.image.as_deref().unwrap_or("nothing");
        let change = if now == next {
            now.to_owned()
        } else {
            format!("{now} → {next}")
        };
        let line = format!("{:<30} {change}", self.service.entity.key.identifier);
        format!("{}\n", text::log(&text::line(&line)))
    }
}

#[cfg(test)]
mod tests {
    use promote_intake::builtin;

    use super::*;
    use crate::marks::MarkedSettings;

    #[test]
    fn images_are_compared_only_where_the_policy_marks_them() {
        let silent = FleetSettings::new(&[], vec![MarkedSettings::default()]);
        let refusal = check_marks(&silent).map_err(|error| error.to_string());
        assert!(refusal.is_err_and(|what| what.contains("`source`") && what.contains("--behind")));
    }

    #[tokio::test]
    async fn the_built_in_policy_marks_what_tools_need() -> anyhow::Result<()> {
        let engine = promote_core::policy::native::engine()?;
        let (policy, _) = builtin::load(&engine, builtin::POLICY, None, &|_| {})?;
        let described = engine.describe(&policy.program).await?;
        let marks = MarkedSettings::read(
            &described.settings_schema,
            "{\"repository\":\"a/b\",\"verify\":{\"enabled\":true}}",
        );
        for role in SettingRole::ALL {
            assert!(marks.get(role).is_some(), "{}", role.name());
        }
        assert!(marks.for_trial().contains("\"verify\":{\"enabled\":false}"));
        check_marks(&FleetSettings::new(&[], vec![marks]))
    }
}
