/**
 * Signatures on Node without the detour by its thread pool, where they take less time than the detour.
 *
 * @since 0.1.0
 */
import { JwsSigner, type JwsProtectedHeader, webCrypto } from "@belfry/oauth-server/JwsSigner"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { createPrivateKey, sign } from "node:crypto"

/**
 * `JwsSigner` over Node's own signatures for ES256 and EdDSA, and over WebCrypto for RSA, which takes long enough to be
 * worth another thread.
 *
 * @see [RFC 7518 §3.4](https://www.rfc-editor.org/rfc/rfc7518.html#section-3.4)
 * @see [RFC 8037 §3.1](https://www.rfc-editor.org/rfc/rfc8037.html#section-3.1)
 * @category layers
 * @since 0.1.0
 */
export const layer = Layer.succeed(JwsSigner, {
  prepare: (privateJwk, algorithm) =>
    algorithm === "RS256" || algorithm === "PS256"
      ? webCrypto.prepare(privateJwk, algorithm)
      : Effect.sync(() => {
          const key = createPrivateKey({ key: JSON.parse(Redacted.value(privateJwk)), format: "jwk" })
          const digest = algorithm === "ES256" ? "sha256" : null
          const headers = new Map<string, string>()
          const encoded = (header: JwsProtectedHeader): string => {
            // One key has few headers: one for each type of token.
            const known = headers.get(header.typ)
            if (known !== undefined) return known
            const text = base64url(JSON.stringify(header))
            headers.set(header.typ, text)
            return text
          }
          return (header, payload) =>
            Effect.sync(() => {
              const input = `${encoded(header)}.${base64url(payload)}`
              // Without options: with them, Node takes as long again to find out what kind of key it was given.
              const signature = sign(digest, Buffer.from(input), key)
              return `${input}.${(digest === null ? signature : toConcatenated(signature)).toString("base64url")}`
            })
        }),
})

// internal

/**
 * RFC 7518 §3.4: the two numbers of a P-256 signature one after the other, 32 bytes each, from the DER that Node
 * writes.
 */
const toConcatenated = (der: Buffer): Buffer => {
  // SEQUENCE of two INTEGERs: each has its length before it, and neither leading zeros nor a length of its own choice.
  const lengthOfFirst = der.readUInt8(3)
  const first = der.subarray(4, 4 + lengthOfFirst)
  const second = der.subarray(6 + lengthOfFirst)
  const signature = Buffer.alloc(64)
  for (const [number, end] of [
    [first, 32],
    [second, 64],
  ] as const) {
    const digits = number.length > 32 ? number.subarray(number.length - 32) : number
    digits.copy(signature, end - digits.length)
  }
  return signature
}

const base64url = (text: string): string => Buffer.from(text).toString("base64url")
