// Binds the rule to the contract in `wit/`, and describes it. The rule itself is in `rule.js`.
import { check, needs } from "./rule.js";

export const ruling = {
  needs: (facts) => needs(JSON.parse(facts)),
  check: (facts) => check(JSON.parse(facts)),
};

export const about = {
  describe: () => ({
    name: "{{name}}",
    version: "0.1.0",
    summary: "No promotion while the service has open incidents",
    settingsSchema: JSON.stringify({ type: "object", additionalProperties: false }),
  }),
};
