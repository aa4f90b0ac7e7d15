/**
 * How often users and clients may call.
 */
import { RateLimits } from "@belfry/core/RateLimits"
import { StoreError } from "@belfry/core/StoreError"
import * as McpRateLimits from "@belfry/mcp/McpRateLimits"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect } from "effect"
import { TestClock } from "effect/testing"
import { call, layer, serve, tokenOf } from "./support/Notes.ts"

const rules = (perUser: number, perClient: number) =>
  McpRateLimits.layer({
    perUser: { name: "mcp-user", limit: perUser, window: Duration.minutes(1) },
    perClient: { name: "mcp-client", limit: perClient, window: Duration.minutes(1) },
  })

const bob = "0197a5c0-0000-7000-8000-00000000000b"

describe("McpRateLimits.layer", () => {
  it.effect("answers 429 to who calls too often, through whatever client, and says when to come again", () =>
    Effect.gen(function* () {
      const send = yield* Effect.provide(serve(), rules(2, 100))
      const token = yield* tokenOf()
      assert.strictEqual((yield* send("/mcp", call("free", token))).status, 200)
      const elsewhere = yield* tokenOf({ client_id: "another-client" })
      assert.strictEqual((yield* send("/mcp", call("free", elsewhere))).status, 200)
      for (const limited of [token, elsewhere]) {
        const response = yield* send("/mcp", call("free", limited))
        assert.strictEqual(response.status, 429)
        assert.isAbove(Number(response.headers.get("retry-after")), 0)
        assert.deepInclude(response.json, { jsonrpc: "2.0" })
      }
      assert.strictEqual((yield* send("/mcp", call("free", yield* tokenOf({ sub: bob })))).status, 200)
      yield* TestClock.adjust(Duration.minutes(2))
      assert.strictEqual((yield* send("/mcp", call("free", token))).status, 200)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("counts a client for all of its users, and for itself", () =>
    Effect.gen(function* () {
      const send = yield* Effect.provide(serve(), rules(1, 3))
      const itself = yield* tokenOf({ sub: "a-client", grant_id: undefined })
      assert.strictEqual((yield* send("/mcp", call("free", yield* tokenOf()))).status, 200)
      for (let use = 0; use < 2; use++) assert.strictEqual((yield* send("/mcp", call("free", itself))).status, 200)
      assert.strictEqual((yield* send("/mcp", call("free", yield* tokenOf({ sub: bob })))).status, 429)
      assert.strictEqual((yield* send("/mcp", call("free", itself))).status, 429)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("counts what is refused for its scopes, and nothing of who has no good token", () =>
    Effect.gen(function* () {
      const send = yield* Effect.provide(serve(), rules(1, 100))
      const token = yield* tokenOf()
      assert.strictEqual((yield* send("/mcp", call("free", yield* tokenOf({ aud: "elsewhere" })))).status, 401)
      assert.strictEqual((yield* send("/mcp", call("erase", token))).status, 403)
      assert.strictEqual((yield* send("/mcp", call("erase", token))).status, 429)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("answers 503 while nobody can count", () =>
    Effect.gen(function* () {
      const away = Effect.fail(new StoreError({ store: "limits", method: "take", cause: "away", isRetryable: true }))
      const send = yield* Effect.provide(serve(), rules(1, 1)).pipe(
        Effect.provideService(RateLimits, { consume: () => away, consumeAll: () => away }),
      )
      assert.strictEqual((yield* send("/mcp", call("free", yield* tokenOf()))).status, 503)
    }).pipe(Effect.provide(layer)),
  )
})
