/**
 * The cookies that bind states to a browser: what they are called, how large they may be, and how many are kept.
 */

const prefix = "belfry_oauth_"

// The checksum at the end of every opaque token.
const handleLength = 6

const isStateCookie = /^(?:__Host-)?belfry_oauth_[A-Za-z0-9_-]{1,64}_[A-Za-z0-9]{6}$/u

/**
 * Bytes of a cookie's name and value together. RFC 6265 §6.1 promises 4096 with the attributes, which take less than
 * 150 with those of ours.
 */
export const maxCookieBytes = 3900

// A request's header fields must fit into 16 kB on Node. What is kept here and one more of the largest is half of that.
const maxKept = 7
const maxKeptBytes = 4096

/**
 * The name of the cookie of a well-formed token. It carries the token's checksum, so that several states are kept side
 * by side: 32 bits that follow from the other 220 and leave 188 of them unknown.
 */
export const nameOf = (providerId: string, token: string): string =>
  `${prefix}${providerId}_${token.slice(-handleLength)}`

/** Bytes of name and value as they are sent, with the prefix that https allows. */
export const sizeOf = (name: string, value: string): number => "__Host-".length + name.length + value.length

/**
 * The names of the state cookies that are too many. Browsers send what they got first first (RFC 6265 §5.4), so the
 * latest are kept.
 */
export const surplus = (cookies: Readonly<Record<string, string>>): ReadonlyArray<string> => {
  let kept = 0
  let bytes = 0
  return Object.entries(cookies)
    .filter(([name]) => isStateCookie.test(name))
    .toReversed()
    .filter(([name, value]) => {
      kept += 1
      bytes += name.length + value.length
      return kept > maxKept || bytes > maxKeptBytes
    })
    .map(([name]) => name)
}
