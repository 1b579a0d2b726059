// Makes pages of what people are shown elsewhere: `render.mjs OUT summary FILE.md…`, `render.mjs OUT readme README.md`, or
// `render.mjs OUT terminal FILE.ansi…`. Markdown as GitHub renders it, a terminal's colours as a terminal has them.
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [out, kind, ...files] = process.argv.slice(2);
const require = createRequire(join(process.env.PAGES_TOOLS, "package.json"));
const MarkdownIt = require("markdown-it");
const css = readFileSync(require.resolve("github-markdown-css/github-markdown.css"), "utf8");
const escape = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

function page(title, style, body, base = "") {
  const head = `<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">`;
  return `<!doctype html><html lang="en"><head>${head}${base}<title>${escape(title)}</title><style>${style}</style></head>${body}</html>\n`;
}

// GitHub takes tables, links by their address and some HTML, of which our summaries use these.
const TAGS = /^<\/?(details|summary|code)>$/;
const DIFF = { "+": "added", "-": "removed", "@": "place" };
const diff = (text) => text.split("\n").map((line) => `<span class="${DIFF[line[0]] ?? ""}">${escape(line)}</span>`).join("\n");
const highlight = (text, language) => language === "diff" ? diff(text) : "";
const markdown = new MarkdownIt({ html: true, linkify: true, highlight });
const BODY = "body { margin: 0; background: Canvas } .markdown-body { max-width: 1012px; margin: 0 auto; padding: 32px } "
  + "@media (prefers-color-scheme: dark) { body { background: #0d1117 } } @media (max-width: 767px) { .markdown-body { padding: 15px } } "
  + ".added { color: light-dark(#116329, #aff5b4); background: light-dark(#dafbe1, #033a16) } "
  + ".removed { color: light-dark(#82071e, #ffdcd7); background: light-dark(#ffebe9, #67060c) } "
  + ".place { color: light-dark(#8250df, #d2a8ff) } :root { color-scheme: light dark }";

function rendered(file) {
  const text = readFileSync(file, "utf8");
  for (const token of markdown.parse(text, {}).flatMap((token) => [token, ...(token.children ?? [])]))
    if (/^html_/.test(token.type))
      for (const tag of token.content.match(/<[^>]*>/g) ?? [])
        if (!TAGS.test(tag)) throw new Error(`${file}: ${tag} is HTML that nobody here wrote`);
  const base = kind === "readme" ? `<base href="${pathToFileURL(dirname(resolve(file)))}/">` : "";
  const html = markdown.render(text).replaceAll("<details>", "<details open>");
  return page(basename(file), css + BODY, `<body><article class="markdown-body">${html}</article></body>`, base);
}

const COLOURS = { 31: "#e5534b", 32: "#57ab5a", 33: "#c69026", 36: "#39c5cf" };
const TERMINAL = "body { margin: 0; padding: 16px; background: #1c2128; color: #d1d5da } "
  + "pre { font: 13px/1.5 monospace; white-space: pre-wrap; overflow-wrap: anywhere; margin: 0 } .prompt { color: #8b949e }";

function terminal(file) {
  const text = readFileSync(file, "utf8");
  let isOpen = false;
  const html = text.split(/(\u001b\[\d*m)/).map((part) => {
    const code = /^\u001b\[(\d*)m$/.exec(part)?.[1];
    if (code === undefined) {
      if (/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/.test(part)) throw new Error(`${file}: a control character: ${JSON.stringify(part)}`);
      return escape(part);
    }
    const before = isOpen ? "</span>" : "";
    isOpen = code !== "0" && code !== "";
    if (isOpen && !COLOURS[code]) throw new Error(`${file}: the colour ${code} is none of ours`);
    return before + (isOpen ? `<span style="color: ${COLOURS[code]}">` : "");
  }).join("");
  // The first line is the command, which a person typed.
  return page(basename(file), TERMINAL, `<body><pre>${html.replace(/^.*$/m, '<span class="prompt">$&</span>')}</pre></body>`);
}

for (const file of files) {
  const name = basename(file).replace(/\.\w+$/, "");
  const html = kind === "terminal" ? terminal(file) : rendered(file);
  writeFileSync(join(out, `${kind}-${name}.html`), html);
}
