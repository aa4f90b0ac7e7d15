/**
 * Pairwise subjects, and a server without keys of its own, to applications on `openid-client` and `oauth4webapi`.
 */
import { assert, describe, layer as withLayer } from "@effect/vitest"
import { Redacted } from "effect"
import { decodeProtectedHeader, jwtVerify } from "jose"
import * as oauth from "oauth4webapi"
import { confidential, discovered, publicClient, signIn } from "./support/Flows.ts"
import { layer, notes, real, signedOut } from "./support/RealServer.ts"
import { bodyError, validationCode } from "./support/Refusals.ts"
import { libraries } from "./support/RelyingParty.ts"

const pairwiseSecret = Redacted.make("pairwise-0123456789abcdefghijklmnopqrstuvwxyz")

const pairwise = layer({ settings: { pairwiseSecret } })

withLayer(pairwise, { excludeTestServices: true })("Real clients, pairwise subjects", (it) => {
  for (const library of libraries) {
    const { discover, name } = library

    describe("OpenID Connect Core §8.1", () => {
      it.effect(`MUST be one subject in a sector, another in others, and never the user's id, by ${name}`, () =>
        real(async (server) => {
          const browser = await server.person()
          const subjects: Array<string> = []
          for (const host of ["one.example.com", "one.example.com", "two.example.com"]) {
            const redirectUri = `https://${host}/callback`
            const party = await discovered(server, library, { subjectType: "pairwise", redirectUris: [redirectUri] })
            const begun = await party.begin({ redirectUri })
            const { answer } = await browser.authorize(begun.url)
            subjects.push((await begun.finish(answer)).claims?.sub ?? assert.fail("no subject"))
          }
          const [one, same, other] = subjects
          assert.strictEqual(one, same)
          assert.notStrictEqual(one, other)
          assert.isFalse(subjects.includes(browser.user().id))
        }),
      )

      it.effect(`MUST be the same in ID tokens, at UserInfo, in JWTs and at introspection, by ${name}`, () =>
        real(async (server) => {
          const party = await discovered(server, library, { subjectType: "pairwise" })
          const { tokens } = await signIn(server, party, { scope: "openid profile offline_access" })
          const subject = tokens.claims?.sub ?? assert.fail("no subject")
          assert.strictEqual((await party.userInfo(tokens.access_token, subject)).sub, subject)
          assert.strictEqual((await party.introspect(tokens.access_token)).sub, subject)
          assert.strictEqual((await party.refresh(tokens.refresh_token ?? "")).claims?.sub, subject)
        }),
      )

      it.effect(`is what a resource server reads of the user too, by ${name}`, () =>
        real(async (server) => {
          const party = await discovered(server, library, { subjectType: "pairwise" })
          const asked = { scope: "openid notes:read", parameters: { resource: notes } }
          const { tokens, user } = await signIn(server, party, asked)
          const claims = await oauth.validateJwtAccessToken(
            party.server,
            new Request(notes, { headers: { authorization: `Bearer ${tokens.access_token}` } }),
            notes,
            { [oauth.allowInsecureRequests]: true },
          )
          assert.strictEqual(claims.sub, tokens.claims?.sub)
          assert.notStrictEqual(claims.sub, user.id)
        }),
      )

      it.effect(`is of no use to end the session of somebody else, by ${name}`, () =>
        real(async (server) => {
          const registered = await server.client(
            { subjectType: "pairwise" },
            { privileges: { enableEndSession: true } },
          )
          const party = await discover(server.issuer, confidential(registered))
          const { browser, tokens } = await signIn(server, party)
          const url = party.endSession({
            id_token_hint: tokens.id_token ?? "",
            post_logout_redirect_uri: signedOut,
          })
          assert.strictEqual((await (await server.person()).go(url)).location?.pathname, "/sign-out/confirm")
          assert.strictEqual((await browser.go(url)).location?.href, signedOut)
        }),
      )
    })
  }
})

withLayer(layer({ settings: { disableJwt: true } }), { excludeTestServices: true })(
  "Real clients, a server that signs by client secrets",
  (it) => {
    for (const library of libraries) {
      const { discover, name } = library

      describe("OpenID Connect Core §10.1", () => {
        it.effect(`signs ID tokens of confidential clients with their secret, by ${name}`, () =>
          real(async (server) => {
            const registered = await server.client({}, { privileges: { enableEndSession: true } })
            const application = { ...confidential(registered), verifiesSignatures: false }
            const party = await discover(server.issuer, application)
            assert.isUndefined(party.server.jwks_uri)
            const { browser, tokens, user } = await signIn(server, party, { scope: "openid email offline_access" })
            const idToken = tokens.id_token ?? assert.fail("no ID token")
            assert.strictEqual(tokens.claims?.sub, user.id)
            assert.strictEqual(decodeProtectedHeader(idToken).alg, "HS256")
            const key = new TextEncoder().encode(registered.secret)
            const { payload } = await jwtVerify(idToken, key, { issuer: server.issuer, audience: registered.id })
            assert.strictEqual(payload.sub, user.id)
            const refreshed = await party.refresh(tokens.refresh_token ?? "")
            await jwtVerify(refreshed.id_token ?? "", key, { issuer: server.issuer, audience: registered.id })
            assert.strictEqual((await party.userInfo(refreshed.access_token, user.id)).email, user.email)
            const url = party.endSession({ id_token_hint: idToken, post_logout_redirect_uri: signedOut })
            assert.strictEqual((await browser.go(url)).location?.href, signedOut)
          }),
        )

        it.effect(`gives public clients no ID token, which the library misses, by ${name}`, () =>
          real(async (server) => {
            const { id } = await server.client(publicClient)
            const party = await discover(server.issuer, { id, proof: { method: "none" }, verifiesSignatures: false })
            const browser = await server.person()
            const begun = await party.begin({ scope: "openid" })
            const { answer } = await browser.authorize(begun.url)
            assert.strictEqual(await validationCode(begun.finish(answer)), oauth.INVALID_RESPONSE)
            const other = await signIn(server, party, { scope: "notes:read" })
            assert.strictEqual(other.tokens.scope, "notes:read")
            assert.isUndefined(other.tokens.id_token)
          }),
        )
      })

      describe("RFC 8707 §2.2", () => {
        it.effect(`gives opaque tokens for a resource, which introspection tells of, by ${name}`, () =>
          real(async (server) => {
            const registered = await server.client()
            const party = await discover(server.issuer, { ...confidential(registered), verifiesSignatures: false })
            const { access_token: token } = await party.clientCredentials({ resource: notes })
            assert.isFalse(token.includes("."))
            const told = await party.introspect(token)
            assert.deepStrictEqual([told.active, told.aud, told.scope], [true, notes, "notes:read"])
            await party.revoke(token)
            assert.isFalse((await party.introspect(token)).active)
            const unknown = party.clientCredentials({ resource: "https://unknown.example.com/" })
            assert.deepStrictEqual(await bodyError(unknown), [400, "invalid_target"])
          }),
        )
      })
    }
  },
)
