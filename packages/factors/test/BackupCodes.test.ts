import { Audit } from "@belfry/core/Audit"
import { BackupCodes } from "@belfry/factors/BackupCodes"
import * as CapturingMailer from "@belfry/testing/CapturingMailer"
import * as VirtualAuthenticator from "@belfry/testing/VirtualAuthenticator"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { TestClock } from "effect/testing"
import { auditTrail, complete, home, layer, mails } from "./support/People.ts"
import { begin, enrol, failureOf, join, type Person, proved, returnOf } from "./support/PasskeyPeople.ts"

/** A user with a passkey, out of reach, and the backup codes that came with it. */
const joinWithCodes = Effect.fnUntraced(function* (name: string) {
  const person = yield* join(name)
  const { backupCodes } = yield* enrol(person, VirtualAuthenticator.make())
  return { ...person, codes: (backupCodes ?? []).map(Redacted.value) }
})

const prove = (token: Redacted.Redacted, code: string | undefined) =>
  BackupCodes.use((codes) => codes.prove({ token, code: Redacted.make(code ?? ""), client: home }))

/** Signs in with a backup code after the first factor. */
const useCode = Effect.fnUntraced(function* ({ user }: Pick<Person, "user">, code: string | undefined) {
  const { token } = yield* proved(user)
  return yield* complete(prove(token, code))
})

const remaining = ({ user }: Pick<Person, "user">) => BackupCodes.use((codes) => codes.remaining(user.id))

const replace = ({ session, user }: Person) =>
  Effect.map(
    BackupCodes.use((codes) => codes.replace({ session, user, client: home })),
    (codes) => codes.map(Redacted.value),
  )

/** Why backup codes were refused, the first one first. */
const refusals = Effect.map(
  Audit.use((audit) => audit.list({ limit: 1000 })),
  (events) =>
    events
      .filter(({ type, data }) => type === "sign-in.refused" && data["factor"] === "backup-code")
      .map(({ reason }) => reason)
      .toReversed(),
)

