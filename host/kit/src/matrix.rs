//! `promote matrix`: which services there are to promote, for the matrix of a workflow.
//!
//! GitHub Actions is the engine of a fleet: each entry becomes a job of its own, which starts the action in Port with
//! `promote start` or reads on.

use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::fleet::{self, Service, Terms};
use promote_core::contract::Failure;
use promote_core::gate::describe;
use promote_core::service::port;
use promote_core::text;

/// A matrix makes at most this many jobs (GitHub, "Usage limits for self-hosted and GitHub-hosted runners").
const MOST_JOBS: usize = 256;

/// What `promote matrix` is told.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Examples:
  promote matrix --behind                               services whose production is not on staging's image
  echo \"matrix=$(promote matrix --team payments)\" >> \"$GITHUB_OUTPUT\"
                                                        in a job; the next one has `matrix: ${{ fromJSON(…) }}`")]
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

    /// How to print it
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// How to print it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// One line, for `fromJSON` in a workflow
    #[default]
    Json,
    /// A table for people
    Text,
}

/// One job of the matrix.
struct Entry {
    service: Service,
    image: Option<String>,
    previous: Option<String>,
}

/// Reads the catalog and returns what to print. Services without a production runtime are left out.
///
/// # Errors
/// When Port cannot be read, or there are more services than a matrix takes.
pub async fn run(
    args: &MatrixArgs,
    terms: &Terms<'_>,
    port: &port::Client,
) -> anyhow::Result<String> {
    let read = |failure: Failure| anyhow::anyhow!("{}", describe(&failure));
    let services = fleet::services(port, &args.blueprint, terms)
        .await
        .map_err(read);
    let mut services =
        services.with_context(|| format!("reading the services `{}`", args.blueprint))?;
    services.retain(|service| service.has_production() && in_team(service, &args.team));
    let mut entries = entries(port, terms, services)
        .await
        .map_err(read)
        .context("reading the runtimes")?;
    if args.behind {
        entries.retain(|entry| entry.image.is_some() && entry.image != entry.previous);
    }
    if entries.len() > MOST_JOBS {
        bail!(
            "{} services are more than the {MOST_JOBS} jobs that a matrix may have: choose with `--team` or `--behind`",
            entries.len()
        );
    }
    Ok(match args.format {
        Format::Json => {
            let all: Value = entries
                .iter()
                .map(|entry| entry.json(&args.blueprint))
                .collect();
            text::json(&format!("{}\n", json!({ "include": all })))
        }
        Format::Text => entries.iter().map(Entry::line).collect(),
    })
}

fn in_team(service: &Service, teams: &[String]) -> bool {
    teams.is_empty() || service.entity.teams.iter().any(|team| teams.contains(team))
}

async fn entries(
    port: &port::Client,
    terms: &Terms<'_>,
    services: Vec<Service>,
) -> Result<Vec<Entry>, Failure> {
    let runtimes = services.iter().flat_map(|service| {
        let both = [&service.staging, &service.production]
            .into_iter()
            .flatten();
        both.map(|identifier| fleet::runtime(terms.of(service), identifier))
    });
    let keys: Vec<_> = runtimes.collect();
    let found = port.entities(&keys).await?;
    let image = |service: &Service, identifier: &Result<String, String>| {
        let settings = terms.of(service);
        let relation = settings["image_relation"].as_str().unwrap_or("image");
        let key = fleet::runtime(settings, identifier.as_ref().ok()?);
        let at = keys.iter().position(|one| *one == key)?;
        fleet::related(found[at].as_ref()?, relation).map(str::to_owned)
    };
    Ok(services
        .into_iter()
        .map(|service| {
            let (from, to) = (
                image(&service, &service.staging),
                image(&service, &service.production),
            );
            Entry {
                image: from,
                previous: to,
                service,
            }
        })
        .collect())
}

impl Entry {
    /// Identifiers only: a title may hold anything, and an expression would put it into a script.
    fn json(&self, blueprint: &str) -> Value {
        json!({
            "service": self.service.entity.key.identifier,
            "blueprint": blueprint,
            "staging": self.service.staging.as_ref().ok(),
            "production": self.service.production.as_ref().ok(),
            "image": self.image,
            "previous-image": self.previous,
        })
    }

    fn line(&self) -> String {
        let shown = |image: &Option<String>| image.clone().unwrap_or_else(|| "nothing".to_owned());
        let (now, next) = (shown(&self.previous), shown(&self.image));
        let what = if now == next {
            now
        } else {
            format!("{now} → {next}")
        };
        format!(
            "{}\n",
            promote_core::text::line(&format!(
                "{:<30} {what}",
                self.service.entity.key.identifier
            ))
        )
    }
}
