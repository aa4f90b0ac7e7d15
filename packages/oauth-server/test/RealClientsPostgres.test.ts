/**
 * A whole story over PostgreSQL: applications on `openid-client` and `oauth4webapi` register, sign somebody in, use
 * what they got and give it back.
 */
import { assert, describe, layer as withLayer } from "@effect/vitest"
import { createRemoteJWKSet, jwtVerify } from "jose"
import { makeClientKey } from "./support/ClientKeys.ts"
import { discovered, signIn } from "./support/Flows.ts"
import { files, filesApi, layerOnPostgres, notes, real } from "./support/RealServer.ts"
import { bodyError, challenges } from "./support/Refusals.ts"
import { libraries, type Tokens } from "./support/RelyingParty.ts"

const everything = "openid profile email offline_access notes:read"

/** What 8 at once got; the others must have been refused as RFC 6749 §5.2 says. */
const winnersOf = async (attempt: () => Promise<Tokens>): Promise<ReadonlyArray<Tokens>> => {
  const outcomes = await Promise.allSettled(Array.from({ length: 8 }, attempt))
  for (const outcome of outcomes) {
    if (outcome.status === "rejected") {
      assert.deepStrictEqual(await bodyError(Promise.reject(outcome.reason)), [400, "invalid_grant"])
    }
  }
  return outcomes.flatMap((outcome) => (outcome.status === "fulfilled" ? [outcome.value] : []))
}

withLayer(layerOnPostgres(), { excludeTestServices: true })("Real clients, over PostgreSQL", (it) => {
  for (const library of libraries) {
    const { discover, name, register } = library

    describe("OAuth 2.1 and OpenID Connect", () => {
      it.effect(`let a client register, sign somebody in, refresh, ask and give back, by ${name}`, () =>
        real(async (server) => {
          const { id, secret } = await register(server.issuer, {
            redirect_uris: ["https://client.example.com/callback"],
            post_logout_redirect_uris: ["https://client.example.com/signed-out"],
            grant_types: ["authorization_code", "refresh_token"],
            scope: everything,
          })
          const party = await discover(server.issuer, { id, proof: { method: "client_secret_basic", secret } })
          const { answer, begun, browser, pages, tokens, user } = await signIn(server, party, { scope: everything })
          assert.deepStrictEqual(pages, ["/authorize/consent"])
          assert.deepStrictEqual([tokens.claims?.sub, tokens.scope], [user.id, everything])
          assert.strictEqual((await party.userInfo(tokens.access_token, user.id)).email, user.email)

          const refreshed = await party.refresh(tokens.refresh_token ?? "", { scope: "openid notes:read" })
          assert.strictEqual(refreshed.scope, "openid notes:read")
          assert.strictEqual((await party.introspect(refreshed.access_token)).scope, "openid notes:read")
          assert.strictEqual((await party.introspect(refreshed.refresh_token ?? "")).scope, everything)

          await party.revoke(refreshed.access_token)
          assert.strictEqual((await challenges(party.userInfo(refreshed.access_token, user.id))).status, 401)
          await party.revoke(refreshed.refresh_token ?? "")
          assert.isFalse((await party.introspect(tokens.access_token)).active)
          assert.deepStrictEqual(await bodyError(party.refresh(refreshed.refresh_token ?? "")), [400, "invalid_grant"])
          assert.deepStrictEqual(await bodyError(begun.finish(answer)), [400, "invalid_grant"])

          const asked = await browser.go(
            party.endSession({
              id_token_hint: tokens.id_token ?? "",
              post_logout_redirect_uri: "https://client.example.com/signed-out",
            }),
          )
          const request = asked.location?.searchParams.get("request") ?? ""
          const left = await browser.submit("/auth/oauth2/end-session/confirm", { request })
          assert.strictEqual(left.location?.href, "https://client.example.com/signed-out")
          const again = await party.begin({ parameters: { prompt: "none" } })
          const silent = await browser.authorize(again.url)
          assert.instanceOf(silent.answer, URL)
          assert.strictEqual(silent.answer.searchParams.get("error"), "login_required")
        }),
      )

      it.effect(`take tokens for resources, reused ones with all that hung on them, by ${name}`, () =>
        real(async (server) => {
          const { jwk, proof } = await makeClientKey("EdDSA")
          const { id } = await server.client({ tokenEndpointAuthMethod: "private_key_jwt", jwks: { keys: [jwk] } })
          const party = await discover(server.issuer, { id, proof })
          const { tokens, user } = await signIn(server, party, {
            scope: "openid offline_access notes:read",
            parameters: [
              ["resource", notes],
              ["resource", files],
            ],
          })
          const keys = createRemoteJWKSet(new URL(party.server.jwks_uri ?? ""))
          const verify = (token: string, audience: string) =>
            jwtVerify(token, keys, { issuer: server.issuer, subject: user.id, typ: "at+jwt", audience })
          await verify(tokens.access_token, notes)
          const second = await party.refresh(tokens.refresh_token ?? "", { resource: files })
          await verify(second.access_token, files)
          const api = await discover(server.issuer, filesApi)
          assert.isTrue((await api.introspect(second.access_token)).active)
          assert.deepStrictEqual(await bodyError(party.refresh(tokens.refresh_token ?? "")), [400, "invalid_grant"])
          assert.isFalse((await api.introspect(second.access_token)).active)
          assert.deepStrictEqual(await bodyError(party.refresh(second.refresh_token ?? "")), [400, "invalid_grant"])

          const own = await party.clientCredentials({ resource: files, scope: "notes:read" })
          assert.strictEqual((await api.introspect(own.access_token)).sub, id)
        }),
      )
    })

    describe("RFC 6749 §4.1.2", () => {
      it.effect(`MUST let one of 8 have a code, and take from it what it got, by ${name}`, () =>
        real(async (server) => {
          const party = await discovered(server, library)
          const begun = await party.begin({ scope: everything })
          const { answer } = await (await server.person()).authorize(begun.url)
          const [winner, ...others] = await winnersOf(() => begun.finish(answer))
          assert.deepStrictEqual(others, [])
          assert.isDefined(winner)
          assert.isFalse((await party.introspect(winner.access_token)).active)
          assert.deepStrictEqual(await bodyError(party.refresh(winner.refresh_token ?? "")), [400, "invalid_grant"])
        }),
      )
    })

    describe("OAuth 2.1 §4.3.1", () => {
      it.effect(`MUST let one of 8 have a refresh token, by ${name}`, () =>
        real(async (server) => {
          const party = await discovered(server, library)
          const { tokens } = await signIn(server, party, { scope: everything })
          const [winner, ...others] = await winnersOf(() => party.refresh(tokens.refresh_token ?? ""))
          assert.deepStrictEqual(others, [])
          assert.isDefined(winner)
          assert.isFalse((await party.introspect(winner.access_token)).active)
        }),
      )
    })
  }
})
