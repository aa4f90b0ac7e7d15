/**
 * Codes and refresh tokens that many present at once, in memory and in both databases; and what each request costs.
 */
import { Audit } from "@belfry/core/Audit"
import * as SqlCoreMigrations from "@belfry/core/SqlCoreMigrations"
import * as SqlOAuthServerMigrations from "@belfry/oauth-server/SqlOAuthServerMigrations"
import { statementsOf } from "@belfry/testing/StatementCounter"
import * as TestDatabase from "@belfry/testing/TestDatabase"
import type * as TestHttp from "@belfry/testing/TestHttp"
import { assert, layer as withLayer } from "@effect/vitest"
import { Duration, Effect, type Layer } from "effect"
import type { SqlClient } from "effect/sql"
import { exportJWK, generateKeyPair, SignJWT } from "jose"
import {
  api,
  basic,
  codeForm,
  grantTo,
  introspect,
  issuer,
  layer,
  layerSql,
  otherApi,
  type Server,
  serve,
  signedIn,
  storedClient,
  tokensOf,
} from "./support/TokenClients.ts"

const databases = TestDatabase.each([SqlCoreMigrations.migrations, SqlOAuthServerMigrations.migrations])

/** 100 at once, and their answers. */
const hundredOf = <A, E, R>(request: Effect.Effect<A, E, R>) =>
  Effect.all(
    Array.from({ length: 100 }, () => request),
    { concurrency: "unbounded" },
  )

const statuses = (responses: ReadonlyArray<TestHttp.TestResponse>) => ({
  won: responses.filter(({ status }) => status === 200).length,
  refused: responses.filter(({ status, text }) => status === 400 && text.includes('"invalid_grant"')).length,
})

const revocationsOf = (grantId: string) =>
  Effect.map(
    Audit.use((audit) => audit.list({ limit: 1000 })),
    (events) => events.filter(({ data, type }) => type === "oauth-grant.revoked" && data["grantId"] === grantId).length,
  )

/** The statements of one request, served with a tracer of its own. */
const costOf = <A, E, R>(request: (server: Server) => Effect.Effect<A, E, R>) =>
  statementsOf(Effect.flatMap(serve, request))

type Services = Exclude<Layer.Success<ReturnType<typeof layerSql<never>>>, SqlClient.SqlClient>

const grace = { refreshGrace: Duration.seconds(30) }

const suites = <E>(name: string, strict: Layer.Layer<Services, E>, lenient: Layer.Layer<Services, E>) => {
  withLayer(strict)(`RFC 6749 §4.1.2 (${name})`, (it) => {
    it.effect("MUST give one of 100 tokens for a code, and revokes them for the others", () =>
      Effect.gen(function* () {
        const server = yield* serve
        for (const resources of [[], [otherApi]]) {
          const client = yield* storedClient()
          const grant = yield* grantTo(client, { resources })
          const elsewhere = yield* signedIn(server, {}, client)
          const responses = yield* hundredOf(server.post("token", codeForm(grant), client.headers))
          assert.deepStrictEqual(statuses(responses), { won: 1, refused: 99 })
          const winner = responses.find(({ status }) => status === 200)
          if (winner === undefined) return assert.fail("a winner")
          const { accessToken, refreshToken } = tokensOf(winner)
          for (const token of [accessToken, refreshToken]) {
            assert.deepStrictEqual(yield* introspect(server, client, token), { active: false })
          }
          assert.strictEqual(yield* revocationsOf(grant.grant.id), 1)
          assert.deepPropertyVal(yield* introspect(server, client, elsewhere.accessToken), "active", true)
        }
      }),
    )
  })

  withLayer(strict)(`RFC 9700 §4.14.2 (${name})`, (it) => {
    it.effect("MUST give one of 100 a successor of a refresh token, and revokes the grant for the others", () =>
      Effect.gen(function* () {
        const server = yield* serve
        const first = yield* signedIn(server)
        const elsewhere = yield* signedIn(server, {}, first)
        const form = { grant_type: "refresh_token", refresh_token: first.refreshToken }
        const responses = yield* hundredOf(server.post("token", form, first.headers))
        assert.deepStrictEqual(statuses(responses), { won: 1, refused: 99 })
        for (const winner of responses.filter(({ status }) => status === 200)) {
          const { accessToken, refreshToken } = tokensOf(winner)
          for (const token of [accessToken, refreshToken]) {
            assert.deepStrictEqual(yield* introspect(server, first, token), { active: false })
          }
        }
        assert.strictEqual(yield* revocationsOf(first.grant.id), 1)
        const again = { grant_type: "refresh_token", refresh_token: elsewhere.refreshToken }
        assert.strictEqual((yield* server.post("token", again, first.headers)).status, 200)
      }),
    )
  })

  withLayer(lenient)(`the grace of refresh tokens (${name})`, (it) => {
    it.effect("gives 100 at once the same successor, which then works once", () =>
      Effect.gen(function* () {
        const server = yield* serve
        const first = yield* signedIn(server)
        const form = { grant_type: "refresh_token", refresh_token: first.refreshToken }
        const responses = yield* hundredOf(server.post("token", form, first.headers))
        assert.deepStrictEqual(statuses(responses), { won: 100, refused: 0 })
        const successors = new Set(responses.map((response) => tokensOf(response).refreshToken))
        assert.strictEqual(successors.size, 1)
        assert.strictEqual(new Set(responses.map((response) => tokensOf(response).accessToken)).size, 100)
        const [successor = ""] = successors
        const next = { grant_type: "refresh_token", refresh_token: successor }
        assert.strictEqual((yield* server.post("token", next, first.headers)).status, 200)
        assert.strictEqual(yield* revocationsOf(first.grant.id), 0)
      }),
    )
  })
}

