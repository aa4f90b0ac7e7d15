/**
 * Key pairs of applications, and hashes that they compare.
 */
import { exportJWK } from "jose"
import { createHash } from "node:crypto"
import * as oauth from "oauth4webapi"
import type { Proof } from "./RelyingParty.ts"

/** A key pair: how an application proves itself by it, and the public key that it registers. */
export interface ClientKey {
  readonly proof: Extract<Proof, { readonly method: "private_key_jwt" }>
  readonly jwk: Readonly<Record<string, string>>
}

/** Makes a key pair. The public key says its id and what it is for, and no algorithm. */
export const makeClientKey = async (algorithm: string, kid = `key-${algorithm}`): Promise<ClientKey> => {
  const { privateKey, publicKey } = await oauth.generateKeyPair(algorithm)
  const { crv, e, kty, n, x, y } = await exportJWK(publicKey)
  const members = Object.entries({ crv, e, kty, n, x, y, kid, use: "sig" })
  return {
    proof: { method: "private_key_jwt", key: privateKey, kid },
    jwk: Object.fromEntries(members.filter((member): member is [string, string] => member[1] !== undefined)),
  }
}

/**
 * The value of `at_hash`: the left half of the hash that belongs to the algorithm of the ID token.
 *
 * @see [OpenID Connect Core §3.1.3.6](https://openid.net/specs/openid-connect-core-1_0.html#CodeIDToken)
 */
export const leftHalf = (algorithm: string, token: string): string => {
  const hash = createHash(algorithm === "EdDSA" ? "sha512" : "sha256")
    .update(token, "ascii")
    .digest()
  return hash.subarray(0, hash.length / 2).toString("base64url")
}
