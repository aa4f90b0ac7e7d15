/**
 * Sessions of the versions that have them: whose they are.
 */
import * as TestHttp from "@belfry/testing/TestHttp"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Fiber, type Schema } from "effect"
import { TestClock } from "effect/testing"
import * as SessionBindings from "../src/internal/sessionBindings.ts"
import { ada, layer, message, notes, origin, serve, tokenOf } from "./support/Notes.ts"

const versions = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"]

const sent = (token: string, json: Schema.Json, session?: string): TestHttp.TestRequest => ({
  method: "POST",
  headers: {
    accept: "application/json, text/event-stream",
    authorization: `Bearer ${token}`,
    ...(session === undefined ? {} : { "mcp-session-id": session }),
  },
  json,
})

const opening = (protocolVersion: string) => ({
  jsonrpc: "2.0",
  id: 1,
  method: "initialize",
  params: { protocolVersion, capabilities: {}, clientInfo: { name: "test", version: "1" } },
})

const calling = (name: string) => ({ jsonrpc: "2.0", id: 2, method: "tools/call", params: { name, arguments: {} } })

type Send = Effect.Success<ReturnType<typeof serve>>

const open = Effect.fnUntraced(function* (send: Send, token: string, version = "2025-11-25", path = "/mcp") {
  const response = yield* send(path, sent(token, opening(version)))
  assert.strictEqual(response.status, 200, response.text)
  return response.headers.get("mcp-session-id") ?? assert.fail("no session")
})

