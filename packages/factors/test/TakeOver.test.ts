/**
 * What is left of an account that somebody made before its owner proved the address: nothing.
 */
import { LinkedAccountStore } from "@belfry/core/LinkedAccountStore"
import { Sessions } from "@belfry/core/Sessions"
import * as SqlCoreMigrations from "@belfry/core/SqlCoreMigrations"
import { TransactionStore } from "@belfry/core/TransactionStore"
import type { User } from "@belfry/core/User"
import { Enrolments } from "@belfry/factors/Enrolments"
import * as SqlFactorsMigrations from "@belfry/factors/SqlFactorsMigrations"
import { CapturingMailer } from "@belfry/testing/CapturingMailer"
import { isWaitingForLock } from "@belfry/testing/PostgresLocks"
import * as TestDatabase from "@belfry/testing/TestDatabase"
import * as TestServices from "@belfry/testing/TestServices"
import { assert, layer as withLayer } from "@effect/vitest"
import { Deferred, Effect, Fiber } from "effect"
import { everywhere, get, going, home, proveFirst, refusal, trailOf, userWith } from "./support/SignIns.ts"

const postgres = TestServices.layerSql(
  TestDatabase.layerPostgres([SqlCoreMigrations.migrations, SqlFactorsMigrations.migrations]),
)

const waysIn = ({ id }: User) =>
  Effect.map(
    Enrolments.use((enrolments) => enrolments.list(id)),
    (all) => all.map(({ factor }) => factor).toSorted(),
  )

const sessionsOf = ({ id }: User) => Sessions.use((sessions) => sessions.list(id))

const startSession = (user: User) => Sessions.use((sessions) => sessions.start({ user, amr: ["oauth"], client: home }))

const takeOver = ({ id }: User) =>
  Effect.gen(function* () {
    const enrolments = yield* Enrolments
    const { run } = yield* TransactionStore
    yield* run(enrolments.takeOver(id, home))
  })

for (const place of everywhere()) {
  withLayer(place.layer)(`Taking an account over, on ${place.name}`, (it) => {
    it.effect("ends every way in, every session and every sign-in on its way, of this user alone", () =>
      Effect.gen(function* () {
        const all = ["password", "oauth", "totp", "hotp", "passkey", "backup-code"] as const
        const [ada, bob] = [yield* userWith(...all), yield* userWith(...all)]
        const [adas, bobs] = [yield* going(proveFirst(ada)), yield* going(proveFirst(bob))]
        yield* startSession(ada)
        const kept = yield* startSession(bob)
        yield* takeOver(ada)
        assert.deepStrictEqual([yield* waysIn(ada), yield* sessionsOf(ada)], [[], []])
        assert.strictEqual(yield* refusal(get(adas.token)), "SignInRefused:invalid")
        assert.deepStrictEqual(yield* waysIn(bob), all.toSorted())
        assert.deepStrictEqual(yield* sessionsOf(bob), [kept.session])
        assert.strictEqual((yield* get(bobs.token)).user?.id, bob.id)
        const trail = yield* trailOf(ada)
        for (const [type, times] of [
          ["factor.removed:address-proved", 5],
          ["account.unlinked", 1],
          ["session.revoked", 1],
        ] as const)
          assert.strictEqual(trail.filter((event) => event === type).length, times, type)
        const mails = yield* CapturingMailer.use(({ messages }) => messages)
        assert.deepStrictEqual(
          mails.filter(({ to }) => to === ada.email),
          [],
        )
      }),
    )
  })
}

withLayer(postgres)("Taking an account over in PostgreSQL", (it) => {
  it.effect("ends what began by a linked account while that was being taken away", () =>
    Effect.gen(function* () {
      const accounts = yield* LinkedAccountStore
      const { run } = yield* TransactionStore
      const user = yield* userWith("oauth", "totp")
      const [account] = yield* accounts.listByUser(user.id)
      if (account === undefined) return assert.fail("no account")
      const { providerId, accountId, updatedAt } = account
      const isFound = yield* Deferred.make<void>()
      const goOn = yield* Deferred.make<void>()
      const signingIn = yield* accounts
        .renew({ providerId, accountId, tokens: null, updatedAt })
        .pipe(
          Effect.andThen(Deferred.succeed(isFound, undefined)),
          Effect.andThen(Deferred.await(goOn)),
          Effect.andThen(Effect.all([going(proveFirst(user, "oauth")), startSession(user)])),
          run,
          Effect.forkChild,
        )
      yield* Deferred.await(isFound)
      const takingOver = yield* Effect.forkChild(takeOver(user))
      assert.isTrue(yield* isWaitingForLock(takingOver))
      yield* Deferred.succeed(goOn, undefined)
      const [{ token }] = yield* Fiber.join(signingIn)
      yield* Fiber.join(takingOver)
      assert.deepStrictEqual(yield* sessionsOf(user), [])
      assert.strictEqual(yield* refusal(get(token)), "SignInRefused:invalid")
    }),
  )
})
