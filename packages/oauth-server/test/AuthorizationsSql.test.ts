/**
 * Authorization requests over PGlite and PostgreSQL: what they cost, and what many at once come to.
 */
import { unknownClient } from "@belfry/core/AuditEvent"
import * as SqlCoreMigrations from "@belfry/core/SqlCoreMigrations"
import { Sessions } from "@belfry/core/Sessions"
import { Authorizations } from "@belfry/oauth-server/Authorizations"
import { ConsentStore } from "@belfry/oauth-server/ConsentStore"
import * as OAuthServerSettings from "@belfry/oauth-server/OAuthServerSettings"
import * as SqlOAuthServerMigrations from "@belfry/oauth-server/SqlOAuthServerMigrations"
import { statementsOf } from "@belfry/testing/StatementCounter"
import * as TestDatabase from "@belfry/testing/TestDatabase"
import * as TestServices from "@belfry/testing/TestServices"
import { assert, layer as withLayer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"
import { answerOf, ask, begin, browser, layerHost, pageOf, signIn, storedClient } from "./support/Authorizing.ts"

const host = layerHost({ settings: { rateLimits: OAuthServerSettings.make().rateLimits } })

const grantsOf = Effect.fnUntraced(function* (clientId: string) {
  const sql = yield* SqlClient.SqlClient
  return yield* sql<{ readonly id: string }>`SELECT id FROM belfry_oauth_grants WHERE client_id = ${clientId}`
})

const accept = { accept: true, scopes: null }

for (const { name, layer } of TestDatabase.each([SqlCoreMigrations.migrations, SqlOAuthServerMigrations.migrations])) {
  const services = TestServices.layerOAuthServer.pipe(
    Layer.provideMerge(host),
    Layer.provideMerge(TestServices.layerSql(layer)),
  )

  withLayer(services)(`authorization requests (${name})`, (it) => {
    it.effect("cost what they have to: a silent one, and one with its pages", () =>
      Effect.gen(function* () {
        const authorizations = yield* Authorizations
        const client = yield* storedClient()
        const person = yield* signIn()
        const asked = { scope: "openid profile email" }
        const login = yield* statementsOf(authorizations.authorize(ask(client, asked), browser()))
        assert.deepStrictEqual(login, ["TAKE rate limits", "SELECT oauth_clients", "INSERT oauth_waiting_requests"])
        const { id, browser: own } = yield* begin(client, null, asked)
        const after = { ...own, signedIn: person }
        assert.deepStrictEqual(yield* statementsOf(authorizations.resume(id, after)), [
          "SELECT oauth_waiting_requests",
          "SELECT oauth_clients",
        ])
        assert.deepStrictEqual(yield* statementsOf(authorizations.decide(id, accept, after)), [
          "SELECT oauth_waiting_requests",
          "SELECT oauth_clients",
          "DELETE oauth_waiting_requests",
          "INSERT oauth_grants",
          "INSERT oauth_consents",
          "INSERT audit_events",
          "INSERT audit_events",
        ])
        assert.deepStrictEqual(yield* statementsOf(authorizations.authorize(ask(client, asked), after)), [
          "TAKE rate limits",
          "SELECT oauth_clients",
          "INSERT oauth_grants",
          "INSERT audit_events",
        ])
        assert.lengthOf(yield* grantsOf(client.id), 2)
      }),
    )

    it.effect("are answered once, however many decide at the same time", () =>
      Effect.gen(function* () {
        const authorizations = yield* Authorizations
        const client = yield* storedClient()
        const person = yield* signIn()
        const { id, browser: own } = yield* begin(client, person)
        const decided = yield* Effect.all(
          Array.from({ length: 100 }, () =>
            authorizations.decide(id, accept, own).pipe(
              Effect.map((outcome) => Object.keys(answerOf(outcome))[0]),
              Effect.catchTag("AuthorizationRefused", ({ reason }) => Effect.succeed(reason)),
            ),
          ),
          { concurrency: "unbounded" },
        )
        assert.deepStrictEqual(decided.toSorted(), ["code", ...Array.from({ length: 99 }, () => "expired")].toSorted())
        assert.lengthOf(yield* grantsOf(client.id), 1)
        assert.lengthOf(yield* ConsentStore.use((store) => store.listByUser(person.user.id)), 1)
      }),
    )

    it.effect("keep whatever a client may send", () =>
      Effect.gen(function* () {
        const client = yield* storedClient()
        const {
          id,
          browser: own,
          waiting,
        } = yield* begin(client, null, {
          state: "ä 🦉 \\ ' \" \u2028 \uFFFD",
          nonce: "'); DROP TABLE belfry_users; --",
          login_hint: "ada'@example.com",
          claims: JSON.stringify({ userinfo: { email: { value: "\\u0000 🦉" } }, id_token: { acr: null } }),
        })
        const found = yield* Authorizations.use((authorizations) => authorizations.cancel(id, own))
        assert.strictEqual(answerOf(found)["state"], waiting.request.state)
      }),
    )

    it.effect("undo everything when the session ended meanwhile, and wait for another", () =>
      Effect.gen(function* () {
        const authorizations = yield* Authorizations
        const client = yield* storedClient()
        const person = yield* signIn()
        const { id, browser: own } = yield* begin(client, person)
        yield* Sessions.use((sessions) => sessions.signOut(person.token, unknownClient))
        const page = pageOf(yield* authorizations.decide(id, accept, own))
        assert.deepStrictEqual([page.intent, page.waiting.id], ["login", id])
        assert.lengthOf(yield* ConsentStore.use((store) => store.listByUser(person.user.id)), 0)
        const again = yield* signIn(person.user)
        assert.property(answerOf(yield* authorizations.decide(id, accept, { ...own, signedIn: again })), "code")
      }),
    )

    it.effect("undo everything when the grant cannot be kept", () =>
      Effect.gen(function* () {
        const { decide } = yield* Authorizations
        const client = yield* storedClient()
        const person = yield* signIn()
        const { id, browser: own } = yield* begin(client, person)
        const sql = yield* SqlClient.SqlClient
        const constraint = sql.literal("belfry_oauth_grants_test")
        yield* sql`ALTER TABLE belfry_oauth_grants ADD CONSTRAINT ${constraint} CHECK (created_at IS NULL) NOT VALID`
        assert.strictEqual((yield* Effect.flip(decide(id, accept, own)))._tag, "StoreError")
        yield* sql`ALTER TABLE belfry_oauth_grants DROP CONSTRAINT ${constraint}`
        assert.lengthOf(yield* ConsentStore.use((store) => store.listByUser(person.user.id)), 0)
        assert.property(answerOf(yield* decide(id, accept, own)), "code")
      }),
    )
  })
}
