/**
 * The form of every id: a UUID in lower case, so that one id is one text.
 */
import * as Schema from "effect/Schema"

/** A UUID as RFC 9562 §4 writes it. */
export const isUuid = Schema.isPattern(/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/u, {
  message: "Expected a UUID in lower case",
})
