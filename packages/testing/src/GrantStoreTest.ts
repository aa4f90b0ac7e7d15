/**
 * Contract suite of {@link GrantStore}.
 *
 * @since 0.1.0
 */
import type { SessionId } from "@belfry/core/Session"
import { SessionStore } from "@belfry/core/SessionStore"
import type { StoreError } from "@belfry/core/StoreError"
import { TransactionStore } from "@belfry/core/TransactionStore"
import { UserId } from "@belfry/core/User"
import { UserStore } from "@belfry/core/UserStore"
import { ClientStore } from "@belfry/oauth-server/ClientStore"
import { type AuthorizationCode, type Grant, GrantId } from "@belfry/oauth-server/Grant"
import { ConsentStore } from "@belfry/oauth-server/ConsentStore"
import { GrantStore } from "@belfry/oauth-server/GrantStore"
import { ClientId } from "@belfry/oauth-server/OAuthClient"
import { RecordStore } from "@belfry/oauth-server/RecordStore"
import { assert, layer as withLayer } from "@effect/vitest"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Builders from "./Builders.ts"
import * as Held from "./GrantFixtures.ts"
import * as OAuthBuilders from "./OAuthBuilders.ts"

/**
 * Registers the suite for an adapter.
 *
 * @category suites
 * @since 0.1.0
 */
