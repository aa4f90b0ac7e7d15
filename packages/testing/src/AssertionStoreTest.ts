/**
 * Contract suite of {@link AssertionStore}.
 *
 * @since 0.1.0
 */
import { AssertionStore } from "@belfry/oauth-server/AssertionStore"
import { ClientId } from "@belfry/oauth-server/OAuthClient"
import { assert, layer as withLayer } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Builders from "./Builders.ts"

/**
 * Registers the suite for an adapter.
 *
 * @category suites
 * @since 0.1.0
 */
export const suite = <E>(name: string, layer: Layer.Layer<AssertionStore, E>): void =>
  withLayer(layer)(`AssertionStore (${name})`, (it) => {
    it.effect("takes the jti of a client once, and those of other clients by themselves", () =>
      Effect.gen(function* () {
        const assertions = yield* AssertionStore
        const end = DateTime.add(yield* DateTime.now, { minutes: 5 })
        const [jti, other] = [yield* Builders.keyedHash, yield* Builders.keyedHash]
        assert.isTrue(yield* assertions.claim(one, jti, end))
        assert.isFalse(yield* assertions.claim(one, jti, DateTime.add(end, { minutes: 5 })))
        assert.isTrue(yield* assertions.claim(one, other, end))
        assert.isTrue(yield* assertions.claim(two, jti, end))
      }),
    )

    it.effect("lets one of 100 fibers take a jti", () =>
      Effect.gen(function* () {
        const assertions = yield* AssertionStore
        const end = DateTime.add(yield* DateTime.now, { minutes: 5 })
        const jti = yield* Builders.keyedHash
        const answers = yield* Effect.forEach(Array.from({ length: 100 }), () => assertions.claim(one, jti, end), {
          concurrency: "unbounded",
        })
        assert.strictEqual(answers.length, 100)
        assert.strictEqual(answers.filter((isTaken) => isTaken).length, 1)
      }),
    )

    it.effect("removes what is over at an instant, the oldest first, and no more than the limit", () =>
      Effect.gen(function* () {
        const assertions = yield* AssertionStore
        const now = yield* DateTime.now
        yield* assertions.removeExpired(DateTime.add(now, { days: 1 }), 1000)
        const endingIn = Effect.fnUntraced(function* (milliseconds: number) {
          const jti = yield* Builders.keyedHash
          const end = DateTime.add(now, { milliseconds })
          assert.isTrue(yield* assertions.claim(one, jti, end))
          // Taken again only when it is gone.
          return assertions.claim(one, jti, end)
        })
        const [live, atNow, oldest, old] = [
          yield* endingIn(1),
          yield* endingIn(0),
          yield* endingIn(-2),
          yield* endingIn(-1),
        ]
        assert.strictEqual(yield* assertions.removeExpired(now, 2), 2)
        assert.deepStrictEqual([yield* live, yield* atNow], [false, false])
        assert.strictEqual(yield* assertions.removeExpired(now, 2), 1)
        assert.strictEqual(yield* assertions.removeExpired(now, 2), 0)
        assert.deepStrictEqual([yield* live, yield* atNow, yield* oldest, yield* old], [false, true, true, true])
      }),
    )
  })

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const one = ClientId.make("client-one")
const two = ClientId.make("client-two")
