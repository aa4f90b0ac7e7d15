/**
 * What everybody does who leads a browser to a provider or takes an account away, be it by the HTTP API or by pages:
 * the cookies of that.
 *
 * @since 0.1.0
 */
import { clearCookie, readCookie, setCookie } from "@belfry/core/RequestHandlers"
import type { Site } from "@belfry/core/Site"
import * as Effect from "effect/Effect"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import type * as Redacted from "effect/Redacted"
import { accountCookie, startCookie } from "./internal/cookieNames.ts"
import type { StartUrl } from "./OAuthSignIns.ts"

/**
 * What the browser keeps of the start URLs that it asked for before; null when it keeps nothing.
 *
 * @category accessors
 * @since 0.1.0
 */
export const startToken = (
  request: HttpServerRequest.HttpServerRequest,
  site: Site["Service"],
): Redacted.Redacted | null => readCookie(request, startCookie, site) ?? null

/**
 * Binds a start URL to the browser, for as long as the URL is good.
 *
 * @category cookies
 * @since 0.1.0
 */
export const setStartCookie = ({ browser, expiresAt }: StartUrl, site: Site["Service"]) =>
  setCookie({ name: startCookie, value: browser, expiresAt }, site)

/**
 * Asks the browser to forget which account of a provider is meant, if it keeps that.
 *
 * **Details**
 *
 * It may be another account than the one that was unlinked. That one then has to be named, or is found as the only one.
 *
 * @category cookies
 * @since 0.1.0
 */
export const clearAccountCookie = (
  providerId: string,
  request: HttpServerRequest.HttpServerRequest,
  site: Site["Service"],
) => {
  const cookie = accountCookie(providerId)
  return readCookie(request, cookie, site) === undefined ? Effect.void : clearCookie(cookie, site)
}
