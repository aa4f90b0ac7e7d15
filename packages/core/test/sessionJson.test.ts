import { Builders } from "@belfry/testing"
import { assert, describe, it } from "@effect/vitest"
import { NodeCrypto } from "@effect/platform-node"
import { DateTime, Effect, Schema } from "effect"
import { sessionJson } from "../src/internal/sessionJson.ts"
import { SessionAndUser } from "../src/SessionsApi.ts"

const encode = Schema.encodeEffect(Schema.fromJsonString(Schema.toCodecJson(SessionAndUser)))

describe("A session with its user as JSON", () => {
  for (const instant of [
    "1970-01-01T00:00:00.000Z",
    "1969-12-31T23:59:59.999Z",
    "2026-11-21T09:08:07.006Z",
    "2024-02-29T23:59:59.050Z",
    "0001-01-01T00:00:00.000Z",
    "+012345-06-07T08:09:10.111Z",
    "-000001-12-31T00:00:00.000Z",
  ]) {
    it.effect(`is what the schema writes, at ${instant}`, () =>
      Effect.gen(function* () {
        const at = DateTime.makeUnsafe(instant)
        const user = yield* Builders.user({
          emailVerifiedAt: at,
          createdAt: at,
          updatedAt: DateTime.add(at, { hours: 9 }),
        })
        const session = yield* Builders.session({
          userId: user.id,
          userAgent: 'odd "agent" \u2028 \u0007 é',
          label: "Ada's laptop",
          ipAddress: null,
          acr: "aal2",
          authTime: at,
          createdAt: at,
          lastSeenAt: DateTime.add(at, { minutes: 61 }),
          expiresAt: DateTime.add(at, { days: 7 }),
          endsAt: DateTime.add(at, { days: 30 }),
        })
        assert.strictEqual(sessionJson(session, user), yield* encode({ session, user }))
      }).pipe(Effect.provide(NodeCrypto.layer)),
    )
  }

  it.effect("is what the schema writes where everything is null that may be", () =>
    Effect.gen(function* () {
      const user = yield* Builders.user({ name: null, image: null, emailVerifiedAt: null, scopes: ["a", "b"] })
      const session = yield* Builders.session({ userId: user.id, userAgent: null, label: null, amr: ["pwd", "otp"] })
      assert.strictEqual(sessionJson(session, user), yield* encode({ session, user }))
    }).pipe(Effect.provide(NodeCrypto.layer)),
  )
})
