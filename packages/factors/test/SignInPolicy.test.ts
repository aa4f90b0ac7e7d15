import { unknownClient } from "@belfry/core/AuditEvent"
import type { AuthenticationMethod } from "@belfry/core/Session"
import { SessionId } from "@belfry/core/Session"
import { provable as provableOf } from "@belfry/factors/Enrolment"
import { amrOf, type Factor } from "@belfry/factors/Factor"
import { progress, type Progress } from "@belfry/factors/SignInAttempt"
import * as SignInPolicy from "@belfry/factors/SignInPolicy"
import * as Builders from "@belfry/testing/Builders"
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, DateTime, Effect } from "effect"

/** How a sign-in, or a step-up, of a user with these factors stands under a policy. */
const standing = Effect.fnUntraced(function* (options: {
  readonly policy?: SignInPolicy.SignInPolicyService
  readonly enrolled: ReadonlyArray<Factor>
  readonly proved: ReadonlyArray<Factor>
  readonly kind?: "signIn" | "stepUp"
}) {
  const { policy = SignInPolicy.make(), enrolled, proved, kind = "signIn" } = options
  const at = yield* DateTime.now
  const provable = provableOf(enrolled.map((factor) => ({ factor, count: 1, createdAt: at, lastUsedAt: null })))
  const facts: SignInPolicy.SignInFacts = {
    user: yield* Builders.user(),
    provable,
    proofs: proved.map((factor) => ({ factor, amr: [], at, email: null })),
    client: unknownClient,
  }
  const sessionId = SessionId.make("01890000-0000-7000-8000-000000000000")
  const alternatives = yield* kind === "signIn"
    ? policy.signIn(facts)
    : policy.stepUp({ ...facts, stepUp: { sessionId, amr: ["pwd"], acr: "aal1", action: null } })
  return progress({
    alternatives,
    provable,
    proved,
    enrol: kind === "signIn" ? yield* policy.enrolment(facts) : [],
  })
})

const complete = { isComplete: true, factors: [], enrol: [] }
const asks = (...factors: ReadonlyArray<Factor>) => ({ isComplete: false, factors, enrol: [] })

const firsts = ["password", "email-code", "magic-link", "oauth"] as const
const seconds = ["totp", "hotp", "passkey"] as const

describe("The default policy", () => {
  for (const first of firsts) {
    it.effect(`lets in who proved ${first} and has no second factor`, () =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* standing({ enrolled: ["password", "oauth"], proved: [first] }), complete)
      }),
    )

    for (const second of seconds) {
      it.effect(`demands ${second} after ${first} of who has it`, () =>
        Effect.gen(function* () {
          const enrolled = ["password", "oauth", second] as const
          const expected = second === "passkey" ? asks("passkey", "security-key") : asks(second)
          assert.deepStrictEqual(yield* standing({ enrolled, proved: [first] }), expected)
          assert.isTrue((yield* standing({ enrolled, proved: [first, second] })).isComplete)
          // No other first factor stands in for the second.
          assert.isFalse((yield* standing({ enrolled, proved: firsts })).isComplete)
        }),
      )
    }
  }

  it.effect("takes a passkey that verified its user for both", () =>
    Effect.gen(function* () {
      const enrolled = ["password", "passkey", "totp", "backup-code"] as const
      assert.deepStrictEqual(yield* standing({ enrolled, proved: ["passkey"] }), complete)
    }),
  )

  it.effect("takes a security key for one: after a password it is the second, alone it wants a first", () =>
    Effect.gen(function* () {
      const enrolled = ["password", "passkey"] as const
      assert.deepStrictEqual(yield* standing({ enrolled, proved: ["password", "security-key"] }), complete)
      const state = yield* standing({ enrolled, proved: ["security-key"] })
      assert.deepStrictEqual(state, asks("passkey", "password", "email-code", "magic-link"))
    }),
  )

  it.effect("lets a backup code stand in for a second factor, and for nothing else", () =>
    Effect.gen(function* () {
      const enrolled = ["password", "totp", "backup-code"] as const
      const state = yield* standing({ enrolled, proved: ["password"] })
      assert.deepStrictEqual(state, asks("totp", "backup-code"))
      assert.deepStrictEqual(yield* standing({ enrolled, proved: ["password", "backup-code"] }), complete)
      assert.isFalse((yield* standing({ enrolled, proved: ["backup-code"] })).isComplete)
      assert.isFalse((yield* standing({ enrolled, proved: ["totp", "backup-code"] })).isComplete)
    }),
  )

  it.effect("asks who steps up for a second factor where there is one, and for any first factor otherwise", () =>
    Effect.gen(function* () {
      const kind = "stepUp"
      const bare = yield* standing({ kind, enrolled: ["password", "oauth"], proved: [] })
      assert.deepStrictEqual(bare, asks("password", "email-code", "magic-link", "oauth"))
      const enrolled = ["password", "totp", "backup-code"] as const
      assert.deepStrictEqual(yield* standing({ kind, enrolled, proved: [] }), asks("totp", "backup-code"))
      // Who holds a session and a password must not take the second factor off.
      assert.isFalse((yield* standing({ kind, enrolled, proved: firsts })).isComplete)
      assert.deepStrictEqual(yield* standing({ kind, enrolled, proved: ["totp"] }), complete)
    }),
  )

  it.effect("demands nothing to be set up", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual((yield* standing({ enrolled: ["password"], proved: ["password"] })).enrol, [])
    }),
  )

  const worth: ReadonlyArray<readonly [ReadonlyArray<AuthenticationMethod>, string]> = [
    [["pwd"], "aal1"],
    [["email"], "aal1"],
    [["oauth"], "aal1"],
    [["hwk"], "aal1"],
    [["pwd", "otp"], "aal2"],
    [["email", "otp"], "aal2"],
    [["hwk", "user", "mfa"], "aal2"],
  ]
  for (const [methods, acr] of worth) {
    it(`says ${acr} of ${methods.join(" and ")}`, () => {
      assert.strictEqual(SignInPolicy.make().acr(amrOf(methods)), acr)
    })
  }
})

