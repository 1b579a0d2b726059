// Blanks out what is TypeScript's own in the given files: every other character stays where it is.

import { readFileSync, writeFileSync } from "node:fs";
import blankSpace from "ts-blank-space";

for (const file of process.argv.slice(2)) {
  const text = blankSpace(readFileSync(file, "utf8"), (node) => {
    throw new SyntaxError(`${file}: this is more than a type, and cannot be taken out: ${node.getText().slice(0, 80)}`);
  });
  writeFileSync(file, text);
}
