/**
 * Access tokens as a resource server meets them: verified for it, or refused.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import { AccessTokens } from "./AccessTokens.ts"
import { type IntrospectionOptions, introspectionVerifier } from "./internal/introspectionVerifier.ts"
import { type JwksOptions, jwksVerifier } from "./internal/jwksVerifier.ts"
import { ResourceServerInvalid } from "./ProtectedResourceMetadata.ts"
import { AccessTokenRefused, AccessTokenUnverifiable, type VerifiedAccessToken } from "./VerifiedAccessToken.ts"

/**
 * Verifies access tokens for one resource.
 *
 * @category services
 * @since 0.1.0
 */
export class AccessTokenVerifier extends Context.Service<
  AccessTokenVerifier,
  {
    readonly verify: (
      token: Redacted.Redacted,
    ) => Effect.Effect<VerifiedAccessToken, AccessTokenRefused | AccessTokenUnverifiable>
  }
>()("@belfry/oauth-server/AccessTokenVerifier") {}

/**
 * Verifies by the authorization server in the same process: one statement, so that a revoked grant ends at once.
 *
 * **Details**
 *
 * `audience` is the resource's identifier, compared byte for byte; the issuer stands for tokens that are for no
 * resource. Fails to build when it is empty.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerLocal = (options: {
  readonly audience: string
}): Layer.Layer<AccessTokenVerifier, ResourceServerInvalid, AccessTokens> =>
  Layer.effect(
    AccessTokenVerifier,
    Effect.gen(function* () {
      const tokens = yield* AccessTokens
      if (options.audience === "") return yield* new ResourceServerInvalid({ setting: "audience", reason: "empty" })
      return AccessTokenVerifier.of({
        verify: Effect.fn("AccessTokenVerifier.verify")(function* (presented) {
          const { token } = yield* tokens.verify(presented).pipe(
            Effect.catchTags({
              AccessTokenInvalid: () => Effect.fail(new AccessTokenRefused({ reason: "inactive" })),
              StoreError: () => Effect.fail(new AccessTokenUnverifiable({ reason: "store" })),
            }),
          )
          if (!token.audience.includes(options.audience)) return yield* new AccessTokenRefused({ reason: "audience" })
          if (token.claims["cnf"] !== undefined) return yield* new AccessTokenRefused({ reason: "confirmation" })
          return {
            clientId: token.clientId,
            subject: token.subject,
            isClientItself: token.grant === null,
            scopes: token.scopes,
            audience: token.audience,
            expiresAt: token.expiresAt,
            claims: token.claims,
          }
        }),
      })
    }),
  )

/**
 * Verifies JWTs by the keys that the authorization server publishes, without asking it about each token: one that was
 * revoked stays good until it is over.
 *
 * **Details**
 *
 * Keys are fetched once for all who wait, kept for the time that the answer allows (5 minutes to a day), and for a day
 * while they cannot be fetched; looked up anew for a token of an unknown key, once in 30 seconds. Opaque tokens are
 * refused. `clockTolerance` is one minute.
 *
 * @see [RFC 9068 §4](https://www.rfc-editor.org/rfc/rfc9068.html#section-4)
 * @category layers
 * @since 0.1.0
 */
export const layerJwks = (options: JwksOptions) =>
  Layer.effect(
    AccessTokenVerifier,
    Effect.map(jwksVerifier(options), (verify) => AccessTokenVerifier.of({ verify })),
  )

/**
 * Verifies by asking the authorization server about each token, opaque ones too: one that was revoked ends at once.
 *
 * **Details**
 *
 * The client proves itself by its secret in the header. It must be the one that the authorization server knows for the
 * resource. An answer that takes longer than 10 seconds is none.
 *
 * @see [RFC 7662 §2](https://www.rfc-editor.org/rfc/rfc7662.html#section-2)
 * @category layers
 * @since 0.1.0
 */
export const layerIntrospection = (options: IntrospectionOptions) =>
  Layer.effect(
    AccessTokenVerifier,
    Effect.map(introspectionVerifier(options), (verify) => AccessTokenVerifier.of({ verify })),
  )

/**
 * Verifies JWTs by published keys, and asks about all other tokens.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerJwksOrIntrospection = (options: {
  readonly jwks: JwksOptions
  readonly introspection: IntrospectionOptions
}) =>
  Layer.effect(
    AccessTokenVerifier,
    Effect.gen(function* () {
      const byKeys = yield* jwksVerifier(options.jwks)
      const byAsking = yield* introspectionVerifier(options.introspection)
      return AccessTokenVerifier.of({
        verify: (token) =>
          Effect.catchTag(byKeys(token), "AccessTokenRefused", (refused) =>
            // Whatever is a JWT and refused stays refused.
            refused.reason === "malformed" ? byAsking(token) : Effect.fail(refused),
          ),
      })
    }),
  )
