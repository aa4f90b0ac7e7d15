/**
 * Keys that sign tokens.
 *
 * @since 0.1.0
 */
import type { Sealed } from "@belfry/core/KeyedHash"
import type * as DateTime from "effect/DateTime"
import * as Schema from "effect/Schema"

/**
 * The asymmetric algorithms that this server signs with.
 *
 * @see [RFC 7518 §3.1](https://www.rfc-editor.org/rfc/rfc7518.html#section-3.1)
 * @see [RFC 8037 §3.1](https://www.rfc-editor.org/rfc/rfc8037.html#section-3.1)
 * @category models
 * @since 0.1.0
 */
export const SigningAlgorithm = Schema.Literals(["RS256", "PS256", "ES256", "EdDSA"])
/**
 * @category models
 * @since 0.1.0
 */
export type SigningAlgorithm = typeof SigningAlgorithm.Type

/**
 * A public key as the JWK Set shows it. Only members of public keys are in it.
 *
 * @see [RFC 7517 §4](https://www.rfc-editor.org/rfc/rfc7517.html#section-4)
 * @category models
 * @since 0.1.0
 */
export const PublicJwk = Schema.Struct({
  kty: Schema.String,
  kid: Schema.String,
  alg: Schema.String,
  use: Schema.Literal("sig"),
  crv: Schema.optionalKey(Schema.String),
  x: Schema.optionalKey(Schema.String),
  y: Schema.optionalKey(Schema.String),
  n: Schema.optionalKey(Schema.String),
  e: Schema.optionalKey(Schema.String),
}).annotate({ identifier: "PublicJwk" })
/**
 * @category models
 * @since 0.1.0
 */
export interface PublicJwk extends Schema.Schema.Type<typeof PublicJwk> {}

/**
 * A key pair at rest: the private half is sealed, as a JWK.
 *
 * **Details**
 *
 * Published from `createdAt`, so that resource servers have it in their caches when it begins to sign at `activeAt`; it
 * signs until a younger key of its algorithm is active, and stays published until `expiresAt`, when all that it signed
 * is over.
 *
 * @see [OpenID Connect Core §10.1.1](https://openid.net/specs/openid-connect-core-1_0.html#RotateSigKeys)
 * @category models
 * @since 0.1.0
 */
export interface SigningKey {
  readonly kid: string
  readonly algorithm: SigningAlgorithm
  readonly publicJwk: PublicJwk
  readonly privateKey: Sealed
  readonly createdAt: DateTime.Utc
  readonly activeAt: DateTime.Utc
  /** Null as long as no younger key has taken its place. */
  readonly expiresAt: DateTime.Utc | null
}

/**
 * Where a key stands. `published`: clients know it, and it will sign; `signing`: it signs; `verifying`: what it signed
 * still counts; `over`: nothing does. `unusable`: it would sign, and no secret of this node opens it.
 *
 * @category models
 * @since 0.1.0
 */
export const SigningKeyState = Schema.Literals(["published", "signing", "verifying", "over", "unusable"])
/**
 * @category models
 * @since 0.1.0
 */
export type SigningKeyState = typeof SigningKeyState.Type

/**
 * A signing key as whoever runs the server sees it: without its private half.
 *
 * @category models
 * @since 0.1.0
 */
export const SigningKeyView = Schema.Struct({
  kid: Schema.String,
  algorithm: SigningAlgorithm,
  state: SigningKeyState,
  createdAt: Schema.DateTimeUtc,
  activeAt: Schema.DateTimeUtc,
  expiresAt: Schema.NullOr(Schema.DateTimeUtc),
}).annotate({ identifier: "SigningKey" })
/**
 * @category models
 * @since 0.1.0
 */
export interface SigningKeyView extends Schema.Schema.Type<typeof SigningKeyView> {}