export const suite = <E>(
  name: string,
  layer: Layer.Layer<
    ClientStore | ConsentStore | GrantStore | RecordStore | SessionStore | TransactionStore | UserStore,
    E
  >,
): void => {
  withLayer(layer)(`GrantStore (${name})`, (it) => {
    it.effect("refuses a grant of what does not exist, and one that would end after its end", () =>
      Effect.gen(function* () {
        const { grant } = yield* OAuthBuilders.storedGrant()
        const other = yield* OAuthBuilders.grant({ clientId: grant.clientId, userId: grant.userId })
        const id = yield* random.uuidV7()
        const wrong: ReadonlyArray<Partial<Grant>> = [
          { clientId: ClientId.make(`client-${id}`) },
          { expiresAt: DateTime.add(other.endsAt, { milliseconds: 1 }) },
        ]
        for (const fields of wrong) yield* assertRefused(insert({ ...other, ...fields }))
        assert.strictEqual(yield* insert({ ...other, expiresAt: other.endsAt }), "kept")
      }),
    )

    it.effect("keeps no grant of a session or a user that is no more, and tells it from other failures", () =>
      Effect.gen(function* () {
        const { grant } = yield* OAuthBuilders.storedGrant()
        const other = yield* OAuthBuilders.grant({ clientId: grant.clientId, userId: grant.userId })
        const session = yield* Builders.session({ userId: grant.userId })
        const code = yield* OAuthBuilders.authorizationCode()
        for (const fields of [{ userId: UserId.make(yield* random.uuidV7()) }, { sessionId: session.id }]) {
          const built = { ...other, ...fields }
          assert.strictEqual(yield* insert(built, code), "session-over")
        }
        assert.strictEqual(yield* insert(other, code), "kept")
      }),
    )

    it.effect("refuses a second grant of the same id, and a second one of the same code", () =>
      Effect.gen(function* () {
        const { code, grant } = yield* OAuthBuilders.storedGrant()
        const other = yield* OAuthBuilders.grant({ clientId: grant.clientId, userId: grant.userId })
        const ofSameCode = yield* OAuthBuilders.authorizationCode({ hash: code.hash })
        yield* assertRefused(insert({ ...other, id: grant.id }))
        yield* assertRefused(GrantStore.use((grants) => grants.insert(other, ofSameCode)))
        assert.deepStrictEqual((yield* Held.byCode(code)).grant, grant)
      }),
    )

    it.effect("keeps a grant that needs consent where one has all of its scopes and resources, and nowhere else", () =>
      Effect.gen(function* () {
        const grants = yield* GrantStore
        const consents = yield* ConsentStore
        const { grant } = yield* OAuthBuilders.storedGrant()
        const owner = { clientId: grant.clientId, userId: grant.userId }
        const asked = { ...owner, scopes: ["openid", "email"], resources: ["https://api.example.com"] }
        const keep = Effect.fnUntraced(function* (fields: Partial<Grant> = {}) {
          const built = yield* OAuthBuilders.grant({ ...asked, ...fields })
          return yield* grants.insert(built, yield* OAuthBuilders.authorizationCode(), { needsConsent: true })
        })
        assert.strictEqual(yield* keep(), "no-consent")
        const given = { scopes: ["email", "profile", "openid"], resources: asked.resources }
        const consent = yield* consents.merge(yield* OAuthBuilders.consent({ ...owner, ...given }))
        assert.strictEqual(yield* keep(), "kept")
        const { grant: foreign } = yield* OAuthBuilders.storedGrant()
        for (const fields of [
          { scopes: ["openid", "email", "read"] },
          { resources: ["https://other.example.com"] },
          { referenceId: "organization" },
          { userId: foreign.userId },
          { clientId: foreign.clientId },
        ]) {
          assert.strictEqual(yield* keep(fields), "no-consent")
        }
        yield* consents.remove(owner.userId, consent.id)
        assert.strictEqual(yield* keep(), "no-consent")
      }),
    )

    it.effect("leaves no grant in force whose consent is withdrawn at the same time", () =>
      Effect.gen(function* () {
        const grants = yield* GrantStore
        const consents = yield* ConsentStore
        const records = yield* RecordStore
        const transactions = yield* TransactionStore
        for (let round = 0; round < 20; round++) {
          const { grant: old } = yield* OAuthBuilders.storedGrant()
          const owner = { clientId: old.clientId, userId: old.userId }
          const consent = yield* consents.merge(yield* OAuthBuilders.consent({ ...owner, scopes: ["openid"] }))
          const grant = yield* OAuthBuilders.grant({ ...owner, scopes: ["openid"], resources: [] })
          const code = yield* OAuthBuilders.authorizationCode()
          const begin = transactions.run(grants.insert(grant, code, { needsConsent: true }))
          const withdraw = transactions.run(
            Effect.gen(function* () {
              yield* consents.remove(owner.userId, consent.id)
              return yield* grants.revokeByUser({ ...owner, now: yield* DateTime.now })
            }),
          )
          const [inserted] = yield* Effect.all(
            round % 2 === 0 ? [begin, withdraw] : [begin, Effect.andThen(Effect.yieldNow, withdraw)],
            {
              concurrency: "unbounded",
            },
          )
          const found = (yield* records.find({ code: [code.hash] })).grant
          assert.strictEqual(found !== null, inserted === "kept")
          if (found !== null) assert.isNotNull(found.grant.revokedAt)
        }
      }),
    )

    it.effect("keeps an opaque access token of a client by itself, and none of what does not exist", () =>
      Effect.gen(function* () {
        const grants = yield* GrantStore
        const client = yield* OAuthBuilders.storedClient()
        const id = yield* random.uuidV7()
        const token = yield* OAuthBuilders.accessToken({ clientId: client.id, audience: ["https://api.example.com"] })
        yield* grants.insertAccessToken(token)
        assert.deepStrictEqual(yield* Held.accessToken(token.hash), token)
        const other = yield* OAuthBuilders.accessToken({ clientId: client.id })
        yield* assertRefused(grants.insertAccessToken({ ...other, hash: token.hash }))
        yield* assertRefused(grants.insertAccessToken({ ...other, clientId: ClientId.make(`client-${id}`) }))
        yield* assertRefused(grants.insertAccessToken({ ...other, grantId: GrantId.make(id) }))
      }),
    )

    it.effect("removes an opaque access token of the client by any of its hashes, over or not, and of no other", () =>
      Effect.gen(function* () {
        const grants = yield* GrantStore
        const [client, other] = [yield* OAuthBuilders.storedClient(), yield* OAuthBuilders.storedClient()]
        const past = DateTime.subtract(client.createdAt, { days: 1 })
        const token = yield* OAuthBuilders.accessToken({ clientId: client.id, expiresAt: past })
        yield* grants.insertAccessToken(token)
        const hashes = [yield* Builders.keyedHash, token.hash] as const
        assert.isFalse(yield* grants.removeAccessToken(hashes, other.id))
        assert.deepStrictEqual(yield* Held.accessToken(token.hash), token)
        assert.isTrue(yield* grants.removeAccessToken(hashes, client.id))
        assert.isFalse(yield* grants.removeAccessToken(hashes, client.id))
        assert.isNull(yield* Held.accessToken(token.hash))
      }),
    )

    it.effect("revokes a grant once, and keeps when", () =>
      Effect.gen(function* () {
        const grants = yield* GrantStore
        const { code, grant } = yield* OAuthBuilders.storedGrant()
        const { grant: other, code: otherCode } = yield* OAuthBuilders.storedGrant()
        const now = yield* DateTime.now
        assert.isTrue(yield* grants.revoke(grant.id, now))
        assert.isFalse(yield* grants.revoke(grant.id, DateTime.add(now, { seconds: 1 })))
        assert.isFalse(yield* grants.revoke(GrantId.make(yield* random.uuidV7()), now))
        assert.deepStrictEqual((yield* Held.byCode(code)).grant, { ...grant, revokedAt: now })
        assert.deepStrictEqual((yield* Held.byCode(otherCode)).grant, other)
      }),
    )

    it.effect("lets one of 100 fibers revoke a grant", () =>
      Effect.gen(function* () {
        const grants = yield* GrantStore
        const { grant } = yield* OAuthBuilders.storedGrant()
        const answers = yield* Held.inHundredFibers(() => grants.revoke(grant.id, grant.createdAt))
        assert.strictEqual(answers.filter((isRevoked) => isRevoked).length, 1)
      }),
    )

    it.effect("revokes the grants of a user that are meant, and tells which", () =>
      Effect.gen(function* () {
        const grants = yield* GrantStore
        const [user, other] = [yield* Builders.storedUser(), yield* Builders.storedUser()]
        const [client, elsewhere] = [yield* OAuthBuilders.storedClient(), yield* OAuthBuilders.storedClient()]
        const now = yield* DateTime.now
        const of = (fields: Partial<Grant>) =>
          Effect.map(
            OAuthBuilders.storedGrant({ clientId: client.id, userId: user.id, ...fields }),
            ({ grant }) => grant.id,
          )
        const narrow = yield* of({ scopes: ["openid"] })
        const wide = yield* of({ scopes: ["profile", "openid"] })
        const ofReference = yield* of({ referenceId: "organization-1" })
        const ofOther = yield* of({ userId: other.id })
        const atOther = yield* of({ clientId: elsewhere.id })
        yield* of({ revokedAt: now, scopes: ["profile"] })
        const revoke = (fields: Omit<Parameters<typeof grants.revokeByUser>[0], "now" | "userId">) =>
          Effect.map(grants.revokeByUser({ ...fields, userId: user.id, now }), (ids) => [...ids].sort())
        assert.deepStrictEqual(yield* revoke({ clientId: client.id, referenceId: "organization-2" }), [])
        assert.deepStrictEqual(
          yield* revoke({ clientId: client.id, referenceId: null, beyond: ["openid", "\0", "email"] }),
          [wide],
        )
        assert.deepStrictEqual(yield* revoke({ clientId: client.id, referenceId: "organization-1" }), [ofReference])
        assert.deepStrictEqual(yield* revoke({ clientId: client.id }), [narrow])
        assert.deepStrictEqual(yield* revoke({}), [atOther])
        assert.deepStrictEqual(yield* revoke({}), [])
        assert.deepStrictEqual(yield* grants.revokeByUser({ userId: other.id, now }), [ofOther])
      }),
    )

    it.effect("revokes each grant of a user once in 100 fibers", () =>
      Effect.gen(function* () {
        const grants = yield* GrantStore
        const user = yield* Builders.storedUser()
        const stored = yield* Effect.forEach([1, 2, 3], () => OAuthBuilders.storedGrant({ userId: user.id }))
        const now = yield* DateTime.now
        const answers = yield* Held.inHundredFibers(() => grants.revokeByUser({ userId: user.id, now }))
        assert.deepStrictEqual(
          answers.flat().sort(),
          stored.map(({ grant }) => grant.id),
        )
      }),
    )

    it.effect("revokes the grants under a reference, of everybody and to every client, each once", () =>
      Effect.gen(function* () {
        const grants = yield* GrantStore
        const user = yield* Builders.storedUser()
        const referenceId = yield* random.uuidV7()
        const now = yield* DateTime.now
        const of = (fields: Partial<Grant>) => OAuthBuilders.storedGrant({ userId: user.id, ...fields })
        const meant = [yield* of({ referenceId }), yield* OAuthBuilders.storedGrant({ referenceId })]
        const others = [yield* of({ referenceId: `${referenceId}x` }), yield* of({ referenceId: null })]
        const earlier = DateTime.subtract(now, { seconds: 1 })
        const over = yield* of({ referenceId, revokedAt: earlier })
        const answers = yield* Held.inHundredFibers(() => grants.revokeByReference(referenceId, now))
        assert.deepStrictEqual(
          answers.flat().sort(),
          meant.map(({ grant }) => grant.id),
        )
        const revokedAt = ({ code }: { readonly code: AuthorizationCode }) =>
          Effect.map(Held.byCode(code), ({ grant }) => grant?.revokedAt)
        for (const one of meant) assert.deepStrictEqual(yield* revokedAt(one), now)
        for (const one of others) assert.isNull(yield* revokedAt(one))
        assert.deepStrictEqual(yield* revokedAt(over), earlier)
      }),
    )

    it.effect("lists the grants of a user that are in force and were redeemed, newest first", () =>
      Effect.gen(function* () {
        const grants = yield* GrantStore
        const [user, other] = [yield* Builders.storedUser(), yield* Builders.storedUser()]
        const client = yield* OAuthBuilders.storedClient({ metadata: { clientName: null } })
        const session = yield* OAuthBuilders.storedSession({ userId: user.id })
        const now = yield* DateTime.now
        const of = (fields: Partial<Grant>, redeemedAt: DateTime.Utc | null = now) =>
          Effect.map(
            OAuthBuilders.storedGrant({ clientId: client.id, userId: user.id, ...fields, code: { redeemedAt } }),
            ({ grant }) => grant,
          )
        const older = yield* of({ createdAt: DateTime.subtract(now, { days: 1 }) })
        const inSession = yield* of({
          isOffline: false,
          sessionId: session.id,
          expiresAt: DateTime.add(now, { days: 8 }),
        })
        yield* of({}, null)
        yield* of({ revokedAt: now })
        yield* of({ isOffline: false })
        yield* of({ userId: other.id })
        const ending = yield* of({ expiresAt: DateTime.add(now, { milliseconds: 1 }) })
        const ids = (at: DateTime.Utc) =>
          Effect.map(grants.listByUser(user.id, at), (summaries) => summaries.map(({ id }) => id))
        assert.deepStrictEqual(yield* ids(now), [ending.id, inSession.id, older.id])
        assert.deepStrictEqual(yield* ids(ending.expiresAt), [inSession.id, older.id])
        const beforeEnd = DateTime.subtract(session.expiresAt, { milliseconds: 1 })
        assert.deepStrictEqual(yield* ids(beforeEnd), [inSession.id, older.id])
        assert.deepStrictEqual(yield* ids(session.expiresAt), [older.id])
        assert.deepStrictEqual((yield* grants.listByUser(user.id, session.expiresAt))[0], {
          id: older.id,
          clientId: client.id,
          clientName: null,
          scopes: older.scopes,
          isOffline: true,
          createdAt: older.createdAt,
          expiresAt: older.expiresAt,
        })
        yield* SessionStore.use((sessions) => sessions.remove(user.id, session.id))
        assert.deepStrictEqual(yield* ids(ending.expiresAt), [older.id])
      }),
    )

    it.effect("tells the name of the client of a grant", () =>
      Effect.gen(function* () {
        const { grant } = yield* OAuthBuilders.storedGrant({ code: { redeemedAt: yield* DateTime.now } })
        const [summary] = yield* GrantStore.use((grants) => grants.listByUser(grant.userId, grant.createdAt))
        assert.strictEqual(summary?.clientName, "Analytical Engine")
      }),
    )

    it.effect("finds a grant of the user, in force or not, and none of another", () =>
      Effect.gen(function* () {
        const grants = yield* GrantStore
        const now = yield* DateTime.now
        const { grant } = yield* OAuthBuilders.storedGrant({ revokedAt: now, expiresAt: now, claims: { userinfo: {} } })
        const other = yield* Builders.storedUser()
        assert.deepStrictEqual(yield* grants.findByUser(grant.userId, grant.id), Option.some(grant))
        assert.deepStrictEqual(yield* grants.findByUser(other.id, grant.id), Option.none())
      }),
    )

    it.effect("loses the grants of a user with the user, with their tokens, and no others", () =>
      Effect.gen(function* () {
        const [one, other] = [yield* Held.redeemed(), yield* Held.redeemed()]
        yield* UserStore.use((users) => users.remove(one.grant.userId))
        yield* Held.assertGone(one)
        yield* Held.assertKept(other)
      }),
    )

    it.effect("loses the grants of a client with the client, with their tokens and its own, and no others", () =>
      Effect.gen(function* () {
        const [one, other] = [yield* Held.redeemed(), yield* Held.redeemed()]
        const own = yield* OAuthBuilders.accessToken({ clientId: one.grant.clientId })
        yield* GrantStore.use((grants) => grants.insertAccessToken(own))
        yield* ClientStore.use((clients) => clients.remove(one.grant.clientId))
        yield* Held.assertGone(one)
        assert.isNull(yield* Held.accessToken(own.hash))
        yield* Held.assertKept(other)
      }),
    )

    it.effect("keeps the grants of a session that is gone, without it", () =>
      Effect.gen(function* () {
        const users = yield* Builders.storedUser()
        const sessions = yield* Effect.forEach([1, 2], () => OAuthBuilders.storedSession({ userId: users.id }))
        const of = (sessionId: SessionId) => OAuthBuilders.storedGrant({ userId: users.id, sessionId, sid: sessionId })
        const stored = yield* Effect.forEach(sessions, ({ id }) => of(id))
        const [gone, kept] = sessions
        if (gone !== undefined) yield* SessionStore.use((store) => store.remove(users.id, gone.id))
        const found = yield* Effect.forEach(stored, ({ code }) => Held.byCode(code))
        assert.deepStrictEqual(
          found.map((record) => record.grant?.sessionId),
          [null, kept?.id],
        )
        assert.deepStrictEqual(
          found.map((record) => record.grant?.sid),
          sessions.map(({ id }) => id),
        )
      }),
    )

    it.effect("remembers that a JWT is revoked, however often it is told", () =>
      Effect.gen(function* () {
        const grants = yield* GrantStore
        const client = yield* OAuthBuilders.storedClient()
        const jti = yield* random.uuidV7()
        const now = yield* DateTime.now
        yield* Held.inHundredFibers(() => grants.revokeJwt(jti, DateTime.add(now, { hours: 1 })))
        assert.isTrue(yield* Held.isRevoked(jti, client.id))
        assert.isFalse(yield* Held.isRevoked(`${jti}0`, client.id))
      }),
    )

    it.effect("removes what is over at an instant, the oldest first, and of each no more than the limit", () =>
      Effect.gen(function* () {
        const grants = yield* GrantStore
        const now = yield* DateTime.now
        const at = (milliseconds: number) => DateTime.add(now, { milliseconds })
        while (Object.values(yield* grants.removeExpired(at(1), 1000)).some((count) => count > 0)) continue
        const { grant: live, code } = yield* OAuthBuilders.storedGrant()
        const ends = [0, 1, -2, -1]
        const rows = yield* Effect.forEach(ends, (end) =>
          Effect.gen(function* () {
            const jti = yield* random.uuidV7()
            yield* grants.revokeJwt(jti, at(end))
            const own = yield* OAuthBuilders.accessToken({ clientId: live.clientId, expiresAt: at(end) })
            yield* grants.insertAccessToken(own)
            const { code } = yield* OAuthBuilders.storedGrant({ clientId: live.clientId, expiresAt: at(end) })
            const refreshing = yield* OAuthBuilders.storedGrant({ clientId: live.clientId, userId: live.userId })
            const token = yield* OAuthBuilders.refreshToken({ grantId: refreshing.grant.id, expiresAt: at(end) })
            yield* grants.redeem({
              grantId: refreshing.grant.id,
              now,
              expiresAt: live.expiresAt,
              refreshToken: token,
              accessToken: null,
            })
            return { jti, own, code, token }
          }),
        )
        const left = Effect.forEach(rows, ({ code, jti, own, token }) =>
          Effect.gen(function* () {
            return [
              (yield* Held.byCode(code)).grant !== null,
              (yield* Held.accessToken(own.hash)) !== null,
              (yield* Held.refreshToken(token.hash)) !== null,
              yield* Held.isRevoked(jti, live.clientId),
            ]
          }),
        )
        const of = (count: number) => ({
          grants: count,
          refreshTokens: count,
          accessTokens: count,
          revokedJwts: count,
        })
        const each = (...isLeft: ReadonlyArray<boolean>) => isLeft.map((one) => [one, one, one, one])
        assert.deepStrictEqual(yield* left, each(true, true, true, true))
        assert.deepStrictEqual(yield* grants.removeExpired(now, 2), of(2))
        assert.deepStrictEqual(yield* left, each(true, true, false, false))
        assert.deepStrictEqual(yield* grants.removeExpired(now, 2), of(1))
        assert.deepStrictEqual(yield* left, each(false, true, false, false))
        assert.deepStrictEqual(yield* grants.removeExpired(now, 2), of(0))
        assert.deepStrictEqual((yield* Held.byCode(code)).grant, live)
      }),
    )

    it.effect("removes the tokens of a grant with the grant", () =>
      Effect.gen(function* () {
        const grants = yield* GrantStore
        const one = yield* Held.redeemed({ days: 1 })
        const other = yield* Held.redeemed({ days: 2 })
        yield* grants.removeExpired(DateTime.add(one.grant.createdAt, { days: 1 }), 1000)
        yield* Held.assertGone(one)
        yield* Held.assertKept(other)
      }),
    )

    it.effect("undoes a redemption, a rotation and a revocation with the transaction", () =>
      Effect.gen(function* () {
        const grants = yield* GrantStore
        const { run } = yield* TransactionStore
        const { accessToken, code, grant, refreshToken } = yield* Held.redeemed()
        const fresh = yield* OAuthBuilders.storedGrant()
        const rotation = yield* Held.rotationOf(refreshToken, grant)
        const redemption = yield* Held.redemptionOf(fresh.grant)
        const undone = run(
          Effect.gen(function* () {
            assert.isTrue(yield* grants.rotate(rotation))
            assert.isTrue(yield* grants.redeem(redemption))
            assert.isTrue(yield* grants.revoke(grant.id, grant.createdAt))
            return yield* Effect.fail("undo" as const)
          }),
        )
        assert.strictEqual(yield* Effect.flip(undone), "undo")
        yield* Held.assertKept({ accessToken, code, grant, refreshToken })
        assert.isNull(yield* Held.refreshToken(rotation.successor.hash))
        assert.isTrue(yield* grants.rotate(rotation))
        assert.isTrue(yield* grants.redeem(redemption))
      }),
    )
  })
}

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const random = SecureRandom.make(SecureRandom.randomBytesUnsafe)

const insert = Effect.fnUntraced(function* (grant: Grant, code?: AuthorizationCode) {
  const kept = code ?? (yield* OAuthBuilders.authorizationCode())
  return yield* GrantStore.use((grants) => grants.insert(grant, kept))
})

const assertRefused = <A, R>(effect: Effect.Effect<A, StoreError, R>) =>
  Effect.map(Effect.flip(effect), ({ isRetryable }) => assert.isFalse(isRetryable))
