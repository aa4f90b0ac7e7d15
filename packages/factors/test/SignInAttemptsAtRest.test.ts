/**
 * How what a sign-in takes along rests: the address where it leads may hold a token, such as that of an invitation.
 */
import { KeyRing } from "@belfry/core/KeyRing"
import * as SqlCoreMigrations from "@belfry/core/SqlCoreMigrations"
import { SignInAttemptId } from "@belfry/factors/SignInAttempt"
import { SignInAttemptStore } from "@belfry/factors/SignInAttemptStore"
import * as SqlFactorsMigrations from "@belfry/factors/SqlFactorsMigrations"
import * as Migrations from "@belfry/sql/Migrations"
import * as Builders from "@belfry/testing/Builders"
import * as TestDatabase from "@belfry/testing/TestDatabase"
import * as TestServices from "@belfry/testing/TestServices"
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Effect, Layer, Option, type Redacted } from "effect"
import { SqlClient } from "effect/sql"
import {
  completed,
  everywhere,
  get,
  going,
  layer,
  open,
  prove,
  proveNext,
  refusal,
  start,
  userWith,
} from "./support/SignIns.ts"

const secret = "belfry_invitation_0123456789"
const context = { returnTo: `/invitations/accept?token=${secret}`, label: "Laptop" }

/** All rows as the database keeps them; none where there is no database. */
const rowsIfSql = Effect.gen(function* () {
  const sql = yield* Effect.serviceOption(SqlClient.SqlClient)
  if (Option.isNone(sql)) return ""
  const rows = yield* sql.value<{ readonly row: string }>`
    SELECT row_to_json(a)::text AS row FROM belfry_sign_in_attempts a`
  assert.isAbove(rows.length, 0)
  return rows.map(({ row }) => row).join("\n")
})

const resting = Effect.fnUntraced(function* (token: Redacted.Redacted) {
  const hasher = yield* KeyRing.use((keys) => keys.hasher("sign-in-attempt"))
  const hashes = yield* hasher.candidates(token)
  const { attempt, tokenHash } = Option.getOrThrow(
    yield* SignInAttemptStore.use((store) => Effect.flatMap(DateTime.now, (now) => store.find(hashes, now))),
  )
  const text = JSON.stringify(attempt) + (yield* rowsIfSql)
  return { attempt, tokenHash, text }
})

const assertSealed = (text: string) => {
  for (const part of [secret, "returnTo", "label", "Laptop"]) assert.notInclude(text, part)
}

for (const { name, layer } of everywhere()) {
  describe(`What a sign-in takes along (${name})`, () => {
    it.effect("rests sealed from the start to the end, and is told in the open", () =>
      Effect.gen(function* () {
        const user = yield* userWith("password", "totp")
        const started = yield* start(context)
        assertSealed((yield* resting(started.token)).text)
        assert.deepStrictEqual((yield* get(started.token)).attempt.context, context)
        const moved = yield* going(proveNext(started.token, user, "password"))
        assertSealed((yield* resting(moved.token)).text)
        assert.deepStrictEqual(moved.state.attempt.context, context)
        assert.deepStrictEqual((yield* get(moved.token)).attempt.context, context)
        assert.deepStrictEqual((yield* completed(proveNext(moved.token, user, "totp"))).context, context)
      }).pipe(Effect.provide(layer)),
    )

    it.effect("rests as nothing where that is nothing", () =>
      Effect.gen(function* () {
        const { token } = yield* start()
        assert.isNull((yield* resting(token)).attempt.context)
        assert.deepStrictEqual((yield* get(token)).attempt.context, {})
      }).pipe(Effect.provide(layer)),
    )
  })
}

describe("What a sign-in takes along", () => {
  it.effect("opens for no other sign-in, which goes nowhere then", () =>
    Effect.gen(function* () {
      const user = yield* userWith("password")
      const [from, to] = [yield* start(context), yield* start()]
      const { attempt, tokenHash } = yield* resting(to.token)
      const store = yield* SignInAttemptStore
      yield* store.remove([tokenHash])
      yield* store.insert({ ...attempt, context: (yield* resting(from.token)).attempt.context }, tokenHash)
      assert.strictEqual(yield* refusal(get(to.token)), "SignInRefused:invalid")
      const opened = yield* open(to.token, "password")
      assert.strictEqual(yield* refusal(prove(opened, user)), "SignInRefused:invalid")
    }).pipe(Effect.provide(layer)),
  )
})

const before = {
  ...SqlFactorsMigrations.migrations,
  migrations: SqlFactorsMigrations.migrations.migrations.slice(0, 6),
}

for (const { name, layer } of TestDatabase.each([SqlCoreMigrations.migrations, before])) {
  describe(`The table of sign-ins (${name})`, () => {
    it.effect("keeps those on their way, and nothing of what they took along in clear, when it is sealed", () =>
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const { id } = yield* Builders.user()
        const tokenHash = yield* Builders.keyedHash
        yield* sql`INSERT INTO belfry_sign_in_attempts
            (id, token_hash, proofs, tries, context, created_at, expires_at)
          VALUES (${id}, ${tokenHash}, '[]', 2, ${JSON.stringify(context)}::jsonb, to_timestamp(0), to_timestamp(900))`
        yield* Migrations.run([SqlCoreMigrations.migrations, SqlFactorsMigrations.migrations])
        const found = yield* Effect.provide(
          SignInAttemptStore.use((store) => store.find([tokenHash], DateTime.makeUnsafe(0))),
          TestServices.layerSqlStores,
        )
        assert.deepStrictEqual(
          Option.map(found, ({ attempt }) => [attempt.id, attempt.tries, attempt.context]),
          Option.some([SignInAttemptId.make(id), 2, null]),
        )
        assertSealed(yield* rowsIfSql)
      }).pipe(Effect.provide(Layer.fresh(layer))),
    )
  })
}
