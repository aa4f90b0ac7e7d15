/**
 * Applications on `openid-client` and `oauth4webapi` that register themselves, and then are what they registered.
 */
import { unknownClient } from "@belfry/core/AuditEvent"
import { ClientRegistrations } from "@belfry/oauth-server/ClientRegistrations"
import { assert, describe, layer as withLayer } from "@effect/vitest"
import { Duration, Redacted } from "effect"
import type * as oauth from "oauth4webapi"
import { makeClientKey } from "./support/ClientKeys.ts"
import { signIn } from "./support/Flows.ts"
import { layer, notes, real, type RealServer } from "./support/RealServer.ts"
import { bodyError, challenges } from "./support/Refusals.ts"
import { libraries } from "./support/RelyingParty.ts"

const callback = "https://client.example.com/callback"

const issueToken = (server: RealServer["Service"], uses: number | null) =>
  server.run(
    ClientRegistrations.use((registrations) =>
      registrations.issueToken({ lifetime: Duration.hours(1), uses, clientInfo: unknownClient }),
    ),
  )

withLayer(layer(), { excludeTestServices: true })("Real clients, open registration", (it) => {
  for (const { discover, name, register } of libraries) {
    describe("RFC 7591 §3.2.1", () => {
      it.effect(`MUST answer with the client and its secret, which is then taken, by ${name}`, () =>
        real(async (server) => {
          const { id, metadata, secret } = await register(server.issuer, {
            client_name: "Difference Engine",
            redirect_uris: [callback],
          })
          assert.strictEqual(metadata["token_endpoint_auth_method"], "client_secret_basic")
          assert.deepStrictEqual(metadata["redirect_uris"], [callback])
          assert.deepStrictEqual(metadata["grant_types"], ["authorization_code"])
          assert.strictEqual(metadata["client_secret_expires_at"], 0)
          assert.isNumber(metadata["client_id_issued_at"])
          assert.isAtLeast(secret.length, 32)
          const party = await discover(server.issuer, { id, proof: { method: "client_secret_basic", secret } })
          const { tokens, user } = await signIn(server, party)
          assert.strictEqual(tokens.claims?.sub, user.id)
        }),
      )

      it.effect(`takes the method that a client asks for, and leaves out what it cannot have, by ${name}`, () =>
        real(async (server) => {
          const { id, metadata, secret } = await register(server.issuer, {
            redirect_uris: [callback],
            token_endpoint_auth_method: "client_secret_post",
            grant_types: ["authorization_code", "client_credentials"],
            scope: "openid notes:read",
          })
          assert.strictEqual(metadata["token_endpoint_auth_method"], "client_secret_post")
          const party = await discover(server.issuer, { id, proof: { method: "client_secret_post", secret } })
          const { tokens } = await signIn(server, party, { scope: "openid notes:read" })
          assert.strictEqual(tokens.scope, "openid notes:read")
          // Tokens for a client itself are for those that somebody vouches for.
          assert.deepStrictEqual(metadata["grant_types"], ["authorization_code"])
          assert.deepStrictEqual(await bodyError(party.clientCredentials()), [400, "unauthorized_client"])
        }),
      )

      it.effect(`gives a client with keys of its own no secret, by ${name}`, () =>
        real(async (server) => {
          const { jwk, proof } = await makeClientKey("PS256")
          const { id, secret } = await register(server.issuer, {
            redirect_uris: [callback],
            token_endpoint_auth_method: "private_key_jwt",
            jwks: { keys: [jwk] },
            id_token_signed_response_alg: "PS256",
          })
          assert.strictEqual(secret, "")
          const metadata = { id_token_signed_response_alg: "PS256" }
          const party = await discover(server.issuer, { id, proof, metadata })
          const { tokens, user } = await signIn(server, party)
          assert.strictEqual(tokens.claims?.sub, user.id)
        }),
      )
    })

    describe("RFC 8252 §8.5", () => {
      it.effect(`takes loopback redirect URIs without a type as a native client's, by ${name}`, () =>
        real(async (server) => {
          const { id, metadata, secret } = await register(server.issuer, {
            redirect_uris: ["http://localhost:33418/callback"],
            token_endpoint_auth_method: "none",
            grant_types: ["authorization_code", "refresh_token"],
            response_types: ["code"],
            scope: "openid offline_access",
          })
          assert.strictEqual(secret, "")
          assert.strictEqual(metadata["application_type"], "native")
          const party = await discover(server.issuer, { id, proof: { method: "none" } })
          const { tokens } = await signIn(server, party, {
            scope: "openid offline_access",
            redirectUri: "http://localhost:33418/callback",
          })
          assert.isString((await party.refresh(tokens.refresh_token ?? "")).refresh_token)
        }),
      )
    })

    describe("RFC 7591 §3.2.2", () => {
      it.effect(`MUST say what is wrong with a redirect URI, or with anything else, by ${name}`, () =>
        real(async ({ issuer }) => {
          for (const [metadata, error] of [
            [{ redirect_uris: ["https://client.example.com/#fragment"] }, "invalid_redirect_uri"],
            [{ redirect_uris: ["http://client.example.com/"] }, "invalid_redirect_uri"],
            [{ redirect_uris: ["javascript:alert(1)"] }, "invalid_redirect_uri"],
            [{}, "invalid_redirect_uri"],
            [{ redirect_uris: [callback], token_endpoint_auth_method: "tls_client_auth" }, "invalid_client_metadata"],
            [{ redirect_uris: [callback], subject_type: "pairwise" }, "invalid_client_metadata"],
            [{ redirect_uris: [callback], software_statement: "a.b.c" }, "unapproved_software_statement"],
          ] satisfies ReadonlyArray<readonly [oauth.JsonObject, string]>) {
            assert.deepStrictEqual(await bodyError(register(issuer, metadata)), [400, error])
          }
        }),
      )
    })
  }
})

