import assert from "node:assert/strict";
import test from "node:test";
import { check, needs } from "../src/rule.js";

const facts = (open) => ({ service: { identifier: "web" }, needs: { open } });

test("open incidents are named", () => {
  assert.equal(needs(facts([])).length, 1);
  assert.deepEqual(check(facts([])), []);
  assert.equal(check(facts([{ identifier: "inc-7" }]))[0].message, "close the 1 open incidents of web first");
});
