/**
 * What applications on `openid-client` and `oauth4webapi` do with tokens: refreshing, asking about the user, and
 * presenting them to resources.
 */
import { assert, describe, layer as withLayer } from "@effect/vitest"
import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from "jose"
import * as oauth from "oauth4webapi"
import { discovered, publicClient, signIn } from "./support/Flows.ts"
import { files, layer, notes, real } from "./support/RealServer.ts"
import { bodyError, challenges, validationCode } from "./support/Refusals.ts"
import { discover as metadataOf } from "./support/Oauth4webapi.ts"
import { libraries } from "./support/RelyingParty.ts"

const everything = "openid profile email offline_access notes:read notes:write"

/** What a resource server on `oauth4webapi` makes of a request with a token. */
const validate = async (server: oauth.AuthorizationServer, audience: string, token: string) =>
  oauth.validateJwtAccessToken(
    server,
    new Request("https://resource.example.com", { headers: { authorization: `Bearer ${token}` } }),
    audience,
    { [oauth.allowInsecureRequests]: true },
  )

withLayer(layer(), { excludeTestServices: true })("Real clients, tokens", (it) => {
  for (const library of libraries) {
    const { discover, name } = library

    describe("RFC 6749 §6", () => {
      it.effect(`gives new tokens for a refresh token, by ${name}`, () =>
        real(async (server) => {
          const party = await discovered(server, library)
          const { tokens, user } = await signIn(server, party, { scope: everything })
          const refreshed = await party.refresh(tokens.refresh_token ?? "")
          assert.notStrictEqual(refreshed.access_token, tokens.access_token)
          assert.strictEqual(refreshed.scope, everything)
          assert.strictEqual((await party.userInfo(refreshed.access_token, user.id)).sub, user.id)
        }),
      )

      it.effect(`MUST narrow one access token, and not the grant, by ${name}`, () =>
        real(async (server) => {
          const party = await discovered(server, library)
          const { tokens } = await signIn(server, party, { scope: everything })
          const narrow = await party.refresh(tokens.refresh_token ?? "", { scope: "notes:read" })
          assert.strictEqual(narrow.scope, "notes:read")
          assert.strictEqual((await party.introspect(narrow.access_token)).scope, "notes:read")
          const whole = await party.refresh(narrow.refresh_token ?? "")
          assert.strictEqual(whole.scope, everything)
        }),
      )

      it.effect(`MUST NOT widen what was granted, by ${name}`, () =>
        real(async (server) => {
          const party = await discovered(server, library)
          const { tokens } = await signIn(server, party, { scope: "openid offline_access notes:read" })
          const wider = party.refresh(tokens.refresh_token ?? "", { scope: "openid notes:write" })
          assert.deepStrictEqual(await bodyError(wider), [400, "invalid_scope"])
        }),
      )
    })

    describe("OAuth 2.1 §4.3.1", () => {
      it.effect(
        `MUST rotate refresh tokens of public clients, and end the grant when one comes again, by ${name}`,
        () =>
          real(async (server) => {
            const { id } = await server.client(publicClient)
            const party = await discover(server.issuer, { id, proof: { method: "none" } })
            const { tokens, user } = await signIn(server, party, { scope: "openid offline_access" })
            const second = await party.refresh(tokens.refresh_token ?? "")
            assert.notStrictEqual(second.refresh_token, tokens.refresh_token)
            const third = await party.refresh(second.refresh_token ?? "")
            assert.strictEqual((await party.userInfo(third.access_token, user.id)).sub, user.id)
            assert.deepStrictEqual(await bodyError(party.refresh(second.refresh_token ?? "")), [400, "invalid_grant"])
            assert.deepStrictEqual(await bodyError(party.refresh(third.refresh_token ?? "")), [400, "invalid_grant"])
            assert.strictEqual((await challenges(party.userInfo(third.access_token, user.id))).status, 401)
          }),
      )
    })

    describe("OpenID Connect Core §12.2", () => {
      it.effect(`MUST keep who signed in and when in a refreshed ID token, without the nonce, by ${name}`, () =>
        real(async (server) => {
          const party = await discovered(server, library)
          const { tokens } = await signIn(server, party, { scope: everything })
          const { claims } = await party.refresh(tokens.refresh_token ?? "")
          const kept = ({ aud, auth_time: authTime, iss, sub }: oauth.IDToken) => ({ aud, authTime, iss, sub })
          assert.isDefined(claims)
          assert.isDefined(tokens.claims)
          assert.deepStrictEqual(kept(claims), kept(tokens.claims))
          assert.isUndefined(claims.nonce)
          assert.isAtLeast(claims.iat, tokens.claims.iat)
        }),
      )
    })

    describe("OpenID Connect Core §5.3", () => {
      it.effect(`MUST name the user of the ID token at UserInfo, with the claims of the scopes, by ${name}`, () =>
        real(async (server) => {
          const party = await discovered(server, library)
          const { tokens, user } = await signIn(server, party, { scope: "openid profile email" })
          const {
            email,
            email_verified: isVerified,
            name: called,
            sub,
          } = await party.userInfo(tokens.access_token, tokens.claims?.sub ?? "")
          assert.deepStrictEqual([sub, called, email, isVerified], [user.id, user.name, user.email, false])
          assert.strictEqual(
            await validationCode(party.userInfo(tokens.access_token, "somebody else")),
            oauth.JSON_ATTRIBUTE_COMPARISON,
          )
        }),
      )

      it.effect(`takes a token for a resource too, where openid is in it, by ${name}`, () =>
        real(async (server) => {
          const party = await discovered(server, library)
          const { tokens, user } = await signIn(server, party, {
            scope: "openid email",
            parameters: { resource: files },
          })
          assert.strictEqual((await validate(party.server, files, tokens.access_token)).sub, user.id)
          assert.strictEqual((await party.userInfo(tokens.access_token, user.id)).email, user.email)
        }),
      )

      it.effect(`MUST tell of scopes that were not given nothing, by ${name}`, () =>
        real(async (server) => {
          const party = await discovered(server, library)
          const asked = { scope: "openid profile email" }
          const { tokens, user } = await signIn(server, party, asked, { consent: ["openid", "profile"] })
          assert.strictEqual(tokens.scope, "openid profile")
          const info = await party.userInfo(tokens.access_token, user.id)
          assert.deepStrictEqual([info.name, info.email], [user.name ?? undefined, undefined])
        }),
      )
    })

    describe("RFC 8707 §2", () => {
      it.effect(`MUST give tokens for the resource that the user consented to, by ${name}`, () =>
        real(async (server) => {
          const party = await discovered(server, library)
          const asked = { scope: "openid offline_access notes:read", parameters: { resource: notes } }
          const { tokens, user } = await signIn(server, party, asked)
          const claims = await validate(party.server, notes, tokens.access_token)
          assert.deepStrictEqual([claims.sub, claims.aud, claims.scope], [user.id, notes, tokens.scope])
          const refreshed = await party.refresh(tokens.refresh_token ?? "", { resource: notes })
          assert.strictEqual((await validate(party.server, notes, refreshed.access_token)).aud, notes)
        }),
      )

      it.effect(`MUST narrow to the one resource that the token request names, by ${name}`, () =>
        real(async (server) => {
          const party = await discovered(server, library)
          const browser = await server.person()
          const begun = await party.begin({
            scope: "openid offline_access notes:read",
            parameters: [
              ["resource", notes],
              ["resource", files],
            ],
          })
          const { answer } = await browser.authorize(begun.url)
          const tokens = await begun.finish(answer, { resource: files })
          // With openid it is for this server too: for UserInfo.
          const both = [files, server.issuer]
          assert.deepStrictEqual((await validate(party.server, files, tokens.access_token)).aud, both)
          assert.strictEqual(decodeProtectedHeader(tokens.access_token).alg, "RS256")
          const other = await party.refresh(tokens.refresh_token ?? "", { resource: notes })
          assert.strictEqual((await validate(party.server, notes, other.access_token)).aud, notes)
          assert.strictEqual(decodeProtectedHeader(other.access_token).alg, "ES256")
        }),
      )
    })

    describe("RFC 9068 §2", () => {
      it.effect(`MUST be a JWT that resource servers validate, and no other audience takes, by ${name}`, () =>
        real(async (server) => {
          const party = await discovered(server, library)
          const { tokens, user } = await signIn(server, party, {
            scope: "openid notes:read",
            parameters: { resource: notes },
          })
          const keys = createRemoteJWKSet(new URL(party.server.jwks_uri ?? ""))
          const { payload } = await jwtVerify(tokens.access_token, keys, {
            issuer: server.issuer,
            audience: notes,
            subject: user.id,
            typ: "at+jwt",
            requiredClaims: ["exp", "iat", "jti", "client_id", "auth_time"],
          })
          assert.strictEqual(payload["auth_time"], tokens.claims?.auth_time)
          assert.strictEqual(
            await validationCode(validate(party.server, files, tokens.access_token)),
            oauth.JWT_CLAIM_COMPARISON,
          )
          // What is for the client is for no resource server.
          assert.strictEqual(
            await validationCode(validate(party.server, String(tokens.claims?.aud), tokens.id_token ?? "")),
            oauth.INVALID_RESPONSE,
          )
        }),
      )
    })

    describe("RFC 9068 §2.1", () => {
      for (const algorithm of ["RS256", "ES256", "PS256", "EdDSA"] as const) {
        it.effect(`signs access tokens with ${algorithm} for a client that registered it, by ${name}`, () =>
          real(async (server) => {
            const party = await discovered(server, library, { accessTokenSigningAlg: algorithm })
            const { access_token: token } = await party.clientCredentials({ resource: notes })
            assert.strictEqual(decodeProtectedHeader(token).alg, algorithm)
            assert.strictEqual((await validate(party.server, notes, token)).aud, notes)
          }),
        )
      }
    })

    describe("OpenID Connect Core §5.5", () => {
      it.effect(`gives the claims that are asked for one by one, where the scope for them was given, by ${name}`, () =>
        real(async (server) => {
          const party = await discovered(server, library)
          const claims = JSON.stringify({ id_token: { email: null, name: null }, userinfo: { name: null } })
          const { tokens, user } = await signIn(server, party, { scope: "openid email", parameters: { claims } })
          assert.strictEqual(tokens.claims?.["email"], user.email)
          assert.isUndefined(tokens.claims?.["name"])
          assert.isUndefined((await party.userInfo(tokens.access_token, user.id)).name)
        }),
      )
    })
  }

  describe("RFC 8414 §2", () => {
    it.effect("tells of the algorithms and methods that these tests use", () =>
      real(async ({ issuer }) => {
        const server = await metadataOf(issuer)
        assert.includeMembers(
          [...(server.token_endpoint_auth_methods_supported ?? [])],
          ["client_secret_basic", "client_secret_post", "none", "private_key_jwt"],
        )
        assert.includeMembers([...(server.scopes_supported ?? [])], everything.split(" "))
      }),
    )
  })
})
