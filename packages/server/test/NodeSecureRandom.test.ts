import * as NodeSecureRandom from "@belfry/server/NodeSecureRandom"
import { assert, describe, it, vi } from "@effect/vitest"
import { Effect } from "effect"
import { SecureRandom } from "effect/crypto/SecureRandom"
import Crypto from "node:crypto"
import { syncBuiltinESMExports } from "node:module"

const draw = (size: number) => SecureRandom.use((random) => random.randomBytes(size))

describe("random bytes on Node", () => {
  it.effect("are as many as were asked for, more than a page included, and never the same", () =>
    Effect.gen(function* () {
      const seen = new Set<string>()
      let drawn = 0
      for (const size of [16, 16, 74, 1000, 4000, 4096, 4097, 10_000, 16]) {
        for (let i = 0; i < 100; i++, drawn++) {
          const bytes = yield* draw(size)
          assert.strictEqual(bytes.length, size)
          seen.add(Buffer.from(bytes.subarray(0, 16)).toString("hex"))
        }
      }
      assert.strictEqual(seen.size, drawn)
      assert.strictEqual((yield* draw(0)).length, 0)
    }).pipe(Effect.provide(NodeSecureRandom.layer)),
  )

  it.effect("take all values, over the ends of pages too", () =>
    Effect.gen(function* () {
      const counts = Array.from({ length: 256 }, () => 0)
      const total = 1000 * 333
      for (let i = 0; i < 1000; i++) {
        for (const byte of yield* draw(333)) counts[byte] = (counts[byte] ?? 0) + 1
      }
      const expected = total / 256
      const chiSquared = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0)
      // 255 degrees of freedom: above 400 once in hundreds of millions of runs. Erased bytes would give thousands.
      assert.isBelow(chiSquared, 400)
    }).pipe(Effect.provide(NodeSecureRandom.layer)),
  )

  it.effect("are erased from where they were drawn", () =>
    Effect.gen(function* () {
      const fill = vi.spyOn(Crypto, "randomFillSync")
      syncBuiltinESMExports()
      yield* Effect.addFinalizer(() =>
        Effect.sync(() => {
          fill.mockRestore()
          syncBuiltinESMExports()
        }),
      )
      const [first, second] = [yield* draw(16), yield* draw(5)]
      const [[page] = []] = fill.mock.calls
      if (!(page instanceof Uint8Array)) return assert.fail("no page")
      assert.deepStrictEqual(page.subarray(0, 21), new Uint8Array(21))
      assert.notDeepEqual(page.subarray(21, 37), new Uint8Array(16))
      for (const drawn of [first, second]) assert.isFalse(Buffer.from(page).includes(Buffer.from(drawn)))
    }).pipe(Effect.provide(NodeSecureRandom.layer), Effect.scoped),
  )

  it.effect("are the caller's own: what happens to them happens to no others", () =>
    Effect.gen(function* () {
      const first = yield* draw(16)
      const next = yield* draw(16)
      const kept = Uint8Array.from(next)
      new Uint8Array(first.buffer).fill(0)
      assert.deepStrictEqual(next, kept)
      assert.notDeepEqual(yield* draw(16), new Uint8Array(16))
    }).pipe(Effect.provide(NodeSecureRandom.layer)),
  )
})
