/**
 * What a host's policy makes of sign-ins.
 */
import { Sessions } from "@belfry/core/Sessions"
import type { User } from "@belfry/core/User"
import * as SignInPolicy from "@belfry/factors/SignInPolicy"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import {
  clientAt,
  completed,
  get,
  going,
  layerOf,
  open,
  proveEnrolment,
  proveFirst,
  proveNext,
  refusal,
  start,
  userWith,
} from "./support/SignIns.ts"

const sessionsOf = ({ id }: User) => Sessions.use((sessions) => sessions.list(id))

const policyOf = (
  alternatives: SignInPolicy.Alternatives,
  fields: Partial<SignInPolicy.SignInPolicyService> = {},
): SignInPolicy.SignInPolicyService => ({
  ...SignInPolicy.make(),
  signIn: () => Effect.succeed(alternatives),
  ...fields,
})

describe("A sign-in under a policy that requires a second factor", () => {
  const layer = layerOf(SignInPolicy.make({ secondFactor: "required" }))

  it.effect("starts no session for who has none, until one is set up", () =>
    Effect.gen(function* () {
      const user = yield* userWith("password")
      const { state, token } = yield* going(proveFirst(user))
      assert.deepStrictEqual([state.isComplete, state.factors, state.enrol], [false, [], ["passkey", "totp"]])
      assert.deepStrictEqual(yield* get(token), state)
      assert.deepStrictEqual(yield* sessionsOf(user), [])
      const { session } = yield* completed(proveEnrolment(token, user, "totp"))
      assert.deepStrictEqual([session.amr, session.acr], [["pwd", "otp", "mfa"], "aal2"])
      // From then on it is asked for.
      assert.deepStrictEqual((yield* going(proveFirst(user))).state.factors, ["totp"])
    }).pipe(Effect.provide(layer)),
  )

  it.effect("is complete by a new passkey, whether or not that verified its user", () =>
    Effect.gen(function* () {
      for (const factor of ["passkey", "security-key"] as const) {
        const user = yield* userWith("password")
        const { token } = yield* going(proveFirst(user))
        const { session } = yield* completed(proveEnrolment(token, user, "passkey", { factor }))
        assert.strictEqual(session.acr, "aal2")
      }
    }).pipe(Effect.provide(layer)),
  )

  it.effect("demands it after another provider and after a mailbox too", () =>
    Effect.gen(function* () {
      for (const first of ["oauth", "email-code", "magic-link"] as const) {
        const user = yield* userWith()
        const { state } = yield* going(proveFirst(user, first))
        assert.deepStrictEqual(state.enrol, ["passkey", "totp"])
      }
    }).pipe(Effect.provide(layer)),
  )

  it.effect("lets a factor be set up that is demanded, when it is demanded, and no other", () =>
    Effect.gen(function* () {
      const unavailable = "SignInRefused:factor-unavailable"
      const user = yield* userWith("password")
      const fresh = yield* start()
      assert.strictEqual(yield* refusal(proveEnrolment(fresh.token, user, "totp")), unavailable)
      const { token } = yield* going(proveFirst(user))
      // It is not there to be proved.
      assert.strictEqual(yield* refusal(open(token, "totp")), unavailable)
      const enrolled = yield* userWith("password", "totp")
      const next = yield* going(proveFirst(enrolled))
      assert.strictEqual(yield* refusal(proveEnrolment(next.token, enrolled, "totp")), unavailable)
      assert.strictEqual(yield* refusal(proveEnrolment(next.token, enrolled, "passkey")), unavailable)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("lets nobody set up a factor for somebody else", () =>
    Effect.gen(function* () {
      const [ada, eve] = [yield* userWith("password"), yield* userWith("password")]
      const { token } = yield* going(proveFirst(ada))
      assert.strictEqual(yield* refusal(proveEnrolment(token, eve, "totp")), "SignInRefused:user-mismatch")
    }).pipe(Effect.provide(layer)),
  )
})

describe("A sign-in under the policy of a host", () => {
  it.effect("is complete by any of its sets, in any order", () =>
    Effect.gen(function* () {
      for (const [first, second] of [
        ["password", "email-code"],
        ["email-code", "password"],
        ["magic-link", "oauth"],
        ["oauth", "magic-link"],
      ] as const) {
        const user = yield* userWith("password", "oauth")
        const { state, token } = yield* going(proveFirst(user, first))
        assert.include(state.factors, second)
        assert.notInclude(state.factors, first)
        const { session } = yield* completed(proveNext(token, user, second))
        assert.strictEqual(session.acr, "aal2")
      }
    }).pipe(
      Effect.provide(
        layerOf(
          policyOf([
            ["password", "email-code"],
            ["oauth", "magic-link"],
          ]),
        ),
      ),
    ),
  )

  it.effect("may ask for three factors, and says `mfa` of two kinds of evidence", () =>
    Effect.gen(function* () {
      const user = yield* userWith("password", "totp")
      const first = yield* going(proveFirst(user))
      assert.deepStrictEqual(first.state.factors, ["email-code", "totp"])
      const second = yield* going(proveNext(first.token, user, "totp"))
      const { session } = yield* completed(proveNext(second.token, user, "email-code"))
      assert.deepStrictEqual(session.amr, ["pwd", "otp", "email", "mfa"])
      assert.strictEqual(session.acr, "three")
    }).pipe(
      Effect.provide(
        layerOf(policyOf([["password", "email-code", "totp"]], { acr: (amr) => (amr.length > 3 ? "three" : "fewer") })),
      ),
    ),
  )

  it.effect("lets nobody in by an empty set who proved nothing", () =>
    Effect.gen(function* () {
      const { state, token } = yield* start()
      assert.isFalse(state.isComplete)
      assert.isFalse((yield* get(token)).isComplete)
      const user = yield* userWith("password")
      yield* completed(proveFirst(user))
    }).pipe(Effect.provide(layerOf(policyOf([[]])))),
  )

  it.effect("lets nobody in at all without a set", () =>
    Effect.gen(function* () {
      const user = yield* userWith("password")
      const { state } = yield* going(proveFirst(user))
      assert.deepStrictEqual([state.isComplete, state.factors, state.enrol], [false, [], []])
      assert.deepStrictEqual(yield* sessionsOf(user), [])
    }).pipe(Effect.provide(layerOf(policyOf([])))),
  )

  it.effect("begins by its first factors only", () =>
    Effect.gen(function* () {
      const user = yield* userWith("password")
      const unavailable = "SignInRefused:factor-unavailable"
      const { state, token } = yield* start()
      assert.deepStrictEqual(state.factors, ["oauth"])
      assert.strictEqual(yield* refusal(open(token, "email-code")), unavailable)
      assert.strictEqual(yield* refusal(proveFirst(user)), unavailable)
      yield* completed(proveFirst(user, "oauth", { token }))
    }).pipe(Effect.provide(layerOf(SignInPolicy.make({ firstFactors: ["oauth"] })))),
  )
})

describe("A policy that looks at where the client is", () => {
  it.effect("sees that of each step, and of who asks how the sign-in stands", () => {
    const seen: Array<string | null> = []
    const policy = policyOf([["password", "totp"]], {
      signIn: ({ client }) =>
        Effect.sync(() => {
          seen.push(client.ipAddress)
          return [["password", "totp"]]
        }),
    })
    return Effect.gen(function* () {
      const user = yield* userWith("password", "totp")
      const { token } = yield* going(proveFirst(user))
      yield* get(token, clientAt("198.51.100.7"))
      assert.deepStrictEqual(seen, ["192.0.2.1", "198.51.100.7"])
    }).pipe(Effect.provide(layerOf(policy)))
  })
})
