import type { Session } from "@belfry/core/Session"
import { Sessions } from "@belfry/core/Sessions"
import type { StoreError } from "@belfry/core/StoreError"
import type { User } from "@belfry/core/User"
import { BackupCodeStore } from "@belfry/factors/BackupCodeStore"
import { type Enroller, Enrolments } from "@belfry/factors/Enrolments"
import type { EnrollableFactor, Factor } from "@belfry/factors/Factor"
import { HotpStore } from "@belfry/factors/HotpStore"
import { PasskeyStore } from "@belfry/factors/PasskeyStore"
import { PasswordStore } from "@belfry/factors/PasswordStore"
import * as SignInPolicy from "@belfry/factors/SignInPolicy"
import { TotpStore } from "@belfry/factors/TotpStore"
import { CapturingMailer } from "@belfry/testing/CapturingMailer"
import { assert, describe, it, layer as withLayer } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { TestClock } from "effect/testing"
import {
  amrs,
  completed,
  everywhere,
  get,
  going,
  home,
  layer,
  layerOf,
  proveFirst,
  proveNext,
  refusal,
  setUps,
  trailOf,
  userWith,
} from "./support/SignIns.ts"

interface Visit {
  readonly session: Session
  readonly user: User
}

/** Signs a user in by what the user has. */
const visit = Effect.fnUntraced(function* (user: User, second?: Factor) {
  if (second === undefined) return yield* completed(proveFirst(user))
  const { token } = yield* going(proveFirst(user))
  return yield* completed(proveNext(token, user, second))
})

const authorize = (by: Enroller, factor: EnrollableFactor) =>
  Enrolments.use((enrolments) => enrolments.authorize({ by, factor, client: home }))

/** Sets a factor up, in a session or a sign-in. */
const enrol = Effect.fnUntraced(function* (
  by: Enroller,
  factor: EnrollableFactor,
  confirm: Effect.Effect<unknown, "used"> = Effect.void,
) {
  const enrolments = yield* Enrolments
  const enrolling = yield* authorize(by, factor)
  const context = yield* Effect.context<HotpStore | PasskeyStore | TotpStore>()
  const kept = Effect.provideContext(Effect.asVoid(keep(factor, enrolling.user)), context)
  return yield* enrolments.complete({ enrolling, amr: amrs[factor], confirm: Effect.andThen(kept, confirm) })
})

const keep = (factor: EnrollableFactor, user: User) =>
  Effect.gen(function* () {
    if (factor === "totp") yield* setUps.totp(user)
    else if (factor === "hotp") yield* setUps.hotp(user)
    else yield* setUps.passkey(user)
  })

/** Removes a factor in a session. */
const remove = Effect.fnUntraced(function* ({ session, user }: Visit, factor: keyof typeof removals) {
  const context = yield* Effect.context<HotpStore | PasskeyStore | PasswordStore | TotpStore>()
  const removal = Effect.provideContext(removals[factor](user), context)
  return yield* Enrolments.use((enrolments) =>
    enrolments.remove({ session, user, factor, remove: removal, client: home }),
  )
})

type Removal = (user: User) => Effect.Effect<boolean, StoreError, HotpStore | PasskeyStore | PasswordStore | TotpStore>

const removals: Record<"password" | "totp" | "hotp" | "passkey", Removal> = {
  password: ({ id }: User) => PasswordStore.use((passwords) => passwords.remove(id)),
  totp: ({ id }: User) => TotpStore.use((totps) => totps.remove(id)),
  hotp: ({ id }: User) => HotpStore.use((hotps) => hotps.remove(id)),
  passkey: Effect.fnUntraced(function* ({ id }: User) {
    const passkeys = yield* PasskeyStore
    const all = yield* passkeys.listByUser(id)
    yield* Effect.forEach(all, (passkey) => passkeys.remove(id, passkey.id))
    return all.length > 0
  }),
}

const replaceBackupCodes = ({ session, user }: Visit) =>
  Enrolments.use((enrolments) => enrolments.replaceBackupCodes({ session, user, client: home }))

const factorsOf = ({ id }: User) =>
  Effect.map(
    Enrolments.use((enrolments) => enrolments.list(id)),
    (all) => all.map(({ factor }) => factor),
  )

const remaining = ({ id }: User) => BackupCodeStore.use((codes) => codes.remaining(id))

