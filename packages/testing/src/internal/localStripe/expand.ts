/**
 * `expand[]`: ids in an answer become the objects that they name.
 */
import type { Engine } from "./engine.ts"
import { invalid } from "./errors.ts"
import { type Params, texts } from "./forms.ts"

/** A copy of an answer with what the request wants expanded, at most four levels deep. */
export const expand = (engine: Engine, answer: object, params: Params): unknown => {
  const root: { [field: string]: unknown } = { ...structuredClone(answer) }
  for (const path of texts(params, "expand") ?? []) {
    const parts = path.split(".")
    if (parts.length > 4) throw invalid("You cannot expand more than 4 levels of a property.", "expand")
    walk(engine, root, parts, path)
  }
  return root
}

// internal

const walk = (
  engine: Engine,
  at: { [field: string]: unknown },
  [part = "", ...rest]: ReadonlyArray<string>,
  path: string,
) => {
  if (!(part in at)) throw invalid(`This property cannot be expanded (${path}).`, "expand")
  const value = at[part]
  const found = typeof value === "string" ? find(engine, value) : value
  if (typeof value === "string") {
    if (found === undefined) throw invalid(`This property cannot be expanded (${path}).`, "expand")
    at[part] = found
  }
  if (rest.length === 0) return
  for (const inner of Array.isArray(found) ? found : [found]) if (isObject(inner)) walk(engine, inner, rest, path)
}

/** Any object, by its id. */
const find = (engine: Engine, id: string): object | undefined => {
  const { customers, invoices, prices, products, schedules, subscriptions } = engine.state
  const tables: ReadonlyArray<{ readonly [id: string]: object }> = [
    customers,
    invoices,
    prices,
    products,
    schedules,
    subscriptions,
  ]
  const found = tables.find((table) => Object.hasOwn(table, id))?.[id]
  return found === undefined ? undefined : structuredClone(found)
}

const isObject = (value: unknown): value is { [field: string]: unknown } => typeof value === "object" && value !== null
