/**
 * Access tokens as a resource server meets them: verified for it, or refused.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import { AccessTokenReader } from "./AccessTokenReader.ts"
import { AccessTokens } from "./AccessTokens.ts"
import { type IntrospectionOptions, introspectionVerifier } from "./internal/introspectionVerifier.ts"
import { type JwksOptions, jwksVerifier } from "./internal/jwksVerifier.ts"
import { ResourceServerInvalid } from "./ProtectedResourceMetadata.ts"
import {
  AccessTokenRefused,
  AccessTokenUnverifiable,
  checkFor,
  type VerifiedAccessToken,
} from "./VerifiedAccessToken.ts"

/**
 * Verifies access tokens for a resource.
 *
 * **Details**
 *
 * Each layer is made for one audience; a server of several resources names the one that a request is for.
 *
 * @category services
 * @since 0.1.0
 */
export class AccessTokenVerifier extends Context.Service<
  AccessTokenVerifier,
  {
    /** Verifies a token for the audience of the layer. */
    readonly verify: (
      token: Redacted.Redacted,
    ) => Effect.Effect<VerifiedAccessToken, AccessTokenRefused | AccessTokenUnverifiable>
    /** Verifies a token for another audience, which the host chooses and never the request alone. */
    readonly verifyFor: (
      token: Redacted.Redacted,
      audience: string,
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
      const verifyFor = Effect.fn("AccessTokenVerifier.verify")(function* (
        presented: Redacted.Redacted,
        audience: string,
      ) {
        const { token } = yield* tokens.verify(presented).pipe(
          Effect.catchTags({
            AccessTokenInvalid: () => Effect.fail(new AccessTokenRefused({ reason: "inactive" })),
            StoreError: () => Effect.fail(new AccessTokenUnverifiable({ reason: "store" })),
          }),
        )
        const { clientId, subject, scopes, expiresAt, claims } = token
        const isClientItself = token.grant === null
        const verified = { clientId, subject, isClientItself, scopes, audience: token.audience, expiresAt, claims }
        return yield* Effect.fromResult(checkFor(verified, audience))
      })
      return serviceOf(options.audience, verifyFor)
    }),
  )

/**
 * Verifies JWTs by the authorization server in the same process, by its keys in memory: no statement.
 *
 * **Gotchas**
 *
 * A token that was revoked stays good until it is over; {@link layerLocal} sees it at once, for one statement a token.
 * Opaque tokens are refused, so that each audience must be a resource of the authorization server, which gives JWTs for
 * those alone.
 *
 * @see [RFC 9068 §4](https://www.rfc-editor.org/rfc/rfc9068.html#section-4)
 * @category layers
 * @since 0.1.0
 */
export const layerLocalJwt = (options: {
  readonly audience: string
}): Layer.Layer<AccessTokenVerifier, ResourceServerInvalid, AccessTokenReader> =>
  Layer.effect(
    AccessTokenVerifier,
    Effect.gen(function* () {
      const reader = yield* AccessTokenReader
      if (options.audience === "") return yield* new ResourceServerInvalid({ setting: "audience", reason: "empty" })
      const verifyFor = Effect.fn("AccessTokenVerifier.verify")(function* (
        presented: Redacted.Redacted,
        audience: string,
      ) {
        return yield* Effect.fromResult(checkFor(yield* reader.read(presented), audience))
      })
      return serviceOf(options.audience, verifyFor)
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
    Effect.map(jwksVerifier(options), (verifyFor) => serviceOf(options.audience, verifyFor)),
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
    Effect.map(introspectionVerifier(options), (verifyFor) => serviceOf(options.audience, verifyFor)),
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
      const either = (token: Redacted.Redacted, audience: { readonly jwks: string; readonly introspection: string }) =>
        Effect.catchTag(byKeys(token, audience.jwks), "AccessTokenRefused", (refused) =>
          // Whatever is a JWT and refused stays refused.
          refused.reason === "malformed" ? byAsking(token, audience.introspection) : Effect.fail(refused),
        )
      const own = { jwks: options.jwks.audience, introspection: options.introspection.audience }
      return AccessTokenVerifier.of({
        verify: (token) => either(token, own),
        verifyFor: (token, audience) => either(token, { jwks: audience, introspection: audience }),
      })
    }),
  )

// internal

const serviceOf = (audience: string, verifyFor: AccessTokenVerifier["Service"]["verifyFor"]) =>
  AccessTokenVerifier.of({ verifyFor, verify: (token) => verifyFor(token, audience) })
