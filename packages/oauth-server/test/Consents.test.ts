/**
 * Consents and grants of users: what is kept, what is revoked with it, and what the audit log says.
 */
import type { Audit } from "@belfry/core/Audit"
import type { ClientInfo } from "@belfry/core/AuditEvent"
import * as SqlCoreMigrations from "@belfry/core/SqlCoreMigrations"
import type { UserId } from "@belfry/core/User"
import type { UserStore } from "@belfry/core/UserStore"
import * as SqlFactorsMigrations from "@belfry/factors/SqlFactorsMigrations"
import * as SqlOAuthClientMigrations from "@belfry/oauth-client/SqlOAuthClientMigrations"
import type { ClientStore } from "@belfry/oauth-server/ClientStore"
import { ConsentId } from "@belfry/oauth-server/Consent"
import { Consents } from "@belfry/oauth-server/Consents"
import { type Grant, GrantId } from "@belfry/oauth-server/Grant"
import type { GrantStore } from "@belfry/oauth-server/GrantStore"
import type { ClientId } from "@belfry/oauth-server/OAuthClient"
import { RecordStore } from "@belfry/oauth-server/RecordStore"
import * as SqlOAuthServerMigrations from "@belfry/oauth-server/SqlOAuthServerMigrations"
import * as Builders from "@belfry/testing/Builders"
import { inHundredFibers } from "@belfry/testing/GrantFixtures"
import * as OAuthBuilders from "@belfry/testing/OAuthBuilders"
import * as TestDatabase from "@belfry/testing/TestDatabase"
import * as TestServices from "@belfry/testing/TestServices"
import { assert, describe, it, layer as withLayer } from "@effect/vitest"
import { DateTime, Effect, Exit, Layer } from "effect"
import { TestClock } from "effect/testing"
import { AuditAway, events, layer, layerAuditAway } from "./support/Management.ts"

const database = TestDatabase.layerPostgres([
  SqlCoreMigrations.migrations,
  SqlFactorsMigrations.migrations,
  SqlOAuthClientMigrations.migrations,
  SqlOAuthServerMigrations.migrations,
])

