/**
 * The sweep of expired rows, as the SQL adapters do it.
 */
import type * as DateTime from "effect/DateTime"

/** Deletes at most `limit` rows that expired at or before `now`, oldest first; the number deleted. */
export const removeExpired = <Key, Row>(
  rows: Map<Key, Row>,
  expiryOf: (row: Row) => DateTime.Utc | null,
  now: DateTime.Utc,
  limit: number,
): number => {
  const expired = [...rows]
    .map(([key, row]) => ({ key, at: expiryOf(row)?.epochMilliseconds ?? Infinity }))
    .filter(({ at }) => at <= now.epochMilliseconds)
    .sort((a, b) => a.at - b.at)
    .slice(0, limit)
  for (const { key } of expired) rows.delete(key)
  return expired.length
}
