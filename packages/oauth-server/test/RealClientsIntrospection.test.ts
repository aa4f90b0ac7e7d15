/**
 * What applications and resource servers on `openid-client` and `oauth4webapi` ask about tokens, and how they give them
 * back.
 */
import { assert, describe, layer as withLayer } from "@effect/vitest"
import { confidential, discovered, publicClient, signIn } from "./support/Flows.ts"
import { files, filesApi, layer, notes, real } from "./support/RealServer.ts"
import { bodyError, challenges } from "./support/Refusals.ts"
import { type Asked, libraries } from "./support/RelyingParty.ts"

const everything = "openid profile email offline_access notes:read notes:write"

/** Of the first come opaque access tokens, of the second JWTs. */
const bothKinds: ReadonlyArray<Asked> = [
  { scope: everything },
  { scope: "openid offline_access notes:read", parameters: { resource: notes } },
]

withLayer(layer(), { excludeTestServices: true })("Real clients, introspection and revocation", (it) => {
  for (const library of libraries) {
    const { discover, name } = library

    describe("RFC 7662 §2.2", () => {
      it.effect(`tells a client of its own tokens, of whatever kind, by ${name}`, () =>
        real(async (server) => {
          const registered = await server.client()
          const party = await discover(server.issuer, confidential(registered))
          for (const asked of bothKinds) {
            const { tokens, user } = await signIn(server, party, asked)
            for (const [token, hint] of [
              [tokens.access_token, undefined],
              [tokens.access_token, "access_token"],
              [tokens.refresh_token ?? "", "refresh_token"],
              // RFC 7662 §2.1: a wrong hint costs time, and no answer.
              [tokens.refresh_token ?? "", "access_token"],
            ] as const) {
              const told = await party.introspect(token, hint)
              assert.deepStrictEqual([told.active, told.client_id, told.sub], [true, registered.id, user.id])
              const scope = token === tokens.access_token ? tokens.scope : asked.scope
              assert.deepStrictEqual([told.iss, told.scope], [server.issuer, scope])
            }
          }
        }),
      )

      it.effect(`MUST say no more than that it is not active of what is not the client's, by ${name}`, () =>
        real(async (server) => {
          const [party, other] = [await discovered(server, library), await discovered(server, library)]
          for (const asked of bothKinds) {
            const { tokens } = await signIn(server, party, asked)
            for (const token of [tokens.access_token, tokens.refresh_token ?? "", "unknown", "a.b.c"]) {
              assert.deepStrictEqual({ ...(await other.introspect(token)) }, { active: false })
            }
          }
        }),
      )

      it.effect(`SHOULD tell a resource server of tokens that are meant for it, and of no others, by ${name}`, () =>
        real(async (server) => {
          const party = await discovered(server, library)
          const api = await discover(server.issuer, filesApi)
          const { tokens, user } = await signIn(server, party, {
            scope: "openid offline_access",
            parameters: { resource: files },
          })
          const told = await api.introspect(tokens.access_token)
          assert.deepStrictEqual([told.active, told.sub], [true, user.id])
          assert.deepStrictEqual(told.aud, [files, server.issuer])
          assert.isFalse((await api.introspect(tokens.refresh_token ?? "")).active)
          const others = await party.clientCredentials({ resource: notes })
          assert.isFalse((await api.introspect(others.access_token)).active)
        }),
      )
    })

    describe("RFC 7009 §2.1", () => {
      it.effect(`revokes an opaque access token alone, by ${name}`, () =>
        real(async (server) => {
          const party = await discovered(server, library)
          const { tokens } = await signIn(server, party, { scope: everything })
          await party.revoke(tokens.access_token)
          assert.isFalse((await party.introspect(tokens.access_token)).active)
          assert.isTrue((await party.introspect(tokens.refresh_token ?? "")).active)
        }),
      )

      it.effect(`revokes a JWT, which is inactive from then on, by ${name}`, () =>
        real(async (server) => {
          const party = await discovered(server, library)
          const { access_token: token } = await party.clientCredentials({ resource: notes })
          assert.isTrue((await party.introspect(token)).active)
          await party.revoke(token, "access_token")
          assert.isFalse((await party.introspect(token)).active)
        }),
      )

      it.effect(`SHOULD end all tokens of a grant with its refresh token, by ${name}`, () =>
        real(async (server) => {
          const party = await discovered(server, library)
          for (const asked of bothKinds) {
            const { tokens: first, user } = await signIn(server, party, asked)
            const second = await party.refresh(first.refresh_token ?? "")
            await party.revoke(second.refresh_token ?? "", "refresh_token")
            for (const token of [first.access_token, second.access_token, second.refresh_token ?? ""]) {
              assert.isFalse((await party.introspect(token)).active)
            }
            assert.deepStrictEqual(await bodyError(party.refresh(second.refresh_token ?? "")), [400, "invalid_grant"])
            assert.strictEqual((await challenges(party.userInfo(second.access_token, user.id))).status, 401)
          }
        }),
      )

      it.effect(`MUST leave a token of another client as it is, by ${name}`, () =>
        real(async (server) => {
          const [party, other] = [await discovered(server, library), await discovered(server, library)]
          const { tokens } = await signIn(server, party, { scope: everything })
          await other.revoke(tokens.refresh_token ?? "")
          await other.revoke(tokens.access_token)
          assert.isTrue((await party.introspect(tokens.access_token)).active)
          assert.isTrue((await party.introspect(tokens.refresh_token ?? "")).active)
        }),
      )
    })

    describe("RFC 7009 §2.2", () => {
      it.effect(`MUST answer an unknown token as a revoked one, by ${name}`, () =>
        real(async (server) => {
          const party = await discovered(server, library)
          for (const token of ["unknown", "a.b.c", `belfry_rt_${"A".repeat(60)}`]) await party.revoke(token)
        }),
      )

      it.effect(`lets a public client revoke what it holds, by ${name}`, () =>
        real(async (server) => {
          const { id } = await server.client(publicClient)
          const party = await discover(server.issuer, { id, proof: { method: "none" } })
          const { tokens } = await signIn(server, party, { scope: "openid offline_access" })
          await party.revoke(tokens.refresh_token ?? "")
          assert.deepStrictEqual(await bodyError(party.refresh(tokens.refresh_token ?? "")), [400, "invalid_grant"])
        }),
      )
    })
  }
})
