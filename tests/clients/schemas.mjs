// What our client and the mock said to each other (the files of the contract tests, given as arguments), held against
// GitHub's own schemas: every document of GraphQL and its answer, every request of REST and its answer.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import Ajv from "ajv";
import {
  buildSchema, getNamedType, isAbstractType, isLeafType, isListType, isNonNullType, Kind, parse, print, specifiedRules,
  validate,
} from "graphql";
import { getVariableValues } from "graphql/execution/values.js";

const require = createRequire(import.meta.url);
const packages = require.resolve("graphql").replace(/graphql[\\/]index\.js$/, "");
const read = (file) => readFileSync(packages + file, "utf8");

const exchanges = process.argv.slice(2).flatMap((file) => JSON.parse(readFileSync(file, "utf8")));
const schema = buildSchema(read("@octokit/graphql-schema/schema.graphql"), { assumeValid: true });
const description = JSON.parse(read("@octokit/openapi/generated/api.github.com.json"));

// --- GraphQL ---

/** Fails if a value is not what a type promises for a selection (GraphQL specification, section 6.4.3). */
function complete(type, value, selections, variables, at) {
  if (isNonNullType(type)) {
    assert.notEqual(value ?? null, null, `${at} is null, and its type ${type} is not`);
    return complete(type.ofType, value, selections, variables, at);
  }
  if (value === null) return;
  if (isListType(type)) {
    assert.ok(Array.isArray(value), `${at} is no list`);
    value.forEach((item, index) => complete(type.ofType, item, selections, variables, `${at}[${index}]`));
    return;
  }
  if (isLeafType(type)) {
    assert.doesNotThrow(() => type.parseValue(value), `${at} is no ${type}`);
    const kinds = { Int: "number", Float: "number", Boolean: "boolean" };
    assert.equal(typeof value, kinds[type.name] ?? "string", `${at} is no ${type}`);
    return;
  }
  assert.ok(typeof value === "object" && !Array.isArray(value), `${at} is no object`);
  const known = fieldsOf(type, selections, variables);
  for (const name of Object.keys(value)) assert.ok(known.has(name), `${at}.${name} was not asked for`);
  for (const [name, { field, below, isOptional }] of known) {
    if (!(name in value)) {
      assert.ok(isOptional, `${at}.${name} is missing`);
      continue;
    }
    complete(field.type, value[name], below, variables, `${at}.${name}`);
  }
}

/** The selected fields of a type by the names of the answer; one of a fragment on a narrower type may be missing. */
function fieldsOf(type, selections, variables, isOptional = false, found = new Map()) {
  for (const selection of selections) {
    if (!isIncluded(selection, variables)) continue;
    if (selection.kind === Kind.INLINE_FRAGMENT) {
      const condition = selection.typeCondition ? schema.getType(selection.typeCondition.name.value) : type;
      fieldsOf(condition, selection.selectionSet.selections, variables, isOptional || isAbstractType(type), found);
      continue;
    }
    const field = type.getFields()[selection.name.value];
    const below = selection.selectionSet?.selections ?? [];
    found.set(selection.alias?.value ?? selection.name.value, { field, below, isOptional });
  }
  return found;
}

function isIncluded(selection, variables) {
  return (selection.directives ?? []).every(({ name, arguments: [argument] }) => {
    const { value } = argument;
    const condition = value.kind === Kind.VARIABLE ? variables[value.name.value] : value.value;
    return condition === (name.value === "include");
  });
}

/** Checks one document with its answer, and returns the document in one spelling. */
function checkGraphql(exchange) {
  const { query, variables = {} } = JSON.parse(exchange.sent);
  const document = parse(query);
  const errors = validate(schema, document, specifiedRules);
  assert.deepEqual(errors.map(String), []);
  const operation = document.definitions[0];
  const deprecated = print(document).match(/@deprecated/);
  assert.equal(deprecated, null);
  const coerced = getVariableValues(schema, operation.variableDefinitions ?? [], variables);
  assert.deepEqual((coerced.errors ?? []).map(String), []);
  for (const name of Object.keys(variables)) {
    const names = operation.variableDefinitions.map((it) => it.variable.name.value);
    assert.ok(names.includes(name), `the variable ${name} is not declared`);
  }
  const answer = JSON.parse(exchange.received);
  if (exchange.status !== 200) {
    assert.equal(typeof answer.message, "string");
    return print(document);
  }
  for (const error of answer.errors ?? []) assert.equal(typeof error.message, "string");
  const names = Object.keys(answer).filter((name) => !["data", "errors", "extensions"].includes(name));
  assert.deepEqual(names, []);
  if (answer.data === undefined || answer.data === null) {
    assert.ok(answer.errors?.length > 0, "no data and no error");
    return print(document);
  }
  const root = schema.getRootType(operation.operation);
  complete(root, answer.data, operation.selectionSet.selections, coerced.coerced, "data");
  return print(document);
}

