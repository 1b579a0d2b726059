//! `promote mock`: Port and GitHub on loopback, from a world file, for whoever wants to try a client against them.

mod from_port;

use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::{Args, ValueEnum};

use promote_core::service::port::Client;
use promote_mock::sample::ImageShape;
use promote_mock::server::{ServerOptions, WorldServer};
use promote_mock::{RequestRecord, SharedWorld, World};

/// The arguments of `promote mock`.
#[derive(Args, Clone, Debug)]
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

    /// Delay of every answer, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 0)]
    pub latency: u64,
}

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

/// Serves the world until ctrl-c. What a client needs is written to `out`, as lines to paste into a shell; what happens
/// is told to `log`, a line each.
///
/// Fails if the world file is not one, or if the address cannot be had.
pub async fn serve(
    args: &MockArgs,
    out: &mut (dyn Write + Send),
    log: impl Fn(&str) + Send + Sync + 'static,
) -> anyhow::Result<()> {
    if args.print_world {
        out.write_all(args.images.world_file().as_bytes())
            .context("writing the world file")?;
        return Ok(());
    }
    let server = start(args, out, log).await?;
    tokio::signal::ctrl_c()
        .await
        .context("waiting for ctrl-c")?;
    server.stop().await;
    Ok(())
}

/// Returns the text of a world file with what a Port holds, for `--from-port`.
///
/// # Errors
/// When Port does not answer.
pub async fn world_of(args: &MockArgs, client: &Client) -> anyhow::Result<String> {
    from_port::world_file(client, args.entities).await
}

/// Serves the world until the server is stopped or dropped; otherwise as [`serve`].
///
/// Fails as [`serve`] does.
pub async fn start(
    args: &MockArgs,
    out: &mut (dyn Write + Send),
    log: impl Fn(&str) + Send + Sync + 'static,
) -> anyhow::Result<WorldServer> {
    let world = match &args.world {
        Some(file) => load(Some(file))?,
        None => World::from_toml(&args.images.world_file(), Path::new(""))?,
    };
    let environment = world.environment();
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
    for (name, value) in urls.into_iter().chain(environment).chain(registry) {
        writeln!(out, "export {name}={}", quote(&value)).context("writing the environment")?;
    }
    out.flush().context("writing the environment")?;
    Ok(server)
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
        let mut out = Vec::new();
        let server = start(&args, &mut out, |_| {}).await.unwrap();
        let out = String::from_utf8(out).unwrap();
        let lines: Vec<&str> = out.lines().collect();
        assert_eq!(lines[0], format!("export PORT_API_URL={}", server.url()));
        assert_eq!(lines[1], format!("export GITHUB_API_URL={}", server.url()));
        assert_eq!(lines[2], "export PORT_CLIENT_ID=mock-client-id");
        assert_eq!(lines[3], "export PORT_CLIENT_SECRET=mock-client-secret");
        assert_eq!(lines[4], "export GITHUB_TOKEN=mock-github-token");
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
