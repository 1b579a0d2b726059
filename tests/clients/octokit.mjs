// A promotion by @octokit/rest and @octokit/auth-app as they are, on the GitHub that `promote mock` serves.
// Each check is one line of what its users rely on; GITHUB_API_URL and GITHUB_TOKEN say where the mock is.

import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { createAppAuth } from "@octokit/auth-app";
import { Octokit } from "@octokit/rest";

const baseUrl = process.env.GITHUB_API_URL;
const at = { owner: "acme", repo: "gitops" };
const path = "apps/web/prod/deployment.yaml";
const sha = /^[0-9a-f]{40}$/;
const silent = { debug() {}, info() {}, warn() {}, error() {} };
const { privateKey } = generateKeyPairSync("rsa", {
  modulusLength: 2048,
  publicKeyEncoding: { type: "spki", format: "pem" },
  privateKeyEncoding: { type: "pkcs8", format: "pem" },
});

const asUser = new Octokit({ auth: process.env.GITHUB_TOKEN, baseUrl, log: silent });
const asApp = new Octokit({
  authStrategy: createAppAuth,
  auth: { appId: 1001, privateKey },
  baseUrl,
  log: silent,
});

const isDate = (text) => !Number.isNaN(Date.parse(text)) && text.endsWith("Z");
/** Fails unless `call` fails with this status and words, as a RequestError. */
const fails = (call, status, message) =>
  assert.rejects(call, (error) => {
    assert.equal(error.name, "HttpError");
    assert.equal(error.status, status);
    assert.match(error.response.data.message, message);
    assert.ok(error.response.data.documentation_url);
    return true;
  });
const pause = () => new Promise((done) => setTimeout(done, 50));

/** A branch with one changed file, and a pull request for it. */
async function propose(octokit, branch, tag) {
  const { data: file } = await octokit.rest.repos.getContent({ ...at, path, ref: "main" });
  const text = Buffer.from(file.content, "base64").toString().replace(/web:[\d.]+/, `web:${tag}`);
  const { data: base } = await octokit.rest.git.getRef({ ...at, ref: "heads/main" });
  const { data: on } = await octokit.rest.git.getCommit({ ...at, commit_sha: base.object.sha });
  const { data: tree } = await octokit.rest.git.createTree({
    ...at,
    base_tree: on.tree.sha,
    tree: [{ path, mode: "100644", type: "blob", content: text }],
  });
  const parents = [base.object.sha];
  const { data: commit } = await octokit.rest.git.createCommit({
    ...at,
    message: `Promote web to ${tag}`,
    tree: tree.sha,
    parents,
  });
  const { data: ref } = await octokit.rest.git.createRef({ ...at, ref: `refs/heads/${branch}`, sha: commit.sha });
  const title = `Promote web to ${tag}`;
  const { data: pull } = await octokit.rest.pulls.create({ ...at, title, head: branch, base: "main", body: "By Octokit." });
  return { file, base, tree, commit, ref, pull };
}

let octokit, installation, minted, made, merged;
const head = "promote/web-prod/octokit";