// --- REST ---

// An error may fit both kinds of errors, a null every nullable type: `oneOf` could never be met.
const parts = (value, change) => {
  if (Array.isArray(value)) value.forEach((item) => parts(item, change));
  else if (value && typeof value === "object") {
    change(value);
    Object.values(value).forEach((item) => parts(item, change));
  }
};
parts([description.paths, description.components.schemas, description.components.responses], (schema) => {
  const all = (test) => Array.isArray(schema.oneOf) && schema.oneOf.every(test);
  const isError = (it) => it.$ref?.endsWith("-error");
  if (all(isError) || all((it) => it.nullable) || all((it) => it.type === "object" || it.$ref)) {
    schema.anyOf = schema.oneOf;
    delete schema.oneOf;
  }
  // OpenAPI 3.0 says null beside an enum without naming it there.
  if (schema.nullable && Array.isArray(schema.enum) && !schema.enum.includes(null)) schema.enum.push(null);
  delete schema.discriminator;
  // 138 of 146 recorded labels have null here, which the description of the API does not always allow.
  const { color, description: words } = schema.properties ?? {};
  if (color && words?.type === "string") words.nullable = true;
  // Ajv knows null beside a type only.
  if (schema.nullable && !schema.type) {
    const rest = { ...schema };
    delete rest.nullable;
    Object.keys(schema).forEach((key) => delete schema[key]);
    schema.anyOf = [rest, { enum: [null] }];
  }
});
const ajv = new Ajv({ strict: false, validateFormats: false, allErrors: true, logger: false });
ajv.addSchema({ $id: "github", ...description });

const operations = Object.entries(description.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
);
// GitHub takes the slashes of branches and files as they are.
const WIDE = ["path", "ref", "branch", "basehead"];
for (const it of operations) {
  const pattern = it.path.replace(/[.*+?^$()|[\]\\]/g, "\\$&").replace(/\{(\w+)\}/g, (_, name) =>
    WIDE.includes(name) ? "(?:.+)" : "(?:[^/]+)",
  );
  it.pattern = new RegExp(`^${pattern}$`);
}
const literals = (path) => path.split("/").filter((part) => !part.startsWith("{")).length;

function find({ method, path }) {
  const named = path.replace(/^\/repositories\/\d+/, "/repos/by/number");
  const fitting = operations.filter((it) => it.method === method && it.pattern.test(named));
  fitting.sort((a, b) => literals(b.path) - literals(a.path));
  return fitting[0];
}

const resolve = (value) =>
  value?.$ref ? value.$ref.slice(2).split("/").reduce((at, key) => at[key.replaceAll("~1", "/")], description) : value;
const compiled = new Map();
function check(schema, value, at) {
  if (!compiled.has(schema)) {
    const absolute = structuredClone(schema);
    parts(absolute, (it) => {
      if (it.$ref?.startsWith("#")) it.$ref = `github${it.$ref}`;
    });
    compiled.set(schema, ajv.compile(absolute));
  }
  const isValid = compiled.get(schema);
  const wrong = isValid(value) ? [] : isValid.errors.slice(0, 3).map((it) => `${it.instancePath} ${it.message}`);
  assert.deepEqual(wrong, [], at);
}

/** Statuses that any operation may answer, documented for it or not; the redirects are those of a renamed repository. */
const COMMON = [301, 302, 307, 401, 403, 404, 405, 409, 422, 429];

