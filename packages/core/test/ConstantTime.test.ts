import { isEqualText } from "@belfry/core/ConstantTime"
import { assert, describe, it } from "@effect/vitest"

describe("isEqualText", () => {
  it("tells texts apart by every character and by their length", () => {
    for (const text of ["", "a", "k1.abc", "Grüße \u{1F511}"]) {
      assert.isTrue(isEqualText(text, text))
      for (const other of [`${text}a`, `a${text}`, `b${text.slice(1)}`, `${text.slice(0, -1)}b`]) {
        assert.isFalse(isEqualText(text, other), `${text} ${other}`)
      }
    }
  })
})
