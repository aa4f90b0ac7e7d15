/**
 * The providers of an installation. A provider's layer adds it here.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import {
  make as makeProvider,
  type OAuthProvider,
  type OAuthProviderOptions,
  ProviderInvalid,
} from "./OAuthProvider.ts"
import { ProviderNotFound } from "./OAuthSignIn.ts"

/**
 * The providers of an installation.
 *
 * @category services
 * @since 0.1.0
 */
export class OAuthProviders extends Context.Service<
  OAuthProviders,
  {
    /** Adds a provider; fails when its settings are wrong or its id is taken. */
    readonly add: (options: OAuthProviderOptions) => Effect.Effect<OAuthProvider, ProviderInvalid>
    readonly get: (id: string) => Effect.Effect<OAuthProvider, ProviderNotFound>
    /** All of them, in the order in which they were added. */
    readonly list: Effect.Effect<ReadonlyArray<OAuthProvider>>
  }
>()("@belfry/oauth-client/OAuthProviders") {}

/**
 * No providers yet.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<OAuthProviders> = Layer.sync(OAuthProviders, () => {
  const providers = new Map<string, OAuthProvider>()
  return OAuthProviders.of({
    add: Effect.fnUntraced(function* (options) {
      const provider = yield* Effect.fromResult(makeProvider(options))
      if (providers.has(provider.id)) {
        return yield* new ProviderInvalid({ providerId: provider.id, reason: "there is one of this id already" })
      }
      providers.set(provider.id, provider)
      return provider
    }),
    get: (id) =>
      Effect.suspend(() => {
        const provider = providers.get(id)
        // What came is not repeated beyond the form that ids have.
        return provider === undefined
          ? Effect.fail(new ProviderNotFound({ providerId: id.replaceAll(/[^A-Za-z0-9_-]/gu, "").slice(0, 64) }))
          : Effect.succeed(provider)
      }),
    list: Effect.sync(() => [...providers.values()]),
  })
})

/**
 * A layer that adds a provider to the installation's.
 *
 * **Example** (A company's own identity provider)
 *
 * ```ts
 * const Acme = OAuthProviders.layerProvider({
 *   id: "acme",
 *   name: "Acme",
 *   clientId: "belfry",
 *   clientSecret: Redacted.make("..."),
 *   discoveryUrl: "https://id.acme.example/.well-known/openid-configuration",
 *   scopes: ["openid", "email", "profile"]
 * })
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layerProvider = (options: OAuthProviderOptions): Layer.Layer<never, ProviderInvalid, OAuthProviders> =>
  Layer.effectDiscard(OAuthProviders.use((providers) => providers.add(options)))
