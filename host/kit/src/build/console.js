// `console`, which QuickJS does not bring, and a word about each exception before it ends the policy.

import { getStderr } from "wasi:cli/stderr@0.2.0";

function shown(value) {
  if (typeof value === "string") return value;
  if (value instanceof Error) return `${value}\n${value.stack ?? ""}`.trimEnd();
  try {
    return JSON.stringify(value, (_, part) => (typeof part === "bigint" ? `${part}n` : part)) ?? String(value);
  } catch {
    return String(value); // It holds itself.
  }
}

function say(...values) {
  const text = `${values.map(shown).join(" ")}\n`;
  const bytes = Uint8Array.from(unescape(encodeURIComponent(text.toWellFormed())), (one) => one.charCodeAt(0));
  const stream = getStderr();
  // WASI takes 4096 bytes at once.
  for (let at = 0; at < bytes.length; at += 4096) stream.blockingWriteAndFlush(bytes.slice(at, at + 4096));
}

globalThis.console = { log: say, debug: say, info: say, warn: say, error: say };

// An export of the source whose exceptions are shown; the contract's own failures are no exceptions.
export function told(source, name, exported, functions) {
  const missing = functions.find((one) => typeof exported?.[one] !== "function");
  if (missing) throw new TypeError(`${source} must export \`${name}\` with a function \`${missing}\``);
  const watched = (one) => (...given) => {
    try {
      return exported[one](...given);
    } catch (error) {
      if (error instanceof Error && !("payload" in error)) console.error(error);
      throw error;
    }
  };
  return Object.fromEntries(functions.map((one) => [one, watched(one)]));
}
