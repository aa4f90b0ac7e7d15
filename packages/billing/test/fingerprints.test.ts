import * as NodeCrypto from "@effect/platform-node/NodeCrypto"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { fingerprint } from "../src/internal/fingerprints.ts"

describe("fingerprint", () => {
  it.effect("is the same in whatever order members come, at any depth, and another for any other value", () =>
    Effect.gen(function* () {
      const wish = {
        plan: "pro",
        items: [{ price: "a", quantity: 1 }, { price: "b" }],
        extra: { x: { b: 1, a: null } },
      }
      const same = {
        extra: { x: { a: null, b: 1 } },
        items: [{ quantity: 1, price: "a" }, { price: "b" }],
        plan: "pro",
      }
      const first = yield* fingerprint(wish)
      assert.match(first, /^[0-9a-f]{64}$/u)
      assert.strictEqual(yield* fingerprint(same), first)
      for (const other of [
        { ...wish, items: wish.items.toReversed() },
        { ...wish, items: [{ price: "a", quantity: "1" }, { price: "b" }] },
        { ...wish, extra: { x: { b: 1 } } },
        { ...wish, plan: "Pro" },
      ]) {
        assert.notStrictEqual(yield* fingerprint(other), first)
      }
    }).pipe(Effect.provide(NodeCrypto.layer)),
  )
})
