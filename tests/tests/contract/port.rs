//! Our client of Port, `init` and our Port against what Port publishes of its API, in our own words.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use jsonschema::Validator;
use promote_core::call::Call;
use promote_core::contract::{Change, EntityKey, Relation, Severity};
use promote_core::service::port;
use promote_core::source::live::Live;
use promote_kit::fleet;
use promote_kit::init::{self, InitArgs, PortRegion, SetupDialog, SetupTools};
use promote_mock::{SharedWorld, World};
use promote_tests::bench::setup;
use serde_json::{Value, json};

use crate::bench::RecordedClients;
use crate::record::{ExchangeRecord, HttpExchange};
use crate::say;

struct PortApi {
    operations: Vec<PortOperation>,
    refusal: Validator,
    refusals: Vec<u64>,
}

struct PortOperation {
    name: String,
    method: String,
    path: Vec<String>,
    query: Vec<String>,
    request: Option<Validator>,
    answers: Vec<(u64, Validator)>,
}

#[derive(Default)]
struct PortCoverage {
    used: BTreeSet<String>,
    requests: usize,
    responses: usize,
    refusals: usize,
    violations: Vec<String>,
}

impl PortApi {
    fn read() -> Self {
        let whole: Value =
            serde_json::from_str(include_str!("../../contract/port-api.json")).unwrap();
        let validator = |schema: &Value| jsonschema::validator_for(schema).unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let operation = |it: &Value| PortOperation {
            name: format!("{} {}", text(&it["method"]), text(&it["path"])),
            method: text(&it["method"]),
            path: text(&it["path"]).split('/').map(str::to_owned).collect(),
            query: it["query"].as_array().unwrap().iter().map(text).collect(),
            request: it["request"].is_object().then(|| validator(&it["request"])),
            answers: it["answers"]
                .as_object()
                .unwrap()
                .iter()
                .map(|(status, schema)| (status.parse().unwrap(), validator(schema)))
                .collect(),
        };
        Self {
            operations: whole["operations"]
                .as_array()
                .unwrap()
                .iter()
                .map(operation)
                .collect(),
            refusal: validator(&whole["refusal"]),
            refusals: whole["refusals"]
                .as_array()
                .unwrap()
                .iter()
                .filter_map(Value::as_u64)
                .collect(),
        }
    }

    /// The operation that a request means: of several, the one with the fewest holes.
    fn find(&self, exchange: &HttpExchange) -> Option<&PortOperation> {
        let path: Vec<&str> = exchange.path.split('/').collect();
        let fits = |it: &&PortOperation| {
            it.method == exchange.method
                && it.path.len() == path.len()
                && it
                    .path
                    .iter()
                    .zip(&path)
                    .all(|(known, part)| known == part || known.starts_with('{'))
        };
        let holes =
            |it: &&PortOperation| it.path.iter().filter(|part| part.starts_with('{')).count();
        self.operations.iter().filter(fits).min_by_key(holes)
    }

    fn check(&self, exchanges: &[HttpExchange]) -> PortCoverage {
        let mut coverage = PortCoverage::default();
        for exchange in exchanges {
            let line = exchange.line();
            let Some(operation) = self.find(exchange) else {
                coverage
                    .violations
                    .push(format!("{line}: no such operation"));
                continue;
            };
            coverage.requests += 1;
            coverage.responses += 1;
            coverage.used.insert(operation.name.clone());
            let wrong = operation
                .wrong_request(exchange)
                .into_iter()
                .chain(self.wrong_answer(operation, exchange, &mut coverage.refusals));
            coverage
                .violations
                .extend(wrong.map(|what| format!("{line}: {what}")));
        }
        coverage
    }

