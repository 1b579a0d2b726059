// Binds the rule to the contract in `wit/`, and describes it. The rule itself is in `rule.ts`.
import type { Description } from "promote:policy/about@0.1.0";
import { check, needs } from "./rule.ts";

export const ruling = {
  needs: (facts: string) => needs(JSON.parse(facts)),
  check: (facts: string) => check(JSON.parse(facts)),
};

export const about = {
  describe: (): Description => ({
    name: "{{name}}",
    version: "0.1.0",
    summary: "No promotion while the service has open incidents",
    settingsSchema: JSON.stringify({ type: "object", additionalProperties: false }),
  }),
};
