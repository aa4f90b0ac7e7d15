/**
 * Metadata in one order. The database keeps no order of members, and a key is good for the same bytes alone.
 */

/** The same texts in the order of their names. */
export const sortedTexts = (texts: { readonly [name: string]: string }): { [name: string]: string } =>
  Object.fromEntries(Object.entries(texts).toSorted(([a], [b]) => (a < b ? -1 : 1)))