withLayer(layer({ settings: { registration: "token" } }), { excludeTestServices: true })(
  "Real clients, registration by tokens",
  (it) => {
    for (const { discover, name, register } of libraries) {
      describe("RFC 7591 §3", () => {
        it.effect(`MUST register a client that brings an initial access token, and count its uses, by ${name}`, () =>
          real(async (server) => {
            const token = Redacted.value((await issueToken(server, 1)).token)
            const { id, secret } = await register(server.issuer, { redirect_uris: [callback] }, token)
            const party = await discover(server.issuer, { id, proof: { method: "client_secret_basic", secret } })
            const { tokens, user } = await signIn(server, party)
            assert.strictEqual(tokens.claims?.sub, user.id)
            const again = await challenges(register(server.issuer, { redirect_uris: [callback] }, token))
            assert.strictEqual(again.status, 401)
            assert.deepStrictEqual(
              again.challenges.map(({ parameters, scheme }) => [scheme, parameters.error]),
              [["bearer", "invalid_token"]],
            )
          }),
        )

        it.effect(`lets a client have tokens for itself by such a token, by ${name}`, () =>
          real(async (server) => {
            const token = Redacted.value((await issueToken(server, null)).token)
            const asked = { grant_types: ["client_credentials"], response_types: [], scope: "notes:read" }
            const { id, metadata, secret } = await register(server.issuer, asked, token)
            assert.deepStrictEqual(metadata["grant_types"], ["client_credentials"])
            const party = await discover(server.issuer, { id, proof: { method: "client_secret_basic", secret } })
            assert.strictEqual((await party.clientCredentials({ resource: notes })).scope, "notes:read")
          }),
        )

        it.effect(`MUST NOT register a client without one, and asks for it, by ${name}`, () =>
          real(async ({ issuer }) => {
            const refused = await challenges(register(issuer, { redirect_uris: [callback] }))
            assert.strictEqual(refused.status, 401)
            assert.deepStrictEqual(
              refused.challenges.map(({ parameters, scheme }) => [scheme, parameters.error]),
              [["bearer", undefined]],
            )
          }),
        )
      })
    }
  },
)
