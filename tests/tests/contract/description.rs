//! GitHub's OpenAPI description, as far as a promotion needs it, and what of an exchange it does not allow.

use std::collections::{BTreeMap, BTreeSet};

use jsonschema::Validator;
use serde_json::{Value, json};

use crate::record::HttpExchange;

/// The end of a complaint in which GitHub's description is wrong: 138 of 146 recorded labels have null here.
const CONTRADICTED: &str = "/labels/0/description: value is not of type \"string\"";

/// Parameters that stand for more than one segment: GitHub takes the slashes of branches and files as they are.
const MULTI_PART_PARAMETERS: [&str; 4] = ["path", "ref", "branch", "basehead"];
/// The statuses that any operation may answer, documented for it or not; the redirects are those of a renamed repository.
const COMMON_STATUSES: [u16; 9] = [301, 307, 401, 403, 404, 405, 409, 422, 429];

/// The description.
pub(crate) struct ApiDescription {
    operations: Vec<ApiOperation>,
    /// Parts of schemas, for answers.
    open: Value,
    /// The same for requests: what is not named is not allowed.
    closed: Value,
    /// By place in the description: to compile a schema takes longer than to use it.
    compiled: BTreeMap<String, Validator>,
}

struct ApiOperation {
    id: String,
    method: String,
    segments: Vec<PathSegment>,
    described: Value,
}

#[derive(Clone, PartialEq)]
enum PathSegment {
    Literal(String),
    Parameter(String),
}

/// The result of a check of exchanges.
#[derive(Debug, Default)]
pub(crate) struct ApiCoverage {
    /// Operations that were used.
    pub(crate) used: BTreeSet<String>,
    /// Of these, the ones with a success in which nothing, and no failure in which anything, was invalid.
    pub(crate) validated: BTreeSet<String>,
    pub(crate) requests: usize,
    pub(crate) responses: usize,
    /// Requests that the description knows nothing of: GraphQL.
    pub(crate) graphql: usize,
    /// Everything that the description does not allow, without repetitions.
    pub(crate) violations: BTreeSet<String>,
}

impl ApiDescription {
    /// Reads the description.
    pub(crate) fn read() -> Self {
        let whole: Value =
            serde_json::from_str(include_str!("../../contract/github-openapi-subset.json"))
                .unwrap();
        let mut operations = Vec::new();
        for (template, methods) in whole["paths"].as_object().unwrap() {
            for (method, described) in methods.as_object().unwrap() {
                operations.push(ApiOperation {
                    id: described["operationId"].as_str().unwrap().to_owned(),
                    method: method.to_uppercase(),
                    segments: template
                        .split('/')
                        .skip(1)
                        .map(PathSegment::parse)
                        .collect(),
                    described: overlapping(described.clone()),
                });
            }
        }
        let open = overlapping(whole["components"].clone());
        let closed = closed(open.clone());
        Self {
            operations,
            open,
            closed,
            compiled: BTreeMap::new(),
        }
    }

    /// Checks every exchange.
    pub(crate) fn check(&mut self, exchanges: &[HttpExchange]) -> ApiCoverage {
        let mut coverage = ApiCoverage::default();
        let mut failed = BTreeSet::new();
        for exchange in exchanges {
            if exchange.path == "/graphql" {
                coverage.graphql += 1;
                continue;
            }
            coverage.requests += 1;
            coverage.responses += 1;
            let Some((place, arguments)) = self.find(exchange) else {
                coverage
                    .violations
                    .insert(format!("{}: no such operation", exchange.line()));
                continue;
            };
            let id = self.operations[place].id.clone();
            let wrong: Vec<String> = [
                self.request(place, &arguments, exchange),
                self.response(place, exchange),
            ]
            .into_iter()
            .filter_map(Result::err)
            .filter(|why| !why.ends_with(CONTRADICTED))
            .collect();
            coverage.used.insert(id.clone());
            if wrong.is_empty() && exchange.status < 300 {
                coverage.validated.insert(id);
            } else if !wrong.is_empty() {
                failed.insert(id.clone());
                let line = exchange.line();
                coverage
                    .violations
                    .extend(wrong.into_iter().map(|why| format!("{id}: {line}: {why}")));
            }
        }
        coverage.validated.retain(|id| !failed.contains(id));
        coverage
    }