const suite = <E>(
  name: string,
  services: Layer.Layer<Audit | ClientStore | Consents | GrantStore | RecordStore | UserStore, E>,
): void =>
  withLayer(services)(`Consents (${name})`, (it) => {
    it.effect("keep what is given, with an event that tells it", () =>
      Effect.gen(function* () {
        const { consents, give, user } = yield* begin
        const consent = yield* give({ scopes: ["openid", "email"], declinedScopes: ["profile"], resources })
        const { clientId, id } = consent
        assert.deepInclude(consent, { userId: user.id, scopes: ["openid", "email"], declinedScopes: ["profile"] })
        assert.deepStrictEqual(consent.resources, resources)
        assert.deepStrictEqual(yield* consents.get(user.id, id), consent)
        assert.deepStrictEqual(yield* eventsOf(user.id), [
          {
            type: "oauth-consent.given",
            data: {
              consentId: id,
              clientId,
              referenceId: null,
              scopes: ["openid", "email"],
              declinedScopes: ["profile"],
              resources,
            },
          },
        ])
      }),
    )

    it.effect("add up to one, and each event tells what was given then", () =>
      Effect.gen(function* () {
        const { consents, give, user } = yield* begin
        const first = yield* give({ scopes: ["openid"] })
        yield* TestClock.adjust("1 hour")
        const second = yield* give({ scopes: ["email"] })
        assert.deepStrictEqual(second, {
          ...first,
          scopes: ["openid", "email"],
          updatedAt: DateTime.add(first.updatedAt, { hours: 1 }),
        })
        assert.deepStrictEqual(yield* consents.list(user.id), [second])
        assert.deepStrictEqual(
          (yield* eventsOf(user.id)).map(({ data }) => [data["consentId"], data["scopes"]]),
          [
            [first.id, ["openid"]],
            [first.id, ["email"]],
          ],
        )
      }),
    )

    it.effect("of 100 fibers add up to one", () =>
      Effect.gen(function* () {
        const { consents, give, user } = yield* begin
        yield* inHundredFibers((n) => give({ scopes: [`scope-${n}`] }))
        const [consent, ...others] = yield* consents.list(user.id)
        assert.strictEqual(others.length, 0)
        assert.strictEqual(consent?.scopes.length, 100)
      }),
    )

    it.effect("are narrowed, and the grants of the client and the reference that have more are revoked", () =>
      Effect.gen(function* () {
        const { consents, give, grantOf, user } = yield* begin
        const consent = yield* give({ scopes: ["openid", "email", "profile"] })
        const wide = yield* grantOf({ scopes: ["openid", "email"] })
        const wider = yield* grantOf({ scopes: ["profile", "openid"] })
        const narrow = yield* grantOf({ scopes: ["openid"] })
        const ofReference = yield* grantOf({ scopes: ["email"], referenceId: "organization-1" })
        const elsewhere = yield* grantOf({ scopes: ["email"], clientId: (yield* OAuthBuilders.storedClient()).id })
        const ofOther = yield* grantOf({ scopes: ["email"], userId: (yield* Builders.storedUser()).id })
        yield* TestClock.adjust("1 hour")
        const narrowed = yield* consents.narrow({ userId: user.id, id: consent.id, scopes: ["openid"], client: home })
        const updatedAt = DateTime.add(consent.updatedAt, { hours: 1 })
        assert.deepStrictEqual(narrowed, { ...consent, scopes: ["openid"], updatedAt })
        assert.deepStrictEqual(yield* consents.get(user.id, consent.id), narrowed)
        for (const grant of [wide, wider]) assert.deepStrictEqual(yield* revokedAt(grant), updatedAt)
        for (const grant of [narrow, ofReference, elsewhere, ofOther]) assert.isNull(yield* revokedAt(grant))
        const [, event, ...revocations] = yield* eventsOf(user.id)
        const { clientId } = consent
        assert.deepStrictEqual(event, {
          type: "oauth-consent.narrowed",
          data: { consentId: consent.id, clientId, referenceId: null, scopes: ["openid"] },
        })
        assert.sameDeepMembers(revocations, [
          { type: "oauth-grant.revoked", data: { grantId: wide.id, clientId } },
          { type: "oauth-grant.revoked", data: { grantId: wider.id, clientId } },
        ])
      }),
    )

    it.effect("under a reference are narrowed with the grants under that reference alone", () =>
      Effect.gen(function* () {
        const { consents, give, grantOf, user } = yield* begin
        yield* give({ scopes: ["openid"] })
        const consent = yield* give({ scopes: ["openid"], referenceId: "organization-1" })
        const own = yield* grantOf({ scopes: ["openid"] })
        const ofReference = yield* grantOf({ scopes: ["openid"], referenceId: "organization-1" })
        const ofOther = yield* grantOf({ scopes: ["openid"], referenceId: "organization-2" })
        yield* consents.narrow({ userId: user.id, id: consent.id, scopes: [], client: home })
        assert.isNotNull(yield* revokedAt(ofReference))
        for (const grant of [own, ofOther]) assert.isNull(yield* revokedAt(grant))
      }),
    )

    it.effect("are not widened by narrowing: nothing changes, and what was too much is told", () =>
      Effect.gen(function* () {
        const { consents, give, grantOf, user } = yield* begin
        const consent = yield* give({ scopes: ["openid", "email"], declinedScopes: ["profile"] })
        const grant = yield* grantOf({ scopes: ["email"] })
        const scopes = ["openid", "profile", "\0"]
        const error = yield* Effect.flip(consents.narrow({ userId: user.id, id: consent.id, scopes, client: home }))
        assert.deepInclude(error, { _tag: "ConsentWidened", scopes: ["profile", "\0"] })
        assert.deepStrictEqual(yield* consents.get(user.id, consent.id), consent)
        assert.isNull(yield* revokedAt(grant))
        assert.strictEqual((yield* eventsOf(user.id)).length, 1)
      }),
    )

    it.effect("are withdrawn once by 100 fibers, and the grants that stood on them are revoked", () =>
      Effect.gen(function* () {
        const { consents, give, grantOf, user } = yield* begin
        const consent = yield* give({ scopes: ["openid"] })
        const grant = yield* grantOf({ scopes: ["openid"] })
        const kept = yield* grantOf({ scopes: ["openid"], referenceId: "organization-1" })
        const answers = yield* inHundredFibers(() => Effect.exit(consents.withdraw(user.id, consent.id, home)))
        assert.strictEqual(answers.filter(Exit.isSuccess).length, 1)
        assert.strictEqual((yield* Effect.flip(consents.get(user.id, consent.id)))._tag, "ConsentNotFound")
        assert.isNotNull(yield* revokedAt(grant))
        assert.isNull(yield* revokedAt(kept))
        const { clientId } = consent
        assert.deepStrictEqual((yield* eventsOf(user.id)).slice(1), [
          { type: "oauth-consent.withdrawn", data: { consentId: consent.id, clientId, referenceId: null } },
          { type: "oauth-grant.revoked", data: { grantId: grant.id, clientId } },
        ])
      }),
    )

    it.effect("of another user, or that are not there, are not found, and nothing happens to them", () =>
      Effect.gen(function* () {
        const { consents, give, grantOf, user } = yield* begin
        const consent = yield* give({ scopes: ["openid"] })
        const grant = yield* grantOf({ scopes: ["openid"] })
        const other = yield* Builders.storedUser()
        const unknown = (yield* Builders.user()).id
        for (const [userId, consentId, grantId] of [
          [other.id, consent.id, grant.id],
          [user.id, ConsentId.make(unknown), GrantId.make(unknown)],
        ] as const) {
          const calls = [
            consents.get(userId, consentId),
            consents.narrow({ userId, id: consentId, scopes: [], client: home }),
            consents.withdraw(userId, consentId, home),
          ]
          for (const call of calls) assert.deepInclude(yield* Effect.flip(call), { _tag: "ConsentNotFound", consentId })
          const revoke = consents.revokeGrant(userId, grantId, home)
          assert.deepInclude(yield* Effect.flip(revoke), { _tag: "GrantNotFound", grantId })
        }
        assert.deepStrictEqual(yield* consents.get(user.id, consent.id), consent)
        assert.isNull(yield* revokedAt(grant))
        assert.deepStrictEqual(yield* eventsOf(other.id), [])
        assert.strictEqual((yield* eventsOf(user.id)).length, 1)
      }),
    )

    it.effect("are told by reference, and grants in force newest first", () =>
      Effect.gen(function* () {
        const { consents, give, grantOf, user } = yield* begin
        const own = yield* give({ scopes: ["openid"] })
        yield* TestClock.adjust("1 second")
        const ofReference = yield* give({ scopes: ["openid"], referenceId: "organization-1" })
        assert.deepStrictEqual(yield* consents.list(user.id), [ofReference, own])
        assert.deepStrictEqual(yield* consents.list(user.id, null), [own])
        assert.deepStrictEqual(yield* consents.list(user.id, "organization-1"), [ofReference])
        const older = yield* grantOf({})
        yield* TestClock.adjust("1 second")
        const newer = yield* grantOf({})
        const ids = Effect.map(consents.grants(user.id), (grants) => grants.map(({ id }) => id))
        assert.deepStrictEqual(yield* ids, [newer.id, older.id])
        yield* consents.revokeGrant(user.id, newer.id, home)
        assert.deepStrictEqual(yield* ids, [older.id])
      }),
    )

    it.effect("leave it to the user to revoke one grant, once in 100 fibers, or all of them", () =>
      Effect.gen(function* () {
        const { client, consents, grantOf, user } = yield* begin
        const [one, two, three] = [yield* grantOf({}), yield* grantOf({}), yield* grantOf({ referenceId: "o" })]
        const ofOther = yield* grantOf({ userId: (yield* Builders.storedUser()).id })
        const answers = yield* inHundredFibers(() => Effect.exit(consents.revokeGrant(user.id, one.id, home)))
        assert.strictEqual(answers.filter(Exit.isSuccess).length, 1)
        for (const grant of [two, three]) assert.isNull(yield* revokedAt(grant))
        assert.deepStrictEqual(yield* eventsOf(user.id), [
          { type: "oauth-grant.revoked", data: { grantId: one.id, clientId: client.id } },
        ])
        assert.strictEqual(yield* consents.revokeGrants(user.id, home), 2)
        assert.strictEqual(yield* consents.revokeGrants(user.id, home), 0)
        for (const grant of [one, two, three]) assert.isNotNull(yield* revokedAt(grant))
        assert.isNull(yield* revokedAt(ofOther))
        assert.sameDeepMembers((yield* eventsOf(user.id)).slice(1), [
          { type: "oauth-grant.revoked", data: { grantId: two.id } },
          { type: "oauth-grant.revoked", data: { grantId: three.id } },
        ])
      }),
    )

    it.effect("end under one reference alone, with grants to every client", () =>
      Effect.gen(function* () {
        const { consents, grantOf, user } = yield* begin
        const referenceId = "organization-1"
        const { id: clientId } = yield* OAuthBuilders.storedClient()
        const meant = [yield* grantOf({ referenceId }), yield* grantOf({ referenceId, clientId })]
        const others = [
          yield* grantOf({}),
          yield* grantOf({ referenceId: "organization-2" }),
          yield* grantOf({ referenceId, userId: (yield* Builders.storedUser()).id }),
        ]
        assert.strictEqual(yield* consents.revokeGrants(user.id, home, referenceId), 2)
        assert.strictEqual(yield* consents.revokeGrants(user.id, home, referenceId), 0)
        for (const grant of meant) assert.isNotNull(yield* revokedAt(grant))
        for (const grant of others) assert.isNull(yield* revokedAt(grant))
      }),
    )
  })

