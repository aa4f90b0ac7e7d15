/**
 * What TOTP and HOTP promise alike as factors.
 */
import { Audit } from "@belfry/core/Audit"
import * as KeyRing from "@belfry/core/KeyRing"
import { Sessions } from "@belfry/core/Sessions"
import { StoreError } from "@belfry/core/StoreError"
import { Enrolments } from "@belfry/factors/Enrolments"
import { SignInAttempts } from "@belfry/factors/SignInAttempts"
import * as SignInPolicy from "@belfry/factors/SignInPolicy"
import * as Authenticator from "@belfry/testing/Authenticator"
import * as CapturingMailer from "@belfry/testing/CapturingMailer"
import { assert, describe, it, layer as withLayer } from "@effect/vitest"
import { Effect, Layer, Option, Redacted } from "effect"
import { TestClock } from "effect/testing"
import * as OneTimePasswords from "./OneTimePasswords.ts"
import { home } from "./People.ts"

/** Any step of it, which fails. */
type Step = Effect.Effect<unknown, { readonly _tag: string }, OneTimePasswords.Services>

const key = (id: string) => ({ id, value: Redacted.make(`${id}-0123456789abcdefghijklmnopqrstuvwxyz`) })
const testKey = { id: "test", value: Redacted.make("test-0123456789abcdefghijklmnopqrstuvwxyz") }

const text = (redacted: Redacted.Redacted) => Redacted.value(redacted)

const fullWidth = (code: Redacted.Redacted) =>
  Redacted.make(text(code).replace(/[0-9]/gu, (digit) => String.fromCodePoint(0xff10 + Number(digit))))

