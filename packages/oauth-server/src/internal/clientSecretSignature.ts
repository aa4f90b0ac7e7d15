/**
 * ID tokens signed with the secret of their client, for servers without JWTs of their own.
 *
 * @see [OpenID Connect Core §10.1](https://openid.net/specs/openid-connect-core-1_0.html#Signing)
 */
import type { Sealer } from "@belfry/core/KeyRing"
import type * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { CompactSign } from "jose"
import type { Claims } from "../Claims.ts"
import type { OAuthClient } from "../OAuthClient.ts"

/**
 * The secret of a client that is in force and can be read: the youngest; null when there is none. Secrets are sealed
 * for the purpose `oauth-client-secret`, with the client's id as context.
 */
export const openSecret = Effect.fnUntraced(function* (sealer: Sealer, client: OAuthClient, now: DateTime.Utc) {
  for (const { sealed, expiresAt } of client.secrets) {
    if (sealed === null || (expiresAt !== null && expiresAt <= now.epochMilliseconds)) continue
    const secret = yield* Effect.option(sealer.open(sealed, client.id))
    if (secret._tag === "Some") return secret.value
  }
  return null
})

/** Signs claims by HS256; null when the client has no secret for it. */
export const clientSecretSigner = (sealer: Sealer) =>
  Effect.fnUntraced(function* (client: OAuthClient, claims: Claims, now: DateTime.Utc) {
    const secret = yield* openSecret(sealer, client, now)
    if (secret === null) return null
    const encoder = new TextEncoder()
    const jws = new CompactSign(encoder.encode(JSON.stringify(claims))).setProtectedHeader({ alg: "HS256", typ: "JWT" })
    return Redacted.make(yield* Effect.promise(() => jws.sign(encoder.encode(Redacted.value(secret)))))
  })
