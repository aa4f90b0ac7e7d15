/**
 * ID tokens as clients get them, and as others make them up.
 */
import type { OAuthClient } from "@belfry/oauth-server/OAuthClient"
import type { SignedInUser } from "@belfry/oauth-server/Authorizations"
import { TokenIssuer } from "@belfry/oauth-server/TokenIssuer"
import * as OAuthBuilders from "@belfry/testing/OAuthBuilders"
import { assert } from "@effect/vitest"
import { DateTime, Effect, Redacted } from "effect"

/** The ID token that a client gets for somebody in a session. */
export const idToken = Effect.fnUntraced(function* (client: OAuthClient, { session, user }: SignedInUser) {
  const now = yield* DateTime.now
  const grant = yield* OAuthBuilders.grant({
    clientId: client.id,
    userId: user.id,
    sessionId: session.id,
    sid: session.id,
    authTime: session.authTime,
  })
  const token = yield* TokenIssuer.use((issuer) =>
    issuer.idToken({
      client,
      grant,
      user,
      scopes: ["openid"],
      accessToken: Redacted.make("access"),
      isFirst: true,
      now,
    }),
  )
  return token === null ? assert.fail("no ID token") : Redacted.value(token)
})

const encode = (value: unknown): string =>
  btoa(JSON.stringify(value)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "")

/** The claims of a token, unverified. */
export const payloadOf = (token: string): Record<string, unknown> =>
  JSON.parse(atob((token.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/")))

const headerOf = (token: string): Record<string, unknown> =>
  JSON.parse(atob((token.split(".")[0] ?? "").replaceAll("-", "+").replaceAll("_", "/")))

/** Tokens that are nearly the one given: altered, unsigned, of other types, or brought with a key of their own. */
export const forgeriesOf = (token: string): ReadonlyArray<string> => {
  const [header = "", payload = "", signature = ""] = token.split(".")
  const claims = payloadOf(token)
  const head = headerOf(token)
  const none = encode({ ...head, alg: "none" })
  return [
    "",
    "x",
    "a.b.c",
    `${header}.${payload}`,
    `${header}.${payload}.`,
    `${header}.${encode({ ...claims, sub: "01a2b3c4-0000-7000-8000-000000000000" })}.${signature}`,
    `${header}.${payload}.${signature.slice(0, -2)}${signature.endsWith("AA") ? "QQ" : "AA"}`,
    `${none}.${payload}.`,
    `${none}.${payload}.${signature}`,
    `${encode({ ...head, alg: "HS256" })}.${payload}.${signature}`,
    `${encode({ ...head, typ: "at+jwt" })}.${payload}.${signature}`,
    `${encode({ ...head, kid: "unknown" })}.${payload}.${signature}`,
    `${encode({ ...head, jku: "https://evil.example/jwks" })}.${payload}.${signature}`,
    `${header}.${encode({ ...claims, iss: "https://evil.example" })}.${signature}`,
    `${token}.${token}`,
    "x".repeat(20_000),
  ].filter((forged) => forged !== "" && forged !== token)
}
