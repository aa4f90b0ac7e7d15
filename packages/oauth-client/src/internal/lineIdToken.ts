/**
 * ID tokens of LINE, which its own endpoint verifies: those of web sign-ins are signed with the client's secret
 * (HS256).
 */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { decodeJwt } from "jose"
import { IdTokenInvalid } from "../OAuthTokens.ts"
import type { ProviderStrategy } from "../ProviderStrategy.ts"
import { isExpectedNonce } from "./idToken.ts"
import { text } from "./profiles.ts"
import { readObject, unavailable } from "./providerCalls.ts"

/** Has LINE verify an ID token, and compares what LINE answers with what was expected. */
export const verifyLineIdToken = (
  issuer: string,
  verifyUrl: string,
): NonNullable<ProviderStrategy["validateIdToken"]> =>
  Effect.fnUntraced(function* (idToken, { nonce }, { provider, http, now }) {
    const invalid = (reason: IdTokenInvalid["reason"]) => new IdTokenInvalid({ providerId: provider.id, reason })
    // Not believed yet: which of several clients LINE is to compare with, and that LINE is shown no other's token.
    const claimed = yield* Effect.fromResult(
      Result.try({ try: () => decodeJwt(Redacted.value(idToken)), catch: () => invalid("malformed") }),
    )
    const audience = provider.audiences.find((clientId) => clientId === claimed.aud)
    if (audience === undefined) return yield* invalid("audience")
    const response = yield* Effect.mapError(
      http.send({
        url: verifyUrl,
        trust: "configured",
        headers: { accept: "application/json" },
        form: {
          id_token: Redacted.value(idToken),
          client_id: audience,
          ...(nonce._tag === "Equal" ? { nonce: nonce.nonce } : {}),
        },
      }),
      ({ reason }) => unavailable(provider, "verify", reason),
    )
    // LINE's word for any token that it does not take, expired ones and those of another nonce too.
    if (response.status === 400) return yield* invalid("signature")
    const claims = yield* readObject(provider, "verify", response)
    if (claims["iss"] !== issuer) return yield* invalid("issuer")
    if (claims["aud"] !== audience) return yield* invalid("audience")
    if (text(claims, "sub") === null) return yield* invalid("subject")
    if (!isExpectedNonce(nonce, claims["nonce"])) return yield* invalid("nonce")
    const expiresAt = claims["exp"]
    return typeof expiresAt === "number" && expiresAt * 1000 > DateTime.toEpochMillis(now)
      ? claims
      : yield* invalid("expired")
  })
