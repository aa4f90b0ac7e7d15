/**
 * Providers of a host's own: the code of the README, compiled as it stands there. The tests build the layers.
 */
import { Google, OAuthProviders, OAuthTokens, Oidc, type ProviderStrategy } from "@belfry/oauth-client"
import { Effect, Layer, Redacted, Schema } from "effect"

const Person = Schema.fromJsonString(Schema.Struct({ id: Schema.String, name: Schema.String, mail: Schema.String }))

/** Asks the provider's own API who signed in. */
const askForge = Effect.fnUntraced(
  function* (tokens: OAuthTokens.OAuthTokenSet, http: ProviderStrategy.StrategyContext["http"]) {
    if (tokens.accessToken === null) return null
    const headers = { authorization: `Bearer ${Redacted.value(tokens.accessToken)}` }
    const { body } = yield* http.send({ url: "https://forge.example/me", trust: "configured", headers })
    const { id, mail, name } = yield* Schema.decodeEffect(Person)(new TextDecoder().decode(body))
    return { accountId: id, email: mail, emailVerified: true, name, image: null, raw: {} }
  },
  Effect.mapError(
    () => new OAuthTokens.ProviderUnavailable({ providerId: "forge", endpoint: "other", reason: "malformed" }),
  ),
)

// #region providers
const Providers = Layer.mergeAll(
  Google.layer({ clientId: "...", clientSecret: Redacted.make("..."), hostedDomain: "acme.example" }),
  Oidc.layer({ id: "acme", name: "Acme", issuer: "https://id.acme.example", clientId: "belfry" }),
  OAuthProviders.layerProvider({
    id: "forge",
    clientId: "belfry",
    authorizationEndpoint: "https://forge.example/authorize",
    tokenEndpoint: "https://forge.example/token",
    strategy: { profile: ({ tokens }, { http }) => askForge(tokens, http) }, // what is left out is as the standard says
  }),
).pipe(Layer.provideMerge(OAuthProviders.layer))
// #endregion

/** The providers of the host. */
export const layer = Providers
