/**
 * JSON objects that somebody else wrote: read within bounds.
 *
 * @see [RFC 8259 §4](https://www.rfc-editor.org/rfc/rfc8259.html#section-4)
 */
import type * as Schema from "effect/Schema"
import type { Claims } from "../Claims.ts"

/** Bytes as text; null when they are no UTF-8. A byte order mark stays, which no JSON text begins with. */
export const textOf = (bytes: Uint8Array): string | null => {
  try {
    return utf8.decode(bytes)
  } catch {
    return null
  }
}

/** Parses a JSON object nested no deeper than `depth`; null when it is none. */
export const readObject = (text: string | null, depth: number): Claims | null => {
  if (text === null || depthOf(text) > depth) return null
  const value = parse(text)
  return isObject(value) ? value : null
}

/**
 * Whether an object in a text that is well-formed JSON has a member twice, at whatever depth: readers differ in which
 * of the two they take.
 */
export const hasRepeatedMembers = (text: string): boolean => {
  // Of each object that is open its names; null for a list.
  const open: Array<Set<string> | null> = []
  for (const [token] of text.matchAll(tokens)) {
    if (token === "{") open.push(new Set())
    else if (token === "[") open.push(null)
    else if (token === "}" || token === "]") open.pop()
    else {
      const names = open.at(-1)
      const name = /^"(?:[^"\\]|\\.)*"(?=\s*:$)/su.exec(token)?.[0]
      if (names === undefined || names === null || name === undefined) continue
      // By what it means: the same name may be written with escapes.
      const written: string = JSON.parse(name)
      if (names.has(written)) return true
      names.add(written)
    }
  }
  return false
}

// internal

/** Brackets, and strings with the colon that makes them names. */
const tokens = /[{}[\]]|"(?:[^"\\]|\\.)*"(?:\s*:)?/gsu

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

const parse = (text: string): Schema.Json | null => {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

const isObject = (value: Schema.Json | null): value is Claims =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** How deep objects and arrays of a JSON text are nested, told without parsing it. */
const depthOf = (text: string): number => {
  let depth = 0
  let deepest = 0
  let isInString = false
  for (let i = 0; i < text.length; i++) {
    const character = text.charAt(i)
    if (isInString) {
      if (character === "\\") i++
      else if (character === '"') isInString = false
    } else if (character === '"') isInString = true
    else if (character === "{" || character === "[") deepest = Math.max(deepest, ++depth)
    else if (character === "}" || character === "]") depth--
  }
  return deepest
}
