/**
 * How this runtime signs a JWS.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { CompactSign, importJWK } from "jose"
import type { SigningAlgorithm } from "./SigningKey.ts"

/**
 * The protected header of what is signed.
 *
 * @see [RFC 7515 §4.1](https://www.rfc-editor.org/rfc/rfc7515.html#section-4.1)
 * @category models
 * @since 0.1.0
 */
export interface JwsProtectedHeader {
  readonly alg: SigningAlgorithm
  readonly typ: string
  readonly kid: string
}

/**
 * Signs a payload, in compact form.
 *
 * @see [RFC 7515 §7.1](https://www.rfc-editor.org/rfc/rfc7515.html#section-7.1)
 * @category models
 * @since 0.1.0
 */
export type Sign = (header: JwsProtectedHeader, payload: string) => Effect.Effect<string>

/**
 * How this runtime signs.
 *
 * @category models
 * @since 0.1.0
 */
export interface JwsSignerService {
  /**
   * Brings a private JWK, in JSON, into a form that signs by its algorithm. It was made by this server, so one that
   * cannot be read is a defect.
   */
  readonly prepare: (privateJwk: Redacted.Redacted, algorithm: SigningAlgorithm) => Effect.Effect<Sign>
}

/**
 * How this runtime signs: by WebCrypto, unless a host provides another way.
 *
 * @category services
 * @since 0.1.0
 */
export const JwsSigner = Context.Reference<JwsSignerService>("@belfry/oauth-server/JwsSigner", {
  defaultValue: () => webCrypto,
})

/**
 * Signs by WebCrypto, which every runtime has.
 *
 * @category constructors
 * @since 0.1.0
 */
export const webCrypto: JwsSignerService = {
  prepare: (privateJwk, algorithm) =>
    Effect.map(
      Effect.promise(() => importJWK(JSON.parse(Redacted.value(privateJwk)), algorithm, { extractable: false })),
      (key) => (header, payload) =>
        // The key was made for the algorithm, so signing with it fails only by a defect.
        Effect.promise(() => new CompactSign(encoder.encode(payload)).setProtectedHeader({ ...header }).sign(key)),
    ),
}

// internal

const encoder = new TextEncoder()
