import { OutboxStore } from "@belfry/core/OutboxStore"
import { SessionStore } from "@belfry/core/SessionStore"
import { StoreError } from "@belfry/core/StoreError"
import { TransactionStore } from "@belfry/core/TransactionStore"
import type { UserId } from "@belfry/core/User"
import { UserStore } from "@belfry/core/UserStore"
import { VerificationTokenStore } from "@belfry/core/VerificationTokenStore"
import { SignInAttemptId } from "@belfry/factors/SignInAttempt"
import { SignInAttemptStore } from "@belfry/factors/SignInAttemptStore"
import * as RateLimits from "@belfry/core/RateLimits"
import { ProviderId } from "@belfry/oauth-client/OAuthProvider"
import { OAuthStateStore } from "@belfry/oauth-client/OAuthStateStore"
import { AssertionStore } from "@belfry/oauth-server/AssertionStore"
import { GrantStore } from "@belfry/oauth-server/GrantStore"
import { InitialAccessTokenStore } from "@belfry/oauth-server/InitialAccessTokenStore"
import { RecordStore } from "@belfry/oauth-server/RecordStore"
import { SigningKeys } from "@belfry/oauth-server/SigningKeys"
import { WaitingRequestStore } from "@belfry/oauth-server/WaitingRequestStore"
import { Invitations } from "@belfry/organization/Invitations"
import { InvitationStore } from "@belfry/organization/InvitationStore"
import { OrganizationStore } from "@belfry/organization/OrganizationStore"
import { TrustedOrganizations } from "@belfry/organization/TrustedOrganizations"
import * as Server from "@belfry/server/Server"
import * as Sweeper from "@belfry/server/Sweeper"
import * as Builders from "@belfry/testing/Builders"
import * as OAuthBuilders from "@belfry/testing/OAuthBuilders"
import * as OrganizationBuilders from "@belfry/testing/OrganizationBuilders"
import * as TestDatabase from "@belfry/testing/TestDatabase"
import * as TestServices from "@belfry/testing/TestServices"
import * as Postgres from "@belfry/sql/Postgres"
import { assert, describe, it } from "@effect/vitest"
import { Context, DateTime, Deferred, Duration, Effect, Exit, Fiber, Layer, Logger, Option } from "effect"
import { SecureRandom } from "effect/crypto"
import { SqlClient } from "effect/sql"
import { TestClock } from "effect/testing"

const pglite = Layer.merge(TestServices.layerOAuthServer, TestServices.layerOrganization).pipe(
  Layer.provideMerge(TestServices.layerSql(TestDatabase.layerPglite(Server.migrations))),
)

/** One of each kind, over in an hour; a session that is not. */
const fill = Effect.gen(function* () {
  const users = yield* UserStore
  const sessions = yield* SessionStore
  const attempts = yield* SignInAttemptStore
  const states = yield* OAuthStateStore
  const tokens = yield* VerificationTokenStore
  const limits = yield* RateLimits.RateLimits
  const user = yield* Builders.user()
  yield* users.insert(user)
  const soon = DateTime.add(yield* DateTime.now, { hours: 1 })
  yield* sessions.insert(yield* Builders.session({ userId: user.id, expiresAt: soon }), yield* Builders.keyedHash)
  const lasting = yield* Builders.session({ userId: user.id })
  yield* sessions.insert(lasting, yield* Builders.keyedHash)
  yield* tokens.insert(yield* Builders.verificationToken({ expiresAt: soon }), yield* Builders.keyedHash)
  const random = yield* SecureRandom.SecureRandom
  const attempt = {
    id: SignInAttemptId.make(yield* random.uuidV7()),
    userId: null,
    stepUp: null,
    proofs: [],
    tries: 0,
    context: null,
    createdAt: yield* DateTime.now,
    expiresAt: soon,
  }
  yield* attempts.insert(attempt, yield* Builders.keyedHash)
  yield* states.insert({
    stateHash: yield* Builders.keyedHash,
    providerId: ProviderId.make("acme"),
    userId: null,
    sealed: yield* Builders.sealed,
    createdAt: yield* DateTime.now,
    expiresAt: soon,
  })
  yield* limits.consume({ name: "test", limit: 1, window: Duration.hours(1) }, "somebody")
  const kept = yield* fillOAuthServer(user.id, soon)
  yield* fillOrganizations(soon)
  return { user, lasting, ...kept }
})