suites("memory", layer(), layer(grace))
for (const { layer: database, name } of databases) suites(name, layerSql(database), layerSql(database, grace))

for (const { layer: database, name } of databases) {
  withLayer(layerSql(database, grace))(`statements (${name})`, (it) => {
    it.effect("are 1 for client credentials with a JWT, and 2 for an opaque token", () =>
      Effect.gen(function* () {
        const { post } = yield* serve
        const { headers } = yield* storedClient()
        const form = { grant_type: "client_credentials", scope: "read" }
        // The first one makes the signing key.
        yield* post("token", { ...form, resource: api }, headers)
        const find = ["SELECT oauth_clients"]
        const cost = (fields: Readonly<Record<string, string>>) =>
          costOf(({ post }) => post("token", { ...form, ...fields }, headers))
        assert.deepStrictEqual(yield* cost({ resource: api }), find)
        assert.deepStrictEqual(yield* cost({}), [...find, "INSERT oauth_access_tokens"])
      }),
    )

    it.effect("are one more for a client that proves itself by an assertion, which is used once", () =>
      Effect.gen(function* () {
        const { post } = yield* serve
        const { privateKey, publicKey } = yield* Effect.promise(() => generateKeyPair("ES256", { extractable: true }))
        const jwk = yield* Effect.promise(() => exportJWK(publicKey))
        const { client } = yield* storedClient({
          secrets: [],
          metadata: {
            tokenEndpointAuthMethod: "private_key_jwt",
            jwks: { keys: [JSON.parse(JSON.stringify(jwk))] },
          },
        })
        const assertion = yield* Effect.promise(() =>
          new SignJWT({ iss: client.id, sub: client.id, aud: issuer, exp: 60, jti: "once" })
            .setProtectedHeader({ alg: "ES256" })
            .sign(privateKey),
        )
        const form = {
          grant_type: "client_credentials",
          resource: api,
          client_assertion: assertion,
          client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        }
        const cost = yield* costOf(({ post }) =>
          Effect.map(post("token", form), ({ status }) => assert.strictEqual(status, 200)),
        )
        assert.deepStrictEqual(cost, ["SELECT oauth_clients", "INSERT oauth_assertions"])
        assert.strictEqual((yield* post("token", form)).status, 401)
      }),
    )

    it.effect("are 2 for a code and 2 for a refresh, with an ID token, opaque or JWT", () =>
      Effect.gen(function* () {
        const server = yield* serve
        const client = yield* storedClient()
        yield* signedIn(server, { resources: [otherApi] }, client)
        for (const resources of [[], [otherApi]]) {
          const grant = yield* grantTo(client, { resources })
          let refreshToken = ""
          const exchange = costOf(({ post }) =>
            Effect.map(post("token", codeForm(grant), client.headers), (response) => {
              assert.notStrictEqual(tokensOf(response).idToken, "")
              refreshToken = tokensOf(response).refreshToken
            }),
          )
          assert.deepStrictEqual(yield* exchange, ["SELECT oauth_clients", "REDEEM code"])
          const form = { grant_type: "refresh_token", refresh_token: refreshToken }
          const refresh = costOf(({ post }) =>
            Effect.map(post("token", form, client.headers), ({ status }) => assert.strictEqual(status, 200)),
          )
          assert.deepStrictEqual(yield* refresh, ["SELECT oauth_clients", "ROTATE refresh token"])
        }
      }),
    )

    it.effect("are 1 for introspection and UserInfo, opaque or JWT, and 2 for a revocation", () =>
      Effect.gen(function* () {
        const server = yield* serve
        const client = yield* storedClient()
        for (const resources of [[], [otherApi]]) {
          const { accessToken, refreshToken } = yield* signedIn(server, { resources }, client)
          for (const token of [accessToken, refreshToken]) {
            assert.strictEqual((yield* costOf((server) => introspect(server, client, token))).length, 1)
          }
          const headers = { authorization: `Bearer ${accessToken}` }
          assert.strictEqual((yield* costOf(({ send }) => send("/auth/oauth2/userinfo", { headers }))).length, 1)
          const revoke = (token: string) => costOf(({ post }) => post("revoke", { token }, client.headers))
          assert.strictEqual((yield* revoke(accessToken)).length, 2)
          // The end of a grant is recorded in the audit log.
          assert.strictEqual((yield* revoke(refreshToken)).length, 3)
          assert.strictEqual((yield* revoke(refreshToken)).length, 2)
        }
      }),
    )

    it.effect("are 2 for a client that does not prove itself, of which one is the audit log's", () =>
      Effect.gen(function* () {
        const { client } = yield* storedClient()
        const cost = (headers: Readonly<Record<string, string>>) =>
          costOf(({ post }) => post("token", { grant_type: "client_credentials" }, headers))
        for (const headers of [basic(client.id, "wrong"), basic("nobody", "wrong")]) {
          assert.deepStrictEqual(yield* cost(headers), ["SELECT oauth_clients", "INSERT audit_events"])
        }
        assert.deepStrictEqual(yield* cost({ authorization: "Basic !" }), [])
      }),
    )
  })
}
