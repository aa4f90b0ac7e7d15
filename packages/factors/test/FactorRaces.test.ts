/**
 * Secrets that are good once, in a crowd that brings them all at the same time.
 */
import * as SqlCoreMigrations from "@belfry/core/SqlCoreMigrations"
import type { Sessions } from "@belfry/core/Sessions"
import type { Users } from "@belfry/core/Users"
import { BackupCodes } from "@belfry/factors/BackupCodes"
import type { Passkeys } from "@belfry/factors/Passkeys"
import type { SignInAttempts } from "@belfry/factors/SignInAttempts"
import * as SqlFactorsMigrations from "@belfry/factors/SqlFactorsMigrations"
import * as TestDatabase from "@belfry/testing/TestDatabase"
import * as TestServices from "@belfry/testing/TestServices"
import * as VirtualAuthenticator from "@belfry/testing/VirtualAuthenticator"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, type Layer, Redacted } from "effect"
import { complete, home } from "./support/People.ts"
import { begin, enrol, join, prove, proved, sessionsOf, signIn } from "./support/PasskeyPeople.ts"

const crowd = <A, E, R>(effects: ReadonlyArray<Effect.Effect<A, E, R>>) =>
  Effect.forEach(effects, Effect.exit, { concurrency: "unbounded" })

const races = <E>(
  name: string,
  services: Layer.Layer<BackupCodes | Passkeys | Sessions | SignInAttempts | Users, E>,
): void => {
  describe(`50 fibers (${name})`, () => {
    it.effect("sign in once by one backup code, in as many sign-ins as a user may try", () =>
      Effect.gen(function* () {
        const codes = yield* BackupCodes
        const ada = yield* join("ada")
        const { backupCodes } = yield* enrol(ada, VirtualAuthenticator.make())
        const code = backupCodes?.[0] ?? Redacted.make("")
        const signIns = yield* Effect.forEach(Array.from({ length: 10 }), () => proved(ada.user))
        const before = (yield* sessionsOf(ada.user)).length
        const fibers = signIns.flatMap(({ token }) =>
          Array.from({ length: 5 }, () => codes.prove({ token, code, client: home })),
        )
        const exits = yield* crowd(fibers)
        assert.deepStrictEqual(exits.filter(Exit.hasDies), [])
        assert.strictEqual(exits.filter(Exit.isSuccess).length, 1)
        assert.strictEqual((yield* sessionsOf(ada.user)).length, before + 1)
        assert.strictEqual(yield* codes.remaining(ada.user.id), 9)
      }).pipe(Effect.provide(services)),
    )

    it.effect("sign in once by one assertion of a passkey that does not count", () =>
      Effect.gen(function* () {
        const ada = yield* join("ada")
        const manager = VirtualAuthenticator.make({ signCount: 0 })
        yield* enrol(ada, manager)
        yield* complete(signIn(manager))
        const { token, options } = yield* begin()
        const response = yield* manager.authenticate(options)
        const before = (yield* sessionsOf(ada.user)).length
        const exits = yield* crowd(Array.from({ length: 50 }, () => prove(token, response)))
        assert.deepStrictEqual(exits.filter(Exit.hasDies), [])
        assert.strictEqual(exits.filter(Exit.isSuccess).length, 1)
        assert.strictEqual((yield* sessionsOf(ada.user)).length, before + 1)
      }).pipe(Effect.provide(services)),
    )
  })
}

races("memory", TestServices.layerMemory)

for (const { name, layer } of TestDatabase.each([SqlCoreMigrations.migrations, SqlFactorsMigrations.migrations])) {
  races(name, TestServices.layerSql(layer))
}