/** Of the authorization server: one of each kind, over at `soon`, beside a grant that is not. */
const fillOAuthServer = Effect.fnUntraced(function* (userId: UserId, soon: DateTime.Utc) {
  const grants = yield* GrantStore
  const waiting = yield* WaitingRequestStore
  const assertions = yield* AssertionStore
  const tokens = yield* InitialAccessTokenStore
  const random = yield* SecureRandom.SecureRandom
  const now = yield* DateTime.now
  const client = yield* OAuthBuilders.storedClient()
  const later = DateTime.add(soon, { days: 1 })
  const { grant } = yield* OAuthBuilders.storedGrant({ userId, clientId: client.id, expiresAt: later, endsAt: later })
  yield* OAuthBuilders.storedGrant({ userId, clientId: client.id, expiresAt: soon, endsAt: soon })
  yield* grants.redeem({
    grantId: grant.id,
    now,
    expiresAt: later,
    refreshToken: yield* OAuthBuilders.refreshToken({ grantId: grant.id, expiresAt: soon }),
    accessToken: yield* OAuthBuilders.accessToken({ clientId: client.id, grantId: grant.id, expiresAt: soon }),
  })
  yield* grants.revokeJwt("jti", soon)
  yield* waiting.insert(yield* OAuthBuilders.waitingRequest({ clientId: client.id, expiresAt: soon }))
  yield* assertions.claim(client.id, yield* Builders.keyedHash, soon)
  yield* tokens.insert({
    id: yield* random.uuidV7(),
    hash: yield* Builders.keyedHash,
    userId: null,
    uses: 1,
    createdAt: now,
    expiresAt: soon,
  })
  yield* OAuthBuilders.storedClient({
    isDynamic: true,
    createdAt: DateTime.subtract(soon, { days: 30, milliseconds: 1 }),
    metadata: { grantTypes: ["authorization_code"] },
  })
  return { client, grant }
})

/** A closed invitation and a delivered event, each past its time at `soon`; one event more that waits. */
const fillOrganizations = Effect.fnUntraced(function* (soon: DateTime.Utc) {
  const outbox = yield* OutboxStore
  const { organization } = yield* OrganizationBuilders.storedOrganization()
  const { invitation } = yield* OrganizationBuilders.storedInvitation({
    organizationId: organization.id,
    expiresAt: soon,
  })
  const now = DateTime.subtract(soon, { days: 90, milliseconds: 1 })
  yield* InvitationStore.use((invitations) =>
    invitations.close({ id: invitation.id, hashes: null, status: "revoked", acceptedBy: null, now }),
  )
  const occurredAt = DateTime.subtract(soon, { days: 7, milliseconds: 1 })
  const event = yield* Builders.outboxEvent({ occurredAt })
  yield* outbox.append([event, yield* Builders.outboxEvent({ occurredAt, aggregate: event.aggregate })])
  const { id: lease } = yield* Builders.user()
  yield* outbox.claim({ lease, now: soon, until: soon, aggregates: 1, events: 2 })
  const outcome = { aggregate: event.aggregate, delivered: 1, attempts: 0, retryAt: null }
  yield* outbox.settle({ lease, outcomes: [outcome], now: soon })
})

const rows = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const counts = yield* sql<{ readonly count: number }>`SELECT
    ((SELECT count(*) FROM belfry_sessions) + (SELECT count(*) FROM belfry_verification_tokens)
      + (SELECT count(*) FROM belfry_sign_in_attempts) + (SELECT count(*) FROM belfry_oauth_states)
      + (SELECT count(*) FROM belfry_rate_limits))::int4 AS count`
  return counts[0]?.count
})

/** The ids of all organizations. */
const left = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const found = yield* sql<{ readonly id: string }>`SELECT id FROM belfry_organizations`
  return found.map(({ id }) => id)
})

