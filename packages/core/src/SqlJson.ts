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
export const toJsonb = (value: Schema.Json): string => {
  const text = JSON.stringify(value)
  // JSON writes both as escapes. To look at each part takes several times as long, and hardly anything has them.
  return escaped.test(text) ? JSON.stringify(value, keep) : text
}

// internal

/** What may be the escape of a NUL or of a lone surrogate; a backslash before letters looks the same. */
const escaped = /\\u(?:0000|d[89a-f])/u

const keep = (_key: string, part: unknown): unknown => {
  if (typeof part === "string") return kept(part)
  if (typeof part !== "object" || part === null || Array.isArray(part)) return part
  const entries = Object.entries(part)
  return entries.some(([name]) => unkept.test(name))
    ? Object.fromEntries(entries.map(([name, member]) => [kept(name), member]))
    : part
}

const unkept = /[\0\p{Cs}]/u

const kept = (text: string): string => text.toWellFormed().replaceAll("\0", "\uFFFD")
