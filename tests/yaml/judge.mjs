// Reads each edit before and after, by the rules of YAML 1.1 and of 1.2.
import { readFileSync } from "node:fs";
import { isAlias, isCollection, isPair, isScalar, parseAllDocuments } from "yaml";

// What a reader makes of a text: a line for each node, without places; none if it cannot read it.
const nodes = (text, version) => {
  const documents = parseAllDocuments(text, { version, strict: false, uniqueKeys: false, logLevel: "silent" });
  const all = Array.isArray(documents) ? documents : [];
  const out = [];
  const walk = (node) => {
    if (isPair(node)) {
      walk(node.key);
      walk(node.value);
    } else if (isCollection(node)) {
      out.push(["collection", node.constructor.name, node.anchor, node.tag, node.items.length]);
      node.items.forEach(walk);
    } else if (isAlias(node)) out.push(["alias", node.source]);
    else if (isScalar(node)) {
      const { value } = node;
      out.push(["scalar", node.anchor, value instanceof Object ? JSON.stringify(value) : typeof value === "symbol" ? "<<" : value]);
    }
    else out.push(["nothing"]);
  };
  for (const document of all) {
    if (document.errors.length > 0) return null;
    out.push(["document"]);
    walk(document.contents);
  }
  return out;
};

const same = (one, other) => one.length === other.length && one.every((part, at) => Object.is(part, other[at]));

const count = { judged: 0, unread: 0, wrong: 0 };
for (const line of readFileSync(process.argv[2], "utf8").split("\n").filter(Boolean)) {
  const edit = JSON.parse(line);
  for (const version of ["1.1", "1.2"]) {
    // By its rules of 1.1 it takes `.` and `e7` for numbers, as no other reader of 1.1 does.
    if (version === "1.1" && /^[-+]?[.e_][-+.e_0-9]*$/i.test(edit.value)) continue;
    const [before, after] = [nodes(edit.before, version), nodes(edit.after, version)];
    if (before === null) {
      count.unread += 1; // it read the original no better
      continue;
    }
    count.judged += 1;
    let fits = after !== null && before.length === after.length;
    if (fits) {
      const differ = before.map((one, at) => [one, after[at]]).filter(([one, other]) => !same(one, other));
      fits =
        differ.length <= 1 &&
        differ.every(([one, other]) => one[0] === "scalar" && one[1] === other[1] && other[2] === edit.value);
    }
    if (!fits) {
      count.wrong += 1;
      console.error(`yaml ${version}: ${JSON.stringify(edit)}`);
    }
  }
}
console.log(`npm yaml: ${count.judged} readings, ${count.unread} of originals that it does not read, ${count.wrong} wrong`);
process.exit(count.wrong > 0 ? 1 : 0);
