//! `promote demo`: the main job, end to end, on one machine.
//!
//! It serves the sample world on loopback, starts this same program as `promote run` with nothing but environment
//! variables, a payload and a `promote.toml`, and shows what became of Port and git. It has no way of its own.

use std::process::Stdio;

use anyhow::Context as _;
use clap::Args;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

use promote_mock::github::PullState;
use promote_mock::server::{ServerOptions, WorldServer};
use promote_mock::{SharedWorld, World, sample};

/// The operator's configuration for the sample.
pub const CONFIG: &str = include_str!("sample.toml");

/// The arguments of `promote demo`.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Examples:
  promote demo             a promotion on an embedded Port and GitHub
  promote demo --plan      what it would change
  promote demo --keep try  leave its promote.toml and payload.json in try")]
pub struct DemoArgs {
    /// Only show what would change (`promote plan`)
    #[arg(long)]
    plan: bool,

    /// Keep the files of the demo in this folder
    #[arg(long, value_name = "FOLDER")]
    keep: Option<std::path::PathBuf>,
}

/// Runs the demo; lines for people go to `say`, the result to `data`.
///
/// # Errors
/// When the world cannot be served or the program cannot be started.
pub async fn run(
    args: &DemoArgs,
    say: &(dyn Fn(&str) + Sync),
    data: &(dyn Fn(&str) + Sync),
) -> anyhow::Result<u8> {
    let world = SharedWorld::new(World::sample());
    let environment = world.lock().environment();
    let server = WorldServer::start(
        world.clone(),
        ([127, 0, 0, 1], 0).into(),
        ServerOptions::default(),
    )
    .await?;
    let temporary = std::env::temp_dir().join(format!("promote-demo-{}", std::process::id()));
    let folder = args.keep.clone().unwrap_or(temporary);
    std::fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
    let file = |name: &str, text: &str| -> anyhow::Result<std::path::PathBuf> {
        let path = folder.join(name);
        std::fs::write(&path, text).with_context(|| format!("writing {}", path.display()))?;
        Ok(path)
    };
    let config = file("promote.toml", CONFIG)?;
    let payload = file("payload.json", &format!("{:#}", sample::payload()))?;
    say(&format!(
        "Port and GitHub are served on {} with the data of the guide.",
        server.url()
    ));
    say("Somebody clicks \"Promote to production\" on the service web:");
    say("");
    let verb = if args.plan { "plan" } else { "run" };
    let style = promote_run::output::style();
    let colours = if style.colours_out && style.colours_err {
        "always"
    } else {
        "never"
    };
    let mut command = Command::new(std::env::current_exe().context("finding this program")?);
    command
        .env_clear()
        .envs(environment)
        .env("PORT_API_URL", server.url())
        .env("GITHUB_API_URL", server.url())
        // A page of the embedded GitHub cannot be opened: no link leads there.
        .env("GITHUB_SERVER_URL", server.url())
        .env("RUNNER_TEMP", &folder)
        .args(["--color", colours])
        .arg(verb)
        .arg("--config")
        .arg(&config)
        .arg("--payload")
        .arg(&payload)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let code = show(command, say, data).await?;
    server.stop().await;
    let state = after(&world.snapshot())?;
    say("");
    data(&state);
    if args.keep.is_none() {
        std::fs::remove_dir_all(&folder)
            .with_context(|| format!("removing {}", folder.display()))?;
    }
    Ok(code)
}

/// Runs the program and passes on what it says as it says it.
async fn show(
    mut command: Command,
    say: &(dyn Fn(&str) + Sync),
    data: &(dyn Fn(&str) + Sync),
) -> anyhow::Result<u8> {
    let mut child = command.spawn().context("starting this program again")?;
    let stdout = child.stdout.take().context("the program has no output")?;
    let stderr = child
        .stderr
        .take()
        .context("the program has no error output")?;
    let mut said = BufReader::new(stderr).lines();
    while let Some(line) = said.next_line().await? {
        say(&format!("  {line}"));
    }
    let mut printed = BufReader::new(stdout).lines();
    while let Some(line) = printed.next_line().await? {
        data(&format!("  {line}\n"));
    }
    let status = child.wait().await?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    code.context("the program was killed")
}

/// Shows Port and git after the run.
fn after(world: &World) -> anyhow::Result<String> {
    let production = world
        .port
        .entity("running_service", "web-prod")
        .context("the sample has no production")?;
    let run = world
        .port
        .runs
        .get(sample::RUN)
        .context("the sample has no run")?;
    let repository = world
        .github
        .find("acme/gitops")
        .context("the sample has no repository")?;
    let image = production
        .relations
        .get("image")
        .map(|image| image.identifiers().join(", "));
    let head = repository
        .branch("main")
        .context("the sample has no main")?;
    let branches = world.github.branches("acme/gitops").join(", ");
    let pulls: Vec<String> = world
        .github
        .pull_requests("acme/gitops")
        .iter()
        .map(|pull| format!("#{} {} ({})", pull.number, pull.title, state(&pull.state)))
        .collect();
    Ok(format!(
        "Port    running_service/web-prod has image {}\n        run {} is {} ({})\n\
         GitHub  acme/gitops main is at {head}, branches: {branches}\n        pull requests: {}\n",
        image.unwrap_or_default(),
        sample::RUN,
        run.status.as_str(),
        run.label.as_deref().unwrap_or_default(),
        pulls.join(", ")
    ))
}

fn state(state: &PullState) -> &'static str {
    match state {
        PullState::Open => "open",
        PullState::Closed { .. } => "closed",
        PullState::Merged { .. } => "merged",
    }
}