suite("memory", layer())
suite("PostgreSQL", Layer.provideMerge(TestServices.layerOAuthServer, TestServices.layerSql(database)))

describe("Consents without an audit log", () => {
  it.effect("do not change, and neither do grants", () =>
    Effect.gen(function* () {
      const { consents, give, grantOf, user } = yield* begin
      const consent = yield* give({ scopes: ["openid", "email"] })
      const grant = yield* grantOf({ scopes: ["email"] })
      const audit = yield* AuditAway
      yield* audit.set(true)
      const calls: ReadonlyArray<Effect.Effect<unknown, { readonly _tag: string }>> = [
        give({ scopes: ["profile"] }),
        consents.narrow({ userId: user.id, id: consent.id, scopes: [], client: home }),
        consents.withdraw(user.id, consent.id, home),
        consents.revokeGrant(user.id, grant.id, home),
        consents.revokeGrants(user.id, home),
      ]
      for (const call of calls) assert.strictEqual((yield* Effect.flip(call))._tag, "StoreError")
      yield* audit.set(false)
      assert.deepStrictEqual(yield* consents.list(user.id), [consent])
      assert.isNull(yield* revokedAt(grant))
    }).pipe(Effect.provide(layerAuditAway())),
  )
})

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const home: ClientInfo = { ipAddress: "192.0.2.7", userAgent: "test" }
const resources = ["https://api.example.com"]

