//! `promote mock`: Port and GitHub on loopback, from a world file, for whoever wants to try a client against them.

mod from_port;

use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use tokio::process::Command;

use promote_core::service::port::Client;
use promote_mock::sample::{self, ImageShape};
use promote_mock::server::{ServerOptions, WorldServer};
use promote_mock::{RequestRecord, SharedWorld, World};

/// The exit code of a command that was killed, or whose own code says nothing here.
const KILLED: u8 = 3;

/// The arguments of `promote mock`.
#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES)]
pub struct MockArgs {
    /// Address to listen on, of this machine only; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    pub listen: SocketAddr,

    /// World file to begin with; without it, the sample data of the guide
    #[arg(long, value_name = "FILE")]
    pub world: Option<PathBuf>,

    /// How the catalog of the sample holds images
    #[arg(long, value_enum, default_value_t, conflicts_with = "world")]
    pub images: SampleImages,

    /// Print the sample's world file, to start one from, and serve nothing
    #[arg(long, conflicts_with = "world")]
    pub print_world: bool,

    /// Print a world file with the blueprints of your Port and a few entities of each, and serve nothing; Port's credentials
    /// stand in the environment, as for `promote run`
    #[arg(long, conflicts_with_all = ["world", "print_world"])]
    pub from_port: bool,

    /// The most entities of each blueprint that `--from-port` takes, beside those that they are related to
    #[arg(
        long,
        value_name = "NUMBER",
        default_value_t = 3,
        requires = "from_port"
    )]
    pub entities: usize,

    /// How many people must approve a pull request to the sample's repository before it may be merged
    #[arg(
        long,
        value_name = "NUMBER",
        default_value_t = 0,
        conflicts_with = "world"
    )]
    pub approvals: u32,

    /// Delay of every answer, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 0)]
    pub latency: u64,

    /// A command to run with the mock in its environment; the mock ends with it, with its exit code
    #[arg(last = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,
}

const EXAMPLES: &str = "\
Examples:
  promote mock -- sh                       a shell that reaches the mock
  promote mock --approvals 1 -- sh         somebody must approve before a merge
  promote mock --listen 127.0.0.1:7777     serve until ctrl-c
  promote mock --print-world > world.toml  the sample's data, to change them
  promote mock --world world.toml -- sh    data of your own

REVIEWER_TOKEN is the token of somebody else, who can approve, close and merge:
  curl -H \"Authorization: Bearer $REVIEWER_TOKEN\" -d '{\"event\": \"APPROVE\"}' \\
       $GITHUB_API_URL/repos/acme/gitops/pulls/1/reviews";

/// How the catalog of the sample holds images.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub enum SampleImages {
    /// `registryId` is the whole name, `tags` has the tag
    #[default]
    Spelled,
    /// The title is the whole reference, as in Port's guide today
    Titled,
    /// As Amazon's registry is told to Port: `registryId` is the account
    Ecr,
    /// As Argo CD is told to Port: the identifier is the whole reference
    ArgoCd,
}

impl SampleImages {
    fn world_file(self) -> String {
        let shape = match self {
            Self::Spelled => ImageShape::Spelled,
            Self::Titled => ImageShape::Titled,
            Self::Ecr => ImageShape::Ecr,
            Self::ArgoCd => ImageShape::ArgoCd,
        };
        shape.world_file()
    }
}

