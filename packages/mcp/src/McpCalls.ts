/**
 * What is known afterwards of calls: spans and audit events, without what was said.
 *
 * @since 0.1.0
 */
import { Audit } from "@belfry/core/Audit"
import { UserId } from "@belfry/core/User"
import type * as McpSchema from "effect/ai/McpSchema"
import * as McpServer from "effect/ai/McpServer"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as Tracer from "effect/Tracer"
import { CurrentAccess } from "./McpAccess.ts"

/**
 * Layer of the MCP middleware that gives each call a span: `mcp tools/call`, with the name of the tool or prompt, the
 * client and the subject.
 *
 * **Details**
 *
 * Effect's toolkits write the arguments of a call on the span around it. They may be secrets, or about people, and so
 * they are kept off: this span, and whatever stands for it inside of the call, takes no `parameters`. `McpHttp` has
 * this layer in it.
 *
 * @see [OpenTelemetry, MCP spans](https://opentelemetry.io/docs/specs/semconv/gen-ai/mcp/)
 * @category layers
 * @since 0.1.0
 */
export const layerSpans = McpServer.middleware(
  Effect.fnUntraced(function* (effect: Call, { method, target }: McpServer.MiddlewareOptions) {
    const { resource, token } = yield* CurrentAccess
    const attributes = {
      "mcp.method.name": method,
      ...(method === "tools/call" ? { "gen_ai.tool.name": target } : {}),
      ...(method === "prompts/get" ? { "gen_ai.prompt.name": target } : {}),
      "mcp.resource": resource,
      "oauth.client_id": token.clientId,
      "enduser.id": token.subject,
    }
    return yield* Effect.useSpan(`mcp ${method}`, { attributes }, (span) =>
      Effect.provideService(effect, Tracer.ParentSpan, withoutParameters(span)),
    )
  }),
  { global: true },
)

/**
 * Layer of the MCP middleware that keeps an audit event for each call of a tool, `mcp.tool-called`: the tool, who
 * called it through which client, at which resource, and whether it failed; no arguments and no result.
 *
 * **Details**
 *
 * `reason` of a failure: the tool answered with an error (`tool-error`), the call was refused before it ended
 * (`refused`), it was broken off (`interrupted`) or is broken (`defect`). The event's user is the subject where it
 * reads as the id of one. A call whose event cannot be written is answered all the same, since it has happened, and an
 * error is logged; what it changed has events of its own, which commit with it.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerAudit = McpServer.middleware(
  Effect.gen(function* () {
    const audit = yield* Audit
    return Effect.fnUntraced(function* (effect: Call, { method, target }: McpServer.MiddlewareOptions) {
      if (method !== "tools/call") return yield* effect
      const { caller, organizationId, resource, token } = yield* CurrentAccess
      const record = (exit: Exit.Exit<McpServer.MiddlewareSuccess, McpSchema.McpErrorBase>) => {
        const reason = reasonOf(exit)
        return audit
          .record({
            type: "mcp.tool-called",
            client: caller,
            ...(reason === undefined ? {} : { reason }),
            ...(!token.isClientItself && isUserId(token.subject) ? { userId: token.subject } : {}),
            data: {
              tool: target,
              resource,
              clientId: token.clientId,
              subject: token.subject,
              ...(organizationId === null ? {} : { organizationId }),
            },
          })
          .pipe(
            Effect.catchTag("StoreError", ({ store }) =>
              Effect.annotateLogs(Effect.logError("The call of a tool has no audit event"), { store, tool: target }),
            ),
          )
      }
      return yield* Effect.onExit(effect, record)
    })
  }),
  { global: true },
)

// internal

type Call = Effect.Effect<McpServer.MiddlewareSuccess, McpSchema.McpErrorBase>

/** The same span, which takes no parameters. */
const withoutParameters = (span: Tracer.Span): Tracer.Span =>
  new Proxy(span, {
    get: (target, key) => {
      if (key === "attribute") {
        return (name: string, value: unknown) => {
          if (name !== "parameters") target.attribute(name, value)
        }
      }
      const value: unknown = Reflect.get(target, key, target)
      return typeof value === "function" ? value.bind(target) : value
    },
  })

const reasonOf = (exit: Exit.Exit<McpServer.MiddlewareSuccess, McpSchema.McpErrorBase>): string | undefined => {
  if (Exit.isSuccess(exit)) {
    const result: unknown = exit.value
    return Predicate.hasProperty(result, "isError") && result.isError === true ? "tool-error" : undefined
  }
  if (Cause.hasInterrupts(exit.cause)) return "interrupted"
  return Cause.hasDies(exit.cause) ? "defect" : "refused"
}

const isUserId = Schema.is(UserId)
