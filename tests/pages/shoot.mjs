// Opens pages in headless Chromium over its own protocol, and looks at each: `shoot.mjs FOLDER PAGE…`.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [folder, ...pages] = process.argv.slice(2);
const MAX_PICTURE_HEIGHT = 8_000;
const SCREENS = { desktop: { width: 1280, height: 800 }, phone: { width: 390, height: 844 } };
const profile = mkdtempSync(join(tmpdir(), "promote-pages-"));
// Pages of this machine only: a sandbox of its own needs rights that a container has not got.
const browser = spawn(process.env.CHROMIUM, [
  "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--remote-debugging-pipe",
  `--user-data-dir=${profile}`, "about:blank",
], { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] });

// Messages end with a zero byte, on file descriptors 3 and 4.
let last = 0;
let rest = Buffer.alloc(0);
const waiting = new Map();
const listeners = [];
browser.stdio[4].on("data", (chunk) => {
  rest = Buffer.concat([rest, chunk]);
  for (let end = rest.indexOf(0); end >= 0; end = rest.indexOf(0)) {
    const message = JSON.parse(rest.subarray(0, end).toString());
    rest = rest.subarray(end + 1);
    const settle = waiting.get(message.id);
    waiting.delete(message.id);
    if (settle) message.error ? settle.reject(new Error(message.error.message)) : settle.resolve(message.result);
    else for (const listener of listeners) listener(message);
  }
});
function ask(method, params = {}, sessionId) {
  const id = ++last;
  browser.stdio[3].write(JSON.stringify({ id, method, params, sessionId }) + "\0");
  return new Promise((resolve, reject) => waiting.set(id, { resolve, reject }));
}

const problems = [];
async function look(page, screen, scheme) {
  const { targetId } = await ask("Target.createTarget", { url: "about:blank" });
  const { sessionId } = await ask("Target.attachToTarget", { targetId, flatten: true });
  const on = (method, params) => ask(method, params, sessionId);
  const name = `${basename(page)} (${screen}, ${scheme})`;
  const heard = (message) => {
    if (message.sessionId !== sessionId) return;
    const { method, params } = message;
    const isWrong = method === "Runtime.exceptionThrown"
      || (method === "Log.entryAdded" && params.entry.level === "error")
      || (method === "Runtime.consoleAPICalled" && ["error", "assert"].includes(params.type));
    if (isWrong) problems.push(`${name}: ${JSON.stringify(params).slice(0, 300)}`);
    const url = method === "Network.requestWillBeSent" ? params.request.url : "";
    if (/^https?:/.test(url)) problems.push(`${name}: asks for ${url}`);
  };
  listeners.push(heard);
  for (const domain of ["Page", "Runtime", "Log", "Network"]) await on(`${domain}.enable`);
  const { width, height } = SCREENS[screen];
  await on("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: 1, mobile: screen === "phone" });
  await on("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value: scheme }] });
  const loaded = new Promise((resolve) => listeners.push((message) => {
    if (message.sessionId === sessionId && message.method === "Page.loadEventFired") resolve();
  }));
  await on("Page.navigate", { url: pathToFileURL(resolve(page)).href });
  await loaded;
  const measure = "JSON.stringify([document.documentElement.scrollWidth, innerWidth, document.body?.innerText.length ?? 1, document.documentElement.scrollHeight])";
  const { result } = await on("Runtime.evaluate", { expression: measure });
  const [wide, room, letters, high] = JSON.parse(result.value);
  // A picture is fitted by the page that it stands in.
  if (page.endsWith(".html") && wide > room) problems.push(`${name}: ${wide} pixels wide, the screen has ${room}`);
  if (letters === 0) problems.push(`${name}: empty`);
  // The page of hundreds of promotions is longer than a picture may be.
  const clip = { x: 0, y: 0, width, height: Math.min(Math.max(high, height), MAX_PICTURE_HEIGHT), scale: 1 };
  const whole = page.endsWith(".html") ? { captureBeyondViewport: true, clip } : {};
  const { data } = await on("Page.captureScreenshot", { format: "png", ...whole });
  writeFileSync(join(folder, `${basename(page).replace(/\.\w+$/, "")}-${screen}-${scheme}.png`), Buffer.from(data, "base64"));
  await ask("Target.closeTarget", { targetId });
}

try {
  for (const page of pages)
    for (const screen of Object.keys(SCREENS)) for (const scheme of ["light", "dark"]) await look(page, screen, scheme);
  console.log(`${pages.length} pages, each on a desktop and a phone, light and dark: ${problems.length} problems`);
} finally {
  const ended = new Promise((resolve) => browser.once("exit", resolve));
  browser.kill();
  await ended;
  // Its children write a little longer.
  rmSync(profile, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
}
for (const problem of problems) console.error(problem);
process.exitCode = problems.length > 0 ? 1 : 0;
