/**
 * What the official conformance suite finds fault with, and why that stays so. A failure that is not here fails the
 * test, and so does one that is here and does not happen.
 */
import type { KnownFailure } from "../support/Conformance.ts"

const subscriptions =
  "Effect's MCP server takes no subscriptions to single resources before 2026-07-28, and does not advertise them: the " +
  "suite calls the method all the same"

const tasks =
  "The optional extension io.modelcontextprotocol/tasks, which Effect's MCP server does not have: no tool of the server " +
  "makes tasks"

/** Of MCP servers. */
export const server: ReadonlyArray<KnownFailure> = [
  { scenario: "resources-subscribe", checks: ["resources-subscribe"], why: subscriptions },
  { scenario: "resources-unsubscribe", checks: ["resources-unsubscribe"], why: subscriptions },
  {
    scenario: "tasks-lifecycle",
    checks: [
      "tasks-sync-tool-call",
      "sep-2663-result-type-task-on-create",
      "sep-2663-tasks-get-status-working",
      "sep-2663-tasks-get-status-completed",
      "sep-2663-tool-error-uses-completed-status",
      "sep-2663-tasks-get-status-failed",
      "sep-2663-cancel-ack-empty-result",
      "tasks-cancel-terminal-idempotent-ack",
    ],
    why: tasks,
  },
  {
    scenario: "tasks-capability-negotiation",
    checks: [
      "tasks-extension-advertised",
      "sep-2663-tasks-methods-non-declaring",
      "sep-2663-server-rejects-undeclared-client",
      "tasks-per-request-meta-opt-in",
    ],
    why: tasks,
  },
  {
    scenario: "tasks-wire-fields",
    checks: ["tasks-wire-field-renames", "tasks-no-early-ttl-expiry", "tasks-no-related-task-meta-on-inlined-result"],
    why: tasks,
  },
  { scenario: "tasks-request-state-removal", checks: ["tasks-request-state-removal-setup"], why: tasks },
  {
    scenario: "tasks-mrtr-input",
    checks: [
      "sep-2663-tasks-get-status-input-required",
      "tasks-mrtr-tasks-update-resumes",
      "tasks-mrtr-partial-fulfillment",
    ],
    why: tasks,
  },
  {
    scenario: "tasks-request-headers",
    checks: [
      "tasks-headers-tolerate-mcp-method-on-tools-call",
      "sep-2663-routing-headers-accepted-on-tasks-get",
      "sep-2663-server-rejects-mismatched-mcp-name-on-tasks-get",
    ],
    why: tasks,
  },
  {
    scenario: "tasks-dispatch-and-envelope",
    checks: [
      "tasks-server-directed-creation-no-hint",
      "sep-2663-legacy-task-param-ignored",
      "tasks-immediate-result-shortcut",
      "tasks-result-type-complete-on-non-task-responses",
      "sep-2663-durable-create-strong-consistency",
      "sep-2663-tasks-get-invalid-task-id-32602",
    ],
    why: tasks,
  },
  {
    scenario: "tasks-required-task-error",
    checks: ["sep-2663-server-returns-missing-capability-when-required"],
    why: tasks,
  },
  {
    scenario: "tasks-mrtr-composition",
    checks: ["sep-2663-mrtr-synchronous-before-task-creation"],
    why: tasks,
  },
]

/** Of authorization servers. */
export const authorization: ReadonlyArray<KnownFailure> = []
