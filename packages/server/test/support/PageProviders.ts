/**
 * Providers for page tests. Nobody is sent to them: the start URLs that pages ask for are written down.
 */
import { unknownClient } from "@belfry/core/AuditEvent"
import { LinkedAccounts } from "@belfry/core/LinkedAccounts"
import { RateLimited } from "@belfry/core/RateLimit"
import type { UserId } from "@belfry/core/User"
import * as SignInPolicy from "@belfry/factors/SignInPolicy"
import type { OAuthProviderOptions } from "@belfry/oauth-client/OAuthProvider"
import * as OAuthProviders from "@belfry/oauth-client/OAuthProviders"
import type { OAuthRequest } from "@belfry/oauth-client/OAuthSignIn"
import { OAuthSignIns } from "@belfry/oauth-client/OAuthSignIns"
import * as Builders from "@belfry/testing/Builders"
import { Context, DateTime, Effect, Layer, Redacted } from "effect"
import { layerServices } from "./PageBrowser.ts"

/** One start URL that a page asked for. */
export interface Start {
  readonly providerId: string
  readonly request: OAuthRequest
  readonly browser: string | null
  /** Whose session it is, where an account is to be linked. */
  readonly userId: UserId | null
}

/** The start URLs that pages asked for, and the way to have them refused. */
export class Starts extends Context.Service<
  Starts,
  {
    readonly all: ReadonlyArray<Start>
    /** Every further one is refused. */
    readonly limit: () => void
  }
>()("@belfry/server/test/Starts") {}

/** Two providers, in an order that is not that of the alphabet. */
export const twoProviders: ReadonlyArray<OAuthProviderOptions> = [
  { id: "zeta", name: "Zeta & Co", clientId: "belfry", discoveryUrl: "https://zeta.example/discovery" },
  { id: "alpha", name: "Alpha", clientId: "belfry", discoveryUrl: "https://alpha.example/discovery" },
]

/** The services of a site that has these providers, under the policy of its host. */
export const layerProviders = (
  providers: ReadonlyArray<OAuthProviderOptions> = twoProviders,
  policy: Partial<SignInPolicy.SignInPolicyService> = {},
) =>
  Layer.mergeAll(layerStarts, ...providers.map(OAuthProviders.layerProvider)).pipe(
    Layer.provideMerge(layerServices()),
    Layer.provideMerge(Layer.succeed(SignInPolicy.SignInPolicy, { ...SignInPolicy.make(), ...policy })),
    Layer.orDie,
  )

/** Links an account to a user, as the callback of a provider does. */
export const linkAccount = (userId: UserId, providerId: string, accountId: string) =>
  LinkedAccounts.use((accounts) =>
    accounts.link({
      userId,
      providerId,
      accountId,
      tokens: Builders.noTokens,
      client: unknownClient,
    }),
  )

// internal

const layerStarts = Layer.effectContext(
  Effect.gen(function* () {
    const all: Array<Start> = []
    let isLimited = false

    const start = Effect.fnUntraced(function* (
      providerId: string,
      request: OAuthRequest,
      browser: Redacted.Redacted | null,
      userId: UserId | null,
    ) {
      if (isLimited) return yield* new RateLimited({ retryAfter: 90 })
      all.push({ providerId, request, browser: browser === null ? null : Redacted.value(browser), userId })
      return {
        url: `https://id.example.com/auth/provider/${providerId}/start?token=t${all.length}`,
        browser: browser ?? Redacted.make("this-browser"),
        expiresAt: DateTime.add(yield* DateTime.now, { minutes: 10 }),
      }
    })

    const signIns = yield* Layer.build(
      Layer.mock(OAuthSignIns, {
        attemptCookie: "belfry_sign_in",
        signInUrl: (providerId, request, browser) => start(providerId, request, browser, null),
        linkUrl: (providerId, { userId }, request, browser) => start(providerId, request, browser, userId),
      }),
    )
    return Context.add(signIns, Starts, { all, limit: () => void (isLimited = true) })
  }),
)
