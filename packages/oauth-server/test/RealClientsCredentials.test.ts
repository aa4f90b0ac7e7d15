/**
 * How applications on `openid-client` and `oauth4webapi` prove who they are, for tokens of their own.
 */
import { assert, describe, layer as withLayer } from "@effect/vitest"
import * as LocalServer from "@belfry/testing/LocalServer"
import * as OAuthBuilders from "@belfry/testing/OAuthBuilders"
import { Effect } from "effect"
import * as oauth from "oauth4webapi"
import { makeClientKey } from "./support/ClientKeys.ts"
import { confidential, discovered } from "./support/Flows.ts"
import { layer, notes, real, RealServer } from "./support/RealServer.ts"
import { bodyError, challenges } from "./support/Refusals.ts"
import { type Application, libraries } from "./support/RelyingParty.ts"

/** By which `oauth4webapi` makes keys; Ed25519 is signed with as RFC 9864 names it. */
const algorithms = ["RS256", "PS256", "ES256", "EdDSA"]

const keysOnly = {
  tokenEndpointAuthMethod: "private_key_jwt",
  grantTypes: ["client_credentials"],
  redirectUris: [],
  postLogoutRedirectUris: [],
} as const

withLayer(layer(), { excludeTestServices: true })("Real clients, proving themselves", (it) => {
  for (const library of libraries) {
    const { discover, name } = library

    describe("RFC 6749 §4.4", () => {
      for (const method of ["client_secret_basic", "client_secret_post"] as const) {
        it.effect(`gives tokens to a client itself, and no refresh token, ${method} by ${name}`, () =>
          real(async (server) => {
            const { id, secret } = await server.client({ tokenEndpointAuthMethod: method })
            const party = await discover(server.issuer, { id, proof: { method, secret } })
            const tokens = await party.clientCredentials()
            assert.deepStrictEqual([tokens.token_type, tokens.scope], ["bearer", "notes:read"])
            assert.isUndefined(tokens.refresh_token)
            assert.isUndefined(tokens.id_token)
            const told = await party.introspect(tokens.access_token)
            assert.deepStrictEqual([told.active, told.client_id, told.sub], [true, id, id])
          }),
        )
      }

      it.effect(`gives the scopes that are asked for, as a JWT where a resource is named, by ${name}`, () =>
        real(async (server) => {
          const party = await discovered(server, library)
          const tokens = await party.clientCredentials({ scope: "notes:write", resource: notes })
          assert.strictEqual(tokens.scope, "notes:write")
          const claims = await oauth.validateJwtAccessToken(
            party.server,
            new Request(notes, { headers: { authorization: `Bearer ${tokens.access_token}` } }),
            notes,
            { [oauth.allowInsecureRequests]: true },
          )
          assert.deepStrictEqual([claims.scope, claims.sub], ["notes:write", claims.client_id])
        }),
      )
    })

    describe("RFC 7523 §3", () => {
      for (const algorithm of algorithms) {
        it.effect(`takes assertions signed with ${algorithm}, by ${name}`, () =>
          real(async (server) => {
            const { jwk, proof } = await makeClientKey(algorithm)
            const { id } = await server.client({ ...keysOnly, jwks: { keys: [jwk] } })
            const party = await discover(server.issuer, { id, proof })
            // Each request has an assertion of its own: none is a replay.
            const first = await party.clientCredentials({ resource: notes })
            const second = await party.clientCredentials({ resource: notes })
            assert.notStrictEqual(first.access_token, second.access_token)
            assert.isTrue((await party.introspect(first.access_token)).active)
            await party.revoke(first.access_token)
            assert.isFalse((await party.introspect(first.access_token)).active)
          }),
        )

        it.effect(`takes assertions of ${algorithm} by a key that says its algorithm, by ${name}`, () =>
          real(async (server) => {
            const { jwk, proof } = await makeClientKey(algorithm)
            const { id } = await server.client({ ...keysOnly, jwks: { keys: [{ ...jwk, alg: algorithm }] } })
            const party = await discover(server.issuer, { id, proof })
            assert.strictEqual((await party.clientCredentials()).token_type, "bearer")
          }),
        )
      }

      it.effect(`MUST refuse an assertion of another key, by ${name}`, () =>
        real(async (server) => {
          const [own, other] = [await makeClientKey("ES256"), await makeClientKey("ES256")]
          const { id } = await server.client({ ...keysOnly, jwks: { keys: [own.jwk] } })
          const party = await discover(server.issuer, { id, proof: other.proof })
          assert.deepStrictEqual(await bodyError(party.clientCredentials()), [401, "invalid_client"])
        }),
      )

      it.effect(`fetches the keys of a client from its jwks_uri, and new ones when they rotate, by ${name}`, () =>
        Effect.gen(function* () {
          const publisher = yield* LocalServer.make
          const server = yield* RealServer
          const [old, young] = yield* Effect.promise(() =>
            Promise.all([makeClientKey("ES256", "old"), makeClientKey("PS256", "young")]),
          )
          publisher.answer("/jwks", LocalServer.json({ keys: [old.jwk] }))
          const client = yield* Effect.promise(() =>
            // As a host's own code keeps it: who registers needs https.
            server.run(
              OAuthBuilders.storedClient({
                secrets: [],
                metadata: { ...keysOnly, jwksUri: `${publisher.url}/jwks`, scopes: ["notes:read"] },
              }),
            ),
          )
          const discoverWith = (proof: Application["proof"]) =>
            Effect.promise(() => discover(server.issuer, { id: client.id, proof }))
          const first = yield* discoverWith(old.proof)
          for (let requests = 0; requests < 3; requests++) yield* Effect.promise(() => first.clientCredentials())
          assert.strictEqual(publisher.countOf("/jwks"), 1)
          publisher.answer("/jwks", LocalServer.json({ keys: [old.jwk, young.jwk] }))
          const second = yield* discoverWith(young.proof)
          assert.strictEqual((yield* Effect.promise(() => second.clientCredentials())).token_type, "bearer")
          assert.strictEqual(publisher.countOf("/jwks"), 2)
        }),
      )
    })

    describe("RFC 6749 §5.2", () => {
      it.effect(`MUST challenge a client that used the header with a wrong secret, by ${name}`, () =>
        real(async (server) => {
          const { id } = await server.client()
          const wrong = { method: "client_secret_basic", secret: "no such secret" } as const
          for (const clientId of [id, "nobody"]) {
            const party = await discover(server.issuer, { id: clientId, proof: wrong })
            for (const attempt of [party.clientCredentials(), party.introspect("x"), party.revoke("x")]) {
              const refused = await challenges(attempt)
              assert.strictEqual(refused.status, 401)
              assert.deepStrictEqual(
                refused.challenges.map(({ parameters, scheme }) => [scheme, parameters.realm]),
                [["basic", server.issuer]],
              )
            }
          }
        }),
      )

      it.effect(`MUST answer invalid_client to what a client sends in the form, by ${name}`, () =>
        real(async (server) => {
          const { id } = await server.client({ tokenEndpointAuthMethod: "client_secret_post" })
          const party = await discover(server.issuer, { id, proof: { method: "client_secret_post", secret: "wrong" } })
          assert.deepStrictEqual(await bodyError(party.clientCredentials()), [401, "invalid_client"])
          assert.deepStrictEqual(await bodyError(party.introspect("x")), [401, "invalid_client"])
          assert.deepStrictEqual(await bodyError(party.revoke("x")), [401, "invalid_client"])
        }),
      )
    })

    describe("RFC 6749 §2.3", () => {
      it.effect(`MUST NOT take another method than the client registered, by ${name}`, () =>
        real(async (server) => {
          const { id, secret } = await server.client()
          const byForm = await discover(server.issuer, { id, proof: { method: "client_secret_post", secret } })
          assert.deepStrictEqual(await bodyError(byForm.clientCredentials()), [401, "invalid_client"])
          const byName = await discover(server.issuer, { id, proof: { method: "none" } })
          assert.deepStrictEqual(await bodyError(byName.clientCredentials()), [401, "invalid_client"])
        }),
      )
    })
  }

  describe("RFC 8414 §2", () => {
    it.effect("names every algorithm that assertions may be signed with", () =>
      real(async (server) => {
        const party = await libraries[0]?.discover(server.issuer, confidential(await server.client()))
        const named = party?.server["token_endpoint_auth_signing_alg_values_supported"]
        assert.isTrue(Array.isArray(named) && algorithms.every((algorithm) => named.includes(algorithm)))
      }),
    )
  })
})
