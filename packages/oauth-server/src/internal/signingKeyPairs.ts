/**
 * Key pairs that sign: made, and brought from JWK into a form that signs and verifies.
 */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { calculateJwkThumbprint, type CryptoKey, exportJWK, generateKeyPair, importJWK, type JWK } from "jose"
import type { PublicJwk, SigningAlgorithm } from "../SigningKey.ts"

/** A new key pair. The private half is a JWK in JSON. */
export interface KeyPair {
  readonly publicJwk: PublicJwk
  readonly privateJwk: Redacted.Redacted
}

/**
 * Makes a key pair; its `kid` is the thumbprint, so that one key has one name everywhere.
 *
 * @see [RFC 7638 §3](https://www.rfc-editor.org/rfc/rfc7638.html#section-3)
 */
export const generate = (algorithm: SigningAlgorithm): Effect.Effect<KeyPair> =>
  // The algorithms are fixed, so it fails only on a runtime that lacks them: a defect.
  Effect.promise(async () => {
    const { publicKey, privateKey } = await generateKeyPair(algorithm, { ...parameters[algorithm], extractable: true })
    const publicHalf = await exportJWK(publicKey)
    return {
      publicJwk: toPublicJwk(publicHalf, await calculateJwkThumbprint(publicHalf, "sha256"), algorithm),
      privateJwk: Redacted.make(JSON.stringify(await exportJWK(privateKey))),
    }
  })

/** Brings a public JWK into a form that verifies. */
export const importPublic = (jwk: PublicJwk, algorithm: SigningAlgorithm): Effect.Effect<CryptoKey> =>
  Effect.promise(() => importKey({ ...jwk }, algorithm))

// internal

const parameters: Record<SigningAlgorithm, { readonly modulusLength?: number; readonly crv?: string }> = {
  RS256: { modulusLength: 2048 },
  PS256: { modulusLength: 2048 },
  ES256: {},
  EdDSA: { crv: "Ed25519" },
}

const toPublicJwk = ({ kty, crv, x, y, n, e }: JWK, kid: string, algorithm: SigningAlgorithm): PublicJwk => ({
  kty: kty ?? "",
  kid,
  alg: algorithm,
  use: "sig",
  ...(crv === undefined ? {} : { crv }),
  ...(x === undefined ? {} : { x }),
  ...(y === undefined ? {} : { y }),
  ...(n === undefined ? {} : { n }),
  ...(e === undefined ? {} : { e }),
})

const importKey = async (jwk: JWK, algorithm: SigningAlgorithm): Promise<CryptoKey> => {
  const key = await importJWK(jwk, algorithm, { extractable: false })
  if (key instanceof Uint8Array) throw new Error("A symmetric key was kept as a signing key")
  return key
}
