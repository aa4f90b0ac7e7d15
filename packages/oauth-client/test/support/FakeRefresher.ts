/**
 * A provider that renews tokens and tells profiles, without HTTP. It rotates refresh tokens and takes each of them
 * once.
 */
import type { ProviderTokens } from "@belfry/core/LinkedAccount"
import {
  type OAuthTokenSet,
  type OAuthUserInfo,
  ProviderRefused,
  toProviderTokens,
} from "@belfry/oauth-client/OAuthTokens"
import { OAuthTransport } from "@belfry/oauth-client/OAuthTransport"
import type { StrategyError } from "@belfry/oauth-client/ProviderStrategy"
import { merged } from "../../src/internal/tokenAnswer.ts"
import { Context, DateTime, Effect, Latch, Layer, Redacted } from "effect"

/** How the provider is made to behave, and what it was asked. */
export class FakeRefresher extends Context.Service<
  FakeRefresher,
  {
    /** Tokens as a sign-in gives them: `access-N` for an hour, `refresh-N`, `id-N`. */
    readonly grant: Effect.Effect<ProviderTokens<Redacted.Redacted>>
    /** The refresh tokens that were presented. */
    readonly asked: Effect.Effect<ReadonlyArray<string>>
    /** What becomes of the answers of the token endpoint from now on. */
    readonly answering: (change: (answer: OAuthTokenSet) => OAuthTokenSet) => Effect.Effect<void>
    /** Fails every refresh from now on, after it was asked. */
    readonly failing: (error: StrategyError | null) => Effect.Effect<void>
    /** Takes a refresh token as often as it comes. */
    readonly takingReuse: Effect.Effect<void>
    /** While it is closed, refreshes happen and their answers do not arrive. Refusals do. */
    readonly line: Latch.Latch
    /** The access tokens by which profiles were asked for. */
    readonly profilesAsked: Effect.Effect<ReadonlyArray<string | null>>
    /** Who the person is from now on. */
    readonly telling: (profile: OAuthUserInfo | StrategyError | null) => Effect.Effect<void>
  }
>()("@belfry/oauth-client/test/FakeRefresher") {}

export const layer = Layer.effectContext(
  Effect.gen(function* () {
    const line = yield* Latch.make(true)
    const asked: Array<string> = []
    const profilesAsked: Array<string | null> = []
    const good = new Set<string>()
    let count = 0
    let takesReuse = false
    let failure: StrategyError | null = null
    let profile: OAuthUserInfo | StrategyError | null = null
    let change = (answer: OAuthTokenSet) => answer

    const grant = Effect.map(DateTime.now, (now): OAuthTokenSet => {
      count += 1
      good.add(`refresh-${count}`)
      return {
        accessToken: Redacted.make(`access-${count}`),
        tokenType: "Bearer",
        refreshToken: Redacted.make(`refresh-${count}`),
        scope: "openid email",
        idToken: Redacted.make(`id-${count}`),
        accessTokenExpiresAt: DateTime.add(now, { hours: 1 }),
        refreshTokenExpiresAt: DateTime.add(now, { days: 90 }),
        raw: Redacted.make({}),
      }
    })
    const unused = () => Effect.die(new Error("not asked for by accounts"))

    const transport = OAuthTransport.of({
      metadata: unused,
      authorizationUrl: unused,
      exchange: unused,
      validateIdToken: unused,
      refresh: Effect.fnUntraced(function* (provider, tokens) {
        const presented = tokens.refreshToken === null ? "" : Redacted.value(tokens.refreshToken)
        asked.push(presented)
        if (failure !== null) return yield* Effect.fail(failure)
        if (takesReuse ? !good.has(presented) : !good.delete(presented)) {
          return yield* new ProviderRefused({ providerId: provider.id, error: "invalid_grant", description: null })
        }
        const answer = merged(tokens, change(yield* grant))
        yield* line.await
        return answer
      }),
      profile: (_, { tokens }) =>
        Effect.suspend(() => {
          profilesAsked.push(tokens.accessToken === null ? null : Redacted.value(tokens.accessToken))
          return profile !== null && "_tag" in profile ? Effect.fail(profile) : Effect.succeed(profile)
        }),
    })

    return Context.make(OAuthTransport, transport).pipe(
      Context.add(
        FakeRefresher,
        FakeRefresher.of({
          grant: Effect.map(grant, toProviderTokens),
          asked: Effect.sync(() => [...asked]),
          answering: (next) => Effect.sync(() => void (change = next)),
          failing: (error) => Effect.sync(() => void (failure = error)),
          takingReuse: Effect.sync(() => void (takesReuse = true)),
          line,
          profilesAsked: Effect.sync(() => [...profilesAsked]),
          telling: (next) => Effect.sync(() => void (profile = next)),
        }),
      ),
    )
  }),
)
