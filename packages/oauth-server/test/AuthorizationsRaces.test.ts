/**
 * Authorization requests while the session, or the account, of the person ends, on PostgreSQL.
 */
import { unknownClient } from "@belfry/core/AuditEvent"
import * as SqlCoreMigrations from "@belfry/core/SqlCoreMigrations"
import { Sessions } from "@belfry/core/Sessions"
import { TransactionStore } from "@belfry/core/TransactionStore"
import { Users } from "@belfry/core/Users"
import { Authorizations, type SignedInUser } from "@belfry/oauth-server/Authorizations"
import { ConsentStore } from "@belfry/oauth-server/ConsentStore"
import type { ClientId } from "@belfry/oauth-server/OAuthClient"
import * as SqlOAuthServerMigrations from "@belfry/oauth-server/SqlOAuthServerMigrations"
import * as OAuthBuilders from "@belfry/testing/OAuthBuilders"
import { isWaitingForLock } from "@belfry/testing/PostgresLocks"
import * as TestDatabase from "@belfry/testing/TestDatabase"
import * as TestServices from "@belfry/testing/TestServices"
import { assert, layer as withLayer } from "@effect/vitest"
import { Deferred, Effect, Fiber, Layer } from "effect"
import { SqlClient } from "effect/sql"
import { answerOf, ask, begin, browser, layerHost, pageOf, signIn, storedClient } from "./support/Authorizing.ts"

const sets = [SqlCoreMigrations.migrations, SqlOAuthServerMigrations.migrations]

const services = TestServices.layerOAuthServer.pipe(
  Layer.provideMerge(layerHost()),
  Layer.provideMerge(TestServices.layerSql(TestDatabase.layerPostgres(sets))),
)

const accept = { accept: true, scopes: null }

const signOut = ({ session }: SignedInUser) =>
  Sessions.use((sessions) => sessions.revoke(session.userId, session.id, unknownClient))

const deleteAccount = ({ user }: SignedInUser) => Users.use((users) => users.remove(user.id, unknownClient))

const ends: ReadonlyArray<
  readonly [what: "session" | "account", end: (person: SignedInUser) => Effect.Effect<void, unknown, Sessions | Users>]
> = [
  ["session", signOut],
  ["account", deleteAccount],
]

/** Lets `request` run into what `ending` holds, which then takes effect. */
const during = Effect.fnUntraced(function* <A, E, R, B, F, S>(
  ending: Effect.Effect<B, F, S>,
  request: Effect.Effect<A, E, R>,
) {
  const { run } = yield* TransactionStore
  const isDone = yield* Deferred.make<void>()
  const isWaiting = yield* Deferred.make<void>()
  const ended = yield* Effect.forkChild(
    run(
      Effect.gen(function* () {
        yield* ending
        yield* Deferred.succeed(isDone, undefined)
        yield* Deferred.await(isWaiting)
      }),
    ),
  )
  yield* Deferred.await(isDone)
  const requested = yield* Effect.forkChild(request)
  assert.isTrue(yield* isWaitingForLock(requested))
  yield* Deferred.succeed(isWaiting, undefined)
  yield* Fiber.join(ended)
  return yield* Fiber.join(requested)
})

const grantsOf = Effect.fnUntraced(function* (clientId: ClientId) {
  const sql = yield* SqlClient.SqlClient
  return yield* sql<{ readonly session_id: string | null }>`SELECT session_id FROM belfry_oauth_grants
    WHERE client_id = ${clientId}`
})

withLayer(services)("authorization requests, while the person signs out elsewhere", (it) => {
  for (const [what, end] of ends) {
    it.effect(`ask to sign in again, at the consent that is given when the ${what} ends`, () =>
      Effect.gen(function* () {
        const { decide } = yield* Authorizations
        const client = yield* storedClient()
        const person = yield* signIn()
        const { id, browser: own } = yield* begin(client, person)
        const page = pageOf(yield* during(end(person), decide(id, accept, own)))
        assert.deepStrictEqual([page.intent, page.waiting.id], ["login", id])
        assert.include(page.url, id)
        assert.deepStrictEqual(yield* grantsOf(client.id), [])
        assert.deepStrictEqual(yield* ConsentStore.use((store) => store.listByUser(person.user.id)), [])
        // The request still waits, for whoever signs in now.
        const next = { ...own, signedIn: yield* signIn(what === "session" ? person.user : undefined) }
        assert.property(answerOf(yield* decide(id, accept, next)), "code")
        assert.lengthOf(yield* grantsOf(client.id), 1)
      }),
    )

    it.effect(`ask to sign in, or tell the client of a silent one, when the ${what} ends that need not be asked`, () =>
      Effect.gen(function* () {
        const { authorize } = yield* Authorizations
        const trusted = yield* storedClient({ privileges: { skipConsent: true } })
        const allowed = yield* storedClient()
        // An account takes its consents along.
        for (const client of what === "session" ? [trusted, allowed] : [trusted]) {
          for (const [prompt, expected] of [
            [null, "login"],
            ["none", "login_required"],
          ] as const) {
            const person = yield* signIn()
            const given = { clientId: client.id, userId: person.user.id, scopes: ["openid", "profile"] }
            yield* ConsentStore.use((store) => Effect.flatMap(OAuthBuilders.consent(given), store.merge))
            const outcome = yield* during(end(person), authorize(ask(client, { prompt }), browser(person)))
            assert.strictEqual(outcome._tag === "Interact" ? outcome.intent : answerOf(outcome)["error"], expected)
          }
          assert.deepStrictEqual(yield* grantsOf(client.id), [])
        }
      }),
    )
  }

  it.effect("end in a code whose grant is over, or in the page to sign in: never in a failure", () =>
    Effect.gen(function* () {
      const { decide } = yield* Authorizations
      for (let round = 0; round < 30; round++) {
        const client = yield* storedClient()
        const person = yield* signIn()
        const { id, browser: own } = yield* begin(client, person)
        const later = Effect.andThen(Effect.repeat(Effect.yieldNow, { times: 4 * round }), signOut(person))
        const [outcome] = yield* Effect.all([decide(id, accept, own), later], { concurrency: "unbounded" })
        const result = outcome._tag === "Interact" ? outcome.intent : Object.keys(answerOf(outcome))[0]
        assert.include(["code", "login"], result)
        assert.deepStrictEqual(yield* grantsOf(client.id), result === "code" ? [{ session_id: null }] : [])
      }
    }),
  )
})
