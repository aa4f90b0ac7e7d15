/**
 * Text that people read as it is written: names, subjects of mails.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * Whether a text shows as it is written: one line, without control characters and halves of characters, and nothing in
 * it turns the direction of the text around it.
 *
 * **Details**
 *
 * Embeddings, overrides and isolates (U+202A to U+202E, U+2066 to U+2069) reach beyond the text that they stand in: a
 * name with one has the sentence that it is put into read otherwise. Marks of direction (U+061C, U+200E, U+200F), which
 * names in Arabic and Hebrew need, do not.
 *
 * @see [UAX #9 §2](https://www.unicode.org/reports/tr9/#Directional_Formatting_Characters)
 * @category predicates
 * @since 0.1.0
 */
export const isClear = (text: string): boolean => !unclear.test(text)

/**
 * Makes a text show as it is written: what does not becomes a space.
 *
 * @category converting
 * @since 0.1.0
 */
export const toClear = (text: string): string => text.replaceAll(unclearRuns, " ")

/**
 * A text of 1 to `maximum` characters, one of which is no space, that shows as it is written.
 *
 * @category schemas
 * @since 0.1.0
 */
export const DisplayText = (maximum: number) =>
  Schema.String.check(
    // Spaces, the first character that is none, the rest: each text matches in one way, so in linear time.
    Schema.isPattern(new RegExp(`^[^\\S${refused}]*[^\\s${refused}][^${refused}]*$`, "u"), {
      message: "Expected one line without control characters",
    }),
    Schema.isMaxLength(maximum, { message: `Expected at most ${maximum} characters` }),
  )

// internal

const refused = String.raw`\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u202A-\u202E\u2066-\u2069`

const unclear = new RegExp(`[${refused}]`, "u")

const unclearRuns = new RegExp(`[${refused}]+`, "gu")
