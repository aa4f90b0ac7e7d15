/**
 * The URIs that clients may name.
 */
import { isLoopback } from "../RedirectUri.ts"

/** Why a redirect URI cannot be registered; null when it can. */
export const redirectUriProblem = (
  uri: string,
  options: { readonly applicationType: string; readonly schemes: ReadonlyArray<string> },
): string | null => {
  // A browser drops or rewrites these before it goes anywhere, so the registered text would not be where the answer
  // goes.
  if (!/^[\x21-\x7E]+$/u.test(uri) || /[\\"<>^`{|}*]/u.test(uri)) return "has characters that no URI has, or a wildcard"
  const url = URL.parse(uri)
  if (url === null) return "is not an absolute URI"
  if (uri.includes("#")) return "has a fragment"
  if (url.username !== "" || url.password !== "") return "has a user name or a password"
  const scheme = url.protocol.slice(0, -1)
  if (!uri.startsWith(`${scheme}:`)) return "has a scheme that is not in lower case"
  if (hasDotSegments(uri)) return "has segments of dots"
  if (scheme === "https") {
    // A parser forgives slashes that lack or are too many, and finds a host that is not written there.
    return /^https:\/\/[^/?]/u.test(uri) ? null : "is not an absolute URI"
  }
  if (scheme === "http") {
    if (!isLoopback(uri)) return "is http, which only loopback addresses may be"
    return options.applicationType === "web" ? "is a loopback address, which web applications have none of" : null
  }
  if (forbidden.has(scheme)) return "has a scheme that cannot be redirected to"
  if (options.applicationType !== "native") return "has a scheme of native applications"
  // RFC 8252 §8.4: a scheme without a period belongs to nobody.
  return scheme.includes(".") || options.schemes.includes(scheme) ? null : "has a private-use scheme without a period"
}

/** What a client is that names these redirect URIs and does not say what it is. */
export const inferApplicationType = (redirectUris: ReadonlyArray<string>): "web" | "native" =>
  redirectUris.some((uri) => isLoopback(uri) || !/^https?:/iu.test(uri)) ? "native" : "web"

/** Why a URI to show or to fetch cannot be taken; null when it can. */
export const webUriProblem = (uri: string, options: { readonly needsHttps: boolean }): string | null => {
  if (!/^[\x21-\x7E]+$/u.test(uri) || /[\\"<>^`{|}]/u.test(uri)) return "has characters that no URI has"
  const url = URL.parse(uri)
  if (url === null || !/^[a-z]+:\/\/[^/?#]/u.test(uri)) return "is not an absolute URI"
  if (url.username !== "" || url.password !== "") return "has a user name or a password"
  if (url.protocol === "https:") return null
  return url.protocol === "http:" && !options.needsHttps ? null : "is not https"
}

/** The hosts that redirect URIs have, by which pairwise subjects are told apart. */
export const hostsOf = (uris: ReadonlyArray<string>): ReadonlySet<string> =>
  new Set(uris.map((uri) => URL.parse(uri)?.hostname ?? ""))

// internal

const forbidden = new Set([
  "javascript",
  "data",
  "vbscript",
  "file",
  "blob",
  "about",
  "filesystem",
  "view-source",
  "ws",
  "wss",
  "ftp",
  "mailto",
  "tel",
  "sms",
])

const hasDotSegments = (uri: string): boolean =>
  (uri.split(/[?]/u)[0] ?? "").split("/").some((segment) => /^(?:\.|%2e){1,2}$/iu.test(segment))
