//! Clients of Port and GitHub for the commands around the main job: the ones that a run uses, without a run.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;

use promote_core::gate::describe;
use promote_core::grants::Grants;
use promote_core::service::github;
use promote_core::service::http::{Pool, Session, SessionSetup, seg};
use promote_core::service::transport::{Clock as _, SystemClock, Transport as _};
use promote_core::service::{port, registry};
use promote_run::environment::Environment;
use promote_run::output;
use promote_run::requests::ToldTransport;

/// The time that such a command may wait for services.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(300);

/// Returns a client of Port.
///
/// # Errors
/// Names the variable that is missing, or the address that cannot be used.
pub(super) fn port(environment: &Environment) -> anyhow::Result<port::Client> {
    let credentials = environment.port_credentials()?;
    Ok(port::Client::new(
        &environment.port_url(),
        credentials,
        "",
        session()?,
    )?)
}

/// Returns a client of GitHub, an App's token narrowed to what the grants name.
///
/// # Errors
/// As [`port`].
pub(super) fn github(environment: &Environment, grants: &Grants) -> anyhow::Result<github::Client> {
    let credentials = environment.github_credentials(grants)?;
    Ok(github::Client::new(
        &environment.github_url(),
        credentials,
        session()?,
    )?)
}

/// Returns a client of GitHub with a workflow's own token, and the repository that it reaches; none if there is no such token.
///
/// # Errors
/// As [`port`].
pub(super) fn workflows(
    environment: &Environment,
) -> anyhow::Result<Option<(github::Client, String)>> {
    let Some((credentials, repository)) = environment.workflow_access()? else {
        return Ok(None);
    };
    let client = github::Client::new(&environment.github_url(), credentials, session()?)?;
    Ok(Some((client, repository)))
}

/// Returns a client of the registries that the grants name.
///
/// # Errors
/// As [`port`].
pub(super) fn registry(
    environment: &Environment,
    grants: &Grants,
) -> anyhow::Result<registry::Client> {
    let setup = environment.image_registries(grants)?;
    Ok(registry::Client::new(setup, session()?))
}

/// Has GitHub mint a token of the App in the environment, for what the grants name: it says what the App lacks.
pub(super) fn check_app(environment: &Environment, grants: &Grants) -> promote_kit::init::AppCheck {
    let client = github(environment, grants);
    Box::pin(async move {
        let client = client.map_err(|error| format!("{error:#}"))?;
        let login = client.login().await;
        login.map_err(|failure| describe(&failure).to_owned())?;
        client
            .revoke()
            .await
            .map_err(|failure| describe(&failure).to_owned())
    })
}

/// Returns the commit that a tag of a public repository names. No credentials are sent.
///
/// # Errors
/// If GitHub cannot be reached, or knows no such tag.
pub(super) async fn tag_commit(
    environment: &Environment,
    repository: &str,
    tag: &str,
) -> anyhow::Result<String> {
    let address = format!(
        "{}/repos/{repository}/commits/tags/{}",
        environment.github_url(),
        seg(tag)
    );
    let request = http::Request::get(&address)
        .header(http::header::USER_AGENT, "promote")
        // The answer is the commit alone (GitHub REST, "Get a commit").
        .header(http::header::ACCEPT, "application/vnd.github.sha")
        .body(Vec::new())
        .with_context(|| format!("{address} is no address"))?;
    let answer = Pool::new().context("preparing HTTP")?.send(request).await?;
    if answer.status() != http::StatusCode::OK {
        anyhow::bail!("{address} answers {}", answer.status());
    }
    Ok(String::from_utf8_lossy(answer.body()).trim().to_owned())
}

fn session() -> anyhow::Result<Arc<Session>> {
    let transport = Arc::new(ToldTransport::open()?);
    let deadline = SystemClock
        .now()
        .checked_add(CONNECT_TIMEOUT)
        .context("the clock is at its end")?;
    let outside = SessionSetup {
        transport,
        clock: Arc::new(SystemClock),
        progress: Arc::new(output::progress),
        mask: Arc::new(|_| {}),
    };
    Ok(Session::new(
        outside,
        deadline,
        promote_run::connector::seed(),
    ))
}
