/**
 * Redirect URIs: which of those that a request names is one of those that a client registered.
 *
 * @since 0.1.0
 */

/**
 * Whether the redirect URI of a request is the registered one.
 *
 * **Details**
 *
 * Byte for byte: nothing is decoded, resolved or brought into a normal form. The one exception is the port of a
 * loopback redirect of a native client (`http://127.0.0.1`, `http://[::1]`), which the operating system hands out at
 * run time: whatever port either of the two names, everything else is compared as above. `http://localhost` is treated
 * the same, since that is what native clients in the field register.
 *
 * @see [RFC 9700 §4.1.3](https://www.rfc-editor.org/rfc/rfc9700.html#section-4.1.3)
 * @see [RFC 8252 §7.3](https://www.rfc-editor.org/rfc/rfc8252.html#section-7.3)
 * @category predicates
 * @since 0.1.0
 */
export const matches = (registered: string, given: string, options: { readonly isNative: boolean }): boolean => {
  if (registered === given) return true
  if (!options.isNative) return false
  const expected = parseLoopback(registered)
  const actual = parseLoopback(given)
  return expected !== null && actual !== null && expected.host === actual.host && expected.rest === actual.rest
}

/**
 * Whether a redirect URI leads to a loopback interface by plain http, with whatever port.
 *
 * @see [RFC 8252 §7.3](https://www.rfc-editor.org/rfc/rfc8252.html#section-7.3)
 * @category predicates
 * @since 0.1.0
 */
export const isLoopback = (uri: string): boolean => parseLoopback(uri) !== null

/**
 * The host of a redirect URI, with its port where it names one, as people are shown where an answer goes. Null for URIs
 * of other schemes than http and https, which lead to an application.
 *
 * @category accessors
 * @since 0.1.0
 */
export const hostOf = (uri: string): string | null => {
  const url = URL.parse(uri)
  return url !== null && (url.protocol === "https:" || url.protocol === "http:") ? url.host : null
}

/**
 * The origin that a form which ends at a redirect URI may go to, as the source expression of a content security policy:
 * the origin of http and https URIs, the scheme of others.
 *
 * @see [Content Security Policy §2.3.1](https://www.w3.org/TR/CSP3/#framework-directive-source-list)
 * @category accessors
 * @since 0.1.0
 */
export const sourceOf = (uri: string): string | null => {
  const url = URL.parse(uri)
  if (url === null) return null
  return url.protocol === "https:" || url.protocol === "http:" ? url.origin : url.protocol
}

// internal

// A port has no leading zeros and is never 0; the user name, the fragment and every other spelling of these hosts stay
// out.
const loopback =
  /^http:\/\/(?<host>127\.0\.0\.1|\[::1\]|localhost)(?::(?<port>[1-9]\d{0,4}))?(?<rest>(?:[/?][\x21\x22\x24-\x7E]*)?)$/

const parseLoopback = (uri: string): { readonly host: string; readonly rest: string } | null => {
  const groups = loopback.exec(uri)?.groups
  const host = groups?.["host"]
  const rest = groups?.["rest"]
  if (host === undefined || rest === undefined || Number(groups?.["port"] ?? 80) > 65_535) return null
  return { host, rest }
}