/// Serves the world until ctrl-c, or until the command of the arguments ends, and returns the exit code. What a client needs
/// is written to `out`, as lines to paste into a shell, or is in the command's environment; what happens is told to `log`, a
/// line each.
///
/// # Errors
/// When the world file is not one, the address cannot be had, or the command cannot be started.
pub async fn serve(
    args: &MockArgs,
    out: &mut (dyn Write + Send),
    log: impl Fn(&str) + Send + Sync + 'static,
) -> anyhow::Result<u8> {
    if args.print_world {
        out.write_all(args.images.world_file().as_bytes())
            .context("writing the world file")?;
        return Ok(0);
    }
    let mock = start(args, log).await?;
    let code = match args.command.split_first() {
        Some((program, rest)) => run_beside(&mock, program, rest).await?,
        None => {
            let lines = mock.environment.iter();
            let lines: String = lines
                .map(|(name, value)| format!("export {name}={}\n", quote(value)))
                .collect();
            // At once: who reads only the lines that it needs may be gone before the last one.
            out.write_all(lines.as_bytes())
                .context("writing the environment")?;
            out.flush().context("writing the environment")?;
            stopped().await?;
            0
        }
    };
    mock.server.stop().await;
    Ok(code)
}

/// Runs a command with the mock's variables, to its end or until somebody stops this process.
async fn run_beside(mock: &StartedMock, program: &OsStr, rest: &[OsString]) -> anyhow::Result<u8> {
    let mut command = Command::new(program);
    command
        .args(rest)
        .envs(mock.environment.iter().cloned())
        .kill_on_drop(true);
    let mut child = command
        .spawn()
        .with_context(|| format!("starting {}", program.display()))?;
    tokio::select! {
        ended = child.wait() => {
            let code = ended.context("waiting for the command")?.code();
            Ok(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(KILLED))
        }
        stopped = stopped() => {
            stopped?;
            Ok(KILLED)
        }
    }
}

/// Waits until somebody stops this process.
#[cfg(unix)]
async fn stopped() -> anyhow::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate()).context("waiting for SIGTERM")?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted.context("waiting for ctrl-c"),
        _ = terminate.recv() => Ok(()),
    }
}

/// Waits until somebody stops this process.
#[cfg(not(unix))]
async fn stopped() -> anyhow::Result<()> {
    tokio::signal::ctrl_c().await.context("waiting for ctrl-c")
}

/// Returns the text of a world file with what a Port holds, for `--from-port`.
///
/// # Errors
/// When Port does not answer.
pub async fn world_of(args: &MockArgs, client: &Client) -> anyhow::Result<String> {
    from_port::world_file(client, args.entities).await
}

/// A mock that serves, until it is dropped.
#[derive(Debug)]
pub struct StartedMock {
    /// The server.
    pub server: WorldServer,
    /// The variables that lead a client to it.
    pub environment: Vec<(&'static str, String)>,
}

/// Serves the world until the mock is dropped.
///
/// # Errors
/// When the world file is not one, or the address cannot be had.
pub async fn start(
    args: &MockArgs,
    log: impl Fn(&str) + Send + Sync + 'static,
) -> anyhow::Result<StartedMock> {
    let (world, reviewer) = match &args.world {
        Some(file) => (load(Some(file))?, None),
        None => {
            let mut world = World::from_toml(&args.images.world_file(), Path::new(""))?;
            sample::add_reviewer(&mut world, args.approvals);
            (
                world,
                Some(("REVIEWER_TOKEN", sample::REVIEWER_TOKEN.to_owned())),
            )
        }
    };
    let credentials = world.environment();
    let has_registry = !world.registry.repositories.is_empty();
    let observer = Arc::new(move |seen: &RequestRecord| log(&describe(seen)));
    let options = ServerOptions {
        latency: Duration::from_millis(args.latency),
        observer: Some(observer),
        ..ServerOptions::default()
    };
    let server = WorldServer::start(SharedWorld::new(world), args.listen, options).await?;
    let urls = ["PORT_API_URL", "GITHUB_API_URL"].map(|name| (name, server.url()));
    let registry = has_registry.then(|| ("PROMOTE_REGISTRY_URL", server.url()));
    // A page of this GitHub cannot be opened: no link leads there.
    let pages = ("GITHUB_SERVER_URL", server.url());
    let environment = urls
        .into_iter()
        .chain([pages])
        .chain(credentials)
        .chain(reviewer)
        .chain(registry)
        .collect();
    Ok(StartedMock {
        server,
        environment,
    })
}

/// The world of the file, or the sample.
///
/// Fails if it cannot be read, or is not a world file; the text names file, line and key.
pub fn load(file: Option<&Path>) -> anyhow::Result<World> {
    let Some(file) = file else {
        return Ok(World::sample());
    };
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("reading the world file {}", file.display()))?;
    let folder = file.parent().unwrap_or(Path::new(""));
    World::from_toml(&text, folder)
        .with_context(|| format!("reading the world file {}", file.display()))
}

