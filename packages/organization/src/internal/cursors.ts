/**
 * Where a list goes on: text for whoever turns the pages, of which only this server knows the meaning.
 */
import { isUuid } from "@belfry/core/Uuid"
import * as Base64Url from "effect/encoding/Base64Url"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { ListOptions, Page, StorePage } from "../Page.ts"

/** The size of a page: 50, or what is asked for, from 1 to 100. */
export const pageSize = (limit: number | undefined): number => Math.min(Math.max(Math.trunc(limit ?? 50) || 1, 1), 100)

/**
 * A page as stores are asked for it: one row more, which tells whether there is a page after this one. A cursor that is
 * none of ours finds nothing, and asks all the same, since the answer depends on who asks.
 */
export const storePage = (
  { cursor, limit, search }: ListOptions = {},
  isPlace: (text: string) => boolean = isId,
): StorePage => {
  const place = cursor === undefined ? null : placeOf(cursor, isPlace)
  return {
    after: place ?? null,
    limit: place === undefined ? 0 : pageSize(limit) + 1,
    search: search === undefined || search.trim() === "" ? null : search.trim(),
  }
}

/** A page of people: fewer than two characters begin too many addresses and names, and are left out of account. */
export const searchingPeople = (page: StorePage): StorePage =>
  page.search !== null && [...page.search].length < 2 ? { ...page, search: null } : page

/** The page of what a store found when it was asked for {@link storePage}. */
export const toPage = <A>(found: ReadonlyArray<A>, { limit }: StorePage, placeOfItem: (item: A) => string): Page<A> => {
  const items = found.slice(0, Math.max(limit - 1, 0))
  const last = items.at(-1)
  return { items, cursor: found.length >= limit && last !== undefined ? Base64Url.encode(placeOfItem(last)) : null }
}

// internal

const isId = Schema.is(Schema.String.check(isUuid))

/** Undefined where the cursor is none of ours. */
const placeOf = (cursor: string, isPlace: (text: string) => boolean): string | undefined => {
  const text = cursor.length > 200 ? undefined : Result.getOrUndefined(Base64Url.decodeString(cursor))
  return text !== undefined && isPlace(text) ? text : undefined
}
