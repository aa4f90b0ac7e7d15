/**
 * JSON as `jsonb` takes it.
 */
import { toJsonb } from "@belfry/core/SqlJson"
import { assert, describe, it } from "@effect/vitest"
import type { Schema } from "effect"

/** What PostgreSQL refuses in text, and what it keeps in its place. */
const refused = ["\0", "\uD800", "\uDFFF", "\uDC00\uD800"]

const read = (value: Schema.Json): unknown => JSON.parse(toJsonb(value))

describe("JSON for jsonb", () => {
  it("is what was given, where PostgreSQL takes that", () => {
    for (const value of [
      null,
      true,
      -0.5,
      "",
      'Ada 👩‍💻 \n\t"\\ \uFFFD',
      [],
      {},
      { "": [1, "two", null, { "3 👩‍💻": false }], constructor: "x" },
    ]) {
      assert.deepStrictEqual(read(value), value)
    }
  })

  it("has U+FFFD for NUL and lone surrogates in values, however deep", () => {
    for (const text of refused) {
      const kept = "\uFFFD".repeat(text.length)
      assert.strictEqual(read(text), kept)
      assert.deepStrictEqual(read([text, { a: [{ b: `x${text}y` }] }]), [kept, { a: [{ b: `x${kept}y` }] }])
    }
  })

  it("has U+FFFD for them in names of members too, however deep", () => {
    for (const text of refused) {
      const kept = "\uFFFD".repeat(text.length)
      assert.deepStrictEqual(read({ [text]: 1, b: [{ [`x${text}`]: { [`${text}y`]: text } }] }), {
        [kept]: 1,
        b: [{ [`x${kept}`]: { [`${kept}y`]: kept } }],
      })
    }
  })

  it("keeps the last of members whose names become the same", () => {
    assert.deepStrictEqual(read({ "a\0": 1, "a\uD800": 2 }), { "a\uFFFD": 2 })
  })

  it("keeps a member named __proto__ as a member", () => {
    const value: Schema.Json = JSON.parse('{"__proto__":{"a":1},"b\\u0000":2}')
    assert.strictEqual(toJsonb(value), '{"__proto__":{"a":1},"b\uFFFD":2}')
  })
})
