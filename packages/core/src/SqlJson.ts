/**
 * JSON as a parameter for `jsonb`, for the SQL adapters of all packages.
 *
 * @since 0.1.0
 */
import type * as Schema from "effect/Schema"

/**
 * Writes JSON that `jsonb` takes: PostgreSQL has no NUL and no lone surrogates in text and would refuse them, so each
 * becomes U+FFFD, in names of members too.
 *
 * @category encoding
 * @since 0.1.0
 */
export const toJsonb = (value: Schema.Json): string =>
  JSON.stringify(value, (_key, part: unknown) => {
    if (typeof part === "string") return kept(part)
    if (typeof part !== "object" || part === null || Array.isArray(part)) return part
    const entries = Object.entries(part)
    return entries.some(([name]) => unkept.test(name))
      ? Object.fromEntries(entries.map(([name, member]) => [kept(name), member]))
      : part
  })

// internal

const unkept = /[\0\p{Cs}]/u

const kept = (text: string): string => text.toWellFormed().replaceAll("\0", "\uFFFD")
