/**
 * A resource server that knows nothing of the authorization server but its URLs.
 */
import * as HttpClientOutboundHttp from "@belfry/core/HttpClientOutboundHttp"
import * as AccessTokenVerifier from "@belfry/oauth-server/AccessTokenVerifier"
import { SigningKeys } from "@belfry/oauth-server/SigningKeys"
import * as OAuthBuilders from "@belfry/testing/OAuthBuilders"
import * as TestHttp from "@belfry/testing/TestHttp"
import { assert, layer as withLayer } from "@effect/vitest"
import { Context, Effect, Layer, Redacted } from "effect"
import { FetchHttpClient } from "effect/http"
import { files, layer, notes, real, type RealServer } from "./support/RealServer.ts"

const layerOutbound = HttpClientOutboundHttp.layer({ allowedHosts: ["127.0.0.1"] }).pipe(
  Layer.provide(FetchHttpClient.layer),
)

const verifierOf = <E>(
  verifier: Layer.Layer<AccessTokenVerifier.AccessTokenVerifier, E, Layer.Success<typeof layerOutbound>>,
) =>
  Layer.build(Layer.provide(verifier, layerOutbound)).pipe(
    Effect.map((context) => Context.get(context, AccessTokenVerifier.AccessTokenVerifier)),
    Effect.scoped,
    Effect.runPromise,
  )

const jwks = (issuer: string, audience: string) =>
  verifierOf(AccessTokenVerifier.layerJwks({ issuer, audience, jwksUri: `${issuer}/jwks` }))

/** A token of a client for itself. */
const tokenFor = async ({ client, issuer }: RealServer["Service"], resource: string | null) => {
  const { id, secret } = await client()
  const response = await fetch(`${issuer}/oauth2/token`, {
    method: "POST",
    body: new URLSearchParams({ grant_type: "client_credentials", ...(resource === null ? {} : { resource }) }),
    headers: { authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString("base64")}` },
  })
  const token = TestHttp.at(await response.json(), "access_token")
  if (typeof token !== "string") return assert.fail("no token")
  const revoke = () =>
    fetch(`${issuer}/oauth2/revoke`, {
      method: "POST",
      body: new URLSearchParams({ token }),
      headers: { authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString("base64")}` },
    })
  return { id, token: Redacted.make(token), revoke }
}

const refusal = (verifier: AccessTokenVerifier.AccessTokenVerifier["Service"], token: Redacted.Redacted) =>
  Effect.runPromise(Effect.map(Effect.flip(verifier.verify(token)), ({ reason }) => reason))

/** The server, with an API that asks by a client of its own. */
const host = {
  settings: {
    resources: [
      OAuthBuilders.resource(notes),
      OAuthBuilders.resource(files, { introspectionClientId: "own-api", signingAlgorithm: "RS256" }),
    ],
  },
}

withLayer(layer(host), { excludeTestServices: true })("A resource server elsewhere", (it) => {
  it.effect("verifies tokens by the published keys, of ES256 and RS256, each for its own audience", () =>
    real(async (server) => {
      for (const [mine, other] of [
        [notes, files],
        [files, notes],
      ] as const) {
        const { id, token } = await tokenFor(server, mine)
        const verified = await Effect.runPromise((await jwks(server.issuer, mine)).verify(token))
        assert.strictEqual(verified.clientId, id)
        assert.isTrue(verified.isClientItself)
        assert.strictEqual(await refusal(await jwks(server.issuer, other), token), "audience")
      }
      const { token } = await tokenFor(server, null)
      assert.strictEqual(await refusal(await jwks(server.issuer, notes), token), "malformed")
    }),
  )

  it.effect("takes a token that a new key signed as soon as it may look keys up again", () =>
    real(async (server) => {
      const verifier = await jwks(server.issuer, notes)
      await server.run(SigningKeys.use((keys) => keys.rotateNow("ES256")))
      const { token } = await tokenFor(server, notes)
      assert.strictEqual((await Effect.runPromise(verifier.verify(token))).audience[0], notes)
    }),
  )

  it.effect("asks the authorization server by its own client, and learns at once that a token was revoked", () =>
    real(async (server) => {
      const { secret } = await server.client({}, { id: "own-api" })
      const options = { clientId: "own-api", clientSecret: Redacted.make(secret), issuer: server.issuer }
      const endpoint = `${server.issuer}/oauth2/introspect`
      const verifier = await verifierOf(
        AccessTokenVerifier.layerIntrospection({ ...options, endpoint, audience: files }),
      )
      const { id, revoke, token } = await tokenFor(server, files)
      const verified = await Effect.runPromise(verifier.verify(token))
      assert.strictEqual(verified.clientId, id)
      assert.deepStrictEqual(verified.audience, [files])
      assert.strictEqual((await revoke()).status, 200)
      assert.strictEqual(await refusal(verifier, token), "inactive")
      // A token for another resource is none of its business.
      assert.strictEqual(await refusal(verifier, (await tokenFor(server, notes)).token), "inactive")
      const wrong = { ...options, clientSecret: Redacted.make("wrong"), endpoint, audience: files }
      const denied = await verifierOf(AccessTokenVerifier.layerIntrospection(wrong))
      assert.strictEqual(await refusal(denied, token), "introspection")
    }),
  )
})
