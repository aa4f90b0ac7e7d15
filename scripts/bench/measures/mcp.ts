/** How long it takes to verify an access token for an MCP endpoint: bare, by the verifier, and with all that guards it. */
import * as McpWebHandler from "@belfry/mcp/McpWebHandler"
import { AccessTokenVerifier, layerLocalJwt } from "@belfry/oauth-server/AccessTokenVerifier"
import { SigningKeys } from "@belfry/oauth-server/SigningKeys"
import { migrations } from "@belfry/server/Server"
import { textsOf } from "@belfry/testing/StatementPlans"
import * as TestDatabase from "@belfry/testing/TestDatabase"
import * as TestServices from "@belfry/testing/TestServices"
import { Effect, Layer, Redacted } from "effect"
import { createLocalJWKSet, jwtVerify } from "jose"

const resource = "https://notes.example.com/mcp"
const issuer = "http://localhost:3000/auth"

/** What verifies, one token at a time, and the statements that a verification makes. */
export interface Verification {
  readonly name: "jose" | "verifier" | "guard"
  readonly once: () => Promise<void>
  readonly statements: number
}

/** Sets up the three over one database, with the same key and the same token. */
export const withVerifications = <A>(use: (verifications: ReadonlyArray<Verification>) => Promise<A>): Promise<A> =>
  Effect.gen(function* () {
    const keys = yield* SigningKeys
    const verifier = yield* AccessTokenVerifier
    const now = Math.floor(Date.now() / 1000)
    const claims = {
      iss: issuer,
      aud: resource,
      sub: "0197a5c0-0000-7000-8000-00000000000a",
      client_id: "a-client",
      grant_id: "a-grant",
      scope: "notes:read",
      iat: now,
      exp: now + 3600,
      jti: "a",
    }
    const token = yield* keys.sign({ claims, typ: "at+jwt", algorithm: "ES256" })
    const text = Redacted.value(token)
    const published = createLocalJWKSet({ keys: [...(yield* keys.jwks)] })
    const expected = { issuer, audience: resource, typ: "at+jwt", algorithms: ["ES256"] }
    const bare = () => jwtVerify(text, published, expected).then(() => {})

    const context = yield* Effect.context<AccessTokenVerifier>()
    const verify = Effect.asVoid(verifier.verifyFor(token, resource))
    const verified = () => Effect.runPromiseWith(context)(verify)

    const guarded = Effect.map(
      McpWebHandler.make({ resource: { resource, authorizationServers: [issuer], scopes: ["notes:read"] } }),
      (handler) => async () => {
        const request = new Request(resource, {
          method: "POST",
          headers: { authorization: `Bearer ${text}`, "content-type": "application/json" },
          body: '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read","arguments":{}}}',
        })
        const { status } = await handler(request, () => Promise.resolve(new Response("{}")))
        if (status !== 200) throw new Error(`the guard answered ${status}`)
      },
    )
    const countedVerify = yield* textsOf(verify)
    const countedGuard = yield* textsOf(Effect.flatMap(guarded, (once) => Effect.promise(once)))
    return yield* Effect.flatMap(guarded, (once) =>
      Effect.promise(() =>
        use([
          { name: "jose", once: bare, statements: 0 },
          { name: "verifier", once: verified, statements: countedVerify.length },
          { name: "guard", once, statements: countedGuard.length },
        ]),
      ),
    )
  }).pipe(Effect.provide(layer), Effect.scoped, Effect.runPromise)

// internal

const layer = layerLocalJwt({ audience: resource }).pipe(
  Layer.provideMerge(TestServices.layerOAuthServer),
  Layer.provideMerge(TestServices.layerSql(TestDatabase.layerPglite(migrations))),
)
