/**
 * The user behind an access.
 */
import { unknownClient } from "@belfry/core/AuditEvent"
import { StoreError } from "@belfry/core/StoreError"
import { Email } from "@belfry/core/User"
import { Users } from "@belfry/core/Users"
import * as McpAccess from "@belfry/mcp/McpAccess"
import * as TestHttp from "@belfry/testing/TestHttp"
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Effect, Layer, Option, Schema } from "effect"
import { McpServer, Tool, Toolkit } from "effect/ai"
import { ada, call, endpoint, layer, serve, tokenOf } from "./support/Notes.ts"

const email = Schema.decodeSync(Email)

const access = (changes: Partial<McpAccess.McpAccess["token"]>): McpAccess.McpAccess => ({
  token: {
    clientId: "a-client",
    subject: ada,
    isClientItself: false,
    scopes: [],
    audience: [endpoint],
    expiresAt: null,
    claims: {},
    ...changes,
  },
  resource: endpoint,
  organizationId: null,
  caller: unknownClient,
})

const found = (lookup: Layer.Layer<McpAccess.UserLookup, never, Users>, changes: Parameters<typeof access>[0]) =>
  McpAccess.UserLookup.use(({ find }) => find(access(changes))).pipe(
    Effect.map(Option.match({ onNone: () => null, onSome: ({ email }) => email as string })),
    Effect.provide(lookup),
  )

describe("UserLookup", () => {
  it.effect("finds the user whose id the subject is, and nobody for a client itself", () =>
    Effect.gen(function* () {
      const { id } = yield* Users.use((users) => users.create({ email: email("ada@example.com") }))
      const lookup = McpAccess.UserLookup.layerBySubject
      assert.strictEqual(yield* found(lookup, { subject: id }), "ada@example.com")
      assert.isNull(yield* found(lookup, { subject: id, isClientItself: true }))
      assert.isNull(yield* found(lookup, { subject: ada }))
      assert.isNull(yield* found(lookup, { subject: "no id" }))
    }).pipe(Effect.provide(layer)),
  )

  it.effect("finds the user by a claim, and by an address that both sides have proved", () =>
    Effect.gen(function* () {
      const users = yield* Users
      const { id } = yield* users.create({ email: email("ada@example.com"), emailVerifiedAt: yield* DateTime.now })
      yield* users.create({ email: email("eve@example.com") })
      const byId = McpAccess.UserLookup.layerByClaim("account")
      assert.strictEqual(yield* found(byId, { claims: { account: id } }), "ada@example.com")
      assert.isNull(yield* found(byId, { claims: { account: id }, isClientItself: true }))
      for (const claims of [{}, { account: 1 }, { account: [id] }, { account: ada }]) {
        assert.isNull(yield* found(byId, { claims }))
      }
      const byEmail = McpAccess.UserLookup.layerByClaim("email")
      const proved = { email: "Ada@Example.com", email_verified: true }
      assert.strictEqual(yield* found(byEmail, { claims: proved }), "ada@example.com")
      assert.isNull(yield* found(byEmail, { claims: proved, isClientItself: true }))
      for (const claims of [
        { email: "ada@example.com" },
        { email: "ada@example.com", email_verified: "true" },
        { email: "eve@example.com", email_verified: true },
        { email: "nobody@example.com", email_verified: true },
        { email: 1, email_verified: true },
      ]) {
        assert.isNull(yield* found(byEmail, { claims }), JSON.stringify(claims))
      }
    }).pipe(Effect.provide(layer)),
  )
})

const Tools = Toolkit.make(Tool.make("who_am_i", { success: Schema.String, dependencies: [McpAccess.CurrentMcpUser] }))

const registrations = McpServer.toolkit(Tools).pipe(
  Layer.provide(McpAccess.withUser.layer),
  Layer.provide(Tools.toLayer({ who_am_i: () => Effect.map(McpAccess.CurrentMcpUser, ({ email }) => email) })),
)

describe("withUser", () => {
  it.effect("gives tools the user of the request, and refuses who has none", () =>
    Effect.gen(function* () {
      const users = yield* Users
      const { id } = yield* users.create({ email: email("ada@example.com") })
      const lookup = McpAccess.UserLookup.layerBySubject.pipe(Layer.provide(Layer.succeed(Users, users)))
      const send = yield* serve({ registrations: registrations.pipe(Layer.provide(lookup)) })
      const { json } = yield* send("/mcp", call("who_am_i", yield* tokenOf({ sub: id })))
      assert.strictEqual(TestHttp.at(json, "result", "structuredContent"), "ada@example.com")
      for (const token of [yield* tokenOf(), yield* tokenOf({ sub: "a-client", grant_id: undefined })]) {
        const refused = yield* send("/mcp", call("who_am_i", token))
        assert.deepStrictEqual(TestHttp.at(refused.json, "error"), { code: -32003, message: "This needs a user" })
      }
    }).pipe(Effect.provide(layer)),
  )

  it.effect("says so when users cannot be looked up", () =>
    Effect.gen(function* () {
      const find = () =>
        Effect.fail(new StoreError({ store: "users", method: "findById", cause: "away", isRetryable: true }))
      const lookup = Layer.succeed(McpAccess.UserLookup, { find })
      const send = yield* serve({ registrations: registrations.pipe(Layer.provide(lookup)) })
      const { json } = yield* send("/mcp", call("who_am_i", yield* tokenOf()))
      assert.strictEqual(TestHttp.at(json, "error", "code"), -32004)
    }).pipe(Effect.provide(layer)),
  )
})
