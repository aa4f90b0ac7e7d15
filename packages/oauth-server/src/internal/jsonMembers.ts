/**
 * Members of JSON texts that stand twice: readers differ in which of the two they take.
 *
 * @see [RFC 8259 §4](https://www.rfc-editor.org/rfc/rfc8259.html#section-4)
 */

/** Whether an object in a text that is well-formed JSON has a member twice, at whatever depth. */
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
