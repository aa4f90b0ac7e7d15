/**
 * The client secret that Apple asks for: a JWT that the developer's key signs.
 */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { type CryptoKey, importPKCS8, SignJWT } from "jose"
import { ProviderRefused } from "../OAuthTokens.ts"
import type { StrategyContext } from "../ProviderStrategy.ts"

/** The developer's key: of which team, its id, and the file that Apple gave, PKCS#8 in PEM. */
export interface AppleKey {
  readonly teamId: string
  readonly keyId: string
  readonly privateKey: Redacted.Redacted
}

/** Reads the key; null unless it is one of P-256. Environments often carry its lines joined by `\n`, in two letters. */
export const readAppleKey = ({ privateKey }: AppleKey): Effect.Effect<CryptoKey | null> =>
  Effect.tryPromise(() => importPKCS8(Redacted.value(privateKey).replaceAll("\\n", "\n").trim(), "ES256")).pipe(
    Effect.orElseSucceed(() => null),
  )

/**
 * Makes secrets for one audience, each for five minutes of the half year that Apple allows, and uses one again until
 * its last minute.
 */
export const makeAppleClientSecret = (key: AppleKey, audience: string) => {
  let cached: { readonly clientId: string; readonly secret: Redacted.Redacted; readonly until: number } | null = null
  return Effect.fnUntraced(function* ({ provider, now }: StrategyContext) {
    const seconds = Math.floor(DateTime.toEpochMillis(now) / 1000)
    if (cached !== null && cached.clientId === provider.clientId && seconds < cached.until) return cached.secret
    const signingKey = yield* readAppleKey(key)
    // Layers refuse such a key before anybody comes here.
    if (signingKey === null) {
      return yield* new ProviderRefused({ providerId: provider.id, error: "invalid_client", description: null })
    }
    const jwt = yield* Effect.promise(() =>
      new SignJWT()
        .setProtectedHeader({ alg: "ES256", kid: key.keyId })
        .setIssuer(key.teamId)
        .setSubject(provider.clientId)
        .setAudience(audience)
        .setIssuedAt(seconds)
        .setExpirationTime(seconds + lifetime)
        .sign(signingKey),
    )
    const secret = Redacted.make(jwt)
    cached = { clientId: provider.clientId, secret, until: seconds + lifetime - margin }
    return secret
  })
}

const lifetime = 300
const margin = 60