const mailsTo = ({ email }: User) =>
  Effect.flatMap(CapturingMailer, ({ messages }) =>
    Effect.map(messages, (all) => all.filter(({ to }) => to === email).map(({ category }) => category)),
  )

describe("Setting up a factor", () => {
  it.effect("takes a session in which the person proved who they are within 10 minutes", () =>
    Effect.gen(function* () {
      const user = yield* userWith("password")
      const { session } = yield* visit(user)
      const by: Enroller = { _tag: "Session", session, user }
      yield* TestClock.adjust("599999 millis")
      const enrolling = yield* authorize(by, "totp")
      assert.deepStrictEqual(enrolling, { factor: "totp", user, open: undefined, client: home })
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(yield* refusal(authorize(by, "totp")), "SessionNotFresh")
    }).pipe(Effect.provide(layer)),
  )

  it.effect("keeps it, tells the user, and gives ten backup codes with the first one", () =>
    Effect.gen(function* () {
      const user = yield* userWith("password")
      const { session } = yield* visit(user)
      const enrolled = yield* enrol({ _tag: "Session", session, user }, "totp")
      const codes = (enrolled.backupCodes ?? []).map(Redacted.value)
      assert.strictEqual(new Set(codes).size, 10)
      for (const code of codes) assert.match(code, /^[A-HJ-NP-Z2-9]{5}-[A-HJ-NP-Z2-9]{5}$/u)
      assert.isNull(enrolled.signIn)
      assert.strictEqual(yield* remaining(user), 10)
      assert.deepStrictEqual(yield* factorsOf(user), ["password", "totp", "backup-code"])
      assert.deepStrictEqual(yield* mailsTo(user), ["factor-enrolled"])
      const mail = yield* CapturingMailer.use((mailer) => mailer.takeLast(user.email, "factor-enrolled"))
      assert.include(mail.text, "authenticator app")
      for (const code of codes) assert.notInclude(mail.text, code)
      assert.deepStrictEqual((yield* trailOf(user)).slice(-1), ["factor.enrolled"])
    }).pipe(Effect.provide(layer)),
  )

  it.effect("gives no backup codes with the second one, and leaves those that are there", () =>
    Effect.gen(function* () {
      const user = yield* userWith("password")
      const { session } = yield* visit(user)
      const by: Enroller = { _tag: "Session", session, user }
      yield* enrol(by, "totp")
      for (const factor of ["hotp", "passkey"] as const) {
        assert.isNull((yield* enrol(by, factor)).backupCodes)
      }
      assert.strictEqual(yield* remaining(user), 10)
      assert.deepStrictEqual(yield* mailsTo(user), ["factor-enrolled", "factor-enrolled", "factor-enrolled"])
    }).pipe(Effect.provide(layer)),
  )

  it.effect("changes nothing and tells nobody when it is not confirmed", () =>
    Effect.gen(function* () {
      const user = yield* userWith("password")
      const { session } = yield* visit(user)
      const trail = yield* trailOf(user)
      const failure = yield* Effect.flip(enrol({ _tag: "Session", session, user }, "totp", Effect.fail("used")))
      assert.strictEqual(failure, "used")
      assert.deepStrictEqual(yield* factorsOf(user), ["password"])
      assert.deepStrictEqual(yield* mailsTo(user), [])
      assert.deepStrictEqual(yield* trailOf(user), trail)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("is not what a sign-in does that does not demand it", () =>
    Effect.gen(function* () {
      const user = yield* userWith("password", "hotp")
      const { token } = yield* going(proveFirst(user))
      const refused = yield* refusal(authorize({ _tag: "SignIn", token }, "totp"))
      assert.strictEqual(refused, "SignInRefused:factor-unavailable")
    }).pipe(Effect.provide(layer)),
  )
})

describe("Setting up a factor that a sign-in demands", () => {
  const required = layerOf(SignInPolicy.make({ secondFactor: "required" }))

  it.effect("completes the sign-in, and gives backup codes", () =>
    Effect.gen(function* () {
      const user = yield* userWith("password")
      const { token } = yield* going(proveFirst(user))
      const { backupCodes, signIn } = yield* enrol({ _tag: "SignIn", token }, "totp")
      assert.strictEqual(backupCodes?.length, 10)
      if (signIn?._tag !== "SignInComplete") return assert.fail("The sign-in is not complete")
      assert.deepStrictEqual([signIn.session.amr, signIn.session.acr], [["pwd", "otp", "mfa"], "aal2"])
      assert.deepStrictEqual(yield* factorsOf(user), ["password", "totp", "backup-code"])
      assert.deepStrictEqual(yield* mailsTo(user), ["factor-enrolled"])
      assert.deepStrictEqual((yield* trailOf(user)).slice(-2), ["factor.enrolled", "session.started"])
    }).pipe(Effect.provide(required)),
  )

  it.effect("leaves nothing when the sign-in was completed from elsewhere meanwhile", () =>
    Effect.gen(function* () {
      const user = yield* userWith("password")
      const enrolments = yield* Enrolments
      const { token } = yield* going(proveFirst(user))
      const enrolling = yield* authorize({ _tag: "SignIn", token }, "passkey")
      yield* enrol({ _tag: "SignIn", token }, "totp")
      const before = yield* trailOf(user)
      const late = enrolments.complete({
        enrolling,
        amr: amrs.passkey,
        confirm: Effect.provideContext(setUps.passkey(user), yield* Effect.context<PasskeyStore>()),
      })
      assert.strictEqual(yield* refusal(late), "SignInRefused:invalid")
      assert.deepStrictEqual(yield* factorsOf(user), ["password", "totp", "backup-code"])
      assert.deepStrictEqual(yield* mailsTo(user), ["factor-enrolled"])
      assert.deepStrictEqual(yield* trailOf(user), before)
      assert.strictEqual((yield* Sessions.use((sessions) => sessions.list(user.id))).length, 1)
    }).pipe(Effect.provide(required)),
  )
})

describe("Removing a factor", () => {
  it.effect("takes a fresh session", () =>
    Effect.gen(function* () {
      const user = yield* userWith("password", "totp")
      const here = yield* visit(user, "totp")
      yield* TestClock.adjust("10 minutes")
      assert.strictEqual(yield* refusal(remove(here, "totp")), "SessionNotFresh")
      assert.deepStrictEqual(yield* factorsOf(user), ["password", "totp"])
    }).pipe(Effect.provide(layer)),
  )

  it.effect("tells the user, and ends the sign-ins that are on their way, the user's and nobody else's", () =>
    Effect.gen(function* () {
      const [ada, bob] = [yield* userWith("password", "totp", "hotp"), yield* userWith("password", "totp")]
      const here = yield* visit(ada, "totp")
      const [adas, bobs] = [yield* going(proveFirst(ada)), yield* going(proveFirst(bob))]
      yield* remove(here, "totp")
      assert.deepStrictEqual(yield* factorsOf(ada), ["password", "hotp"])
      assert.deepStrictEqual(yield* mailsTo(ada), ["factor-removed"])
      assert.deepStrictEqual((yield* trailOf(ada)).slice(-1), ["factor.removed"])
      assert.strictEqual(yield* refusal(get(adas.token)), "SignInRefused:invalid")
      yield* get(bobs.token)
      // The session that did it goes on.
      assert.strictEqual((yield* Sessions.use((sessions) => sessions.list(ada.id))).length, 1)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("fails when there is none, and tells nobody", () =>
    Effect.gen(function* () {
      const user = yield* userWith("password")
      const here = yield* visit(user)
      const { token } = yield* going(proveFirst(yield* userWith("totp")))
      const error = yield* Effect.flip(remove(here, "totp"))
      assert.deepStrictEqual([error._tag, "factor" in error ? error.factor : null], ["NotEnrolled", "totp"])
      assert.deepStrictEqual(yield* mailsTo(user), [])
      yield* get(token)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("takes the backup codes with the last factor that they stand in for, and not before", () =>
    Effect.gen(function* () {
      const user = yield* userWith("password", "totp", "hotp", "passkey", "backup-code")
      const here = yield* visit(user, "totp")
      yield* remove(here, "totp")
      yield* remove(here, "password")
      yield* remove(here, "hotp")
      assert.deepStrictEqual(yield* factorsOf(user), ["passkey", "backup-code"])
      yield* remove(here, "passkey")
      assert.deepStrictEqual(yield* factorsOf(user), [])
      assert.strictEqual(yield* remaining(user), 0)
    }).pipe(Effect.provide(layer)),
  )
})

describe("Removing the only way in", () => {
  const withoutMail = SignInPolicy.make({ firstFactors: ["password", "oauth", "passkey"] })

  it.effect("fails and removes nothing", () =>
    Effect.gen(function* () {
      const user = yield* userWith("password", "totp", "backup-code")
      const here = yield* visit(user, "totp")
      const { token } = yield* going(proveFirst(user))
      const error = yield* Effect.flip(remove(here, "password"))
      assert.deepStrictEqual([error._tag, "factor" in error ? error.factor : null], ["LastWayIn", "password"])
      assert.deepStrictEqual(yield* factorsOf(user), ["password", "totp", "backup-code"])
      assert.deepStrictEqual(yield* mailsTo(user), [])
      yield* get(token)
      yield* remove(here, "totp")
    }).pipe(Effect.provide(layerOf(withoutMail))),
  )

  it.effect("is possible once there is another one", () =>
    Effect.gen(function* () {
      for (const other of ["passkey", "oauth"] as const) {
        const user = yield* userWith("password", other)
        const here = yield* visit(user, other === "passkey" ? "passkey" : undefined)
        yield* remove(here, "password")
        assert.deepStrictEqual(yield* factorsOf(user), [other])
      }
    }).pipe(Effect.provide(layerOf(withoutMail))),
  )

  it.effect("is also what leaves half of every way", () =>
    Effect.gen(function* () {
      const user = yield* userWith("password", "totp", "hotp")
      const here = yield* visit(user, "totp")
      yield* remove(here, "hotp")
      assert.strictEqual(yield* refusal(remove(here, "totp")), "LastWayIn")
      assert.deepStrictEqual(yield* factorsOf(user), ["password", "totp"])
    }).pipe(
      Effect.provide(
        layerOf({
          ...withoutMail,
          signIn: () =>
            Effect.succeed([
              ["password", "totp"],
              ["password", "hotp"],
            ]),
        }),
      ),
    ),
  )

  for (const { name, layer } of everywhere(withoutMail)) {
    withLayer(layer)(`by removing two ways at once (${name})`, (it) => {
      it.effect("leaves one of them, every time", () =>
        Effect.gen(function* () {
          for (let round = 0; round < 10; round++) {
            const user = yield* userWith("password", "passkey")
            const here = yield* completed(proveFirst(user, "passkey"))
            const answers = yield* Effect.all(
              [Effect.result(remove(here, "password")), Effect.result(remove(here, "passkey"))],
              { concurrency: "unbounded" },
            )
            const failures = answers.flatMap((answer) => (answer._tag === "Failure" ? [answer.failure._tag] : []))
            assert.deepStrictEqual(failures, ["LastWayIn"])
            assert.strictEqual((yield* factorsOf(user)).length, 1)
          }
        }),
      )
    })
  }
})

describe("New backup codes", () => {
  it.effect("take a fresh session and a factor that they stand in for", () =>
    Effect.gen(function* () {
      const [ada, bob] = [yield* userWith("password", "totp"), yield* userWith("password")]
      const [here, there] = [yield* visit(ada, "totp"), yield* visit(bob)]
      const error = yield* Effect.flip(replaceBackupCodes(there))
      assert.deepStrictEqual([error._tag, "factor" in error ? error.factor : null], ["NotEnrolled", "backup-code"])
      yield* TestClock.adjust("10 minutes")
      assert.strictEqual(yield* refusal(replaceBackupCodes(here)), "SessionNotFresh")
      assert.deepStrictEqual([yield* remaining(ada), yield* remaining(bob)], [0, 0])
    }).pipe(Effect.provide(layer)),
  )

  it.effect("replace the old ones, tell the user, and end the sign-ins that are on their way", () =>
    Effect.gen(function* () {
      const user = yield* userWith("password", "totp", "backup-code")
      const here = yield* visit(user, "totp")
      const pending = yield* going(proveFirst(user))
      const first = yield* replaceBackupCodes(here)
      const second = yield* replaceBackupCodes(here)
      assert.strictEqual(new Set([...first, ...second].map(Redacted.value)).size, 20)
      assert.strictEqual(yield* remaining(user), 10)
      assert.strictEqual(yield* refusal(get(pending.token)), "SignInRefused:invalid")
      assert.deepStrictEqual(yield* mailsTo(user), ["backup-codes-replaced", "backup-codes-replaced"])
      assert.deepStrictEqual((yield* trailOf(user)).slice(-1), ["backup-codes.replaced"])
    }).pipe(Effect.provide(layer)),
  )
})
