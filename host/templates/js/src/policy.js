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
import { withImage } from "./manifest.js";
import { named, reason, rules } from "./rules.js";

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
      const plan = gather(service, settings);
      // The base branch is the truth: an earlier run may have merged and been cut off. What is merged needs no rule.
      if (plan.promotion.previousImage === plan.promotion.image) {
        finish(plan);
        return { tag: "unchanged", val: plan.promotion };
      }
      const reasons = rules(service);
      if (reasons.length > 0) throw new Refusal(reasons);
      runLog.note("info", `promoting ${named(service)}`);
      return carryOut(plan);
    } catch (stop) {
      if (stop instanceof Refusal) return { tag: "refused", val: stop.reasons };
      throw stop; // A call failed: the run ends as failed, with the failure's text.
    }
  },
};

// The change that brings the image that staging runs to production.
function gather(service, { repository, base }) {
  const staging = related(service, "test_runtime", "running_service");
  const production = related(service, "prod_runtime", "running_service");
  const image = related(staging, "image", "image");
  const reference = `${text(image, "registryId")}:${text(image, "tags", 0)}`;
  const path = `${text(production, "gitPath")}/deployment.yaml`;
  const file = githubRead.readFile(repository, path, base) ?? refuse("manifest", `\`${path}\` does not exist`);
  const changed =
    withImage(file.content, reference) ?? refuse("manifest", `\`${path}\` has not exactly one \`image:\``);
  const [name, target] = [service.key.identifier, image.key.identifier];
  return {
    production,
    image,
    promotion: { image: reference, previousImage: changed.previous, pullRequest: null, commit: null, isRollback: false },
    proposal: {
      repository,
      base,
      baseCommit: file.commit,
      // The same promotion always has the same branch: it is how a second run finds the work of the first.
      head: `promote/${name}/production/${target}`,
      title: `Promote ${name} to production: ${target}`,
      body: "",
      changes: [{ path, content: changed.content, expectedBlob: file.blob }],
      image: target,
    },
  };
}

// A pull request, or the one that an earlier run opened; its merge; then Port's catalog.
function carryOut(plan) {
  const { proposal, promotion } = plan;
  const pull = orRefuse(() => githubPropose.propose(proposal));
  const merged = orRefuse(() => githubMerge.merge(proposal.repository, pull.number, pull.headCommit, "squash"));
  if (merged.tag === "later") {
    const waiting = { image: promotion.image, awaited: "queue", message: merged.val, until: null, pullRequest: pull.number };
    return { tag: "waiting", val: waiting };
  }
  finish(plan);
  return { tag: "promoted", val: { ...promotion, pullRequest: pull.number, commit: merged.val } };
}

// What is left to do after the merge, never before: the host denies an update that is ahead of git. Each part may have been
// done by an earlier run.
function finish({ production, image, proposal }) {
  const target = image.key.identifier;
  if (production.relations.image?.[0] !== target) {
    const relations = [{ name: "image", targets: [target] }];
    portWrite.updateEntity(production.key, { title: null, properties: null, relations });
  }
  githubPropose.deleteBranch(proposal.repository, proposal.head);
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
