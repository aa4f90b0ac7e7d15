/**
 * Going to another provider to sign in, and the page for what went wrong on the way.
 *
 * @since 0.1.0
 */
import type { Session } from "@belfry/core/Session"
import type { UserId } from "@belfry/core/User"
import { OAuthAccounts } from "@belfry/oauth-client/OAuthAccounts"
import { setStartCookie, startToken } from "@belfry/oauth-client/OAuthHandlers"
import type { OAuthProvider } from "@belfry/oauth-client/OAuthProvider"
import { OAuthProviders } from "@belfry/oauth-client/OAuthProviders"
import type { OAuthRequest } from "@belfry/oauth-client/OAuthSignIn"
import { OAuthSignIns } from "@belfry/oauth-client/OAuthSignIns"
import { SignInPolicy } from "@belfry/factors/SignInPolicy"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { makeAttempts } from "./attempts.ts"
import { FormUnreadable } from "./form.ts"
import { PageKit } from "./PageKit.ts"
import { withQuery } from "./query.ts"
import { get, makeVisitors, post, type Visit } from "./visit.ts"
import type { ConnectedAccount } from "./views/connectedAccounts.ts"
import { failurePage } from "./views/failures.ts"
import { leavingPage, signInErrorPage } from "./views/providers.ts"

/**
 * Builds what pages know of other providers, and the way to them.
 *
 * @category constructors
 * @since 0.1.0
 */
export const makeProviders = Effect.gen(function* () {
  const { site } = yield* PageKit
  const providers = yield* OAuthProviders
  const signIns = yield* OAuthSignIns
  const accounts = yield* OAuthAccounts
  const { firstFactors } = yield* SignInPolicy
  const isFirstFactor = firstFactors.includes("oauth")

  const find = (id: string | undefined): Effect.Effect<Option.Option<OAuthProvider>> =>
    id === undefined ? Effect.succeedNone : Effect.option(providers.get(id))

  /** The accounts of a user whose providers are still there, oldest first. */
  const connected = Effect.fnUntraced(function* (userId: UserId) {
    const known = yield* providers.list
    if (known.length === 0) return []
    return (yield* accounts.list(userId)).flatMap((account): ReadonlyArray<ConnectedAccount> => {
      const provider = known.find(({ id }) => id === account.providerId)
      return provider === undefined ? [] : [{ account, provider }]
    })
  })

  return {
    find,
    list: providers.list,
    connected,

    /** The providers that may begin a sign-in. */
    forSignIn: Effect.map(providers.list, (all) => (isFirstFactor ? all : [])),

    /** The providers by which somebody new may join. */
    forSignUp: Effect.map(providers.list, (all) =>
      isFirstFactor ? all.filter(({ disableSignUp }) => !disableSignUp) : [],
    ),

    /** The providers at which a user has linked an account, each once. */
    ofUser: Effect.fnUntraced(function* (userId: UserId) {
      const ids = new Set((yield* connected(userId)).map(({ provider }) => provider.id))
      return (yield* providers.list).filter(({ id }) => ids.has(id))
    }),

    /**
     * Leads the browser to a provider: to sign in, or to link an account to the user of `session`. A provider that is
     * not there any more is a page that nobody has.
     */
    leave: Effect.fnUntraced(function* (
      visit: Visit,
      providerId: string | undefined,
      request: OAuthRequest,
      session?: Session,
    ) {
      if (providerId === undefined) return yield* new FormUnreadable({ status: 400 })
      const found = yield* find(providerId)
      if (Option.isNone(found)) return failurePage(visit.words, { status: 404 })
      const { id, name } = found.value
      const browser = startToken(visit.request, site)
      const begin =
        session === undefined
          ? signIns.signInUrl(id, request, browser, visit.client)
          : signIns.linkUrl(id, session, request, browser, visit.client)
      return yield* begin.pipe(
        Effect.tap((start) => setStartCookie(start, site)),
        Effect.map(({ url }) => leavingPage(visit.words, { name, url })),
        Effect.catchTag("ProviderNotFound", () => Effect.succeed(failurePage(visit.words, { status: 404 }))),
      )
    }),
  }
})

/**
 * Adds the action of a provider's button, and the page for what went wrong.
 *
 * @category routes
 * @since 0.1.0
 */
export const routes = Effect.gen(function* () {
  const { paths } = yield* PageKit
  const { firstFactors } = yield* SignInPolicy
  const providers = yield* makeProviders
  const attempts = yield* makeAttempts
  const visitors = yield* makeVisitors

  yield* post(paths.signInProvider, (visit, fields) => {
    const returnTo = visit.returnTo(fields["return_to"])
    return providers.leave(visit, fields["provider"], {
      ...(returnTo === undefined ? {} : { redirectUrl: returnTo }),
      errorRedirectUrl: withQuery(paths.signInError, { provider: fields["provider"], return_to: returnTo }),
      newUserRedirectUrl: returnTo ?? withQuery(paths.account, { done: "joined" }),
      requestSignUp: fields["sign_up"] === "1",
    })
  })

  yield* get(
    paths.signInError,
    Effect.fnUntraced(function* (visit) {
      const provider = Option.getOrUndefined(yield* providers.find(visit.query("provider")))
      const isSignedIn = Option.isSome(yield* visitors.find(visit))
      const begun = isSignedIn ? Option.none() : yield* attempts.find(visit)
      const goesOn = Option.exists(begun, ({ state }) => state.user !== null)
      return signInErrorPage(visit.words, paths, {
        code: visit.query("error"),
        provider,
        canRetry: goesOn || firstFactors.includes("oauth"),
        // Who signs in for a client may be signed in already, as somebody else.
        stage: goesOn ? "continue" : isSignedIn && visit.flow === undefined ? "signed-in" : "start",
        returnTo: visit.returnTo(visit.query("return_to")),
      })
    }),
  )
})