describe("Backup codes", () => {
  it.effect("are ten, of ten letters and digits that nobody takes for one another, and no two alike", () =>
    Effect.gen(function* () {
      const ada = yield* joinWithCodes("ada")
      assert.strictEqual(new Set(ada.codes).size, 10)
      for (const code of ada.codes) assert.match(code, /^[A-HJ-NP-Z2-9]{5}-[A-HJ-NP-Z2-9]{5}$/u)
      assert.strictEqual(yield* remaining(ada), 10)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("stand in for a second factor", () =>
    Effect.gen(function* () {
      const ada = yield* joinWithCodes("ada")
      const { session, user } = yield* useCode(ada, ada.codes[3])
      assert.deepStrictEqual(user, ada.user)
      assert.deepStrictEqual([session.amr, session.acr], [["pwd", "otp", "mfa"], "aal2"])
    }).pipe(Effect.provide(layer)),
  )

  it.effect("work once each, and the user is told by mail how many are left", () =>
    Effect.gen(function* () {
      const ada = yield* joinWithCodes("ada")
      const mailer = yield* CapturingMailer.CapturingMailer
      const left = ["9 are left", "8 are left", "7 are left", "6 are left", "5 are left", "4 are left"]
      const last = ["3 are left", "2 are left", "One is left", "0 are left"]
      for (const [index, text] of [...left, ...last].entries()) {
        // Ten in a quarter of an hour are what a user may try.
        yield* TestClock.adjust("5 minutes")
        yield* useCode(ada, ada.codes[index])
        const mail = yield* mailer.takeLast(ada.user.email, "backup-code-used")
        assert.include(mail.text, text)
        assert.strictEqual(yield* remaining(ada), 9 - index)
      }
    }).pipe(Effect.provide(layer)),
  )

  it.effect("are refused when they were used before, and the log tells that from codes that never were", () =>
    Effect.gen(function* () {
      const ada = yield* joinWithCodes("ada")
      yield* useCode(ada, ada.codes[0])
      yield* TestClock.adjust("1 minute")
      const told = (yield* mails).filter((category) => category === "backup-code-used")
      const { token } = yield* proved(ada.user)
      const used = yield* Effect.flip(prove(token, ada.codes[0]))
      assert.deepStrictEqual([used._tag, "triesLeft" in used ? used.triesLeft : undefined], ["CodeInvalid", 4])
      const unknown = yield* Effect.flip(prove(token, "AAAAA-AAAAA"))
      assert.deepStrictEqual([unknown._tag, "triesLeft" in unknown ? unknown.triesLeft : undefined], ["CodeInvalid", 3])
      assert.deepStrictEqual(yield* refusals, ["used", "unknown"])
      assert.strictEqual(yield* remaining(ada), 9)
      assert.deepStrictEqual(
        (yield* mails).filter((category) => category === "backup-code-used"),
        told,
      )
      yield* complete(prove(token, ada.codes[1]))
    }).pipe(Effect.provide(layer)),
  )

  const typings: Readonly<Record<string, (code: string) => string>> = {
    "in lower case": (code) => code.toLowerCase(),
    "without the dash": (code) => code.replace("-", ""),
    "with dashes and spaces all over": (code) => ` ${[...code].join("- ")}\t\n`,
    "in full-width letters and digits": (code) =>
      code.replace(/[!-~]/gu, (character) => String.fromCodePoint((character.codePointAt(0) ?? 0) + 0xfee0)),
  }

  for (const [how, typed] of Object.entries(typings)) {
    it.effect(`may be typed ${how}`, () =>
      Effect.gen(function* () {
        const ada = yield* joinWithCodes("ada")
        yield* useCode(ada, typed(ada.codes[0] ?? ""))
        const { token } = yield* proved(ada.user)
        assert.strictEqual(yield* failureOf(prove(token, ada.codes[0])), "CodeInvalid")
      }).pipe(Effect.provide(layer)),
    )
  }

  it.effect("open nobody else's account", () =>
    Effect.gen(function* () {
      const [ada, eve] = [yield* joinWithCodes("ada"), yield* joinWithCodes("eve")]
      const { token } = yield* proved(ada.user)
      assert.strictEqual(yield* failureOf(prove(token, eve.codes[0])), "CodeInvalid")
      assert.deepStrictEqual(yield* refusals, ["unknown"])
      assert.strictEqual(yield* remaining(eve), 10)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("begin no sign-in", () =>
    Effect.gen(function* () {
      const ada = yield* joinWithCodes("ada")
      const { token } = yield* begin()
      assert.strictEqual(yield* failureOf(prove(token, ada.codes[0])), "SignInRefused:factor-unavailable")
    }).pipe(Effect.provide(layer)),
  )

  it.effect("cannot be guessed: five wrong ones lock the sign-in", () =>
    Effect.gen(function* () {
      const ada = yield* joinWithCodes("ada")
      const { token } = yield* proved(ada.user)
      for (let tries = 0; tries < 5; tries++) {
        assert.strictEqual(yield* failureOf(prove(token, "AAAAA-AAAAA")), "CodeInvalid")
      }
      assert.strictEqual(yield* failureOf(prove(token, ada.codes[0])), "SignInRefused:locked")
      assert.strictEqual(yield* remaining(ada), 10)
    }).pipe(Effect.provide(layer)),
  )
})

describe("A new set of backup codes", () => {
  it.effect("makes the old one worthless, and the user is told by mail", () =>
    Effect.gen(function* () {
      const ada = yield* joinWithCodes("ada")
      yield* useCode(ada, ada.codes[0])
      const codes = yield* replace(ada)
      assert.strictEqual(codes.length, 10)
      assert.strictEqual(yield* remaining(ada), 10)
      assert.include(yield* mails, "backup-codes-replaced")
      const { token } = yield* proved(ada.user)
      assert.strictEqual(yield* failureOf(prove(token, ada.codes[0])), "CodeInvalid")
      assert.strictEqual(yield* failureOf(prove(token, ada.codes[1])), "CodeInvalid")
      assert.deepStrictEqual(yield* refusals, ["unknown", "unknown"])
      yield* complete(prove(token, codes[0]))
    }).pipe(Effect.provide(layer)),
  )

  it.effect("needs a fresh session, and a second factor to stand in for", () =>
    Effect.gen(function* () {
      const [ada, bob] = [yield* joinWithCodes("ada"), yield* join("bob")]
      assert.strictEqual(yield* failureOf(replace(bob)), "NotEnrolled")
      assert.strictEqual(yield* remaining(bob), 0)
      yield* TestClock.adjust("10 minutes")
      assert.strictEqual(yield* failureOf(replace(ada)), "SessionNotFresh")
      const { token } = yield* proved(ada.user)
      yield* complete(prove(token, ada.codes[0]))
      yield* replace(yield* returnOf(ada.user))
    }).pipe(Effect.provide(layer)),
  )

  it.effect("is written down nowhere: neither in mails nor in the audit log", () =>
    Effect.gen(function* () {
      const ada = yield* joinWithCodes("ada")
      const codes = [...ada.codes, ...(yield* replace(ada))]
      yield* useCode(ada, codes[10])
      const { messages } = yield* CapturingMailer.CapturingMailer
      const events = yield* Audit.use((audit) => audit.list({ limit: 1000 }))
      const written = JSON.stringify([yield* messages, events]).replaceAll("-", "")
      assert.deepStrictEqual(
        codes.filter((code) => written.includes(code.replace("-", ""))),
        [],
      )
      assert.include(yield* auditTrail, "backup-codes.replaced")
    }).pipe(Effect.provide(layer)),
  )
})
