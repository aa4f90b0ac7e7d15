/**
 * Where a browser may be sent after something was done: this site, or an origin of the allow-list.
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"

/**
 * A redirect target that is not allowed. The target itself is not repeated.
 *
 * **Details**
 *
 * `syntax`: neither a path of one leading slash nor an absolute URL, or with characters that readers disagree about.
 * `scheme`: absolute, but not http or https. `userinfo`: with a user name, a password or an `@` before the host.
 * `origin`: another site that is not on the list.
 *
 * @category errors
 * @since 0.1.0
 */
export class RedirectRefused extends Schema.TaggedError<RedirectRefused>("@belfry/core/RedirectRefused")(
  "RedirectRefused",
  { reason: Schema.Literals(["syntax", "scheme", "userinfo", "origin"]) },
) {
  override get message(): string {
    return "The redirect target is not allowed"
  }
}

/**
 * Checks a redirect target and returns it normalized.
 *
 * **Details**
 *
 * A relative target is a path with one leading slash, perhaps with query and fragment, and stays so. An absolute one is
 * http or https, of the origin of `baseUrl` or of `allowedOrigins` (serialized, `https://example.com`). What other
 * readers of URLs could take for another site is refused even where the URL standard keeps it on this one: `\`, control
 * characters, spaces, `//` in the path, each also percent-encoded, however often.
 *
 * @see [RFC 9700 §4.11](https://www.rfc-editor.org/rfc/rfc9700.html#section-4.11)
 * @category predicates
 * @since 0.1.0
 */
export const parse =
  (options: { readonly allowedOrigins: ReadonlyArray<string>; readonly baseUrl: string | URL }) =>
  (input: string): Result.Result<string, RedirectRefused> => {
    if (input.length > maxLength || unsafeCharacters.test(input)) return refuse("syntax")
    const isRelative = input.startsWith("/")
    if (!isRelative) {
      const absolute = /^(?<scheme>[a-z][a-z0-9+.-]*):(?<slashes>\/*)(?<authority>[^/?#]*)/iu.exec(input)?.groups
      if (absolute === undefined) return refuse("syntax")
      if (!/^https?$/iu.test(absolute["scheme"] ?? "")) return refuse("scheme")
      // The URL standard reads `https:example.com` and `https:///example.com` as well; other readers do not.
      if (absolute["slashes"] !== "//") return refuse("syntax")
      const authority = absolute["authority"] ?? ""
      // An empty user name (`https://@host`) leaves no trace in the parsed URL.
      if (authority.includes("@")) return refuse("userinfo")
      if (authority.includes("%")) return refuse("syntax")
    }
    const base = new URL(options.baseUrl)
    const url = URL.parse(input, base.href)
    if (url === null || !isPlainPath(pathOf(input, isRelative))) return refuse("syntax")
    if (url.origin !== base.origin && !options.allowedOrigins.includes(url.origin)) return refuse("origin")
    return Result.succeed(isRelative ? `${url.pathname}${url.search}${url.hash}` : url.href)
  }

// internal

const maxLength = 2048

// Control and invisible formatting characters, every kind of space, half characters, and the backslash, which browsers
// take for a slash.
const unsafeCharacters = /[\p{Cc}\p{Cf}\p{Cs}\p{Z}\s\\]/u

const refuse = (reason: RedirectRefused["reason"]) => Result.fail(new RedirectRefused({ reason }))

/** The path as it was written, before dots are resolved. */
const pathOf = (input: string, isRelative: boolean): string => {
  const end = input.search(/[?#]/u)
  const beforeQuery = end < 0 ? input : input.slice(0, end)
  return isRelative ? beforeQuery : beforeQuery.replace(/^[^/]*\/\/[^/]*/u, "")
}

/**
 * Whether a path has no empty segment, backslash or control character, also after decoding it until nothing changes.
 */
const isPlainPath = (path: string): boolean => {
  let text = path
  try {
    // Malformed, or not UTF-8: who decodes it anyhow may read something else.
    decodeURIComponent(text)
  } catch {
    return false
  }
  for (let round = 0; round < 8; round++) {
    if (/\/\/|[\\\p{Cc}]/u.test(text)) return false
    const decoded = text.replace(/%([0-7][0-9a-f])/giu, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    )
    if (decoded === text) return true
    text = decoded
  }
  return false
}
