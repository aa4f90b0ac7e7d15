/**
 * The metadata of the server, as `openid-client` and `oauth4webapi` find and validate it.
 */
import { assert, describe, layer as withLayer } from "@effect/vitest"
import { createRemoteJWKSet, jwtVerify } from "jose"
import * as oauth from "oauth4webapi"
import { discovered } from "./support/Flows.ts"
import { layer, notes, real } from "./support/RealServer.ts"
import { validationCode } from "./support/Refusals.ts"
import { discover as discoverBy } from "./support/Oauth4webapi.ts"
import { libraries } from "./support/RelyingParty.ts"

withLayer(layer(), { excludeTestServices: true })("Real clients, discovery", (it) => {
  for (const library of libraries) {
    const { discover, name } = library

    describe("RFC 8414 §3", () => {
      it.effect(`MUST be found where the path of the issuer is inserted, by ${name}`, () =>
        real(async ({ issuer }) => {
          const { server } = await discover(issuer, { id: "x", proof: { method: "none" } }, "oauth2")
          assert.strictEqual(server.issuer, issuer)
          assert.strictEqual(server.token_endpoint, `${issuer}/oauth2/token`)
        }),
      )
    })

    describe("OpenID Connect Discovery §4", () => {
      it.effect(`MUST be found where the issuer ends, and say the same, by ${name}`, () =>
        real(async ({ issuer }) => {
          const application = { id: "x", proof: { method: "none" } } as const
          const { server } = await discover(issuer, application, "oidc")
          assert.strictEqual(server.issuer, issuer)
          const other = (await discover(issuer, application, "oauth2")).server
          assert.deepStrictEqual({ ...other }, { ...server })
        }),
      )
    })

    describe("OpenID Connect Discovery §3", () => {
      it.effect(`MUST name every endpoint that the library needs, on this server, by ${name}`, () =>
        real(async ({ issuer }) => {
          const { server } = await discover(issuer, { id: "x", proof: { method: "none" } })
          for (const endpoint of endpoints) {
            const url = server[endpoint]
            assert.isTrue(typeof url === "string" && url.startsWith(`${issuer}/`), endpoint)
          }
          assert.isTrue(server.code_challenge_methods_supported?.includes("S256"))
          assert.isTrue(server.id_token_signing_alg_values_supported?.includes("RS256"))
          assert.isTrue(server.authorization_response_iss_parameter_supported)
        }),
      )
    })

    describe("RFC 7517 §5", () => {
      it.effect(`MUST publish the keys that access tokens are verified with, by ${name}`, () =>
        real(async (server) => {
          const party = await discovered(server, library)
          const { access_token: token } = await party.clientCredentials({ resource: notes })
          const keys = createRemoteJWKSet(new URL(party.server.jwks_uri ?? ""))
          const { payload, protectedHeader } = await jwtVerify(token, keys, {
            issuer: server.issuer,
            audience: notes,
            typ: "at+jwt",
          })
          assert.strictEqual(protectedHeader.alg, "ES256")
          assert.strictEqual(payload["scope"], "notes:read")
        }),
      )
    })
  }

  describe("RFC 8414 §3.3", () => {
    it.effect("MUST say the issuer byte for byte, so that another spelling of it is refused", () =>
      real(async ({ issuer }) => {
        const spelled = issuer.replace("127.0.0.1", "localhost")
        for (const algorithm of ["oidc", "oauth2"] as const) {
          assert.strictEqual(await validationCode(discoverBy(spelled, algorithm)), oauth.JSON_ATTRIBUTE_COMPARISON)
        }
      }),
    )
  })
})

const endpoints = [
  "authorization_endpoint",
  "token_endpoint",
  "jwks_uri",
  "registration_endpoint",
  "userinfo_endpoint",
  "introspection_endpoint",
  "revocation_endpoint",
  "end_session_endpoint",
] as const