    /// Returns the name of the operation that a request means.
    pub(crate) fn operation(&self, exchange: &HttpExchange) -> Option<String> {
        let (place, _) = self.find(exchange)?;
        Some(self.operations[place].id.clone())
    }

    /// The operation that a request means, and the values of its parameters.
    fn find(&self, exchange: &HttpExchange) -> Option<(usize, Vec<(String, String)>)> {
        let path: Vec<&str> = exchange.path.split('/').skip(1).collect();
        // Where redirects and links lead: the same operations, the repository by its number.
        let named: Vec<&str> = match path.as_slice() {
            ["repositories", id, below @ ..] => ["repos", "id", id]
                .into_iter()
                .chain(below.iter().copied())
                .collect(),
            _ => path,
        };
        let fitting = self
            .operations
            .iter()
            .enumerate()
            .filter(|(_, it)| it.method == exchange.method);
        let fitting =
            fitting.filter_map(|(place, it)| Some((place, matched(&it.segments, &named)?)));
        // The one that says most about the path.
        fitting.max_by_key(|(place, _)| {
            let literal = |segment: &&PathSegment| matches!(segment, PathSegment::Literal(_));
            self.operations[*place]
                .segments
                .iter()
                .filter(literal)
                .count()
        })
    }

    fn request(
        &mut self,
        place: usize,
        arguments: &[(String, String)],
        exchange: &HttpExchange,
    ) -> Result<(), String> {
        let described = self.operations[place].described.clone();
        let query = exchange.query.split('&').filter(|pair| !pair.is_empty());
        let query = query.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        let query = query.map(|(name, value)| ("query", name.to_owned(), value.to_owned()));
        let path = arguments
            .iter()
            .map(|(name, value)| ("path", name.clone(), value.clone()));
        for (kind, name, value) in path.chain(query) {
            let declared = described["parameters"].as_array().into_iter().flatten();
            let Some(parameter) = declared
                .into_iter()
                .find(|it| it["in"] == kind && it["name"] == *name)
            else {
                return Err(format!("the {kind} has no parameter {name}"));
            };
            let schema = &parameter["schema"];
            let value = match schema["type"].as_str() {
                Some("integer") => value.parse::<u64>().map_or(json!(value), |it| json!(it)),
                Some("boolean") => value.parse::<bool>().map_or(json!(value), |it| json!(it)),
                _ => json!(value),
            };
            let at = format!("{} {kind} {name}", self.operations[place].id);
            self.valid(&at, schema, true, &value)?;
        }
        let schema = &described["requestBody"]["content"]["application/json"]["schema"];
        match HttpExchange::json(&exchange.sent).map_err(|why| format!("the request {why}"))? {
            None if described["requestBody"]["required"] == true => {
                Err("a body is required".to_owned())
            }
            None => Ok(()),
            Some(_) if schema.is_null() => Err("no body is allowed".to_owned()),
            Some(body) => {
                let at = format!("{} request", self.operations[place].id);
                let schema = closed(schema.clone());
                self.valid(&at, &schema, true, &body)
            }
        }
    }

    fn response(&mut self, place: usize, exchange: &HttpExchange) -> Result<(), String> {
        let id = self.operations[place].id.clone();
        let status = exchange.status;
        let documented = self.operations[place].described["responses"][status.to_string()].clone();
        if documented.is_null() && !COMMON_STATUSES.contains(&status) && status < 500 {
            return Err(format!("it never answers {status}"));
        }
        if status >= 500 {
            return Ok(()); // From before GitHub, often with no JSON.
        }
        let body =
            HttpExchange::json(&exchange.received).map_err(|why| format!("the answer {why}"))?;
        let schema = match &documented["content"]["application/json"]["schema"] {
            Value::Null if status < 300 => Value::Null,
            Value::Null => json!({"$ref": "#/components/schemas/basic-error"}),
            schema => schema.clone(),
        };
        match body {
            None if schema.is_null() => Ok(()),
            Some(_) if schema.is_null() => Err("the answer should have no body".to_owned()),
            None => Err("the answer has no body".to_owned()),
            Some(body) => {
                if status >= 300 {
                    // Optional in the schemas of errors, but no error comes without.
                    let names = json!({"required": ["message", "documentation_url"]});
                    let redirect = exchange.location.is_some();
                    let names = if redirect {
                        json!({"required": ["message", "url"]})
                    } else {
                        names
                    };
                    self.valid(&format!("error {redirect}"), &names, false, &body)?;
                }
                self.valid(&format!("{id} {status}"), &schema, false, &body)
            }
        }
    }

