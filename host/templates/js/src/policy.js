// Refuses to promote a locked service, promotes every other.
//
// A policy reads, decides and asks for writes. It has no credentials, no network and no files: all that it can do is the
// contract in `wit/`, and of that only what `promote.toml` grants. Texts from Port and GitHub are hostile until checked.

import * as portRead from "promote:policy/port-read@0.1.0";
import * as portWrite from "promote:policy/port-write@0.1.0";
import * as githubRead from "promote:policy/github-read@0.1.0";
import * as githubPropose from "promote:policy/github-propose@0.1.0";
import * as githubMerge from "promote:policy/github-merge@0.1.0";
import * as runLog from "promote:policy/run-log@0.1.0";

// What the operator may set in `promote.toml`, under `[policy.settings]`.
const SCHEMA = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  type: "object",
  additionalProperties: false,
  required: ["repository"],
  properties: {
    repository: {
      "x-promote-role": "repository",
      type: "string",
      minLength: 1,
      description: "The GitOps repository, `owner/name`.",
    },
    base: {
      "x-promote-role": "base-branch",
      type: "string",
      minLength: 1,
      default: "main",
      description: "The branch that production is deployed from.",
    },
  },
};

export const about = {
  describe: () => ({
    name: "{{name}}",
    version: "0.1.0",
    summary: "Refuses to promote a locked service, promotes every other",
    settingsSchema: JSON.stringify(SCHEMA),
  }),
};

export const promotion = {
  promote(request) {
    try {
      const settings = readSettings(request.settings);
      // The request holds what Port sent, which anyone may have written: only the identifier is used, and read again.
      const service = find("service", request.subject.key.identifier);
      const reasons = rules(service);
      if (reasons.length > 0) throw new Refusal(reasons);
      runLog.note("info", `promoting ${named(service)}`);
      return carryOut(service, settings);
    } catch (stop) {
      if (stop instanceof Refusal) return { tag: "refused", val: stop.reasons };
      throw stop; // A call failed: the run ends as failed, with the failure's text.
    }
  },
};

// Your rules. Each gives a reason: a short name, and what is wrong and what to do about it. All are asked, so that people
// learn every reason at once.
function rules(service) {
  const reasons = [];
  const lock = service.properties.locked_in_prod ?? false;
  // Not set is not locked; whatever else stands there, somebody meant it.
  if (lock !== false) {
    const why = service.properties.locked_reason_prod || "no reason is given";
    reasons.push(reason("lock", `${named(service)} is locked: ${why}`));
  }
  return reasons;
}

// Brings the image that staging runs to production: a pull request, its merge, then Port's catalog.
function carryOut(service, { repository, base }) {
  const staging = related(service, "test_runtime", "running_service");
  const production = related(service, "prod_runtime", "running_service");
  const image = related(staging, "image", "image");
  const reference = `${text(image, "registryId")}:${text(image, "tags", 0)}`;
  const path = `${text(production, "gitPath")}/deployment.yaml`;
  const file = githubRead.readFile(repository, path, base) ?? refuse("manifest", `\`${path}\` does not exist`);
  const [content, previous] = withImage(file, reference);
  const promotion = { image: reference, previousImage: previous, pullRequest: null, commit: null };
  // The base branch is the truth: an earlier run may have come this far and been cut off.
  if (previous === reference) {
    record(production, image);
    return { tag: "unchanged", val: promotion };
  }
  const pull = propose(service, image, { repository, base }, file, content);
  promotion.pullRequest = pull.number;
  const merged = orRefuse(() => githubMerge.merge(repository, pull.number, pull.headCommit, "squash"));
  if (merged.tag === "later") {
    return { tag: "pending", val: { image: reference, pullRequest: pull.number, until: merged.val } };
  }
  // After the merge, never before: the host denies an update that is ahead of git.
  record(production, image);
  githubPropose.deleteBranch(repository, pull.head);
  return { tag: "promoted", val: { ...promotion, commit: merged.val } };
}

// Opens the pull request, or finds the one that an earlier run opened.
function propose(service, image, { repository, base }, file, content) {
  const [name, identifier] = [service.key.identifier, image.key.identifier];
  const proposal = {
    repository,
    base,
    baseCommit: file.commit,
    // The same promotion always has the same branch: it is how a second run finds the work of the first.
    head: `promote/${name}/production/${identifier}`,
    title: `Promote ${name} to production: ${identifier}`,
    body: "",
    changes: [{ path: file.path, content, expectedBlob: file.blob }],
  };
  return orRefuse(() => githubPropose.propose(proposal));
}

// Somebody else was faster, or closed the pull request: a no, where any other failure is a failure.
function orRefuse(call) {
  try {
    return call();
  } catch (failure) {
    // The contract's failures come as `payload`, a tag and a text.
    if (failure.payload?.tag === "conflict") refuse("conflict", failure.payload.val);
    throw failure;
  }
}

// Points production at the image in Port's catalog, unless it is there already.
function record(production, image) {
  const target = image.key.identifier;
  if (production.relations.image?.[0] === target) return;
  const relations = [{ name: "image", targets: [target] }];
  portWrite.updateEntity(production.key, { title: null, properties: null, relations });
}

// The manifest with another image, and the image that it had.
function withImage(file, image) {
  const line = /^([ -]*image: *["']?)([^\s"']+)/gm;
  const found = [...file.content.matchAll(line)];
  if (found.length !== 1) refuse("manifest", `\`${file.path}\` has not exactly one \`image:\``);
  return [file.content.replace(line, (_, before) => before + image), found[0][2]];
}

function find(blueprint, identifier) {
  const entity = portRead.getEntity({ blueprint, identifier });
  if (!entity) refuse(blueprint, `${blueprint} \`${identifier}\` is not in Port's catalog`);
  const relations = Object.fromEntries(entity.relations.map(({ name, targets }) => [name, targets]));
  return { key: entity.key, properties: JSON.parse(entity.properties), relations };
}

function related(entity, relation, blueprint) {
  const [target] = entity.relations[relation] ?? [];
  if (!target) refuse(relation, `${named(entity)} has no \`${relation}\``);
  return find(blueprint, target);
}

// A property that holds text, or an item of one that holds a list.
function text(entity, property, index) {
  const value = entity.properties[property];
  const found = index === undefined ? value : value?.[index];
  if (typeof found !== "string" || found === "") refuse("catalog", `${named(entity)} has no \`${property}\``);
  return found;
}

function named({ key }) {
  return `${key.blueprint} \`${key.identifier}\``;
}

function readSettings(json) {
  const settings = { base: "main", ...JSON.parse(json) };
  for (const key of Object.keys(settings)) {
    if (!(key in SCHEMA.properties)) reject(`unknown \`${key}\``);
  }
  if (typeof settings.repository !== "string") reject("`repository` is missing, or no text");
  return settings;
}

// A failure of the contract is thrown as it is, and ends the run as failed.
function reject(what) {
  throw { tag: "rejected", val: `policy.settings: ${what}` };
}

// Ends the policy, wherever it is, with a reason.
class Refusal extends Error {
  constructor(reasons) {
    super("refused");
    this.reasons = reasons;
  }
}

function refuse(rule, message) {
  throw new Refusal([reason(rule, message)]);
}

function reason(rule, message) {
  return { rule, message, stops: "propose", cure: { tag: "nothing" } };
}
