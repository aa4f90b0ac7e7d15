/**
 * The grant type `client_credentials`: a token that a client gets for itself.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { GrantStore } from "./GrantStore.ts"
import { type GrantCheck, type GrantType, GrantTypes, type TokenRequestFacts } from "./GrantTypes.ts"
import {
  askedScopes,
  claimFactsOf,
  refusal,
  refuseUnless,
  resourcesTakeScopes,
  responseFields,
  scopeForm,
  scopesFor,
} from "./internal/tokenRequests.ts"
import { isPublic } from "./OAuthClient.ts"
import { OAuthServerHooks } from "./OAuthServerHooks.ts"
import * as OAuthScope from "./OAuthScope.ts"
import { OAuthServerSettings } from "./OAuthServerSettings.ts"
import { TokenIssuer } from "./TokenIssuer.ts"

/**
 * Makes the grant type.
 *
 * **Details**
 *
 * For confidential clients alone, without the scopes of OpenID Connect, which are about a user, and without a refresh
 * token. `sub` is the client's id, which is no user's (RFC 9700 §4.15).
 *
 * @see [RFC 6749 §4.4](https://www.rfc-editor.org/rfc/rfc6749.html#section-4.4)
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const settings = yield* OAuthServerSettings
  const hooks = yield* OAuthServerHooks
  const issuer = yield* TokenIssuer
  const grants = yield* GrantStore

  const defaultScopes = ({ client }: TokenRequestFacts): ReadonlyArray<string> =>
    settings.clientCredentialsDefaultScopes.filter(
      (scope) => client.metadata.scopes.includes(scope) && !OAuthScope.openIdScopes.includes(scope),
    )

  const grantType: GrantType = {
    name: "client_credentials",
    presents: () => Effect.succeed({}),
    checks,
    exchange: Effect.fnUntraced(function* (facts) {
      const { client, now, resources } = facts
      const scopes = scopesFor(askedScopes(facts) ?? defaultScopes(facts), resources)
      const access = yield* issuer.accessToken({ client, grant: null, user: null, scopes, resources, now })
      const fields = yield* responseFields(hooks, {
        ...claimFactsOf(facts, scopes, resources),
        grantType: "client_credentials",
      })
      if (access.row !== null) yield* grants.insertAccessToken(access.row)
      return { accessToken: access.token, expiresAt: access.expiresAt, scopes, fields }
    }),
  }
  return grantType
})

/**
 * Layer with this grant type and no other.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = Layer.effect(
  GrantTypes,
  Effect.map(make, (grantType) => [grantType]),
)

// internal

const checks: ReadonlyArray<GrantCheck> = [
  {
    name: "the client is confidential",
    spec: "RFC 6749 §4.4",
    check: ({ client }) =>
      refuseUnless(!isPublic(client), () => refusal("unauthorized_client", "A public client gets no token for itself")),
  },
  scopeForm,
  {
    name: "the scope is about no user",
    spec: "RFC 6749 §4.4.2",
    check: (facts) =>
      refuseUnless(!(askedScopes(facts) ?? []).some((scope) => OAuthScope.openIdScopes.includes(scope)), () =>
        refusal("invalid_scope", "The scopes of OpenID Connect are about a user"),
      ),
  },
  {
    name: "the client may ask for the scope",
    spec: "RFC 6749 §3.3",
    check: (facts) =>
      refuseUnless(OAuthScope.isCovered(askedScopes(facts) ?? [], facts.client.metadata.scopes), () =>
        refusal("invalid_scope", "The client may not ask for this scope"),
      ),
  },
  resourcesTakeScopes,
]
