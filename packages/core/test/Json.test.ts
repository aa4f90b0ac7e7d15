import { isShallow } from "@belfry/core/Json"
import { assert, describe, it } from "@effect/vitest"
import type { Schema } from "effect"

describe("Json.isShallow", () => {
  const nested = (depth: number): Schema.Json => JSON.parse("[".repeat(depth) + "]".repeat(depth))

  it("counts lists and objects, and no values", () => {
    for (const value of [null, true, 1, "text"]) assert.isTrue(isShallow(value, 0))
    assert.isFalse(isShallow({}, 0))
    assert.isTrue(isShallow({ a: 1, b: [null] }, 2))
    assert.isFalse(isShallow({ a: 1, b: [null] }, 1))
    assert.isTrue(isShallow(nested(16), 16))
    assert.isFalse(isShallow(nested(17), 16))
  })

  it("answers of what is far too deep", () => {
    assert.isFalse(isShallow(nested(100_000), 16))
  })
})
