/**
 * The cookies of this package: what a browser keeps between a start URL, the provider and the callback, and what it is
 * given when a sign-in ends or goes on.
 *
 * @since 0.1.0
 */
import { cookieOptions, onResponse, setSessionCookie } from "@belfry/core/RequestHandlers"
import type { Site } from "@belfry/core/Site"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Redacted from "effect/Redacted"
import type { OAuthAccounts } from "../OAuthAccounts.ts"
import type { OAuthSignIns, ProviderOutcome } from "../OAuthSignIns.ts"

/** What a cookie holds; null when it is not there. `name` is without the prefix of https. */
export const readCookie = (
  request: HttpServerRequest.HttpServerRequest,
  name: string,
  site: Site["Service"],
): Redacted.Redacted | null => {
  const value = request.cookies[site.cookieName(name)]
  return value === undefined || value === "" ? null : Redacted.make(value)
}

/** Sets a cookie, until `expiresAt` or, without it, until the browser is closed. */
export const keepCookie = (
  cookie: { readonly name: string; readonly value: Redacted.Redacted; readonly expiresAt?: DateTime.Utc },
  site: Site["Service"],
) =>
  onResponse((response) =>
    HttpServerResponse.setCookieUnsafe(response, site.cookieName(cookie.name), Redacted.value(cookie.value), {
      ...cookieOptions(site),
      ...(cookie.expiresAt === undefined ? {} : { expires: DateTime.toDateUtc(cookie.expiresAt) }),
    }),
  )

/** Asks the browser to forget a cookie. */
export const forgetCookie = (name: string, site: Site["Service"]) => forgetFullName(site.cookieName(name), site)

/** Asks the browser to forget a cookie of this full name, with the prefix of https. */
export const forgetFullName = (name: string, site: Site["Service"]) =>
  onResponse((response) => HttpServerResponse.expireCookieUnsafe(response, name, cookieOptions(site)))

/** Gives the browser what a sign-in or a link led to: the session, or the attempt that goes on, and the account. */
export const keepOutcome = Effect.fnUntraced(function* (
  { account, signIn }: ProviderOutcome,
  services: {
    readonly accounts: OAuthAccounts["Service"]
    readonly signIns: Pick<OAuthSignIns["Service"], "attemptCookie">
    readonly site: Site["Service"]
  },
) {
  const { accounts, signIns, site } = services
  if (signIn?._tag === "Complete") {
    yield* setSessionCookie(signIn, site)
    yield* forgetCookie(signIns.attemptCookie, site)
  }
  if (signIn?._tag === "Continues") {
    yield* keepCookie({ name: signIns.attemptCookie, value: signIn.token, expiresAt: signIn.expiresAt }, site)
  }
  const cookie = yield* accounts.accountCookie(account.providerId, account)
  if (cookie === null) return
  // Nobody but the user of the account can use it, so it may be there before a sign-in is complete.
  const ends = signIn?._tag === "Complete" ? { expiresAt: signIn.session.expiresAt } : {}
  yield* keepCookie({ ...cookie, ...ends }, site)
})
