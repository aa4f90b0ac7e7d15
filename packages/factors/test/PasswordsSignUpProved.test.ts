/**
 * Signing up with an address that something else than our own mail proved.
 */
import { Audit } from "@belfry/core/Audit"
import * as SqlCoreMigrations from "@belfry/core/SqlCoreMigrations"
import { Sessions } from "@belfry/core/Sessions"
import { Email } from "@belfry/core/User"
import { Users } from "@belfry/core/Users"
import { VerificationTokens } from "@belfry/core/VerificationTokens"
import { AddressProofs } from "@belfry/factors/AddressProofs"
import { CommonPasswords } from "@belfry/factors/CommonPasswords"
import * as Passwords from "@belfry/factors/Passwords"
import * as SignInPolicy from "@belfry/factors/SignInPolicy"
import * as SqlFactorsMigrations from "@belfry/factors/SqlFactorsMigrations"
import * as TestDatabase from "@belfry/testing/TestDatabase"
import * as TestServices from "@belfry/testing/TestServices"
import { assert, describe, it, layer as withLayer } from "@effect/vitest"
import { DateTime, Effect, Layer, Option, Redacted } from "effect"
import { TestClock } from "effect/testing"
import { layerPasswords, prove, signUpProved } from "./support/AddressProofs.ts"
import {
  ada,
  adasPassword,
  auditTrail,
  bob,
  complete,
  confirm,
  costOf,
  evesPassword,
  layer as layerPeople,
  mails,
  pending,
  register,
  secret,
  signIn,
  signUp,
  takeToken,
} from "./support/People.ts"
import { assertProblem, problem, tokenInvalid } from "./support/Problems.ts"
import * as TestServer from "./support/TestServer.ts"
import { Failures } from "./support/TestStores.ts"

const layer = Layer.provideMerge(layerPasswords, layerPeople)

/** Passwords that find a proof of Ada's address, which is gone when it is to be used. */
const layerOvertaken = Layer.fresh(
  Layer.provide(
    Passwords.layer,
    Layer.succeed(AddressProofs, { find: () => Effect.succeedSome(ada), claim: () => Effect.succeed(false) }),
  ),
)

const findUser = (email: Email = ada) => Users.use((users) => users.findByEmail(email))
const tagOf = <A, E extends { readonly _tag: string }, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.map(Effect.flip(effect), ({ _tag }) => _tag)
const outcomes = <A, E extends { readonly _tag: string }, R>(effects: ReadonlyArray<Effect.Effect<A, E, R>>) =>
  Effect.map(
    Effect.forEach(effects, Effect.match({ onFailure: ({ _tag }) => _tag, onSuccess: () => "success" }), {
      concurrency: "unbounded",
    }),
    (all) => all.toSorted(),
  )

