/**
 * Which requests a browser may make with the user's cookie: the rule against cross-site request forgery.
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"

/**
 * A page of another origin made this request with the user's cookie, or nothing shows that it did not.
 *
 * @category errors
 * @since 0.1.0
 */
export class CrossOriginRequest extends Schema.TaggedError<CrossOriginRequest>("@belfry/core/CrossOriginRequest")(
  "CrossOriginRequest",
  {},
) {
  override get message(): string {
    return "The request comes from another origin"
  }
}

/**
 * What the rule looks at.
 *
 * **Details**
 *
 * `secFetchSite` and `origin` are the headers as they came. `baseOrigin` and `allowedOrigins` are serialized origins
 * (`https://example.com`), without a trailing slash.
 *
 * @category models
 * @since 0.1.0
 */
export interface RequestOrigin {
  readonly method: string
  readonly hasCookieCredential: boolean
  readonly secFetchSite: string | undefined
  readonly origin: string | undefined
  readonly baseOrigin: string
  readonly allowedOrigins: ReadonlyArray<string>
}

/**
 * Lets a request through unless a page of another origin may have made it with the user's cookie.
 *
 * **Details**
 *
 * Safe methods pass, and so does what carries no cookie: a bearer token is never sent without the caller's doing.
 * Otherwise `Sec-Fetch-Site` decides, which pages cannot set: `same-origin` passes; `none` (the user did it) passes
 * unless a foreign `Origin` contradicts it; anything else needs an `Origin` of `allowedOrigins`. Without it, `Origin`
 * must be the base origin or an allowed one. `Origin: null` stands for nobody. A request with neither header is
 * refused: a client that is no browser sends a bearer token, or `Origin`.
 *
 * @see [RFC 6454 §7](https://www.rfc-editor.org/rfc/rfc6454.html#section-7)
 * @category predicates
 * @since 0.1.0
 */
export const check = (request: RequestOrigin): Result.Result<void, CrossOriginRequest> =>
  isSafe(request.method) || !request.hasCookieCredential || isOwnDoing(request)
    ? Result.succeed(undefined)
    : Result.fail(new CrossOriginRequest())

// internal

// RFC 9110 §9.2.1; TRACE is safe as well, but no endpoint of ours answers it. Methods are case-sensitive (§9.1).
const isSafe = (method: string): boolean => method === "GET" || method === "HEAD" || method === "OPTIONS"

const isOwnDoing = ({ secFetchSite, origin, baseOrigin, allowedOrigins }: RequestOrigin): boolean => {
  const isAllowed = origin !== undefined && origin !== "null" && allowedOrigins.includes(origin)
  const isBase = origin !== undefined && origin !== "null" && origin === baseOrigin
  switch (secFetchSite) {
    case "same-origin":
      return true
    case "none":
      return origin === undefined || isBase || isAllowed
    case undefined:
      return isBase || isAllowed
    default:
      // `same-site`, `cross-site` and values of the future. The base origin is not enough: a browser that says both
      // does not mean this server.
      return isAllowed
  }
}