    /// Fails with the first reasons why a value does not fit a schema. `at` names the schema.
    fn valid(
        &mut self,
        at: &str,
        schema: &Value,
        closed: bool,
        value: &Value,
    ) -> Result<(), String> {
        let parts = if closed { &self.closed } else { &self.open };
        let validator = self.compiled.entry(at.to_owned()).or_insert_with(|| {
            let mut whole = schema.clone();
            whole["components"] = parts.clone();
            jsonschema::draft202012::new(&whole).unwrap()
        });
        let wrong: Vec<String> = validator
            .iter_errors(value)
            .take(5)
            .map(|error| explain(&error))
            .collect();
        if wrong.is_empty() {
            Ok(())
        } else {
            Err(format!("{at}: {}", wrong.join("; ")))
        }
    }
}

/// The place in the value, and what is wrong there, without the value: it may be a whole repository.
fn explain(error: &jsonschema::ValidationError<'_>) -> String {
    let text: String = error.masked().to_string().chars().take(300).collect();
    format!("{}: {text}", error.instance_path())
}

impl PathSegment {
    fn parse(text: &str) -> Self {
        let name = text
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'));
        name.map_or_else(
            || Self::Literal(text.to_owned()),
            |name| Self::Parameter(name.to_owned()),
        )
    }
}

/// The values of the parameters if a path fits, segment by segment.
fn matched(template: &[PathSegment], path: &[&str]) -> Option<Vec<(String, String)>> {
    let Some((first, rest)) = template.split_first() else {
        return path.is_empty().then(Vec::new);
    };
    match first {
        PathSegment::Literal(text) => {
            let below = path
                .split_first()
                .filter(|(segment, _)| *segment == text)?
                .1;
            matched(rest, below)
        }
        PathSegment::Parameter(name) => {
            let most = if MULTI_PART_PARAMETERS.contains(&name.as_str()) {
                path.len()
            } else {
                path.len().min(1)
            };
            (1..=most).rev().find_map(|taken| {
                let mut values = matched(rest, &path[taken..])?;
                values.push((name.clone(), path[..taken].join("/")));
                Some(values)
            })
        }
    }
}

/// The same schema with `anyOf` where its alternatives overlap, so that `oneOf` could never be met: an error fits both
/// kinds of errors, a null fits every nullable type.
fn overlapping(mut schema: Value) -> Value {
    visit(&mut schema, &mut |object| {
        let all = |test: fn(&Value) -> bool| {
            object
                .get("oneOf")
                .and_then(Value::as_array)
                .is_some_and(|list| list.iter().all(test))
        };
        let error = |it: &Value| {
            it["$ref"]
                .as_str()
                .is_some_and(|name| name.ends_with("-error"))
        };
        let nullable = |it: &Value| {
            it["type"]
                .as_array()
                .is_some_and(|types| types.contains(&json!("null")))
        };
        if all(error) || all(nullable) {
            let alternatives = object.remove("oneOf").unwrap();
            object.insert("anyOf".to_owned(), alternatives);
        }
    });
    schema
}

/// The same schema with nothing allowed that it does not name.
fn closed(mut schema: Value) -> Value {
    visit(&mut schema, &mut |object| {
        if object.get("properties").is_some_and(Value::is_object) {
            object.insert("additionalProperties".to_owned(), json!(false));
        }
    });
    schema
}

fn visit(value: &mut Value, change: &mut impl FnMut(&mut serde_json::Map<String, Value>)) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| visit(item, change)),
        Value::Object(object) => {
            change(object);
            object.values_mut().for_each(|item| visit(item, change));
        }
        _ => {}
    }
}