function checkRest(exchange) {
  const found = find(exchange);
  assert.ok(found, "no such operation");
  const { operation } = found;
  const parameters = (operation.parameters ?? []).map(resolve).filter((it) => it.in === "query");
  for (const [name, text] of new URLSearchParams(exchange.query)) {
    const parameter = parameters.find((it) => it.name === name);
    assert.ok(parameter, `no parameter ${name}`);
    const type = resolve(parameter.schema).type;
    const value = type === "integer" ? Number(text) : type === "boolean" ? text === "true" : text;
    check(parameter.schema, value, `parameter ${name}`);
  }
  const wanted = resolve(operation.requestBody)?.content?.["application/json"]?.schema;
  if (exchange.sent) {
    assert.ok(wanted, "no body is allowed");
    const body = JSON.parse(exchange.sent);
    check(wanted, body, "request");
    const properties = resolve(wanted).properties;
    const more = Object.keys(properties ? body : {}).filter((name) => !(name in properties));
    assert.deepEqual(more, [], "fields that are not described");
  }
  if (exchange.status >= 500) return operation.operationId;
  const documented = resolve(operation.responses[exchange.status]);
  assert.ok(documented || COMMON.includes(exchange.status), `it never answers ${exchange.status}`);
  const described = documented?.content?.["application/json"]?.schema;
  if (exchange.status >= 300 && exchange.received && !exchange.received.startsWith("<")) {
    check(described ?? { $ref: "#/components/schemas/basic-error" }, JSON.parse(exchange.received), "answer");
    assert.equal(typeof JSON.parse(exchange.received).message, "string");
  } else if (described && exchange.status < 300) {
    check(described, JSON.parse(exchange.received), "answer");
  } else if (exchange.status < 300) {
    assert.equal(exchange.received, "", "no body is described");
  }
  return operation.operationId;
}

// --- All of them ---

const isGraphql = ({ path }) => path === "/graphql";
let failed = 0;

/** Checks exchanges, and returns the names of what was valid with how often. */
function checkAll(list, one) {
  const valid = new Map();
  const told = new Set();
  for (const exchange of list) {
    try {
      const name = one(exchange);
      valid.set(name, (valid.get(name) ?? 0) + 1);
    } catch (error) {
      failed += 1;
      const line = `${exchange.method} ${exchange.path} -> ${exchange.status}: ${error.message.slice(0, 400)}`;
      if (!told.has(line)) console.log(line);
      told.add(line);
    }
  }
  return valid;
}

/** Each change of an exchange that was valid must be found. */
function tampered(name, list, pick, changes, one) {
  const good = list.find(pick);
  assert.ok(good, `nothing to tamper with: ${name}`);
  for (const change of changes) {
    const copy = structuredClone(good);
    const [sent, received] = [copy.sent, copy.received].map((text) => (text ? JSON.parse(text) : null));
    change({ copy, sent, received });
    if (sent) copy.sent = JSON.stringify(sent);
    if (received) copy.received = JSON.stringify(received);
    assert.throws(() => one(copy), `${name}: ${change}`);
  }
  return changes.length;
}

const sum = (valid) => [...valid.values()].reduce((all, one) => all + one, 0);
const graphql = exchanges.filter(isGraphql);
const rest = exchanges.filter((it) => !isGraphql(it));
// What is sent broken on purpose is not held against what it breaks.
const documents = checkAll(graphql.filter((it) => it.status < 400), checkGraphql);
const used = checkAll(rest.filter((it) => it.status !== 400), checkRest);
const changes =
  tampered("createRef", graphql, (it) => it.sent.includes("createRef") && it.received.includes("oid"), [
    ({ received }) => delete received.data.createRef.ref,
    ({ received }) => (received.data.createRef.ref.repository.ref.target.oid = 1),
    ({ received }) => (received.data.createRef.ref.extra = 1),
    ({ sent }) => (sent.query = sent.query.replace("qualifiedName", "name")),
    ({ sent }) => (sent.variables.repository = null),
    ({ sent }) => (sent.variables.other = 1),
  ], checkGraphql) +
  tampered("pulls/create", rest, (it) => it.method === "POST" && it.path.endsWith("/pulls") && it.status === 201, [
    ({ received }) => delete received.mergeable_state,
    ({ received }) => (received.number = "1"),
    ({ received }) => (received.head = null),
    ({ sent }) => (sent.auto_merge = true),
    ({ sent }) => delete sent.head,
    ({ copy }) => (copy.status = 418),
    ({ copy }) => (copy.path += "/none"),
    ({ copy }) => (copy.query = "force=1"),
  ], checkRest);
console.log(`graphql: ${documents.size} documents, ${sum(documents)} requests and answers valid`);
console.log(`rest: ${used.size} operations, ${sum(used)} requests and answers valid`);
console.log(`${changes} changes of valid ones, each found`);
console.log(`schemas: ${sum(documents) + sum(used) + changes} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
