// Your rules. They read nothing and write nothing: what they are given decides, so `npm test` tries them without a world.

import type { EntityKey, Reason } from "promote:policy/types@0.1.0";

/** An entity of Port's catalog, its properties parsed. */
export interface Item {
  key: EntityKey;
  properties: Record<string, unknown>;
  relations: Record<string, string[]>;
}

/**
 * Every reason not to promote a service: a short name that never changes, and what is wrong and what to do about it. All
 * rules are asked, so that people learn every reason at once.
 */
export function rules(service: Item): Reason[] {
  const reasons: Reason[] = [];
  const lock = service.properties.locked_in_prod ?? false;
  // Not set is not locked; whatever else stands there, somebody meant it.
  if (lock !== false) {
    const why = service.properties.locked_reason_prod || "no reason is given";
    reasons.push(reason("lock", `${named(service)} is locked: ${why}`));
  }
  return reasons;
}

/** A reason that stops the proposal, and that nothing but another decision of somebody cures. */
export function reason(rule: string, message: string): Reason {
  return { rule, message, stops: "propose", cure: { tag: "nothing" } };
}

export function named({ key }: { key: EntityKey }): string {
  return `${key.blueprint} \`${key.identifier}\``;
}
