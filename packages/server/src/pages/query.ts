/**
 * Query strings of the links between pages.
 *
 * @since 0.1.0
 */

/**
 * A path with query parameters; what is undefined is left out.
 *
 * @category formatting
 * @since 0.1.0
 */
export const withQuery = (path: string, parameters: Readonly<Record<string, string | undefined>>): string => {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined) query.append(name, value)
  return query.size === 0 ? path : `${path}?${query.toString()}`
}
