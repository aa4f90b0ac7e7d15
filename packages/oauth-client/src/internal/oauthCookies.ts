/**
 * The cookies that a browser is given, or that are taken from it, when a sign-in ends or goes on.
 *
 * @since 0.1.0
 */
import { clearCookie, cookieOptions, onResponse, setCookie, setSessionCookie } from "@belfry/core/RequestHandlers"
import type { Site } from "@belfry/core/Site"
import * as Effect from "effect/Effect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import type { OAuthAccounts } from "../OAuthAccounts.ts"
import type { OAuthSignIns, ProviderOutcome } from "../OAuthSignIns.ts"

/** Asks the browser to forget a cookie of this full name, with the prefix of https. */
export const clearFullName = (name: string, site: Site["Service"]) =>
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
    yield* clearCookie(signIns.attemptCookie, site)
  }
  if (signIn?._tag === "Continues") {
    yield* setCookie({ name: signIns.attemptCookie, value: signIn.token, expiresAt: signIn.expiresAt }, site)
  }
  const cookie = yield* accounts.accountCookie(account.providerId, account)
  if (cookie === null) return
  // Nobody but the user of the account can use it, so it may be there before a sign-in is complete.
  const ends = signIn?._tag === "Complete" ? { expiresAt: signIn.session.expiresAt } : {}
  yield* setCookie({ ...cookie, ...ends }, site)
})