describe("A policy that requires a second factor", () => {
  const policy = SignInPolicy.make({ secondFactor: "required" })

  it.effect("has whoever has none set one up, after everything else", () =>
    Effect.gen(function* () {
      const enrolled = ["password"] as const
      assert.deepStrictEqual((yield* standing({ policy, enrolled, proved: [] })).enrol, [])
      const expected: Progress = { isComplete: false, factors: [], enrol: ["passkey", "totp"] }
      assert.deepStrictEqual(yield* standing({ policy, enrolled, proved: ["password"] }), expected)
    }),
  )

  it.effect("asks who has one for it, and for nothing more", () =>
    Effect.gen(function* () {
      const enrolled = ["password", "totp"] as const
      assert.deepStrictEqual(yield* standing({ policy, enrolled, proved: ["password"] }), asks("totp"))
      assert.deepStrictEqual(yield* standing({ policy, enrolled, proved: ["password", "totp"] }), complete)
    }),
  )
})

describe("A policy of other first factors", () => {
  it.effect("lets nobody in by a factor that is not among them", () =>
    Effect.gen(function* () {
      const policy = SignInPolicy.make({ firstFactors: ["password"] })
      const enrolled = ["password", "oauth", "totp", "passkey"] as const
      for (const proved of [["email-code"], ["oauth"], ["email-code", "totp"], ["passkey"]] as const) {
        assert.isFalse((yield* standing({ policy, enrolled, proved })).isComplete, proved.join())
      }
      assert.isTrue((yield* standing({ policy, enrolled, proved: ["password", "passkey"] })).isComplete)
    }),
  )

  it.effect("asks who steps up without a second factor for one of them", () =>
    Effect.gen(function* () {
      const policy = SignInPolicy.make({ firstFactors: ["password", "passkey"] })
      const state = yield* standing({ policy, kind: "stepUp", enrolled: ["password"], proved: [] })
      assert.deepStrictEqual(state, asks("password"))
    }),
  )
})

describe("The policy of the environment", () => {
  const fromEnvironment = (env: Record<string, string>) =>
    SignInPolicy.SignInPolicy.pipe(
      Effect.map(({ firstFactors }) => firstFactors),
      Effect.provide(SignInPolicy.layerConfig, { local: true }),
      Effect.provide(ConfigProvider.layer(ConfigProvider.fromEnvRecord(env))),
    )

  it.effect("has the first factors that are listed, and all where none are", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* fromEnvironment({ BELFRY_FIRST_FACTORS: "password, passkey," }), [
        "password",
        "passkey",
      ])
      assert.deepStrictEqual(yield* fromEnvironment({}), SignInPolicy.make().firstFactors)
    }),
  )

  it.effect("is refused where nothing may begin a sign-in, or something that is no first factor", () =>
    Effect.gen(function* () {
      for (const factors of [" , ", "totp", "password,passwort"]) {
        const error = yield* Effect.flip(fromEnvironment({ BELFRY_FIRST_FACTORS: factors }))
        assert.strictEqual(error._tag, "ConfigError", factors)
      }
    }),
  )
})
