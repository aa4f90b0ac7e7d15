/**
 * Access tokens verified by asking their authorization server.
 *
 * @see [RFC 7662 §2](https://www.rfc-editor.org/rfc/rfc7662.html#section-2)
 */
import { OutboundHttp } from "@belfry/core/OutboundHttp"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Base64 from "effect/encoding/Base64"
import * as Redacted from "effect/Redacted"
import { issuerUrl, ResourceServerInvalid, secureUrl } from "../ProtectedResourceMetadata.ts"
import { AccessTokenRefused, AccessTokenUnverifiable, checkFor, fromClaims } from "../VerifiedAccessToken.ts"
import { readObject } from "./jsonObjects.ts"
import { maxLength } from "./jws.ts"

/** Whom to ask, as whom, about tokens for whom. `issuer`: where given, the answer must not name another. */
export interface IntrospectionOptions {
  readonly endpoint: string
  readonly clientId: string
  readonly clientSecret: Redacted.Redacted
  readonly audience: string
  readonly issuer?: string | undefined
}

/** Makes the verification by asking, each time for the audience that is named. */
export const introspectionVerifier = Effect.fnUntraced(function* (options: IntrospectionOptions) {
  const { clientId, clientSecret, issuer } = options
  const { href: url } = yield* Effect.fromResult(secureUrl("endpoint", options.endpoint))
  if (issuer !== undefined) yield* Effect.fromResult(issuerUrl("issuer", issuer))
  if (options.audience === "") return yield* new ResourceServerInvalid({ setting: "audience", reason: "empty" })
  const http = yield* OutboundHttp
  const authorization = basic(clientId, clientSecret)

  const ask = (token: string) =>
    http
      .send({
        url,
        trust: "configured",
        headers: { accept: "application/json", authorization: Redacted.value(authorization) },
        form: { token, token_type_hint: "access_token" },
      })
      .pipe(
        Effect.timeout(Duration.seconds(10)),
        Effect.mapError(() => new AccessTokenUnverifiable({ reason: "introspection" })),
      )

  return Effect.fn("AccessTokenVerifier.verify")(function* (token: Redacted.Redacted, audience: string) {
    const text = Redacted.value(token)
    if (text === "" || text.length > maxLength) return yield* new AccessTokenRefused({ reason: "malformed" })
    const response = yield* ask(text)
    const answer = response.status === 200 ? readObject(new TextDecoder().decode(response.body), 32) : null
    if (answer === null || typeof answer["active"] !== "boolean") {
      yield* Effect.annotateLogs(Effect.logError("The introspection endpoint does not answer"), {
        status: response.status,
      })
      return yield* new AccessTokenUnverifiable({ reason: "introspection" })
    }
    if (!answer["active"]) return yield* new AccessTokenRefused({ reason: "inactive" })
    const { token_type: type } = answer
    if (type !== undefined && !(typeof type === "string" && type.toLowerCase() === "bearer")) {
      return yield* new AccessTokenRefused({ reason: "confirmation" })
    }
    // RFC 7662 §2.2: `iss` is optional there. What the server that was asked leaves out, it answers for itself.
    const expectedIssuer = issuer !== undefined && answer["iss"] !== undefined ? issuer : null
    const expected = { issuer: expectedIssuer, clockTolerance: 0 }
    const verified = yield* Effect.fromResult(fromClaims(answer, expected, yield* DateTime.now))
    return yield* Effect.fromResult(checkFor(verified, audience))
  })
})

// internal

/** RFC 6749 §2.3.1: both are form-encoded first. */
const basic = (clientId: string, secret: Redacted.Redacted): Redacted.Redacted => {
  const encoded = (text: string) => new URLSearchParams([["", text]]).toString().slice(1)
  return Redacted.make(`Basic ${Base64.encode(`${encoded(clientId)}:${encoded(Redacted.value(secret))}`)}`)
}
