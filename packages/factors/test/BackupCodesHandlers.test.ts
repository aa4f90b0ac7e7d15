import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { afterPassword, at, sessionOf, signedIn, textsAt } from "./support/Browser.ts"
import { layer, mails, register } from "./support/People.ts"
import { assertProblem, problem } from "./support/Problems.ts"
import { codeOf, enrolApp } from "./support/SecondFactors.ts"

const codeInvalid = problem(401, "Unauthorized", "CodeInvalid", { triesLeft: 4 })

/** Ada's account with an authenticator app, in a session that proved it, and a new set of backup codes. */
const withCodes = Effect.gen(function* () {
  const app = yield* Effect.flatMap(register(), enrolApp)
  const account = yield* afterPassword()
  yield* account.post("/auth/sign-in/totp", { code: Redacted.value(yield* codeOf(app)) })
  const replaced = yield* account.post("/auth/factors/backup-codes")
  assert.strictEqual(replaced.status, 200)
  return { account, codes: textsAt(replaced, "codes") }
})

describe("Backup codes", () => {
  it.effect("let in whoever lost the app, each once, however they are typed", () =>
    Effect.gen(function* () {
      const { codes } = yield* withCodes
      assert.deepStrictEqual([codes.length, new Set(codes).size], [10, 10])
      const [first = "", second = ""] = codes
      const browser = yield* afterPassword()
      const response = yield* browser.post("/auth/sign-in/backup-code", {
        code: ` ${first.toLowerCase().replace("-", " ")} `,
      })
      assert.strictEqual(at(response, "status"), "complete")
      assert.deepStrictEqual(yield* sessionOf(browser), { amr: ["pwd", "otp", "mfa"], acr: "aal2" })
      const again = yield* afterPassword()
      assertProblem(yield* again.post("/auth/sign-in/backup-code", { code: first }), codeInvalid)
      assert.strictEqual((yield* again.post("/auth/sign-in/backup-code", { code: second })).status, 200)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("are a way to recover: take the lost app off, and set up another", () =>
    Effect.gen(function* () {
      const { codes } = yield* withCodes
      const browser = yield* afterPassword()
      yield* browser.post("/auth/sign-in/backup-code", { code: codes[0] ?? "" })
      assert.strictEqual((yield* browser.delete("/auth/factors/totp")).status, 204)
      const left = yield* browser.get("/auth/factors")
      assert.strictEqual(textsAt(left, "enrolments").length, 1)
      assert.strictEqual(at(left, "enrolments", "0", "factor"), "password")
      assert.strictEqual((yield* browser.post("/auth/factors/totp", {})).status, 200)
      assert.include(yield* mails, "factor-removed")
    }).pipe(Effect.provide(layer)),
  )

  it.effect("are worthless when new ones were made", () =>
    Effect.gen(function* () {
      const { account, codes } = yield* withCodes
      const next = textsAt(yield* account.post("/auth/factors/backup-codes"), "codes")
      assert.deepStrictEqual(
        next.filter((code) => codes.includes(code)),
        [],
      )
      const browser = yield* afterPassword()
      assertProblem(yield* browser.post("/auth/sign-in/backup-code", { code: codes[0] ?? "" }), codeInvalid)
      assert.strictEqual((yield* browser.post("/auth/sign-in/backup-code", { code: next[0] ?? "" })).status, 200)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("are made for nobody who has nothing that they stand in for", () =>
    Effect.gen(function* () {
      yield* register()
      const browser = yield* signedIn()
      assertProblem(
        yield* browser.post("/auth/factors/backup-codes"),
        problem(404, "Not Found", "NotEnrolled", { factor: "backup-code" }),
      )
    }).pipe(Effect.provide(layer)),
  )
})

describe("GET /auth/factors", () => {
  it.effect("lists what is set up, with how many there are and when each was used", () =>
    Effect.gen(function* () {
      const { account, codes } = yield* withCodes
      const browser = yield* afterPassword()
      yield* browser.post("/auth/sign-in/backup-code", { code: codes[0] ?? "" })
      const { status, json } = yield* account.get("/auth/factors")
      assert.strictEqual(status, 200)
      const start = "1970-01-01T00:00:00.000Z"
      const later = "1970-01-01T00:00:30.000Z"
      assert.deepStrictEqual(json, {
        enrolments: [
          { factor: "password", count: 1, createdAt: start, lastUsedAt: null },
          { factor: "totp", count: 1, createdAt: start, lastUsedAt: later },
          { factor: "backup-code", count: 9, createdAt: later, lastUsedAt: later },
        ],
      })
    }).pipe(Effect.provide(layer)),
  )
})
