/**
 * Pages of lists: where to go on, how many, and what to search for.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * How lists are asked for over HTTP: where to go on, as the page before says, how many a page has (50, at most 100),
 * and how what is looked for begins.
 *
 * @category models
 * @since 0.1.0
 */
export const pageQuery = {
  cursor: Schema.optionalKey(Schema.String.check(Schema.isMaxLength(200))),
  limit: Schema.optionalKey(
    Schema.FiniteFromString.check(Schema.isInt(), Schema.isBetween({ minimum: 1, maximum: 100 })),
  ),
  search: Schema.optionalKey(Schema.String.check(Schema.isMaxLength(200))),
}

/**
 * How lists are asked for in services.
 *
 * @category models
 * @since 0.1.0
 */
export interface ListOptions {
  readonly cursor?: string | undefined
  readonly limit?: number | undefined
  readonly search?: string | undefined
}

/**
 * How lists are asked for in stores: what comes after the row of this id, `limit` of it at most, whose text begins with
 * `search` without regard to case. Stores are asked for one more than a page has.
 *
 * @category models
 * @since 0.1.0
 */
export interface StorePage {
  readonly after: string | null
  readonly limit: number
  readonly search: string | null
}

/**
 * A page. `cursor` goes on; null at the end.
 *
 * @category models
 * @since 0.1.0
 */
export interface Page<A> {
  readonly items: ReadonlyArray<A>
  readonly cursor: string | null
}