/** Registers the suite. */
export const suite = (driver: OneTimePasswords.Driver): void => {
  const { factor, enrol, pending, confirm, prove, remove, find, copy, withKeys, show } = driver
  const { answerOf, enrolled, firstStep, person, secondStep, wrong } = OneTimePasswords
  const somebodyEnrolled = enrolled(driver)

  withLayer(OneTimePasswords.layerMemory)(`Setting up ${factor}`, (it) => {
    it.effect("shows a secret and the URI of the same, for the site and the user's address", () =>
      Effect.gen(function* () {
        const ada = yield* person
        const { secret, uri } = yield* enrol(ada)
        assert.match(text(secret), /^[A-Z2-7]{32}$/u)
        const account = encodeURIComponent(ada.user.email)
        const moving = factor === "totp" ? "period=30" : "counter=0"
        assert.strictEqual(
          text(uri),
          `otpauth://${factor}/Belfry:${account}?secret=${text(secret)}&issuer=Belfry&algorithm=SHA1&digits=6&${moving}`,
        )
      }),
    )

    it.effect("shows the same again until it is confirmed", () =>
      Effect.gen(function* () {
        const ada = yield* person
        assert.strictEqual((yield* Effect.flip(pending(ada)))._tag, "NotEnrolled")
        const shown = yield* enrol(ada)
        const again = yield* pending(ada)
        assert.deepStrictEqual([text(again.secret), text(again.uri)], [text(shown.secret), text(shown.uri)])
        yield* confirm(ada, yield* show(Authenticator.scan(shown.uri), 0))
        assert.strictEqual((yield* Effect.flip(pending(ada)))._tag, "NotEnrolled")
      }),
    )

    it.effect("opens nothing and demands nothing before it is confirmed", () =>
      Effect.gen(function* () {
        const ada = yield* person
        yield* enrol(ada)
        assert.strictEqual((yield* firstStep(ada.user))._tag, "SignInComplete")
        assert.deepStrictEqual(yield* Enrolments.use((enrolments) => enrolments.list(ada.user.id)), [])
      }),
    )

    it.effect("begun again makes a new secret, and the one before worthless", () =>
      Effect.gen(function* () {
        const ada = yield* person
        const first = Authenticator.scan((yield* enrol(ada)).uri)
        const second = Authenticator.scan((yield* enrol(ada)).uri)
        const refused = yield* Effect.flip(confirm(ada, yield* show(first, 0)))
        assert.strictEqual(refused._tag, "CodeInvalid")
        yield* confirm(ada, yield* show(second, 0))
      }),
    )

    it.effect("is confirmed by a first code, and gives backup codes and a mail", () =>
      Effect.gen(function* () {
        const ada = yield* person
        const app = Authenticator.scan((yield* enrol(ada)).uri)
        const done = yield* confirm(ada, yield* show(app, 0))
        assert.strictEqual(done.signIn, null)
        assert.strictEqual(done.backupCodes?.length, 10)
        const list = yield* Enrolments.use((enrolments) => enrolments.list(ada.user.id))
        assert.deepStrictEqual(
          list.map((enrolment) => enrolment.factor),
          [factor, "backup-code"],
        )
        yield* CapturingMailer.CapturingMailer.use((mailer) => mailer.takeLast(ada.user.email, "factor-enrolled"))
      }),
    )

    it.effect("is not confirmed by a wrong code, which nothing counts, and waits on", () =>
      Effect.gen(function* () {
        const ada = yield* person
        const app = Authenticator.scan((yield* enrol(ada)).uri)
        const code = yield* show(app, 0)
        for (const refused of [
          wrong(app),
          Redacted.make(""),
          Redacted.make("12345"),
          Redacted.make(`${text(code)}0`),
        ]) {
          const error = yield* Effect.flip(confirm(ada, refused))
          assert.deepStrictEqual([error._tag, "triesLeft" in error && error.triesLeft], ["CodeInvalid", null])
        }
        yield* confirm(ada, code)
      }),
    )

    it.effect("is confirmed once", () =>
      Effect.gen(function* () {
        const ada = yield* somebodyEnrolled
        const error = yield* Effect.flip(confirm(ada, yield* show(ada.app, 1)))
        assert.deepStrictEqual([error._tag, "factor" in error && error.factor], ["NotEnrolled", factor])
      }),
    )

    it.effect("is not confirmed where nothing was begun", () =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(confirm(yield* person, Redacted.make("123456")))
        assert.deepStrictEqual([error._tag, "factor" in error && error.factor], ["NotEnrolled", factor])
      }),
    )

    it.effect("is refused where it is set up already, and leaves that as it is", () =>
      Effect.gen(function* () {
        const ada = yield* somebodyEnrolled
        const before = yield* find(ada.user.id)
        const error = yield* Effect.flip(enrol(ada))
        assert.deepStrictEqual([error._tag, "factor" in error && error.factor], ["AlreadyEnrolled", factor])
        assert.deepStrictEqual(yield* find(ada.user.id), before)
      }),
    )

    it.effect("needs a fresh session for every step", () =>
      Effect.gen(function* () {
        const ada = yield* person
        yield* enrol(ada)
        yield* TestClock.adjust("10 minutes")
        const code = Redacted.make("123456")
        const refused: ReadonlyArray<Step> = [enrol(ada), pending(ada), confirm(ada, code), remove(ada)]
        for (const step of refused) assert.strictEqual((yield* Effect.flip(step))._tag, "SessionNotFresh")
      }),
    )

    it.effect("confirms by one of 50 that come at once", () =>
      Effect.gen(function* () {
        const ada = yield* person
        const code = yield* show(Authenticator.scan((yield* enrol(ada)).uri), 0)
        const answers = yield* Effect.all(
          Array.from({ length: 50 }, () => Effect.option(confirm(ada, code))),
          { concurrency: "unbounded" },
        )
        assert.strictEqual(answers.filter(Option.isSome).length, 1)
        assert.deepStrictEqual(
          answers.flatMap((answer) => (Option.isSome(answer) ? [answer.value.backupCodes?.length] : [])),
          [10],
        )
      }),
    )
  })

  const layerFirst = OneTimePasswords.layerMemory.pipe(
    Layer.provide(
      Layer.succeed(SignInPolicy.SignInPolicy, SignInPolicy.make({ firstFactors: ["email-code", factor] })),
    ),
  )

  describe(`A sign-in of nobody yet`, () => {
    it.effect(`refuses every code of ${factor}`, () =>
      Effect.gen(function* () {
        const ada = yield* somebodyEnrolled
        const { token } = yield* SignInAttempts.use((attempts) => attempts.start({ client: home }))
        assert.strictEqual(yield* answerOf(prove(token, yield* show(ada.app, 1))), "CodeInvalid 4")
      }).pipe(Effect.provide(layerFirst)),
    )
  })

  const layerDemanding = OneTimePasswords.layerMemory.pipe(
    Layer.provide(
      Layer.succeed(SignInPolicy.SignInPolicy, {
        ...SignInPolicy.make(),
        enrolment: () => Effect.succeed([factor]),
      }),
    ),
  )

  describe(`A sign-in that demands ${factor}`, () => {
    it.effect("is complete when it is set up", () =>
      Effect.gen(function* () {
        const { user } = yield* person
        const by = { _tag: "SignIn", token: yield* secondStep(user) } as const
        const app = Authenticator.scan((yield* enrol(by)).uri)
        assert.strictEqual((yield* Effect.flip(confirm(by, wrong(app))))._tag, "CodeInvalid")
        const { backupCodes, signIn } = yield* confirm(by, yield* show(app, 0))
        assert.strictEqual(backupCodes?.length, 10)
        assert.strictEqual(signIn?._tag, "SignInComplete")
        if (signIn?._tag === "SignInComplete") assert.deepStrictEqual(signIn.session.amr, ["email", "otp", "mfa"])
        assert.strictEqual((yield* Effect.flip(pending(by)))._tag, "SignInRefused")
      }).pipe(Effect.provide(layerDemanding)),
    )
  })

  withLayer(OneTimePasswords.layerMemory)(`Proving ${factor}`, (it) => {
    it.effect("completes a sign-in with two kinds of evidence", () =>
      Effect.gen(function* () {
        const ada = yield* somebodyEnrolled
        const outcome = yield* prove(yield* secondStep(ada.user), yield* show(ada.app, 1))
        if (outcome._tag !== "SignInComplete") return assert.fail("The sign-in goes on")
        assert.deepStrictEqual([outcome.session.amr, outcome.session.acr], [["email", "otp", "mfa"], "aal2"])
        assert.strictEqual(outcome.user.id, ada.user.id)
        const { session } = yield* Sessions.use((sessions) => sessions.verify(outcome.token))
        assert.strictEqual(session.id, outcome.session.id)
        const [enrolment] = yield* Enrolments.use((enrolments) => enrolments.list(ada.user.id))
        assert.isNotNull(enrolment?.lastUsedAt ?? null)
      }),
    )

    it.effect("takes full-width digits, spaces and dashes", () =>
      Effect.gen(function* () {
        const ada = yield* somebodyEnrolled
        const spellings = [
          fullWidth,
          (code: Redacted.Redacted) => Redacted.make(` ${text(code).slice(0, 3)} ${text(code).slice(3)} `),
          (code: Redacted.Redacted) => Redacted.make(`${text(code).slice(0, 3)}-${text(code).slice(3)}`),
        ]
        for (const [index, spell] of spellings.entries()) {
          const token = yield* secondStep(ada.user)
          assert.strictEqual(yield* answerOf(prove(token, spell(yield* show(ada.app, index + 1)))), "SignInComplete")
        }
      }),
    )

    it.effect("refuses the code that confirmed it", () =>
      Effect.gen(function* () {
        const ada = yield* somebodyEnrolled
        const answer = yield* answerOf(prove(yield* secondStep(ada.user), yield* show(ada.app, 0)))
        assert.strictEqual(answer, "CodeInvalid 4")
      }),
    )

    it.effect("refuses a code that was used in another sign-in, in whatever digits", () =>
      Effect.gen(function* () {
        const ada = yield* somebodyEnrolled
        const code = yield* show(ada.app, 1)
        assert.strictEqual(yield* answerOf(prove(yield* secondStep(ada.user), code)), "SignInComplete")
        for (const again of [code, fullWidth(code)]) {
          assert.strictEqual(yield* answerOf(prove(yield* secondStep(ada.user), again)), "CodeInvalid 4")
        }
      }),
    )

    it.effect("refuses the code of somebody else's app", () =>
      Effect.gen(function* () {
        const [ada, eve] = [yield* somebodyEnrolled, yield* somebodyEnrolled]
        const answer = yield* answerOf(prove(yield* secondStep(ada.user), yield* show(eve.app, 1)))
        assert.strictEqual(answer, "CodeInvalid 4")
      }),
    )

    it.effect("locks the sign-in after five wrong codes, for the right one too, and no other sign-in", () =>
      Effect.gen(function* () {
        const ada = yield* somebodyEnrolled
        const code = yield* show(ada.app, 1)
        const token = yield* secondStep(ada.user)
        const answers = yield* Effect.forEach([1, 2, 3, 4, 5], () => answerOf(prove(token, wrong(ada.app))))
        assert.deepStrictEqual(
          answers,
          [4, 3, 2, 1, 0].map((left) => `CodeInvalid ${left}`),
        )
        assert.strictEqual(yield* answerOf(prove(token, code)), "SignInRefused locked")
        assert.strictEqual(yield* answerOf(prove(yield* secondStep(ada.user), code)), "SignInComplete")
      }),
    )

    it.effect("refuses what cannot be a code, counts it as a try and uses up nothing", () =>
      Effect.gen(function* () {
        const ada = yield* somebodyEnrolled
        const code = text(yield* show(ada.app, 1))
        const before = yield* find(ada.user.id)
        const token = yield* secondStep(ada.user)
        for (const [index, malformed] of ["", code.slice(1), `${code}0`, `0${code}`, `${code.slice(1)}x`].entries()) {
          assert.strictEqual(yield* answerOf(prove(token, Redacted.make(malformed))), `CodeInvalid ${4 - index}`)
        }
        assert.deepStrictEqual(yield* find(ada.user.id), before)
        const events = yield* Audit.use((audit) => audit.list({ userId: ada.user.id, limit: 5 }))
        assert.deepStrictEqual(
          events.map(({ reason }) => reason),
          Array.from({ length: 5 }, () => "malformed-code"),
        )
      }),
    )

    it.effect("is refused without a token, and with one that is over", () =>
      Effect.gen(function* () {
        const ada = yield* somebodyEnrolled
        const code = yield* show(ada.app, 1)
        assert.strictEqual(yield* answerOf(prove(Redacted.make("x"), code)), "SignInRefused invalid")
        const token = yield* secondStep(ada.user)
        yield* TestClock.adjust("15 minutes")
        assert.strictEqual(yield* answerOf(prove(token, code)), "SignInRefused invalid")
      }),
    )

    it.effect("ends with the factor: a sign-in that waits for it is over", () =>
      Effect.gen(function* () {
        const ada = yield* somebodyEnrolled
        const token = yield* secondStep(ada.user)
        yield* remove(ada)
        assert.strictEqual(yield* answerOf(prove(token, yield* show(ada.app, 1))), "SignInRefused invalid")
      }),
    )

    it.effect("shows neither secret nor code in errors and in the audit log", () =>
      Effect.gen(function* () {
        const ada = yield* somebodyEnrolled
        const code = yield* show(ada.app, 1)
        const errors = [
          yield* Effect.flip(prove(yield* secondStep(ada.user), wrong(ada.app))),
          yield* Effect.flip(confirm(ada, code)),
          yield* Effect.flip(enrol(ada)),
          yield* Effect.flip(withKeys(KeyRing.layer([key("other")]), prove(yield* secondStep(ada.user), code))),
        ]
        yield* prove(yield* secondStep(ada.user), code)
        const shown =
          errors.map((error) => `${error} ${error.stack} ${JSON.stringify(error)}`).join() +
          (yield* OneTimePasswords.auditText)
        const stored = Option.getOrThrow(yield* find(ada.user.id))
        for (const kept of [text(ada.app.secret), text(code), text(wrong(ada.app)), stored.secret]) {
          assert.notInclude(shown, kept)
        }
        assert.notInclude(stored.secret, text(ada.app.secret))
      }),
    )
  })

  withLayer(OneTimePasswords.layerMemory)(`The keys of ${factor}`, (it) => {
    it.effect("rotate, and it goes on working, sealed with the new one", () =>
      Effect.gen(function* () {
        const ada = yield* somebodyEnrolled
        const sealed = () => Effect.map(find(ada.user.id), (row) => Option.getOrThrow(row).secret.split(".")[0])
        assert.strictEqual(yield* sealed(), "test")
        const rotated = KeyRing.layer([key("next"), testKey])
        const signIn = (n: number) =>
          Effect.gen(function* () {
            return yield* answerOf(prove(yield* secondStep(ada.user), yield* show(ada.app, n)))
          })
        assert.strictEqual(yield* withKeys(rotated, signIn(1)), "SignInComplete")
        assert.strictEqual(yield* sealed(), "next")
        assert.strictEqual(yield* withKeys(rotated, signIn(2)), "SignInComplete")
        // The old key can go.
        assert.strictEqual(yield* withKeys(KeyRing.layer([key("next")]), signIn(3)), "SignInComplete")
      }),
    )

    it.effect("leave a secret as it is that the current one sealed", () =>
      Effect.gen(function* () {
        const ada = yield* somebodyEnrolled
        const before = Option.getOrThrow(yield* find(ada.user.id)).secret
        yield* prove(yield* secondStep(ada.user), yield* show(ada.app, 1))
        assert.strictEqual(Option.getOrThrow(yield* find(ada.user.id)).secret, before)
      }),
    )

    it.effect("may rotate while the store cannot write the new seal", () =>
      Effect.gen(function* () {
        const ada = yield* somebodyEnrolled
        const before = Option.getOrThrow(yield* find(ada.user.id)).secret
        const token = yield* secondStep(ada.user)
        const signIn = answerOf(prove(token, yield* show(ada.app, 1)))
        assert.strictEqual(yield* withKeys(KeyRing.layer([key("next"), testKey]), signIn, false), "SignInComplete")
        assert.strictEqual(Option.getOrThrow(yield* find(ada.user.id)).secret, before)
      }),
    )

    it.effect("that are gone fail closed: nothing is said about the code, and nothing is used up", () =>
      Effect.gen(function* () {
        const [ada, bob] = [yield* somebodyEnrolled, yield* person]
        yield* enrol(bob)
        const without = KeyRing.layer([key("other")])
        const code = yield* show(ada.app, 1)
        const refused: ReadonlyArray<Step> = [
          prove(yield* secondStep(ada.user), code),
          prove(yield* secondStep(ada.user), wrong(ada.app)),
          pending(bob),
          confirm(bob, code),
        ]
        for (const step of refused) {
          const error = yield* Effect.flip(withKeys(without, step))
          if (!(error instanceof StoreError)) return assert.fail(`Failed with ${error._tag}`)
          assert.isFalse(error.isRetryable)
          assert.instanceOf(error.cause, KeyRing.SealBroken)
        }
        assert.strictEqual(yield* answerOf(prove(yield* secondStep(ada.user), code)), "SignInComplete")
      }),
    )

    it.effect("do not open a sealed secret in the row of somebody else", () =>
      Effect.gen(function* () {
        const [eve, ada] = [yield* person, yield* person]
        const app = Authenticator.scan((yield* enrol(eve)).uri)
        yield* enrol(ada)
        assert.isTrue(yield* copy(eve.user.id, ada.user.id))
        const error = yield* Effect.flip(confirm(ada, yield* show(app, 0)))
        assert.strictEqual(error._tag, "StoreError")
      }),
    )
  })

  withLayer(OneTimePasswords.layerMemory)(`Removing ${factor}`, (it) => {
    it.effect("takes it off with its backup codes; a sign-in then needs no second factor", () =>
      Effect.gen(function* () {
        const ada = yield* somebodyEnrolled
        yield* remove(ada)
        assert.deepStrictEqual(yield* find(ada.user.id), Option.none())
        assert.deepStrictEqual(yield* Enrolments.use((enrolments) => enrolments.list(ada.user.id)), [])
        assert.strictEqual((yield* firstStep(ada.user))._tag, "SignInComplete")
        yield* enrol(ada)
      }),
    )

    it.effect("is refused where it is not set up, and leaves what waits to be confirmed", () =>
      Effect.gen(function* () {
        const ada = yield* person
        assert.strictEqual((yield* Effect.flip(remove(ada)))._tag, "NotEnrolled")
        const { secret } = yield* enrol(ada)
        assert.strictEqual((yield* Effect.flip(remove(ada)))._tag, "NotEnrolled")
        assert.strictEqual(text((yield* pending(ada)).secret), text(secret))
      }),
    )
  })
}