    fn wrong_answer(
        &self,
        operation: &PortOperation,
        exchange: &HttpExchange,
        refusals: &mut usize,
    ) -> Option<String> {
        let body = HttpExchange::json(&exchange.received)
            .ok()
            .flatten()
            .unwrap_or_default();
        let status = u64::from(exchange.status);
        let schema = operation.answers.iter().find(|(known, _)| *known == status);
        let validator = match schema {
            Some((_, validator)) => validator,
            None if self.refusals.contains(&status) => {
                *refusals += 1;
                &self.refusal
            }
            None => return Some(format!("it never answers {status}")),
        };
        validator
            .validate(&body)
            .err()
            .map(|error| format!("the answer: {error}"))
    }
}

impl PortOperation {
    fn wrong_request(&self, exchange: &HttpExchange) -> Option<String> {
        let mut names = exchange
            .query
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| pair.split('=').next().unwrap_or_default());
        if let Some(name) = names.find(|name| !self.query.iter().any(|known| known == name)) {
            return Some(format!("the query has no parameter {name}"));
        }
        let body = match HttpExchange::json(&exchange.sent) {
            Ok(body) => body,
            Err(what) => return Some(format!("the request {what}")),
        };
        match (&self.request, body) {
            (None, None) => None,
            (None, Some(_)) => Some("the request has a body".to_owned()),
            (Some(_), None) => Some("the request has no body".to_owned()),
            (Some(validator), Some(body)) => validator
                .validate(&body)
                .err()
                .map(|error| format!("the request: {error}")),
        }
    }
}

fn key(blueprint: &str, identifier: &str) -> EntityKey {
    EntityKey {
        blueprint: blueprint.to_owned(),
        identifier: identifier.to_owned(),
    }
}

/// What a policy can ask of Port, on good days and on bad ones.
async fn calls(record: &ExchangeRecord) {
    let bench = RecordedClients::new(record, |_| {});
    let change = |image: &str| Change {
        title: None,
        properties: None,
        relations: vec![Relation {
            name: "image".to_owned(),
            targets: vec![image.to_owned()],
        }],
    };
    for call in [
        Call::Note {
            severity: Severity::Info,
            message: "hello".to_owned(),
        },
        Call::GetEntity {
            key: key("service", "web"),
        },
        Call::GetEntity {
            key: key("service", "nobody"),
        },
        Call::Search {
            blueprint: "image".to_owned(),
            query: json!({ "combinator": "and", "rules": [] }).to_string(),
        },
        Call::UpdateEntity {
            key: key("running_service", "web-prod"),
            change: change("web-1.4.2"),
        },
        Call::UpdateEntity {
            key: key("running_service", "web-prod"),
            change: change("none"),
        },
    ] {
        // A refusal is an answer to validate, too.
        let _ = bench.live.call(&call).await;
    }
}

#[derive(Parser)]
struct InitLine {
    #[command(flatten)]
    init: InitArgs,
}

/// A client of a world's Port, whose exchanges are recorded.
fn client(record: &ExchangeRecord, world: World) -> port::Client {
    let deadline = world.now.checked_add(Duration::from_secs(900)).unwrap();
    let world = SharedWorld::new(world);
    let transport = Arc::new(record.listen(world.transport()));
    Live::new(setup(transport, &world, deadline, 7))
        .unwrap()
        .port
}

async fn init(record: &ExchangeRecord, world: World) {
    let folder = tempfile::tempdir().unwrap();
    let line = InitLine::parse_from([
        "init",
        "--repository",
        "acme/gitops",
        "--uses",
        "acme/promote@0123456789abcdef0123456789abcdef01234567",
        "--paths",
        "apps/{service.identifier}/prod/*.yaml",
        "--reference",
        "{identifier}",
        "--migrate",
        "--yes",
        "--folder",
        folder.path().to_str().unwrap(),
    ]);
    let dialog = SetupDialog {
        say: &|_| {},
        ask: &|_, _| None,
    };
    let tools = SetupTools {
        region: PortRegion {
            api_url: promote_core::service::PORT_URL.to_owned(),
            app: None,
        },
        github: "https://github.com".to_owned(),
        check_app: None,
    };
    let connect = || Ok(client(record, world));
    let find_commit = async |_: &str, _: &str| anyhow::bail!("a commit was given");
    let done = init::run(&line.init, &dialog, &tools, connect, find_commit).await;
    assert_eq!(done.unwrap().exit_code(), 0);
}