describe("Signing up with an address that is proved", () => {
  it.effect("makes the user with that address, verified now, and signs in without a mail", () =>
    Effect.gen(function* () {
      const proof = yield* prove(ada)
      yield* TestClock.adjust("1 hour")
      const now = yield* DateTime.now
      const signedIn = yield* complete(signUpProved(proof, { name: "Ada" }))
      assert.deepStrictEqual(
        [signedIn.user.email, signedIn.user.name, signedIn.user.emailVerifiedAt],
        [ada, "Ada", now],
      )
      assert.deepStrictEqual(yield* findUser(), Option.some(signedIn.user))
      assert.deepStrictEqual([signedIn.session.amr, signedIn.session.authTime], [["pwd"], now])
      assert.deepStrictEqual(yield* mails, [])
      assert.deepStrictEqual(yield* auditTrail, ["user.created", "password.sign-up", "session.started"])
      const events = yield* Audit.use((audit) => audit.list({ userId: signedIn.user.id, limit: 10 }))
      assert.deepStrictEqual(events.find(({ type }) => type === "password.sign-up")?.data, { proof: true })
      yield* signIn()
    }).pipe(Effect.provide(layer)),
  )

  it.effect("takes the proof once, and nothing that is none", () =>
    Effect.gen(function* () {
      const proof = yield* prove(ada)
      const { user } = yield* complete(signUpProved(proof))
      for (const token of [proof, secret(""), secret("belfry_verify_x")]) {
        assert.strictEqual(yield* tagOf(signUpProved(token)), "VerificationTokenInvalid")
      }
      assert.strictEqual((yield* Sessions.use((sessions) => sessions.list(user.id))).length, 1)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("costs no hash and makes nothing without a proof", () =>
    Effect.gen(function* () {
      const cost = yield* costOf(signUpProved(secret("belfry_invitation_x")))
      assert.deepStrictEqual(cost, { statements: 0, derivations: [], mails: 0 })
    }).pipe(Effect.provide(layer)),
  )

  it.effect("says that the address has an account, changes nothing about it and leaves the proof", () =>
    Effect.gen(function* () {
      const owner = yield* register()
      const proof = yield* prove(ada)
      assert.strictEqual(yield* tagOf(signUpProved(proof, { password: evesPassword, name: "Eve" })), "EmailTaken")
      assert.deepStrictEqual(yield* findUser(), Option.some(owner.user))
      assert.strictEqual(yield* tagOf(signIn({ password: evesPassword })), "InvalidCredentials")
      yield* signIn()
      yield* Users.use((users) => users.remove(owner.user.id))
      yield* signUpProved(proof)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("makes links of other sign-ups with the address worthless", () =>
    Effect.gen(function* () {
      const browser = yield* signUp({ password: evesPassword })
      const token = yield* takeToken(ada, "confirm-sign-up")
      const { user } = yield* complete(signUpProved(yield* prove(ada)))
      yield* Users.use((users) => users.remove(user.id))
      assert.strictEqual(yield* tagOf(confirm(token, { browser })), "VerificationTokenInvalid")
    }).pipe(Effect.provide(layer)),
  )

  it.effect("refuses passwords that will not do for the address, and leaves the proof", () =>
    Effect.gen(function* () {
      const proof = yield* prove(Email.make("long-enough-name@example.com"))
      for (const [text, reason] of [
        ["1234567", "too-short"],
        ["long-enough-name", "common"],
        ["long-enough-name@example.com", "common"],
      ] as const) {
        const error = yield* Effect.flip(signUpProved(proof, { password: secret(text) }))
        assert.deepStrictEqual(error._tag === "PasswordRejected" ? error.reason : error, reason)
      }
      yield* signUpProved(proof)
    }).pipe(
      Effect.provide(
        Layer.provide(
          Layer.provideMerge(layerPasswords, layerPeople),
          Layer.succeed(CommonPasswords, {
            includes: (password, context) => Effect.succeed(context.includes(Redacted.value(password))),
          }),
        ),
      ),
    ),
  )

  it.effect("counts like the sign-ups that mail: 5 an hour for one address", () =>
    Effect.gen(function* () {
      yield* register()
      const proof = yield* prove(ada)
      for (let i = 0; i < 4; i++) assert.strictEqual(yield* tagOf(signUpProved(proof)), "EmailTaken")
      const limited = yield* Effect.flip(signUpProved(proof))
      assert.deepStrictEqual(limited._tag === "RateLimited" ? limited.retryAfter : limited, 3600)
    }).pipe(Effect.provide(layer)),
  )

  for (const event of ["user.created", "password.sign-up", "session.started"]) {
    it.effect(`comes to nothing without ${event} in the audit log, and the proof works later`, () =>
      Effect.gen(function* () {
        const proof = yield* prove(ada)
        const failures = yield* Failures
        yield* failures.begin(event)
        assert.strictEqual(yield* tagOf(signUpProved(proof)), "StoreError")
        yield* failures.end
        assert.deepStrictEqual(yield* findUser(), Option.none())
        yield* signUpProved(proof)
      }).pipe(Effect.provide(layer)),
    )
  }

  it.effect("makes no user where the proof was used up since it was looked at", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* tagOf(signUpProved(secret("a proof"))), "VerificationTokenInvalid")
      assert.deepStrictEqual(yield* findUser(), Option.none())
      assert.deepStrictEqual(yield* auditTrail, [])
    }).pipe(Effect.provide(Layer.provideMerge(layerOvertaken, layerPeople))),
  )
})

describe("Where the policy asks for more than a password", () => {
  const withPolicy = (policy: SignInPolicy.SignInPolicyService) =>
    Effect.provide(
      Layer.provide(Layer.provideMerge(layerPasswords, layerPeople), Layer.succeed(SignInPolicy.SignInPolicy, policy)),
    )

  it.effect("starts no session before the second factor is set up", () =>
    Effect.gen(function* () {
      const { state } = yield* pending(signUpProved(yield* prove(ada)))
      assert.deepStrictEqual([state.isComplete, state.enrol], [false, ["totp"]])
      const user = Option.getOrThrow(yield* findUser())
      assert.deepStrictEqual(yield* Sessions.use((sessions) => sessions.list(user.id)), [])
    }).pipe(withPolicy({ ...SignInPolicy.make(), enrolment: () => Effect.succeed(["totp"]) })),
  )

  it.effect("makes nobody where a sign-in cannot begin with a password, and leaves the proof", () =>
    Effect.gen(function* () {
      const proof = yield* prove(ada)
      assert.strictEqual(yield* tagOf(signUpProved(proof)), "SignInRefused")
      assert.deepStrictEqual(yield* findUser(), Option.none())
      assert.strictEqual(yield* VerificationTokens.use((tokens) => tokens.revoke({ name: "test.proof" }, ada)), 1)
    }).pipe(withPolicy(SignInPolicy.make({ firstFactors: ["email-code"] }))),
  )
})

describe("POST /auth/sign-up/password/proved", () => {
  const path = "/auth/sign-up/password/proved"
  const begin = Effect.gen(function* () {
    return { send: yield* TestServer.make(), proof: Redacted.value(yield* prove(ada)) }
  })

  it.effect("signs the browser in, whatever address it names", () =>
    Effect.gen(function* () {
      const { send, proof } = yield* begin
      const json = { proof, password: Redacted.value(adasPassword), name: "Ada", email: bob, returnTo: "/welcome" }
      const response = yield* send(path, { json })
      assert.strictEqual(response.status, 200)
      assert.strictEqual(TestServer.at(response.json, "user", "email"), ada)
      assert.strictEqual(TestServer.at(response.json, "user", "name"), "Ada")
      assert.strictEqual(TestServer.at(response.json, "context", "returnTo"), "/welcome")
      assert.strictEqual(TestServer.at(response.json, "token"), null)
      const cookie = `belfry_session=${response.cookies["belfry_session"]?.value}`
      assert.strictEqual((yield* send("/auth/session", { method: "GET", headers: { cookie } })).status, 200)
      assert.deepStrictEqual(yield* findUser(bob), Option.none())
    }).pipe(Effect.provide(layer)),
  )

  it.effect("answers each refusal by its status", () =>
    Effect.gen(function* () {
      const { send, proof } = yield* begin
      const password = Redacted.value(adasPassword)
      for (const token of ["", "x", "🦉"]) {
        assertProblem(yield* send(path, { json: { proof: token, password } }), tokenInvalid)
      }
      const short = yield* send(path, { json: { proof, password: "1234567" } })
      assert.deepStrictEqual([short.status, TestServer.at(short.json, "_tag")], [422, "PasswordRejected"])
      yield* register()
      assertProblem(yield* send(path, { json: { proof, password } }), problem(409, "Conflict", "EmailTaken"))
      for (let i = 0; i < 3; i++) yield* send(path, { json: { proof, password } })
      const limited = yield* send(path, { json: { proof, password } })
      assert.deepStrictEqual([limited.status, limited.headers.get("retry-after")], [429, "3600"])
    }).pipe(Effect.provide(layer)),
  )

  it.effect("answers a client that carries its own token", () =>
    Effect.gen(function* () {
      const { send, proof } = yield* begin
      const json = { proof, password: Redacted.value(adasPassword), transport: "bearer", label: "Phone" }
      const response = yield* send(path, { json })
      assert.match(String(TestServer.at(response.json, "token")), /^belfry_session_[A-Za-z0-9]{43}$/)
      assert.strictEqual(TestServer.at(response.json, "session", "label"), "Phone")
      assert.notProperty(response.cookies, "belfry_session")
    }).pipe(Effect.provide(layer)),
  )
})

for (const { name, layer: database } of TestDatabase.each([
  SqlCoreMigrations.migrations,
  SqlFactorsMigrations.migrations,
])) {
  withLayer(Layer.provideMerge(layerPasswords, TestServices.layerSql(database)))(
    `Signing up with an address that is proved (${name})`,
    (it) => {
      it.effect("happens once of five with the same proof, or with several of one address", () =>
        Effect.gen(function* () {
          const email = Email.make("one-proof@example.com")
          const proof = yield* prove(email)
          const some = yield* outcomes(Array.from({ length: 5 }, () => signUpProved(proof)))
          assert.deepStrictEqual(some, [...Array.from({ length: 4 }, () => "EmailTaken"), "success"])
          const other = Email.make("several-proofs@example.com")
          const proofs = yield* Effect.forEach([1, 2, 3, 4, 5], () => prove(other))
          const several = yield* outcomes(proofs.map((each) => signUpProved(each)))
          assert.deepStrictEqual(several, [...Array.from({ length: 4 }, () => "EmailTaken"), "success"])
          const user = Option.getOrThrow(yield* findUser(other))
          assert.strictEqual((yield* Sessions.use((sessions) => sessions.list(user.id))).length, 1)
          assert.strictEqual(user.email, other)
        }),
      )
    },
  )
}
