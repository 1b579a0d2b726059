/** Prints for whoever runs the policy: `promote test`, `plan` and `run` show it. Port and GitHub do not see it. */
declare const console: Record<"log" | "debug" | "info" | "warn" | "error", (...values: unknown[]) => void>;