/// Everything that `init` reads and writes: on an empty Port, one of the guide, one that lacks something.
async fn set_ups(record: &ExchangeRecord) {
    let mut fresh = World::sample();
    fresh.port.entities.clear();
    fresh.port.runs.clear();
    fresh.port.blueprints.clear();
    fresh.port.actions.clear();
    init(record, fresh).await;
    let mut lacking = World::sample();
    let mut service = (*lacking.port.blueprints["service"]).clone();
    service.definition["schema"]["properties"]
        .as_object_mut()
        .unwrap()
        .remove("locked_in_prod");
    lacking.port.put_blueprint(service);
    let mut action = lacking.port.actions["promote_to_production"]
        .definition
        .clone();
    action["invocationMethod"] =
        json!({ "type": "GITHUB", "org": "acme", "repo": "old", "workflow": "old.yml" });
    lacking.port.put_action(lacking.now, action);
    init(record, lacking).await;
}

/// What tools ask beside a run.
async fn tools(record: &ExchangeRecord) {
    let port = client(record, World::sample());
    fleet::entities(&port, "service").await.unwrap();
    port.run().await.unwrap();
    assert!(!port.mentions("nothing").await.unwrap());
    let around = json!({ "combinator": "and", "rules": [{ "property": "$identifier", "operator": "=", "value": "web" }] });
    port.find(around).await.unwrap();
}

#[tokio::test]
async fn what_we_send_and_what_the_mock_answers_is_port_s_api() {
    let record = ExchangeRecord::default();
    calls(&record).await;
    set_ups(&record).await;
    tools(&record).await;
    let coverage = PortApi::read().check(&record.of_port());
    assert!(coverage.violations.is_empty(), "{:#?}", coverage.violations);
    say(&format!(
        "contract with Port: {} operations used, {} requests, {} responses validated, {} of them refusals, 0 violations",
        coverage.used.len(),
        coverage.requests,
        coverage.responses,
        coverage.refusals
    ));
    for operation in [
        "POST /v1/blueprints",
        "PATCH /v1/blueprints/{blueprint}",
        "POST /v1/actions",
        "PUT /v1/actions/{action}",
        "GET /v1/integration",
        "PATCH /v1/blueprints/{blueprint}/entities/{entity}",
        "POST /v1/actions/runs/{run}/logs",
        "GET /v1/actions/runs/{run}",
    ] {
        assert!(
            coverage.used.contains(operation),
            "{operation} was not used"
        );
    }
}

#[tokio::test]
async fn what_differs_from_port_s_api_is_found() {
    let record = ExchangeRecord::default();
    calls(&record).await;
    let taken = record.of_port();
    let api = PortApi::read();
    let log = taken
        .iter()
        .position(|it| it.method == "POST" && it.path.ends_with("/logs"))
        .unwrap();
    type Tamper = fn(&mut HttpExchange);
    let tampered: [(&str, Tamper); 4] = [
        ("Additional properties", |it| {
            it.change(|sent, _| drop(sent.insert("severity".into(), json!("info"))))
        }),
        ("required property", |it| {
            it.change(|_, got| drop(got.remove("runLog")))
        }),
        ("it never answers 418", |it| it.status = 418),
        ("the query has no parameter force", |it| {
            it.query = "force=1".to_owned()
        }),
    ];
    for (expected, tamper) in tampered {
        let mut exchange = taken[log].clone();
        tamper(&mut exchange);
        let found = api.check(&[exchange]).violations;
        assert!(
            found.iter().any(|it| it.contains(expected)),
            "{expected}: {found:?}"
        );
    }
}
