/**
 * The form of every id: a UUID in lower case, so that one id is one text.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * Checks that text is a UUID as RFC 9562 §4 writes it.
 *
 * @see [RFC 9562 §4](https://www.rfc-editor.org/rfc/rfc9562.html#section-4)
 * @category schemas
 * @since 0.1.0
 */
export const isUuid = Schema.isPattern(/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/u, {
  message: "Expected a UUID in lower case",
})
