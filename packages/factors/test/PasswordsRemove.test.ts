import { Sessions } from "@belfry/core/Sessions"
import { Users } from "@belfry/core/Users"
import { Passwords, type SignIn } from "@belfry/factors/Passwords"
import { PasswordStore } from "@belfry/factors/PasswordStore"
import * as SignInPolicy from "@belfry/factors/SignInPolicy"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Option, Redacted } from "effect"
import { TestClock } from "effect/testing"
import { enrolApp, proveCode } from "./support/SecondFactors.ts"
import { auditTrail, begin, home, layer, mails, pending, register, signIn } from "./support/People.ts"
import { assertProblem, problem } from "./support/Problems.ts"
import * as TestServer from "./support/TestServer.ts"

const remove = ({ session, user }: SignIn) =>
  Passwords.use((passwords) => passwords.remove({ session, user, client: home }))

const hashOf = ({ user }: SignIn) => PasswordStore.use((passwords) => passwords.find(user.id))

const tagOf = <A, E extends { readonly _tag: string }, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.map(Effect.flip(effect), ({ _tag }) => _tag)

const onlyPasswords = Layer.succeed(SignInPolicy.SignInPolicy, SignInPolicy.make({ firstFactors: ["password"] }))

describe("Removing a password", () => {
  it.effect("takes it off, records that, and tells the user", () =>
    Effect.gen(function* () {
      const here = yield* register()
      const before = (yield* auditTrail).length
      yield* remove(here)
      assert.strictEqual(yield* tagOf(signIn()), "InvalidCredentials")
      assert.deepStrictEqual((yield* auditTrail).slice(before), ["factor.removed", "password.sign-in:no-password"])
      assert.deepStrictEqual(yield* mails, ["factor-removed"])
      yield* Sessions.use((sessions) => sessions.verify(here.token))
    }).pipe(Effect.provide(layer)),
  )

  it.effect("ends the sign-ins in which it was proved", () =>
    Effect.gen(function* () {
      const here = yield* register()
      const app = yield* enrolApp(here)
      const { token } = yield* pending(begin())
      yield* remove(here)
      const error = yield* Effect.flip(proveCode(token, app))
      assert.strictEqual(error._tag === "SignInRefused" ? error.reason : error._tag, "invalid")
    }).pipe(Effect.provide(layer)),
  )

  it.effect("needs a fresh session, and a password", () =>
    Effect.gen(function* () {
      const here = yield* register()
      yield* TestClock.adjust("10 minutes")
      assert.strictEqual(yield* tagOf(remove(here)), "SessionNotFresh")
      assert.isTrue(Option.isSome(yield* hashOf(here)))
      const again = yield* signIn()
      yield* remove(again)
      assert.strictEqual(yield* tagOf(remove(again)), "NotEnrolled")
    }).pipe(Effect.provide(layer)),
  )

  it.effect("is refused where it is the last way in, and the password stays", () =>
    Effect.gen(function* () {
      const here = yield* register()
      assert.strictEqual(yield* tagOf(remove(here)), "LastWayIn")
      assert.deepStrictEqual(yield* mails, [])
      yield* signIn()
    }).pipe(Effect.provide(Layer.provide(layer, onlyPasswords))),
  )
})

describe("DELETE /auth/password", () => {
  const send = Effect.fnUntraced(function* ({ token }: Pick<SignIn, "token">) {
    const request = yield* TestServer.make()
    const headers = { cookie: `belfry_session=${Redacted.value(token)}`, origin: "http://localhost:3000" }
    return yield* request("/auth/password", { method: "DELETE", headers })
  })

  it.effect("answers 204, and 404 when there is none", () =>
    Effect.gen(function* () {
      const here = yield* register()
      const removed = yield* send(here)
      assert.deepStrictEqual([removed.status, removed.text, removed.cookies], [204, "", {}])
      assertProblem(yield* send(here), problem(404, "Not Found", "NotEnrolled", { factor: "password" }))
    }).pipe(Effect.provide(layer)),
  )

  it.effect("answers 403 to a session that is not fresh", () =>
    Effect.gen(function* () {
      const here = yield* register()
      yield* TestClock.adjust("10 minutes")
      assertProblem(yield* send(here), problem(403, "Forbidden", "SessionNotFresh", { maxAge: 600 }))
    }).pipe(Effect.provide(layer)),
  )

  it.effect("answers 409 when it is the last way in, and 401 to nobody", () =>
    Effect.gen(function* () {
      const here = yield* register()
      assertProblem(yield* send(here), problem(409, "Conflict", "LastWayIn", { factor: "password" }))
      yield* Users.use((users) => users.remove(here.user.id))
      assert.strictEqual((yield* send(here)).status, 401)
    }).pipe(Effect.provide(Layer.provide(layer, onlyPasswords))),
  )
})
