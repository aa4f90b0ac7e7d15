/**
 * The parameters of a request: a form whose names are nested (`items[0][price]`), read by name and kind.
 */
import { invalid } from "./errors.ts"

/** What a name stands for: a text, or more names. */
export type Value = string | Params

export interface Params {
  [name: string]: Value
}

/** Reads a form. Lists have numbers as names; `name[]` appends. */
export const parse = (form: URLSearchParams): Params => {
  const params = emptyParams()
  for (const [name, value] of form) {
    const path = [name.split("[", 1)[0] ?? name, ...[...name.matchAll(/\[([^\]]*)\]/gu)].map((match) => match[1] ?? "")]
    let at = params
    for (const [index, part] of path.entries()) {
      const key = part === "" ? String(Object.keys(at).length) : part
      if (index === path.length - 1) {
        at[key] = value
        break
      }
      const inner = at[key]
      const next = typeof inner === "object" ? inner : emptyParams()
      at[key] = next
      at = next
    }
  }
  return params
}

/** A text, or undefined where there is none. */
export const text = (params: Params, name: string): string | undefined => {
  const value = params[name]
  return typeof value === "string" ? value : undefined
}

/** A text that must be there. */
export const required = (params: Params, name: string): string => {
  const value = text(params, name)
  if (value === undefined || value === "") {
    throw invalid(`Missing required param: ${name}.`, name, "parameter_missing")
  }
  return value
}

/** A whole number. */
export const integer = (params: Params, name: string): number | undefined => {
  const value = text(params, name)
  if (value === undefined || value === "") return undefined
  if (!/^-?\d+$/u.test(value)) throw invalid(`Invalid integer: ${value}`, name, "parameter_invalid_integer")
  return Number(value)
}

export const boolean = (params: Params, name: string): boolean | undefined => {
  const value = text(params, name)
  if (value === undefined || value === "") return undefined
  if (value !== "true" && value !== "false") throw invalid(`Invalid boolean: ${value}`, name)
  return value === "true"
}

/** One of some words. */
export const choice = <const A extends string>(
  params: Params,
  name: string,
  choices: ReadonlyArray<A>,
): A | undefined => {
  const value = text(params, name)
  if (value === undefined || value === "") return undefined
  const found = choices.find((candidate) => candidate === value)
  if (found === undefined) throw invalid(`Invalid ${name}: must be one of ${choices.join(", ")}`, name)
  return found
}

/** Names below a name, or undefined where there are none. */
export const nested = (params: Params, name: string): Params | undefined => {
  const value = params[name]
  return typeof value === "object" ? value : undefined
}

/** The objects of a list. */
export const objects = (params: Params, name: string): ReadonlyArray<Params> | undefined => {
  const value = nested(params, name)
  return value === undefined ? undefined : Object.values(value).filter((entry) => typeof entry === "object")
}

/** The texts of a list. */
export const texts = (params: Params, name: string): ReadonlyArray<string> | undefined => {
  const value = nested(params, name)
  return value === undefined ? undefined : Object.values(value).filter((entry) => typeof entry === "string")
}

/** Metadata after a change: what is empty is taken off, what is not named stays; an empty text takes off all. */
export const metadata = (
  params: Params,
  before: { readonly [key: string]: string } = {},
): { [key: string]: string } => {
  if (params["metadata"] === "") return {}
  const changes = Object.entries(nested(params, "metadata") ?? {}).filter(
    (entry): entry is [string, string] => typeof entry[1] === "string",
  )
  return Object.fromEntries(
    Object.entries({ ...before, ...Object.fromEntries(changes) }).filter(([, value]) => value !== ""),
  )
}

/** Refuses parameters that a request does not have. */
export const allow = (params: Params, names: ReadonlyArray<string>): void => {
  const unknown = Object.keys(params).find((name) => name !== "expand" && !names.includes(name))
  if (unknown !== undefined) throw invalid(`Received unknown parameter: ${unknown}`, unknown, "parameter_unknown")
}

// Without a prototype: names come from outside.
const emptyParams = (): Params => Object.create(null)