const checks = {
  "an App finds its installation by a JWT (RS256)": async () => {
    const { data: app } = await asApp.rest.apps.getAuthenticated();
    assert.equal(app.id, 1001);
    ({ data: installation } = await asApp.rest.apps.getRepoInstallation(at));
    assert.equal(installation.app_id, 1001);
    assert.equal(installation.account.login, "acme");
    assert.ok(isDate(installation.created_at));
  },
  "it mints a token, narrowed to one repository and two permissions": async () => {
    const permissions = { contents: "write", pull_requests: "write" };
    minted = await asApp.auth({
      type: "installation",
      installationId: installation.id,
      repositoryNames: ["gitops"],
      permissions,
    });
    assert.match(minted.token, /^ghs_/);
    assert.equal(minted.repositorySelection, "selected");
    assert.deepEqual({ ...permissions, metadata: "read" }, { metadata: "read", ...minted.permissions });
    assert.ok(Date.parse(minted.expiresAt) - Date.now() > 50 * 60 * 1000);
    octokit = new Octokit({ auth: minted.token, baseUrl, log: silent });
  },
  "a commit, a branch and a pull request are made of the file that was read": async () => {
    made = await propose(octokit, head, "1.4.2");
    const { file, base, tree, commit, ref, pull } = made;
    assert.equal(file.type, "file");
    assert.equal(file.encoding, "base64");
    assert.equal(Buffer.from(file.content, "base64").length, file.size);
    assert.equal(base.object.type, "commit");
    for (const id of [file.sha, base.object.sha, tree.sha, commit.sha]) assert.match(id, sha);
    assert.ok(isDate(commit.author.date) && isDate(commit.committer.date));
    assert.equal(typeof commit.verification.verified, "boolean");
    assert.equal(ref.ref, `refs/heads/${head}`);
    assert.equal(pull.head.ref, head);
    assert.equal(pull.head.sha, commit.sha);
    assert.equal(pull.base.repo.full_name, "acme/gitops");
    assert.equal(pull.state, "open");
    assert.equal(pull.draft, false);
    assert.equal(pull.user.type, "Bot");
    assert.ok(isDate(pull.created_at) && pull.merged_at === null);
  },
  "what exists already is a RequestError 422 with its reason": async () => {
    await fails(octokit.rest.git.createRef({ ...at, ref: `refs/heads/${head}`, sha: made.commit.sha }), 422, /already exists/);
    const again = octokit.rest.pulls.create({ ...at, title: "again", head, base: "main" });
    await assert.rejects(again, (error) => {
      assert.equal(error.status, 422);
      assert.match(error.message, /A pull request already exists for acme:/);
      assert.equal(error.response.data.errors[0].resource, "PullRequest");
      return true;
    });
  },
  "a missing file, a missing branch and a missing repository are 404": async () => {
    await fails(octokit.rest.repos.getContent({ ...at, path: "none" }), 404, /Not Found/);
    await fails(octokit.rest.git.getRef({ ...at, ref: "heads/none" }), 404, /Not Found/);
    await fails(octokit.rest.repos.get({ owner: "acme", repo: "none" }), 404, /Not Found/);
  },
  "a bad token is 401, an operation without the permission 403": async () => {
    const stranger = new Octokit({ auth: "ghs_none", baseUrl, log: silent });
    await fails(stranger.rest.repos.get(at), 401, /Bad credentials/);
    const status = { ...at, sha: made.commit.sha, state: "success", context: "validate" };
    await fails(octokit.rest.repos.createCommitStatus(status), 403, /not accessible by integration/);
  },
  "labels, comments and their pages": async () => {
    const issue = { ...at, issue_number: made.pull.number };
    const { data: labels } = await octokit.rest.issues.addLabels({ ...issue, labels: ["promotion", "web prod"] });
    assert.deepEqual(labels.map((it) => it.name).sort(), ["promotion", "web prod"]);
    assert.match(labels[0].color, /^[0-9a-f]{6}$/);
    const { data: left } = await octokit.rest.issues.removeLabel({ ...issue, name: "web prod" });
    assert.equal(left.length, 1);
    for (const body of ["one", "two", "three"]) {
      const { data: comment } = await octokit.rest.issues.createComment({ ...issue, body });
      assert.equal(comment.body, body);
      assert.ok(isDate(comment.created_at) && comment.user.login);
    }
    const all = await octokit.paginate(octokit.rest.issues.listComments, { ...issue, per_page: 2 });
    assert.deepEqual(all.map((it) => it.body), ["one", "two", "three"]);
  },
  "checks and statuses": async () => {
    const { data: status } = await asUser.rest.repos.createCommitStatus({
      ...at,
      sha: made.commit.sha,
      state: "success",
      context: "validate",
    });
    assert.ok(isDate(status.created_at) && status.creator.login);
    const { data: combined } = await asUser.rest.repos.getCombinedStatusForRef({ ...at, ref: head });
    assert.equal(combined.state, "success");
    assert.equal(combined.sha, made.commit.sha);
    assert.deepEqual(combined.statuses.map((it) => it.context), ["validate"]);
    const runs = await asUser.paginate(asUser.rest.checks.listForRef, { ...at, ref: made.commit.sha });
    assert.deepEqual(runs, []);
  },
  "a list of pull requests, page by page": async () => {
    for (const name of ["a", "b", "c", "d"]) await propose(octokit, `other/${name}`, `2.0.0-${name}`);
    let pages = 0;
    const options = { ...at, state: "open", per_page: 2 };
    for await (const { data } of octokit.paginate.iterator(octokit.rest.pulls.list, options)) {
      pages += 1;
      for (const pull of data) assert.ok(isDate(pull.updated_at) && sha.test(pull.head.sha));
    }
    assert.equal(pages, 3);
    const { data: found } = await octokit.rest.pulls.list({ ...at, head: `acme:${head}`, base: "main" });
    assert.deepEqual(found.map((it) => it.number), [made.pull.number]);
  },
  "mergeable is null until GitHub has looked": async () => {
    let pull;
    for (let tries = 0; tries < 20 && (pull?.mergeable ?? null) === null; tries += 1) {
      ({ data: pull } = await octokit.rest.pulls.get({ ...at, pull_number: made.pull.number }));
      await pause();
    }
    assert.equal(pull.mergeable, true);
    assert.equal(pull.changed_files, 1);
    const { data: files } = await octokit.rest.pulls.listFiles({ ...at, pull_number: pull.number });
    assert.deepEqual(files.map((it) => [it.filename, it.status]), [[path, "modified"]]);
    const { data: compared } = await octokit.rest.repos.compareCommitsWithBasehead({ ...at, basehead: `main...${head}` });
    assert.deepEqual([compared.status, compared.ahead_by, compared.behind_by], ["ahead", 1, 0]);
  },
  "a merge of another head is 409": async () => {
    const merge = octokit.rest.pulls.merge({ ...at, pull_number: made.pull.number, sha: made.base.object.sha });
    await fails(merge, 409, /Head branch was modified/);
  },
  "the merge is on main, and its branch can go": async () => {
    const options = { ...at, pull_number: made.pull.number, sha: made.commit.sha, merge_method: "squash" };
    ({ data: merged } = await octokit.rest.pulls.merge(options));
    assert.equal(merged.merged, true);
    assert.match(merged.sha, sha);
    assert.equal((await octokit.rest.pulls.checkIfMerged(options)).status, 204);
    const { data: pull } = await octokit.rest.pulls.get(options);
    assert.deepEqual([pull.merged, pull.merge_commit_sha, pull.state], [true, merged.sha, "closed"]);
    assert.ok(isDate(pull.merged_at) && pull.merged_by.login);
    const { data: commit } = await octokit.rest.repos.getCommit({ ...at, ref: "main" });
    assert.equal(commit.sha, merged.sha);
    assert.equal((await octokit.rest.git.deleteRef({ ...at, ref: `heads/${head}` })).status, 204);
    await fails(octokit.rest.git.deleteRef({ ...at, ref: `heads/${head}` }), 422, /Reference does not exist/);
  },
  "what conflicts now is refused with 405": async () => {
    const { data: others } = await octokit.rest.pulls.list({ ...at, head: "acme:other/a" });
    await fails(octokit.rest.pulls.merge({ ...at, pull_number: others[0].number }), 405, /merge conflicts/);
    const { data: closed } = await octokit.rest.pulls.update({ ...at, pull_number: others[0].number, state: "closed" });
    assert.ok(closed.state === "closed" && isDate(closed.closed_at) && !closed.merged);
  },
  "rules, rate limit and repository have their types": async () => {
    assert.deepEqual((await octokit.rest.repos.getBranchRules({ ...at, branch: "main" })).data, []);
    const { data: limits } = await octokit.rest.rateLimit.get();
    assert.ok(limits.resources.core.remaining > 0);
    const { data: repo, headers } = await octokit.rest.repos.get(at);
    assert.ok(Number.isInteger(repo.id) && repo.default_branch === "main" && isDate(repo.pushed_at));
    assert.ok(headers["x-github-request-id"] && headers["x-ratelimit-remaining"]);
  },
  "the revoked token is worth nothing": async () => {
    assert.equal((await octokit.rest.apps.revokeInstallationAccessToken()).status, 204);
    await fails(octokit.rest.repos.get(at), 401, /Bad credentials/);
  },
};

let [passed, failed] = [0, 0];
for (const [name, check] of Object.entries(checks)) {
  try {
    await check();
    passed += 1;
    console.log(`  ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`  FAILED: ${name}\n${error.stack}`);
  }
}
console.log(`octokit: ${passed} passed, ${failed} failed`);
process.exitCode = failed ? 1 : 0;
