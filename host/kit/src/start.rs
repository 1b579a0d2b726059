//! `promote start`: starts the action in Port for one service, as a click there does, and waits for its end if asked to.

use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Args;
use http::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use promote_core::contract::types::Awaited;
use promote_core::service::http::{Request, seg};
use promote_core::service::port;
use promote_core::text;
use promote_run::{OutputFormat, json_text};

/// The pause between two looks at a run that has not ended.
const LOOK_INTERVAL: Duration = Duration::from_secs(5);

/// The arguments of `promote start`.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Examples:
  promote start web                     as a click on the service web does
  promote start web --wait 15m          until it has ended, or waits itself
  promote start web --input hotfix=true
  promote start web --format json       for a program
  promote start web --run-as kim@acme.example
                                        for a person, whom rules then judge

Exit codes:
  0  started; with --wait: promoted, unchanged or waiting
  1  refused, or declined
  2  wrong usage
  3  Port failed or said no; with --wait: the run failed or has not ended")]
pub struct StartArgs {
    /// Identifier of the service's entity
    #[arg(value_name = "SERVICE")]
    service: String,

    /// Identifier of the action
    #[arg(long, value_name = "ACTION", default_value = "promote_to_production")]
    action: String,

    /// An input of the action: text, or JSON such as true or 7
    #[arg(long, value_name = "NAME=VALUE")]
    input: Vec<String>,

    /// The person for whom the run is started, by e-mail address: Port names them as who started it
    #[arg(long, value_name = "EMAIL")]
    run_as: Option<String>,

    /// Wait this long for the end of the run, or until it waits for something itself
    #[arg(long, value_name = "TIME")]
    wait: Option<jiff::SignedDuration>,

    /// The form of the output: the run's identifier, or everything as one JSON object
    #[arg(long, value_enum, default_value_t)]
    format: OutputFormat,
}

#[derive(Deserialize)]
struct RunAnswer {
    run: StartedRun,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct StartedRun {
    id: String,
    status: String,
    #[serde(default)]
    status_label: Option<String>,
}

/// Starts the action; prints the run's identifier and, after a wait, how it ended. Returns the exit code: that of a run.
///
/// # Errors
/// When Port does not take it. It is never sent twice: a lost answer is an error, look in Port then.
pub async fn run(
    args: &StartArgs,
    port: &port::Client,
    say: impl Fn(&str),
    print: impl Fn(&str),
) -> anyhow::Result<u8> {
    let mut run = start(args, port).await?;
    match args.format {
        OutputFormat::Text => print(&format!("{}\n", text::line(&run.id))),
        // The object comes last; who it was is known even if nothing comes after this.
        OutputFormat::Json => say(&format!("started the Port run {}", run.id)),
    }
    let code = match args.wait {
        None => 0,
        Some(wait) => wait_for(&mut run, wait, port, &say).await?,
    };
    if args.format == OutputFormat::Json {
        print(&json_text(json!({
            "exit-code": code, "run": run.id, "service": args.service, "action": args.action,
            "status": run.status, "label": run.status_label,
        })));
    }
    Ok(code)
}

async fn start(args: &StartArgs, port: &port::Client) -> anyhow::Result<StartedRun> {
    let body = json!({ "entity": args.service, "properties": inputs(&args.input)? });
    let mut target = format!("/v1/actions/{}/runs", seg(&args.action));
    if let Some(person) = &args.run_as {
        target += &format!("?run_as={}", seg(person));
    }
    let request = Request::once(Method::POST, target, body);
    let RunAnswer { run } = port
        .administer(request)
        .await
        .context("starting the action")?
        .json()?;
    Ok(run)
}

/// Looks at a run until it has ended or waits itself, and returns the exit code that stands for that.
async fn wait_for(
    run: &mut StartedRun,
    wait: jiff::SignedDuration,
    port: &port::Client,
    say: &impl Fn(&str),
) -> anyhow::Result<u8> {
    let end = tokio::time::Instant::now()
        + Duration::try_from(wait).context("`--wait` is not a time span")?;
    while matches!(run.status.as_str(), "IN_PROGRESS" | "WAITING_FOR_APPROVAL") {
        if tokio::time::Instant::now() + LOOK_INTERVAL > end {
            say(&format!("the run has not ended yet, it is {}", run.status));
            return Ok(3);
        }
        tokio::time::sleep(LOOK_INTERVAL).await;
        let target = format!("/v1/actions/runs/{}?version=v2", seg(&run.id));
        *run = port.get(target).await?.json::<RunAnswer>()?.run;
        // What waits may take days, and `promote resume` goes on with it.
        if run.status == "IN_PROGRESS"
            && let Some(label) = &run.status_label
            && Awaited::of_label(label).is_some()
        {
            say(&format!(
                "the run waits: {label}; `promote resume` carries it on"
            ));
            return Ok(0);
        }
    }
    let label = run.status_label.clone().unwrap_or_default();
    say(&format!("the run has ended: {} {label}", run.status));
    Ok(match (run.status.as_str(), label.as_str()) {
        ("SUCCESS", _) => 0,
        ("DECLINED", _) | (_, "Refused") => 1,
        _ => 3,
    })
}

fn inputs(given: &[String]) -> anyhow::Result<Map<String, Value>> {
    let mut inputs = Map::new();
    for one in given {
        let Some((name, value)) = one.split_once('=') else {
            bail!("the input `{one}` has no value: write `--input NAME=VALUE`");
        };
        let value = serde_json::from_str(value).unwrap_or_else(|_| json!(value));
        inputs.insert(name.to_owned(), value);
    }
    Ok(inputs)
}
