import assert from "node:assert/strict";
import test from "node:test";
import { withImage } from "../src/manifest.js";
import { rules } from "../src/rules.js";

// The names of the rules that refuse a service with these properties.
function refused(properties) {
  const service = { key: { blueprint: "service", identifier: "web" }, properties, relations: {} };
  return rules(service).map(({ rule }) => rule);
}

test("a lock is whatever somebody set", () => {
  for (const unlocked of [undefined, null, false]) assert.deepEqual(refused({ locked_in_prod: unlocked }), []);
  for (const locked of [true, "yes", 0]) assert.deepEqual(refused({ locked_in_prod: locked }), ["lock"]);
});

test("one value of a manifest changes and nothing else", () => {
  const before = 'spec:\n  - image: "acme/web:1" # ours\r\n';
  const content = 'spec:\n  - image: "acme/web:2" # ours\r\n';
  assert.deepEqual(withImage(before, "acme/web:2"), { content, previous: "acme/web:1" });
  for (const unclear of ["", "image:\n", "image: a\nimage: b\n"]) assert.equal(withImage(unclear, "c"), null);
});