/** A user, a client, and what the one gives the other. */
const begin = Effect.gen(function* () {
  const consents = yield* Consents
  const user = yield* Builders.storedUser()
  const client = yield* OAuthBuilders.storedClient()
  return {
    consents,
    user,
    client,
    give: (given: Partial<Omit<Parameters<typeof consents.give>[0], "userId" | "clientId" | "client">>) =>
      consents.give({
        userId: user.id,
        clientId: client.id,
        referenceId: null,
        scopes: [],
        declinedScopes: [],
        resources: [],
        client: home,
        ...given,
      }),
    grantOf: (fields: Partial<Grant> & { readonly userId?: UserId; readonly clientId?: ClientId }) =>
      Effect.gen(function* () {
        const redeemedAt = yield* DateTime.now
        const stored = yield* OAuthBuilders.storedGrant({
          userId: user.id,
          clientId: client.id,
          ...fields,
          code: { redeemedAt },
        })
        return { id: stored.grant.id, code: stored.code.hash }
      }),
  }
})

const revokedAt = ({ code }: Effect.Success<ReturnType<Effect.Success<typeof begin>["grantOf"]>>) =>
  Effect.map(
    RecordStore.use((records) => records.find({ code: [code] })),
    ({ grant }) => grant?.grant.revokedAt,
  )

/** What the audit log says of a user, the oldest first. Each event is from where the user is, and a success. */
const eventsOf = (userId: UserId) =>
  Effect.map(events, (all) =>
    all
      .filter((event) => event.userId === userId)
      .map(({ client, data, outcome, type }) => {
        assert.deepStrictEqual([client, outcome], [home, "success"])
        return { type, data }
      }),
  )
