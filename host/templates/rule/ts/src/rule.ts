// Your rule. It reads nothing and writes nothing: the same facts always have the same answer, so `npm test` tries it alone.

import type { Need } from "promote:policy/ruling@0.1.0";
import type { Reason } from "promote:policy/types@0.1.0";

/** An entity as facts have it. */
export interface Entity { identifier: string }

/** What the host tells the rule; `wit/ruling.wit` has all of it. */
export interface Facts { service: Entity; needs: { open: Entity[] } }

/** What the rule must know of a promotion, besides the facts that every rule is told. */
export function needs({ service }: Facts): Need[] {
  const rules = [
    { property: "status", operator: "=", value: "open" },
    { operator: "relatedTo", blueprint: "service", value: service.identifier },
  ];
  const query = JSON.stringify({ combinator: "and", rules });
  return [{ name: "open", read: { tag: "search", val: { blueprint: "incident", query } } }];
}

/** What the rule has against a promotion; nothing means that it agrees. The host puts the rule's own name to a reason. */
export function check({ service, needs: { open } }: Facts): Reason[] {
  if (open.length === 0) return [];
  const message = `close the ${open.length} open incidents of ${service.identifier} first`;
  return [{ rule: "", message, stops: "propose", cure: { tag: "people" } }];
}
