/**
 * Pages of a list, newest first.
 */
import { invalid } from "./errors.ts"
import { integer, type Params, text } from "./forms.ts"
import { list } from "./objects.ts"

/** The page of a list that a request asks for: `limit` (1 to 100, 10), `starting_after`, `ending_before`. */
export const page = <A extends { readonly id: string }>(url: string, values: ReadonlyArray<A>, params: Params) => {
  const limit = integer(params, "limit") ?? 10
  if (limit < 1 || limit > 100) throw invalid("Invalid integer: limit must be from 1 to 100", "limit")
  const after = text(params, "starting_after")
  const before = text(params, "ending_before")
  const indexOf = (id: string, param: string) => {
    const index = values.findIndex((value) => value.id === id)
    if (index < 0) throw invalid(`No such object: '${id}'`, param, "resource_missing")
    return index
  }
  if (before !== undefined) {
    const end = indexOf(before, "ending_before")
    return list(url, values.slice(Math.max(0, end - limit), end), end > limit)
  }
  const start = after === undefined ? 0 : indexOf(after, "starting_after") + 1
  return list(url, values.slice(start, start + limit), values.length > start + limit)
}
