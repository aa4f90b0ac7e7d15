/**
 * What is known afterwards of calls.
 */
import { Audit } from "@belfry/core/Audit"
import { StoreError } from "@belfry/core/StoreError"
import * as McpCalls from "@belfry/mcp/McpCalls"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Tracer } from "effect"
import { ada, call, endpoint, layer, message, origin, notes, registrations, serve, tokenOf } from "./support/Notes.ts"

const secret = "correct horse battery staple"

/** A tracer that keeps every span, and what was said to it. */
const recorder = () => {
  const spans: Array<Tracer.Span> = []
  const tracer = Tracer.make({
    span: (options) => {
      const span = new Tracer.NativeSpan(options)
      spans.push(span)
      return span
    },
  })
  return { spans, tracer }
}

const told = (spans: ReadonlyArray<Tracer.Span>) =>
  spans.map(({ attributes, name }) => `${name} ${JSON.stringify([...attributes])}`).join("\n")

/** The notes with events of their calls. */
const audited = Effect.fnUntraced(function* () {
  const audit = yield* Audit
  return yield* serve({
    registrations: Layer.merge(registrations, McpCalls.layerAudit.pipe(Layer.provide(Layer.succeed(Audit, audit)))),
  })
})

describe("McpCalls.layerSpans", () => {
  it.effect("tells of a call who made it through what, and never what was said", () =>
    Effect.gen(function* () {
      const { spans, tracer } = recorder()
      yield* Effect.gen(function* () {
        const send = yield* serve()
        const token = yield* tokenOf({ scope: "notes:read notes:write" })
        for (const tool of ["write", "refuse", "break"]) yield* send("/mcp", call(tool, token, {}, { text: secret }))
      }).pipe(Effect.provideService(Tracer.Tracer, tracer))
      const called = spans.filter(({ name }) => name === "mcp tools/call")
      assert.deepStrictEqual(
        called.map(({ attributes }) => attributes.get("gen_ai.tool.name")),
        ["write", "refuse", "break"],
      )
      assert.deepInclude(Object.fromEntries(called[0]?.attributes ?? []), {
        "mcp.method.name": "tools/call",
        "oauth.client_id": "a-client",
        "enduser.id": ada,
        "mcp.resource": endpoint,
        // What the toolkit says of the call besides its arguments.
        tool: "write",
      })
      const inside = spans.find(({ name }) => name === "Notes.write")
      assert.strictEqual(inside?.traceId, called[0]?.traceId)
      assert.notInclude(told(spans), secret)
      assert.notInclude(told(spans), "Bearer")
    }).pipe(Effect.provide(layer)),
  )
})

describe("McpCalls.layerAudit", () => {
  it.effect("keeps an event for each call of a tool, whatever became of it, without what was said", () =>
    Effect.gen(function* () {
      const send = yield* audited()
      const token = yield* tokenOf({ scope: "notes:read notes:write" })
      for (const tool of ["write", "refuse", "break"]) yield* send("/mcp", call(tool, token, {}, { text: secret }))
      yield* send("/mcp", message("resources/read", { uri: "notes://open" }, token))
      yield* send("/mcp", call("erase", token))
      const events = yield* Audit.use((audit) => audit.list({ type: "mcp." }))
      assert.deepStrictEqual(
        events.map(({ data, outcome, reason, type }) => [type, data["tool"], outcome, reason]).toReversed(),
        [
          ["mcp.tool-called", "write", "success", null],
          ["mcp.tool-called", "refuse", "failure", "tool-error"],
          ["mcp.tool-called", "break", "failure", "tool-error"],
        ],
      )
      assert.strictEqual(events[0]?.userId, ada)
      assert.deepInclude(events[0]?.data, { clientId: "a-client", subject: ada, resource: endpoint })
      assert.notInclude(JSON.stringify(events), secret)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("names no user where a client acts for itself, and the organization where there is one", () =>
    Effect.gen(function* () {
      const audit = yield* Audit
      const send = yield* serve({
        resources: [{ ...notes, resource: `${origin}/orgs/{organization}/mcp` }],
        registrations: Layer.merge(registrations, McpCalls.layerAudit.pipe(Layer.provide(Layer.succeed(Audit, audit)))),
      })
      const token = yield* tokenOf({ aud: `${origin}/orgs/acme/mcp`, sub: ada, client_id: ada, grant_id: undefined })
      yield* send("/orgs/acme/mcp", call("free", token, { "user-agent": "a-program" }))
      const [event] = yield* audit.list({ type: "mcp." })
      assert.isNull(event?.userId)
      assert.strictEqual(event?.client.userAgent, "a-program")
      assert.deepInclude(event?.data, { organizationId: "acme" })
    }).pipe(Effect.provide(layer)),
  )

  it.effect("answers a call whose event cannot be written", () =>
    Effect.gen(function* () {
      const failing = Effect.fail(
        new StoreError({ store: "audit", method: "insert", cause: "away", isRetryable: true }),
      )
      const audit = yield* Audit
      const send = yield* Effect.provideService(audited(), Audit, { ...audit, record: () => failing })
      const response = yield* send("/mcp", call("free", yield* tokenOf()))
      assert.strictEqual(response.status, 200)
      assert.include(response.text, "free")
    }).pipe(Effect.provide(layer)),
  )
})
