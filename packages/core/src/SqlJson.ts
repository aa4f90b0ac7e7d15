/**
 * JSON as a parameter for `jsonb`, for the SQL adapters of all packages.
 *
 * @since 0.1.0
 */
import type * as Schema from "effect/Schema"

/**
 * Writes JSON that `jsonb` takes: PostgreSQL has no NUL and no lone surrogates in text and would refuse them, so each
 * becomes U+FFFD.
 *
 * @category encoding
 * @since 0.1.0
 */
export const toJsonb = (value: Schema.Json): string =>
  JSON.stringify(value, (_key, part: unknown) =>
    typeof part === "string" ? part.toWellFormed().replaceAll("\0", "\uFFFD") : part,
  )
