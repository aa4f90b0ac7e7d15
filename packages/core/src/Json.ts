/**
 * JSON from outside.
 *
 * @since 0.1.0
 */
import type * as Schema from "effect/Schema"

/**
 * Whether a value nests at most `depth` deep: not so deep that a schema, a store or an answer that walks it falls.
 *
 * @category predicates
 * @since 0.1.0
 */
export const isShallow = (value: Schema.Json, depth: number): boolean =>
  typeof value !== "object" ||
  value === null ||
  (depth > 0 && Object.values(value).every((each) => isShallow(each, depth - 1)))
