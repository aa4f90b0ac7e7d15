/**
 * Contract suite of {@link GrantStore}'s exchanges: redeeming codes and rotating refresh tokens.
 *
 * @since 0.1.0
 */
import type { SessionStore } from "@belfry/core/SessionStore"
import type { UserStore } from "@belfry/core/UserStore"
import type { ClientStore } from "@belfry/oauth-server/ClientStore"
import { GrantStore } from "@belfry/oauth-server/GrantStore"
import type { RecordStore } from "@belfry/oauth-server/RecordStore"
import { assert, layer as withLayer } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
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
  layer: Layer.Layer<ClientStore | GrantStore | RecordStore | SessionStore | UserStore, E>,
): void => {
  withLayer(layer)(`GrantStore, redeeming codes (${name})`, (it) => {
    it.effect("keeps the tokens that were made for it, and when the grant ends then", () =>
      Effect.gen(function* () {
        const grants = yield* GrantStore
        const { code, grant } = yield* OAuthBuilders.storedGrant()
        const redemption = yield* Held.redemptionOf(grant, { days: 7 })
        assert.isTrue(yield* grants.redeem(redemption))
        yield* Held.assertKept({
          grant: { ...grant, expiresAt: redemption.expiresAt },
          code: { ...code, redeemedAt: redemption.now },
          refreshToken: redemption.refreshToken,
          accessToken: redemption.accessToken,
        })
      }),
    )

    it.effect("leaves the end of the grant as it is where none is given", () =>
      Effect.gen(function* () {
        const grants = yield* GrantStore
        const { code, grant } = yield* OAuthBuilders.storedGrant()
        const redemption = yield* Held.redemptionOf(grant, { days: 7 })
        assert.isTrue(yield* grants.redeem({ ...redemption, expiresAt: null }))
        assert.deepStrictEqual((yield* Held.byCode(code)).grant, grant)
      }),
    )

    it.effect("needs no tokens to keep", () =>
      Effect.gen(function* () {
        const grants = yield* GrantStore
        const { code, grant } = yield* OAuthBuilders.storedGrant()
        const redemption = yield* Held.redemptionOf(grant)
        assert.isTrue(yield* grants.redeem({ ...redemption, refreshToken: null, accessToken: null }))
        assert.deepStrictEqual((yield* Held.byCode(code)).code?.redeemedAt, redemption.now)
        const { grant: other } = yield* OAuthBuilders.storedGrant()
        const ofOther = yield* Held.redemptionOf(other)
        assert.isTrue(yield* grants.redeem({ ...ofOther, refreshToken: null }))
        assert.deepStrictEqual(yield* Held.accessToken(ofOther.accessToken.hash), ofOther.accessToken)
      }),
    )

    it.effect("happens once: the second time nothing is kept and nothing changes", () =>
      Effect.gen(function* () {
        const grants = yield* GrantStore
        const held = yield* Held.redeemed()
        const again = yield* Held.redemptionOf(held.grant, { days: 9 })
        assert.isFalse(yield* grants.redeem(again))
        yield* Held.assertKept(held)
        yield* assertNotKept(again)
      }),
    )

    it.effect("is possible up to the instant at which the code is over, and not at it", () =>
      Effect.gen(function* () {
        const grants = yield* GrantStore
        const { code, grant } = yield* OAuthBuilders.storedGrant()
        const redemption = yield* Held.redemptionOf(grant)
        assert.isFalse(yield* grants.redeem({ ...redemption, now: code.expiresAt }))
        yield* assertNotKept(redemption)
        assert.deepStrictEqual(yield* Held.byCode(code), { grant, code })
        const last = DateTime.subtract(code.expiresAt, { milliseconds: 1 })
        assert.isTrue(yield* grants.redeem({ ...redemption, now: last }))
      }),
    )

    it.effect("is not possible for a grant that is revoked, or that is not there", () =>
      Effect.gen(function* () {
        const grants = yield* GrantStore
        const { code, grant } = yield* OAuthBuilders.storedGrant()
        const unknown = yield* OAuthBuilders.grant({ clientId: grant.clientId, userId: grant.userId })
        yield* grants.revoke(grant.id, grant.createdAt)
        for (const redemption of [yield* Held.redemptionOf(grant), yield* Held.redemptionOf(unknown)]) {
          assert.isFalse(yield* grants.redeem(redemption))
          yield* assertNotKept(redemption)
        }
        assert.deepStrictEqual((yield* Held.byCode(code)).code, code)
      }),
    )

    it.effect("gives the tokens of one of 100 fibers, and the grant ends with them", () =>
      Effect.gen(function* () {
        const grants = yield* GrantStore
        const { code, grant } = yield* OAuthBuilders.storedGrant()
        const answers = yield* Held.inHundredFibers((n) =>
          Effect.gen(function* () {
            const redemption = yield* Held.redemptionOf(grant, { days: 1 + n })
            return { redemption, isTaken: yield* grants.redeem(redemption) }
          }),
        )
        const [taken, ...others] = answers.filter(({ isTaken }) => isTaken)
        assert.strictEqual(others.length, 0)
        assert.deepStrictEqual((yield* Held.byCode(code)).grant?.expiresAt, taken?.redemption.expiresAt)
        for (const { isTaken, redemption } of answers) {
          if (!isTaken) yield* assertNotKept(redemption)
          else assert.deepStrictEqual(yield* Held.refreshToken(redemption.refreshToken.hash), redemption.refreshToken)
        }
      }),
    )

    it.effect("is undone whole when a token cannot be kept, and possible afterwards", () =>
      Effect.gen(function* () {
        const grants = yield* GrantStore
        const held = yield* Held.redeemed()
        const { code, grant } = yield* OAuthBuilders.storedGrant()
        const redemption = yield* Held.redemptionOf(grant)
        const { accessToken, refreshToken } = redemption
        const broken = [
          { ...redemption, refreshToken: { ...refreshToken, hash: held.refreshToken.hash } },
          { ...redemption, accessToken: { ...accessToken, hash: held.accessToken.hash } },
          { ...redemption, expiresAt: DateTime.add(grant.endsAt, { milliseconds: 1 }) },
        ]
        for (const one of broken) assert.isFalse((yield* Effect.flip(grants.redeem(one))).isRetryable)
        assert.deepStrictEqual(yield* Held.byCode(code), { grant, code })
        yield* assertNotKept(redemption)
        yield* Held.assertKept(held)
        assert.isTrue(yield* grants.redeem(redemption))
      }),
    )
  })

  withLayer(layer)(`GrantStore, rotating refresh tokens (${name})`, (it) => {
    it.effect("keeps the successor, the access token, and when the grant ends then", () =>
      Effect.gen(function* () {
        const grants = yield* GrantStore
        const held = yield* Held.redeemed()
        const { accessToken, expiresAt, now, sealed, successor, ...rest } = yield* Held.rotationOf(
          held.refreshToken,
          held.grant,
        )
        assert.isTrue(yield* grants.rotate({ accessToken, expiresAt, now, sealed, successor, ...rest }))
        yield* Held.assertKept({
          grant: { ...held.grant, expiresAt },
          code: held.code,
          refreshToken: { ...held.refreshToken, rotatedAt: now, successor: sealed },
          accessToken: held.accessToken,
        })
        assert.deepStrictEqual(yield* Held.refreshToken(successor.hash), successor)
        assert.deepStrictEqual(yield* Held.accessToken(accessToken.hash), accessToken)
      }),
    )

    it.effect("leaves the end of the grant as it is where none is given", () =>
      Effect.gen(function* () {
        const grants = yield* GrantStore
        const held = yield* Held.redeemed()
        const rotation = yield* Held.rotationOf(held.refreshToken, held.grant)
        assert.isTrue(yield* grants.rotate({ ...rotation, expiresAt: null }))
        assert.deepStrictEqual((yield* Held.byCode(held.code)).grant, held.grant)
        assert.deepStrictEqual(yield* Held.refreshToken(rotation.successor.hash), rotation.successor)
      }),
    )

    it.effect("needs neither an access token nor a sealed successor to keep", () =>
      Effect.gen(function* () {
        const grants = yield* GrantStore
        const held = yield* Held.redeemed()
        const rotation = yield* Held.rotationOf(held.refreshToken, held.grant)
        assert.isTrue(yield* grants.rotate({ ...rotation, sealed: null, accessToken: null }))
        const rotated = { ...held.refreshToken, rotatedAt: rotation.now }
        assert.deepStrictEqual(yield* Held.refreshToken(rotated.hash), rotated)
        assert.deepStrictEqual(yield* Held.refreshToken(rotation.successor.hash), rotation.successor)
      }),
    )

    it.effect("happens once: the second time nothing is kept and nothing changes", () =>
      Effect.gen(function* () {
        const grants = yield* GrantStore
        const held = yield* Held.redeemed()
        const rotation = yield* Held.rotationOf(held.refreshToken, held.grant)
        assert.isTrue(yield* grants.rotate(rotation))
        const before = yield* Held.byCode(held.code)
        const again = yield* Held.rotationOf(held.refreshToken, held.grant)
        const later = DateTime.add(again.expiresAt, { days: 1 })
        assert.isFalse(yield* grants.rotate({ ...again, expiresAt: later }))
        yield* assertNotRotated(again)
        assert.deepStrictEqual(yield* Held.byCode(held.code), before)
        const rotated = { ...held.refreshToken, rotatedAt: rotation.now, successor: rotation.sealed }
        assert.deepStrictEqual(yield* Held.refreshToken(held.refreshToken.hash), rotated)
      }),
    )

    it.effect("goes on with the successor", () =>
      Effect.gen(function* () {
        const grants = yield* GrantStore
        const held = yield* Held.redeemed()
        const first = yield* Held.rotationOf(held.refreshToken, held.grant)
        assert.isTrue(yield* grants.rotate(first))
        const second = yield* Held.rotationOf(first.successor, held.grant)
        assert.isTrue(yield* grants.rotate(second))
        assert.deepStrictEqual((yield* Held.byCode(held.code)).grant?.expiresAt, second.expiresAt)
      }),
    )

    it.effect("is possible up to the instant at which the token is over, and not at it", () =>
      Effect.gen(function* () {
        const grants = yield* GrantStore
        const held = yield* Held.redeemed()
        const rotation = yield* Held.rotationOf(held.refreshToken, held.grant)
        assert.isFalse(yield* grants.rotate({ ...rotation, now: held.refreshToken.expiresAt }))
        yield* assertNotRotated(rotation)
        yield* Held.assertKept(held)
        const last = DateTime.subtract(held.refreshToken.expiresAt, { milliseconds: 1 })
        assert.isTrue(yield* grants.rotate({ ...rotation, now: last }))
      }),
    )

    it.effect("is not possible for a grant that is revoked", () =>
      Effect.gen(function* () {
        const grants = yield* GrantStore
        const held = yield* Held.redeemed()
        const revokedAt = yield* DateTime.now
        yield* grants.revoke(held.grant.id, revokedAt)
        const rotation = yield* Held.rotationOf(held.refreshToken, held.grant)
        assert.isFalse(yield* grants.rotate(rotation))
        yield* assertNotRotated(rotation)
        yield* Held.assertKept({ ...held, grant: { ...held.grant, revokedAt } })
      }),
    )

    it.effect("is not possible for the token of another grant, nor for one that is not there", () =>
      Effect.gen(function* () {
        const grants = yield* GrantStore
        const [held, other] = [yield* Held.redeemed(), yield* Held.redeemed()]
        const rotation = yield* Held.rotationOf(held.refreshToken, held.grant)
        const wrong = [
          { ...rotation, grantId: other.grant.id },
          { ...rotation, hash: yield* Builders.keyedHash },
          { ...rotation, hash: other.refreshToken.hash },
        ]
        for (const one of wrong) assert.isFalse(yield* grants.rotate(one))
        yield* assertNotRotated(rotation)
        for (const kept of [held, other]) yield* Held.assertKept(kept)
      }),
    )

    it.effect("gives a successor to one of 100 fibers, and the grant ends with it", () =>
      Effect.gen(function* () {
        const grants = yield* GrantStore
        const held = yield* Held.redeemed()
        const answers = yield* Held.inHundredFibers((n) =>
          Effect.gen(function* () {
            const rotation = yield* Held.rotationOf(held.refreshToken, held.grant)
            const ending = { ...rotation, expiresAt: DateTime.add(rotation.expiresAt, { hours: n }) }
            return { rotation: ending, isTaken: yield* grants.rotate(ending) }
          }),
        )
        const [taken, ...others] = answers.filter(({ isTaken }) => isTaken)
        assert.strictEqual(others.length, 0)
        assert.deepStrictEqual((yield* Held.byCode(held.code)).grant?.expiresAt, taken?.rotation.expiresAt)
        const rotated = yield* Held.refreshToken(held.refreshToken.hash)
        assert.deepStrictEqual(rotated?.successor, taken?.rotation.sealed)
        for (const { isTaken, rotation } of answers) {
          if (!isTaken) yield* assertNotRotated(rotation)
          else assert.deepStrictEqual(yield* Held.refreshToken(rotation.successor.hash), rotation.successor)
        }
      }),
    )

    it.effect("issues nothing once a revocation answered, in whatever order 100 fibers rotate and one revokes", () =>
      Effect.gen(function* () {
        const grants = yield* GrantStore
        for (const turn of [0, 25, 50, 75, 99]) {
          const held = yield* Held.redeemed()
          const revokedAt = held.grant.createdAt
          let isRevoked = false
          const answers = yield* Held.inHundredFibers((n) =>
            Effect.gen(function* () {
              if (n === turn) {
                assert.isTrue(yield* grants.revoke(held.grant.id, revokedAt))
                isRevoked = true
                return null
              }
              const rotation = yield* Held.rotationOf(held.refreshToken, held.grant)
              const isLate = isRevoked
              const isTaken = yield* grants.rotate(rotation)
              return { rotation, isTaken, isLate }
            }),
          )
          const rotations = answers.filter((answer) => answer !== null)
          assert.isAtMost(rotations.filter(({ isTaken }) => isTaken).length, 1)
          assert.isFalse(rotations.some(({ isLate, isTaken }) => isTaken && isLate))
          assert.deepStrictEqual((yield* Held.byCode(held.code)).grant?.revokedAt, revokedAt)
          const last = rotations.find(({ isTaken }) => isTaken)?.rotation.successor ?? held.refreshToken
          assert.isFalse(yield* grants.rotate(yield* Held.rotationOf(last, held.grant)))
        }
      }),
    )

    it.effect("is undone whole when a token cannot be kept, and possible afterwards", () =>
      Effect.gen(function* () {
        const grants = yield* GrantStore
        const [held, other] = [yield* Held.redeemed(), yield* Held.redeemed()]
        const rotation = yield* Held.rotationOf(held.refreshToken, held.grant)
        const { accessToken, successor } = rotation
        const broken = [
          { ...rotation, successor: { ...successor, hash: other.refreshToken.hash } },
          { ...rotation, accessToken: { ...accessToken, hash: other.accessToken.hash } },
          { ...rotation, expiresAt: DateTime.add(held.grant.endsAt, { milliseconds: 1 }) },
        ]
        for (const one of broken) assert.isFalse((yield* Effect.flip(grants.rotate(one))).isRetryable)
        yield* assertNotRotated(rotation)
        for (const kept of [held, other]) yield* Held.assertKept(kept)
        assert.isTrue(yield* grants.rotate(rotation))
      }),
    )
  })
}

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const assertNotKept = Effect.fnUntraced(function* ({
  accessToken,
  refreshToken,
}: Effect.Success<ReturnType<typeof Held.redemptionOf>>) {
  assert.isNull(yield* Held.refreshToken(refreshToken.hash))
  assert.isNull(yield* Held.accessToken(accessToken.hash))
})

const assertNotRotated = Effect.fnUntraced(function* ({
  accessToken,
  successor,
}: Effect.Success<ReturnType<typeof Held.rotationOf>>) {
  assert.isNull(yield* Held.refreshToken(successor.hash))
  assert.isNull(yield* Held.accessToken(accessToken.hash))
})
