/**
 * Scopes as lists: what a client asks for, what a person consented to, what a token carries.
 *
 * @since 0.1.0
 */
import * as Option from "effect/Option"

/**
 * The scopes of OpenID Connect that this server knows by itself.
 *
 * @see [OpenID Connect Core §5.4](https://openid.net/specs/openid-connect-core-1_0.html#ScopeClaims)
 * @category models
 * @since 0.1.0
 */
export const openIdScopes: ReadonlyArray<string> = ["openid", "profile", "email", "offline_access"]

/**
 * Reads a `scope` parameter: tokens between single spaces, each once, in the order given; none when it is not of the
 * form, an empty list when it is empty.
 *
 * @see [RFC 6749 §3.3](https://www.rfc-editor.org/rfc/rfc6749.html#section-3.3)
 * @category constructors
 * @since 0.1.0
 */
export const parse = (text: string): Option.Option<ReadonlyArray<string>> => {
  if (text === "") return Option.some([])
  const tokens = text.split(" ")
  return tokens.every((token) => isToken.test(token)) ? Option.some([...new Set(tokens)]) : Option.none()
}

/**
 * Writes scopes as the `scope` parameter.
 *
 * @category destructors
 * @since 0.1.0
 */
export const format = (scopes: ReadonlyArray<string>): string => scopes.join(" ")

/**
 * Whether every one of `scopes` is among `allowed`.
 *
 * @category predicates
 * @since 0.1.0
 */
export const isCovered = (scopes: ReadonlyArray<string>, allowed: ReadonlyArray<string>): boolean =>
  scopes.every((scope) => allowed.includes(scope))

/**
 * The scopes of both lists, each once.
 *
 * @category combinators
 * @since 0.1.0
 */
export const union = (some: ReadonlyArray<string>, others: ReadonlyArray<string>): ReadonlyArray<string> => [
  ...new Set([...some, ...others]),
]

// internal

const isToken = /^[\x21\x23-\x5B\x5D-\x7E]{1,256}$/