describe("the sweeper", () => {
  it.effect("removes what is over, at the instant it is over, and nothing else", () =>
    Effect.gen(function* () {
      const { user, lasting, client, grant } = yield* fill
      const none = {
        sessions: 0,
        sign_in_attempts: 0,
        oauth_states: 0,
        verification_tokens: 0,
        oauth_grants: 0,
        oauth_refresh_tokens: 0,
        oauth_access_tokens: 0,
        oauth_revoked_jwts: 0,
        oauth_waiting_requests: 0,
        oauth_assertions: 0,
        oauth_initial_access_tokens: 0,
        oauth_clients: 0,
        outbox_events: 0,
        organization_invitations: 0,
        rate_limits: 0,
      }
      yield* TestClock.adjust(Duration.millis(3_600_000 - 1))
      assert.deepStrictEqual(yield* Sweeper.sweep(), Option.some(none))
      yield* TestClock.adjust(Duration.millis(1))
      const all = Object.fromEntries(Object.keys(none).map((table) => [table, 1]))
      assert.deepStrictEqual(yield* Sweeper.sweep(), Option.some(all))
      assert.deepStrictEqual(yield* Sweeper.sweep(), Option.some(none))
      const sessions = yield* SessionStore
      const left = yield* sessions.listByUser(user.id, yield* DateTime.now)
      assert.deepStrictEqual(
        left.map(({ id }) => id),
        [lasting.id],
      )
      const records = yield* RecordStore
      const jwt = { jti: "other", clientId: client.id, grantId: grant.id }
      assert.strictEqual((yield* records.find({ jwt })).grant?.grant.id, grant.id)
    }).pipe(Effect.provide(pglite)),
  )

  it.effect("goes on while there is more than a step removes", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      yield* sql`INSERT INTO belfry_verification_tokens (id, purpose, subject, token_hash, payload, created_at, expires_at)
        SELECT gen_random_uuid(), 'p', 's', 'k.' || left(md5(g::text) || md5('x' || g), 43), 'null', to_timestamp(-2), to_timestamp(-1)
        FROM generate_series(1, 2100) g`
      yield* Sweeper.sweepAll
      const left = yield* sql<{ count: number }>`SELECT count(*)::int4 AS count FROM belfry_verification_tokens`
      assert.strictEqual(left[0]?.count, 0)
    }).pipe(Effect.provide(pglite)),
  )

  it.effect("closes invitations that are over and removes organizations past their grace, to the last one", () =>
    Effect.gen(function* () {
      const organizations = yield* OrganizationStore
      const soon = DateTime.add(yield* DateTime.now, { hours: 1 })
      const { organization } = yield* OrganizationBuilders.storedOrganization()
      const others = yield* Effect.replicateEffect(OrganizationBuilders.storedOrganization(), 101)
      for (const { organization } of others) yield* organizations.markDeleted(organization.id, yield* DateTime.now)
      const organizationId = organization.id
      const over = yield* OrganizationBuilders.storedInvitation({ organizationId, expiresAt: soon })
      yield* OrganizationBuilders.storedInvitation({ organizationId })
      assert.deepStrictEqual(yield* Sweeper.sweepOrganizations(), { expired: 0, organizations: 0 })
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual(yield* Sweeper.sweepOrganizations(), { expired: 1, organizations: 0 })
      yield* TestClock.adjust(Duration.millis(30 * 86_400_000 - 3_600_000 - 1))
      yield* Sweeper.sweepAllOrganizations
      assert.lengthOf(yield* left, 102)
      yield* TestClock.adjust("1 millis")
      yield* Sweeper.sweepAllOrganizations
      assert.deepStrictEqual(yield* left, [organizationId])
      const sql = yield* SqlClient.SqlClient
      const [row] = yield* sql<{ readonly status: string }>`
        SELECT status FROM belfry_organization_invitations WHERE id = ${over.invitation.id}`
      assert.strictEqual(row?.status, "expired")
    }).pipe(Effect.provide(pglite)),
  )

  it.effect("closes what it can though organizations cannot be removed, and the other way around", () =>
    Effect.gen(function* () {
      const cause = new Error("away")
      const away = new StoreError({ store: "InvitationStore", method: "expire", isRetryable: true, cause })
      const called: Array<string> = []
      const call = (name: string, result: Effect.Effect<number, StoreError>) =>
        Effect.andThen(
          Effect.sync(() => called.push(name)),
          result,
        )
      const sweep = (expire: Effect.Effect<number, StoreError>, purge: Effect.Effect<number, StoreError>) =>
        Effect.exit(Sweeper.sweepAllOrganizations).pipe(
          Effect.provide(Layer.mock(Invitations, { expire: call("expire", expire) })),
          Effect.provide(Layer.mock(TrustedOrganizations, { purge: call("purge", purge) })),
        )
      assert.isTrue(Exit.isFailure(yield* sweep(Effect.fail(away), Effect.succeed(0))))
      assert.isTrue(Exit.isFailure(yield* sweep(Effect.succeed(0), Effect.fail(away))))
      assert.deepStrictEqual(called, ["expire", "purge", "expire", "purge"])
    }).pipe(Effect.provide(pglite)),
  )

  it.effect("leaves it to another node that is at it", () =>
    Effect.gen(function* () {
      const url = yield* TestDatabase.acquirePostgres(Server.migrations)
      const node = Layer.build(Layer.fresh(TestServices.layerSql(Postgres.layer({ url }))))
      const [one, other] = [yield* node, yield* node]
      yield* Effect.provideContext(fill, one)
      yield* TestClock.adjust("1 hour")
      const isAtIt = yield* Deferred.make<void>()
      const mayEnd = yield* Deferred.make<void>()
      const atIt = yield* Effect.forkChild(
        Context.get(one, TransactionStore).runExclusive(
          "sweep",
          Effect.andThen(Deferred.succeed(isAtIt, undefined), Deferred.await(mayEnd)),
        ),
      )
      yield* Deferred.await(isAtIt)
      assert.isTrue(Option.isNone(yield* Effect.provideContext(Sweeper.sweep(), other)))
      yield* Deferred.succeed(mayEnd, undefined)
      yield* Fiber.join(atIt)
      assert.isTrue(Option.isSome(yield* Effect.provideContext(Sweeper.sweep(), other)))
      assert.strictEqual(yield* Effect.provideContext(rows, one), 1)
    }).pipe(Effect.scoped),
  )

  it.effect("comes back every minute, also after a sweep that failed, which it logs, and rotates keys then too", () =>
    Effect.gen(function* () {
      const attempts: Array<Deferred.Deferred<void>> = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
      let attempt = 0
      const real = yield* SessionStore
      const store = SessionStore.of({
        ...real,
        removeExpired: (now, limit) =>
          Effect.gen(function* () {
            const done = attempts[attempt++]
            if (done !== undefined) yield* Deferred.succeed(done, undefined)
            if (attempt > 1) return yield* real.removeExpired(now, limit)
            const cause = new Error("the store is away")
            return yield* new StoreError({ store: "SessionStore", method: "removeExpired", isRetryable: true, cause })
          }),
      })
      const rotated = yield* Deferred.make<void>()
      const keys = SigningKeys.of({ ...(yield* SigningKeys), rotate: Deferred.succeed(rotated, undefined) })
      const lines: Array<string> = []
      yield* Layer.build(Sweeper.layer).pipe(
        Effect.provideService(SessionStore, store),
        Effect.provideService(SigningKeys, keys),
        Effect.provide(Logger.layer([Logger.map(Logger.formatJson, (line) => lines.push(line))])),
      )
      yield* TestClock.adjust("9 seconds")
      assert.strictEqual(attempt, 0)
      yield* TestClock.adjust("1 seconds")
      yield* Deferred.await(attempts[0] ?? (yield* Deferred.make<void>()))
      // The next one is planned when this one has ended, which takes real time on a real database.
      while (lines.length === 0) yield* Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 5)))
      assert.include(lines[0], "A sweep failed")
      yield* Deferred.await(rotated)
      yield* TestClock.adjust("72 seconds")
      yield* Deferred.await(attempts[1] ?? (yield* Deferred.make<void>()))
      assert.strictEqual(attempt, 2)
    }).pipe(Effect.scoped, Effect.provide(pglite)),
  )
})