describe("MCP Security Best Practices, Session Hijacking", () => {
  it.effect("MUST take a session from who opened it alone, in every version", () =>
    Effect.gen(function* () {
      const send = yield* serve()
      const token = yield* tokenOf()
      const others = [
        yield* tokenOf({ sub: "0197a5c0-0000-7000-8000-00000000000b" }),
        yield* tokenOf({ client_id: "another-client" }),
      ]
      for (const version of versions) {
        const session = yield* open(send, token, version)
        for (const other of others) {
          const refused = yield* send("/mcp", sent(other, calling("free"), session))
          assert.strictEqual(refused.status, 404)
          assert.strictEqual(TestHttp.at(refused.json, "error", "message"), "There is no such session")
          const headers = { authorization: `Bearer ${other}`, "mcp-session-id": session }
          assert.strictEqual((yield* send("/mcp", { method: "DELETE", headers })).status, 404)
        }
        const mine = yield* send("/mcp", sent(yield* tokenOf({ jti: "b" }), calling("plain"), session))
        assert.strictEqual(mine.status, 200)
        assert.include(mine.text, ada)
      }
    }).pipe(Effect.provide(layer)),
  )

  it.effect("ends a session when its owner ends it, and knows no others", () =>
    Effect.gen(function* () {
      const send = yield* serve()
      const token = yield* tokenOf()
      const session = yield* open(send, token)
      const headers = { authorization: `Bearer ${token}`, "mcp-session-id": session }
      assert.strictEqual((yield* send("/mcp", { method: "DELETE", headers })).status, 204)
      assert.strictEqual((yield* send("/mcp", sent(token, calling("free"), session))).status, 404)
      assert.strictEqual((yield* send("/mcp", sent(token, calling("free"), "made-up"))).status, 404)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("forgets a session that nobody used for 12 hours", () =>
    Effect.gen(function* () {
      const send = yield* serve()
      const token = yield* tokenOf({ exp: 1_900_000_000 })
      const used = yield* open(send, token)
      const idle = yield* open(send, token)
      yield* TestClock.adjust(Duration.hours(11))
      assert.strictEqual((yield* send("/mcp", sent(token, calling("free"), used))).status, 200)
      yield* TestClock.adjust(Duration.hours(1))
      assert.strictEqual((yield* send("/mcp", sent(token, calling("free"), used))).status, 200)
      assert.strictEqual((yield* send("/mcp", sent(token, calling("free"), idle))).status, 404)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("is a session of one organization's endpoint alone", () =>
    Effect.gen(function* () {
      const bound = `${origin}/orgs/{organization}/mcp`
      const send = yield* serve({ resources: [{ ...notes, resource: bound }] })
      const one = yield* tokenOf({ aud: `${origin}/orgs/one/mcp` })
      const two = yield* tokenOf({ aud: `${origin}/orgs/two/mcp` })
      const session = yield* open(send, one, "2025-11-25", "/orgs/one/mcp")
      assert.strictEqual((yield* send("/orgs/two/mcp", sent(two, calling("free"), session))).status, 404)
      assert.strictEqual((yield* send("/orgs/one/mcp", sent(one, calling("free"), session))).status, 200)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("collects the scopes of a batch in the version that has them", () =>
    Effect.gen(function* () {
      const send = yield* serve()
      const token = yield* tokenOf()
      const session = yield* open(send, token, "2025-03-26")
      const good = yield* send("/mcp", sent(token, [calling("free"), { ...calling("free"), id: 3 }], session))
      assert.strictEqual(good.status, 200, good.text)
      const bad = yield* send("/mcp", sent(token, [calling("free"), { ...calling("erase"), id: 3 }], session))
      assert.strictEqual(bad.status, 403)
    }).pipe(Effect.provide(layer)),
  )
})

describe("MCP Transports, Listening for Messages from the Server", () => {
  it.effect("lets a stream of changes end with the token that opened it, and after a day", () =>
    Effect.gen(function* () {
      const send = yield* serve()
      const listen = (token: string) =>
        Effect.forkChild(
          send("/mcp", message("subscriptions/listen", { notifications: { toolsListChanged: true } }, token)),
        )
      for (const [exp, lifetime] of [
        [1_800_000_600, Duration.minutes(10)],
        [1_900_000_000, Duration.days(1)],
      ] as const) {
        yield* TestClock.setTime(1_800_000_000_000)
        const listening = yield* listen(yield* tokenOf({ exp }))
        yield* Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 200)))
        yield* TestClock.adjust(Duration.subtract(lifetime, Duration.seconds(1)))
        assert.isUndefined(listening.pollUnsafe())
        yield* TestClock.adjust(Duration.seconds(1))
        const response = yield* Fiber.join(listening)
        assert.strictEqual(response.status, 200)
        assert.strictEqual(response.headers.get("content-type"), "text/event-stream")
      }
    }).pipe(Effect.provide(layer)),
  )
})

describe("internal/sessionBindings", () => {
  it("keeps a session whose it is, however often others bind it", () => {
    const sessions = SessionBindings.make()
    sessions.bind("a", "ada", 0)
    sessions.bind("a", "eve", 0)
    assert.isTrue(sessions.isOwned("a", "ada", 0))
    assert.isFalse(sessions.isOwned("a", "eve", 0))
  })

  it("forgets the session of an owner of too many that was idle for longest, and no other owner's", () => {
    const sessions = SessionBindings.make()
    sessions.bind("bob's", "bob", 0)
    for (let index = 0; index < SessionBindings.maxSessionsOfOwner; index++) sessions.bind(`a${index}`, "ada", 0)
    assert.isTrue(sessions.isOwned("a0", "ada", 0))
    sessions.bind("last", "ada", 0)
    assert.isTrue(sessions.isOwned("a0", "ada", 0))
    assert.isFalse(sessions.isOwned("a1", "ada", 0))
    assert.isTrue(sessions.isOwned("bob's", "bob", 0))
  })

  it("remembers no more than so many in all", () => {
    const sessions = SessionBindings.make()
    for (let index = 0; index <= SessionBindings.maxSessions; index++) sessions.bind(`${index}`, `owner ${index}`, 0)
    assert.isFalse(sessions.isOwned("0", "owner 0", 0))
    assert.isTrue(sessions.isOwned("1", "owner 1", 0))
  })
})