/// One request as a line.
fn describe(seen: &RequestRecord) -> String {
    let query = seen.query.as_ref().map(|query| format!("?{query}"));
    let status = seen
        .status
        .map_or("cut".to_owned(), |status| status.to_string());
    let note = if seen.unknown {
        "  (no such route in the mock)"
    } else {
        ""
    };
    format!(
        "{:6} {status} {} {}{}{note}",
        seen.service.to_string(),
        seen.method,
        seen.path,
        query.unwrap_or_default()
    )
}

/// A value as a POSIX shell reads it back.
fn quote(value: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./:@%+=".contains(letter);
    if !value.is_empty() && value.chars().all(plain) {
        return value.to_owned();
    }
    format!("'{}'", value.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct MockCommandLine {
        #[command(flatten)]
        mock: MockArgs,
    }

    #[tokio::test]
    async fn tells_a_shell_what_a_client_needs() {
        let args = MockCommandLine::parse_from(["mock"]).mock;
        let mock = start(&args, |_| {}).await.unwrap();
        let url = mock.server.url();
        let expected = [
            ("PORT_API_URL", url.as_str()),
            ("GITHUB_API_URL", &url),
            ("GITHUB_SERVER_URL", &url),
            ("PORT_CLIENT_ID", "mock-client-id"),
            ("PORT_CLIENT_SECRET", "mock-client-secret"),
            ("GITHUB_TOKEN", "mock-github-token"),
            ("REVIEWER_TOKEN", "mock-reviewer-token"),
        ];
        let found = mock.environment.iter();
        let found: Vec<_> = found.map(|(name, value)| (*name, value.as_str())).collect();
        assert_eq!(found, expected);
    }

    #[tokio::test]
    async fn ends_with_the_command_that_it_was_started_for() {
        for (script, code) in [
            ("test -n \"$GITHUB_API_URL\" && exit 7", 7),
            ("test -n \"$REVIEWER_TOKEN\"", 0),
            ("kill $$", KILLED),
        ] {
            let args = MockCommandLine::parse_from(["mock", "--", "sh", "-c", script]).mock;
            let ended = serve(&args, &mut Vec::new(), |_| {}).await.unwrap();
            assert_eq!(ended, code, "{script}");
        }
        let args = MockCommandLine::parse_from(["mock", "--", "./no/such/program"]).mock;
        let error = serve(&args, &mut Vec::new(), |_| {}).await.unwrap_err();
        assert!(
            format!("{error:#}").contains("./no/such/program"),
            "{error:#}"
        );
    }

    #[test]
    fn an_error_names_the_file_and_the_line() {
        let missing = Path::new("no/such/world.toml");
        assert!(format!("{:#}", load(Some(missing)).unwrap_err()).contains("world.toml"));
        let other = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"));
        let error = format!("{:#}", load(Some(other)).unwrap_err());
        assert!(
            error.contains("Cargo.toml") && error.contains("line 1"),
            "{error}"
        );
    }

    #[test]
    fn values_survive_a_shell() {
        for (value, quoted) in [
            ("a-b_c.1", "a-b_c.1"),
            ("", "''"),
            ("a b", "'a b'"),
            ("it's $HOME", r"'it'\''s $HOME'"),
        ] {
            assert_eq!(quote(value), quoted);
        }
    }
}
