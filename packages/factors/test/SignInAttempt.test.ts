import { Factor } from "@belfry/factors/Factor"
import { isOver, progress, type SignInAttempt, SignInAttemptId } from "@belfry/factors/SignInAttempt"
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Effect, Schema } from "effect"

type Question = Parameters<typeof progress>[0]

const all = Factor.literals

const ask = (question: Partial<Question>) =>
  progress({ alternatives: [["password"]], provable: all, proved: [], enrol: [], ...question })

const complete = { isComplete: true, factors: [], enrol: [] }

const going = (factors: ReadonlyArray<Factor>) => ({ isComplete: false, factors, enrol: [] })

describe("progress", () => {
  const table: Record<string, readonly [Partial<Question>, ReturnType<typeof progress>]> = {
    "asks for the one factor that there is": [{}, going(["password"])],
    "is complete when a set is proved": [{ proved: ["password"] }, complete],
    "is complete when more than a set is proved": [{ proved: ["totp", "password"] }, complete],
    "is not complete by half a set": [{ alternatives: [["password", "totp"]], proved: ["password"] }, going(["totp"])],
    "does not care in which order": [{ alternatives: [["password", "totp"]], proved: ["totp"] }, going(["password"])],
    "offers each alternative": [
      { alternatives: [["password", "totp"], ["password", "hotp"], ["passkey"]], proved: ["password"] },
      going(["totp", "hotp", "passkey"]),
    ],
    "offers each factor once": [
      {
        alternatives: [
          ["password", "totp"],
          ["email-code", "totp"],
        ],
        proved: [],
      },
      going(["password", "totp", "email-code"]),
    ],
    "offers no way that asks for more than another one does": [
      {
        alternatives: [
          ["password", "totp"],
          ["email-code", "totp"],
        ],
        proved: ["password"],
      },
      going(["totp"]),
    ],
    "offers no way on which the user lacks a factor": [
      {
        alternatives: [
          ["password", "totp"],
          ["password", "email-code"],
        ],
        provable: ["password", "email-code"],
        proved: ["password"],
      },
      going(["email-code"]),
    ],
    "offers nothing when every way lacks a factor": [
      { alternatives: [["password", "totp"]], provable: ["password"], proved: ["password"] },
      going([]),
    ],
    "is never complete without a set": [{ alternatives: [], proved: ["password", "totp"] }, going([])],
    "lets nobody in by an empty set who proved nothing": [{ alternatives: [[]] }, going([])],
    "lets by an empty set who proved anything": [{ alternatives: [[]], proved: ["email-code"] }, complete],
    "demands what is to be set up when all is proved": [
      { proved: ["password"], provable: ["password"], enrol: ["passkey", "totp"] },
      { isComplete: false, factors: [], enrol: ["passkey", "totp"] },
    ],
    "demands it when nothing is left that could be proved": [
      { alternatives: [["password", "totp"]], provable: ["password"], proved: ["password"], enrol: ["totp"] },
      { isComplete: false, factors: [], enrol: ["totp"] },
    ],
    "demands it of nobody who has something left to prove": [
      {
        alternatives: [["password", "email-code"]],
        provable: ["password", "email-code"],
        proved: ["password"],
        enrol: ["totp"],
      },
      going(["email-code"]),
    ],
    "demands it of nobody who has one of them": [
      { proved: ["password"], provable: ["password", "totp"], enrol: ["passkey", "totp"] },
      complete,
    ],
    "demands it of nobody who proved nothing": [
      { alternatives: [["totp"]], provable: ["password"], enrol: ["totp"] },
      going([]),
    ],
  }
  for (const [name, [question, expected]] of Object.entries(table)) {
    it(name, () => {
      assert.deepStrictEqual(ask(question), expected)
    })
  }

  const factors = Schema.Array(Factor)
  const question = Schema.Struct({
    alternatives: Schema.Array(factors),
    provable: factors,
    proved: factors,
    enrol: Schema.Array(Factor.pick(["passkey", "totp", "hotp"])),
  })

  it.prop("is complete only when every factor of a set was proved, and something was", [question], ([given]) => {
    if (!progress(given).isComplete) return
    assert.isAbove(given.proved.length, 0)
    assert.isTrue(given.alternatives.some((set) => set.every((factor) => given.proved.includes(factor))))
  })

  it.prop("completes nobody who proved nothing, whatever the policy says", [question], ([given]) => {
    assert.isFalse(progress({ ...given, proved: [] }).isComplete)
  })

  it.prop("is never less complete for one proof more", [question, Factor], ([given, factor]) => {
    if (!progress(given).isComplete) return
    assert.isTrue(progress({ ...given, proved: [...given.proved, factor] }).isComplete)
  })

  it.prop("offers what the user has and has not proved, and nothing when it is complete", [question], ([given]) => {
    const { isComplete, factors, enrol } = progress(given)
    assert.isTrue(factors.every((factor) => given.provable.includes(factor) && !given.proved.includes(factor)))
    assert.strictEqual(new Set(factors).size, factors.length)
    if (isComplete) assert.deepStrictEqual([factors, enrol], [[], []])
    // One thing at a time: what is to be set up comes when nothing is left to prove.
    assert.isTrue(factors.length === 0 || enrol.length === 0)
  })

  it.prop("comes to an end by what it offers, or offers nothing any more", [question], ([given]) => {
    let proved = given.proved
    for (let steps = 0; steps <= all.length; steps++) {
      const { isComplete, factors } = progress({ ...given, proved, enrol: [] })
      if (isComplete || factors[0] === undefined) return true
      proved = [...proved, factors[0]]
    }
    assert.fail("More was asked for than there are factors")
  })
})

describe("isOver", () => {
  it.effect("is true at the very instant, and not a millisecond before", () =>
    Effect.gen(function* () {
      const now = yield* DateTime.now
      const attempt: SignInAttempt = {
        id: SignInAttemptId.make("01890000-0000-7000-8000-000000000000"),
        userId: null,
        stepUp: null,
        proofs: [],
        tries: 0,
        context: {},
        createdAt: now,
        expiresAt: DateTime.add(now, { minutes: 15 }),
      }
      assert.isTrue(isOver(attempt, attempt.expiresAt))
      assert.isFalse(isOver(attempt, DateTime.subtract(attempt.expiresAt, { milliseconds: 1 })))
    }),
  )
})
