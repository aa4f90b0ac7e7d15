import { assert, describe, it } from "@effect/vitest"
import { Option, Schema } from "effect"
import { DisplayText, isClear, toClear } from "../src/DisplayText.ts"

const code = (point: number) => `U+${point.toString(16).toUpperCase().padStart(4, "0")}`

/** Every character of the planes that have characters, and every half of one. */
const characters = Array.from({ length: 0x20000 }, (_, point) => point)

describe("DisplayText", () => {
  it("refuses control characters, halves of characters, ends of lines, and what turns the direction of text", () => {
    const refused = characters.filter((point) => !isClear(`a${String.fromCodePoint(point)}b`)).map(code)
    const between = (first: number, last: number) =>
      Array.from({ length: last - first + 1 }, (_, index) => code(first + index))
    assert.deepStrictEqual(refused, [
      ...between(0x0000, 0x001f),
      ...between(0x007f, 0x009f),
      ...between(0x2028, 0x2029),
      ...between(0x202a, 0x202e),
      ...between(0x2066, 0x2069),
      ...between(0xd800, 0xdfff),
    ])
  })

  it("reads as text of a length what is clear, and no spaces alone", () => {
    const accepts = (text: string) => Option.isSome(Schema.decodeUnknownOption(DisplayText(10))(text))
    for (const text of ["a", " a ", "Наука", "שלום \u200f(2)", "👩‍🚀", "x".repeat(10)]) assert.isTrue(accepts(text), text)
    for (const text of ["", " ", "\u3000\u00a0", "x".repeat(11), "\u202Ea", "a\u2069", "\u2028a", "a\u0000"]) {
      assert.isFalse(accepts(text), JSON.stringify(text))
    }
  })

  it.prop("makes any text clear, and changes none that is", [Schema.String], ([text]) => {
    assert.isTrue(isClear(toClear(text)))
    if (isClear(text)) assert.strictEqual(toClear(text), text)
  })

  it("puts one space where several characters were", () => {
    assert.strictEqual(toClear("a\u0000\u202E\uD800b\u2029"), "a b ")
  })
})
