/**
 * Codes by mail: who gets in by them, when, and how often.
 */
import { Sessions } from "@belfry/core/Sessions"
import { Email } from "@belfry/core/User"
import { Users } from "@belfry/core/Users"
import { UserStore } from "@belfry/core/UserStore"
import * as EmailCodes from "@belfry/factors/EmailCodes"
import { EmailCodeStore } from "@belfry/factors/EmailCodeStore"
import { MemoryFactorTables } from "@belfry/factors/MemoryFactorTables"
import { SignInAttempts } from "@belfry/factors/SignInAttempts"
import * as Builders from "@belfry/testing/Builders"
import * as TestServices from "@belfry/testing/TestServices"
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Effect, Layer, Option, Redacted } from "effect"
import { SecureRandom } from "effect/crypto"
import { TestClock } from "effect/testing"
import * as Codes from "../src/internal/emailCodes.ts"
import { codeFor, createUser, outcomeOf, proveCode, proveWrongCode, sendCode, takeCode } from "./support/Mailboxes.ts"
import { ada, auditTrail, bob, clientAt, complete, costOf, home, layer, mails, pending } from "./support/People.ts"

const findUser = (email: Email) => Users.use((users) => users.findByEmail(email))

const layerWith = (options: EmailCodes.EmailCodesOptions) =>
  Layer.provideMerge(Layer.fresh(EmailCodes.layerWith(options)), layer)

describe("A code by mail", () => {
  it.effect("signs in whoever brings it", () =>
    Effect.gen(function* () {
      const user = yield* createUser()
      const { session, user: signedIn, token } = yield* complete(proveCode(yield* codeFor()))
      assert.deepStrictEqual(signedIn, user)
      assert.deepStrictEqual([session.amr, session.acr], [["email"], "aal1"])
      const verified = yield* Sessions.use((sessions) => sessions.verify(token))
      assert.strictEqual(verified.session.id, session.id)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("signs up whose address nobody has, when it comes back and not when it is sent", () =>
    Effect.gen(function* () {
      const answer = yield* codeFor()
      assert.deepStrictEqual(yield* findUser(ada), Option.none())
      yield* TestClock.adjust("1 minute")
      const { session, user } = yield* complete(proveCode(answer))
      assert.deepStrictEqual(yield* findUser(ada), Option.some(user))
      assert.deepStrictEqual([user.email, user.name, user.emailVerifiedAt], [ada, null, yield* DateTime.now])
      assert.deepStrictEqual(session.amr, ["email"])
      assert.include(yield* auditTrail, "user.created")
    }).pipe(Effect.provide(layer)),
  )

  it.effect("proves the address of a user who never did", () =>
    Effect.gen(function* () {
      const { id } = yield* Users.use((users) => users.create({ email: ada }))
      const { user } = yield* complete(proveCode(yield* codeFor()))
      assert.deepStrictEqual([user.id, user.emailVerifiedAt], [id, yield* DateTime.now])
      assert.deepStrictEqual(yield* findUser(ada), Option.some(user))
      assert.include(yield* auditTrail, "email.verified")
    }).pipe(Effect.provide(layer)),
  )

  it.effect("keeps what the sign-in was begun with", () =>
    Effect.gen(function* () {
      const { token } = yield* sendCode({ email: ada, context: { returnTo: "/account", label: "Laptop" } })
      const { context, session } = yield* complete(proveCode({ token, code: yield* takeCode() }))
      assert.deepStrictEqual([context.returnTo, session.label], ["/account", "Laptop"])
    }).pipe(Effect.provide(layer)),
  )

  it.effect("is worth nothing in another attempt, though both are to one address", () =>
    Effect.gen(function* () {
      const [here, elsewhere] = [yield* codeFor(), yield* codeFor()]
      assert.strictEqual(yield* outcomeOf(proveCode({ token: elsewhere.token, code: here.code })), "CodeInvalid")
      assert.strictEqual(
        yield* outcomeOf(proveCode({ token: Redacted.make("made up"), code: here.code })),
        "SignInRefused:invalid",
      )
      yield* complete(proveCode(here))
    }).pipe(Effect.provide(layer)),
  )

  it.effect("is good for 10 minutes, less the last instant", () =>
    Effect.gen(function* () {
      const late = yield* codeFor()
      yield* TestClock.adjust("1 millis")
      const inTime = yield* codeFor()
      yield* TestClock.adjust(10 * 60_000 - 1)
      assert.strictEqual(yield* outcomeOf(proveCode(late)), "CodeInvalid")
      yield* complete(proveCode(inTime))
    }).pipe(Effect.provide(layer)),
  )

  it.effect("is worth nothing once the next one was sent", () =>
    Effect.gen(function* () {
      const first = yield* codeFor()
      yield* TestClock.adjust("30 seconds")
      const again = yield* sendCode({ token: first.token, email: ada })
      assert.strictEqual(Redacted.value(again.token), Redacted.value(first.token))
      const second = { token: again.token, code: yield* takeCode() }
      assert.strictEqual(yield* outcomeOf(proveCode(first)), "CodeInvalid")
      yield* complete(proveCode(second))
    }).pipe(Effect.provide(layer)),
  )

  it.effect("works once", () =>
    Effect.gen(function* () {
      const { id } = yield* createUser()
      yield* Builders.storedTotp(id)
      const answer = yield* codeFor()
      const { token } = yield* pending(proveCode(answer))
      const { emailCodes } = yield* MemoryFactorTables
      assert.strictEqual(emailCodes.size, 0)
      assert.strictEqual(yield* outcomeOf(proveCode(answer)), "SignInRefused:invalid")
      assert.strictEqual(yield* outcomeOf(proveCode({ ...answer, token })), "SignInRefused:factor-unavailable")
    }).pipe(Effect.provide(layer)),
  )

  it.effect("proves nothing to who found it right and comes second to use it up", () =>
    Effect.gen(function* () {
      const codes = yield* EmailCodeStore
      const answer = yield* codeFor()
      const second = Layer.succeed(EmailCodeStore, EmailCodeStore.of({ ...codes, consume: () => Effect.succeedNone }))
      const proving = proveCode(answer).pipe(Effect.provide(Layer.fresh(Layer.provide(EmailCodes.layer, second))))
      assert.strictEqual(yield* outcomeOf(proving), "CodeInvalid")
      assert.strictEqual((yield* auditTrail).at(-1), "sign-in.refused:used")
      assert.deepStrictEqual(yield* findUser(ada), Option.none())
      assert.notInclude(yield* auditTrail, "user.created")
    }).pipe(Effect.provide(layer)),
  )

  it.effect("is read in full-width letters, in lower case, and with spaces and dashes", () =>
    Effect.gen(function* () {
      const spellings: ReadonlyArray<(code: string) => string> = [
        (code) => code.toLowerCase(),
        (code) => ` ${code.slice(0, 3)}-${code.slice(3)}\n`,
        (code) => code.split("").join(" \u2013\u00a0"),
        (code) => code.replace(/./gu, (symbol) => String.fromCodePoint((symbol.codePointAt(0) ?? 0) + 0xfee0)),
        (code) =>
          code.toLowerCase().replace(/./gu, (symbol) => String.fromCodePoint((symbol.codePointAt(0) ?? 0) + 0xfee0)),
      ]
      for (const spell of spellings) {
        const { token, code } = yield* codeFor(Email.make(`${spellings.indexOf(spell)}@example.com`))
        yield* complete(proveCode({ token, code: Redacted.make(spell(Redacted.value(code))) }))
      }
    }).pipe(Effect.provide(layer)),
  )

  it.effect("has 6 letters that nobody takes for another or reads as a word", () =>
    Effect.gen(function* () {
      const symbols = yield* symbolsOf(100)
      assert.strictEqual([...new Set(symbols)].toSorted().join(""), "BCDFGHJKMNPRSTVWXZ")
      assert.strictEqual(symbols.length, 600)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("has 6 digits where the host says so", () =>
    Effect.gen(function* () {
      const symbols = yield* symbolsOf(100)
      assert.strictEqual([...new Set(symbols)].toSorted().join(""), "0123456789")
      assert.strictEqual(symbols.length, 600)
      const { token, code } = yield* codeFor()
      const wide = Redacted.value(code).replace(/./gu, (digit) => String.fromCodePoint(0xff10 + Number(digit)))
      yield* complete(proveCode({ token, code: Redacted.make(wide) }))
    }).pipe(Effect.provide(layerWith({ format: "digits" }))),
  )

  it.effect("is as likely as every other", () =>
    Effect.gen(function* () {
      const { generate } = yield* Codes.make("letters")
      const counts = new Map<string, number>()
      const total = 36_000 * Codes.codeLength
      for (let index = 0; index < total / Codes.codeLength; index++) {
        for (const symbol of Redacted.value(yield* generate)) counts.set(symbol, (counts.get(symbol) ?? 0) + 1)
      }
      const expected = total / counts.size
      const chiSquared = [...counts.values()].reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0)
      assert.strictEqual(counts.size, 18)
      // Chance alone goes beyond 85 once in a billion runs; the remainder of a byte by 18 lies at 200.
      assert.isBelow(chiSquared, 85)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("rests as another hash in every attempt, so that nobody can look for two that are equal", () =>
    Effect.gen(function* () {
      const random = yield* SecureRandom.SecureRandom
      const equal = Layer.succeed(
        SecureRandom.SecureRandom,
        SecureRandom.SecureRandom.of({ ...random, intBetween: () => Effect.succeed(0) }),
      )
      const [first, second] = yield* Effect.all([codeFor(), codeFor()]).pipe(
        Effect.provide(Layer.fresh(Layer.provide(EmailCodes.layer, equal))),
      )
      assert.deepStrictEqual([first.code, second.code].map(Redacted.value), ["BBBBBB", "BBBBBB"])
      const { emailCodes } = yield* MemoryFactorTables
      assert.strictEqual(new Set([...emailCodes.values()].map(({ codeHash }) => codeHash)).size, 2)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("is no first factor's end for who has an authenticator app: the code of that is demanded, too", () =>
    Effect.gen(function* () {
      const { id } = yield* createUser()
      yield* Builders.storedTotp(id)
      const { state } = yield* pending(proveCode(yield* codeFor()))
      assert.deepStrictEqual([state.user?.id, state.isComplete], [id, false])
      assert.include(state.factors, "totp")
      assert.notInclude(state.factors, "email-code")
      assert.deepStrictEqual(
        state.attempt.proofs.map(({ factor, amr, email }) => ({ factor, amr, email })),
        [{ factor: "email-code", amr: ["email"], email: ada }],
      )
      assert.deepStrictEqual(yield* Sessions.use((sessions) => sessions.list(id)), [])
    }).pipe(Effect.provide(layer)),
  )
})

describe("Wrong codes", () => {
  it.effect("tell how many tries are left, and the fifth locks the attempt for the right code as well", () =>
    Effect.gen(function* () {
      const answer = yield* codeFor()
      for (const triesLeft of [4, 3, 2, 1, 0]) {
        const error = yield* Effect.flip(proveWrongCode(answer))
        assert.deepStrictEqual(error._tag === "CodeInvalid" ? error.triesLeft : error, triesLeft)
      }
      assert.strictEqual(yield* outcomeOf(proveCode(answer)), "SignInRefused:locked")
      assert.deepStrictEqual(yield* findUser(ada), Option.none())
      assert.strictEqual((yield* auditTrail).filter((event) => event === "sign-in.refused:wrong-code").length, 5)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("leave the right one good as long as there is a try", () =>
    Effect.gen(function* () {
      const answer = yield* codeFor()
      for (const _ of [1, 2, 3, 4]) yield* Effect.flip(proveWrongCode(answer))
      yield* complete(proveCode(answer))
    }).pipe(Effect.provide(layer)),
  )

  it.effect("are counted over the codes of an attempt: the next one brings no new tries", () =>
    Effect.gen(function* () {
      const first = yield* codeFor()
      for (const _ of [1, 2, 3, 4]) yield* Effect.flip(proveWrongCode(first))
      yield* TestClock.adjust("30 seconds")
      const { token } = yield* sendCode({ token: first.token, email: ada })
      const second = { token, code: yield* takeCode() }
      yield* Effect.flip(proveWrongCode(second))
      assert.strictEqual(yield* outcomeOf(proveCode(second)), "SignInRefused:locked")
    }).pipe(Effect.provide(layer)),
  )

  it.effect("lock an attempt, not the person: asking with the address begins another one", () =>
    Effect.gen(function* () {
      const locked = yield* codeFor()
      for (const _ of [1, 2, 3, 4, 5]) yield* Effect.flip(proveWrongCode(locked))
      const { token } = yield* sendCode({ token: locked.token, email: ada })
      assert.notStrictEqual(Redacted.value(token), Redacted.value(locked.token))
      yield* complete(proveCode({ token, code: yield* takeCode() }))
    }).pipe(Effect.provide(layer)),
  )
})

describe("Asking for a code", () => {
  it.effect("is refused until 30 seconds after the last one of the attempt, and the last one stays good", () =>
    Effect.gen(function* () {
      const { token } = yield* sendCode()
      const again = sendCode({ token, email: ada })
      for (const [wait, retryAfter] of [
        [0, 30],
        [1, 30],
        [999, 29],
        [28_999, 1],
      ] as const) {
        yield* TestClock.adjust(wait)
        const error = yield* Effect.flip(again)
        assert.deepStrictEqual(error._tag === "RateLimited" ? error.retryAfter : error, retryAfter)
      }
      assert.deepStrictEqual(yield* mails, ["sign-in-code"])
    }).pipe(Effect.provide(layer)),
  )

  it.effect("is allowed again to the millisecond", () =>
    Effect.gen(function* () {
      const { token } = yield* sendCode()
      yield* TestClock.adjust(29_999)
      assert.strictEqual(yield* outcomeOf(sendCode({ token, email: ada })), "RateLimited")
      yield* TestClock.adjust(1)
      yield* sendCode({ token, email: ada })
      yield* complete(proveCode({ token, code: yield* takeCode() }))
    }).pipe(Effect.provide(layer)),
  )

  it.effect("costs the same and sends one mail, whether or not the address has an account", () =>
    Effect.gen(function* () {
      yield* createUser(ada)
      const [known, unknown] = [yield* costOf(sendCode({ email: ada })), yield* costOf(sendCode({ email: bob }))]
      assert.deepStrictEqual(known, unknown)
      assert.strictEqual(known.mails, 1)
      assert.deepStrictEqual(yield* mails, ["sign-in-code", "sign-in-code"])
    }).pipe(Effect.provide(layer)),
  )

  it.effect("answers the same whether or not the address has an account", () =>
    Effect.gen(function* () {
      yield* createUser(ada)
      const [known, unknown] = [yield* sendCode({ email: ada }), yield* sendCode({ email: bob })]
      const shown = ({ state }: typeof known) => ({
        ...state,
        attempt: { ...state.attempt, id: null },
      })
      assert.deepStrictEqual(shown(known), shown(unknown))
      assert.isNull(known.state.user)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("is limited to 5 an hour for an address: then none is sent, and the last one stays good", () =>
    Effect.gen(function* () {
      for (let index = 0; index < 4; index++) yield* sendCode({ email: ada, client: clientAt(`192.0.2.${index}`) })
      const last = yield* codeFor()
      yield* TestClock.adjust("30 seconds")
      const { mails: sent } = yield* costOf(sendCode({ email: ada, token: last.token }))
      assert.strictEqual(sent, 0)
      assert.strictEqual(yield* outcomeOf(sendCode({ email: ada, client: clientAt("192.0.2.9") })), "RateLimited")
      yield* sendCode({ email: bob })
      yield* complete(proveCode(last))
    }).pipe(Effect.provide(layer)),
  )

  it.effect("does not count what comes too soon after the last one", () =>
    Effect.gen(function* () {
      const { token } = yield* sendCode()
      for (let press = 0; press < 10; press++) {
        assert.strictEqual(yield* outcomeOf(sendCode({ email: ada, token })), "RateLimited")
      }
      yield* TestClock.adjust("30 seconds")
      assert.strictEqual(yield* outcomeOf(sendCode({ email: ada, token })), "success")
    }).pipe(Effect.provide(layer)),
  )

  it.effect("is limited to 50 an hour for a client, who then uses up no other's limit", () =>
    Effect.gen(function* () {
      const outcomes = yield* Effect.forEach(Array.from({ length: 51 }), (_, index) =>
        outcomeOf(sendCode({ email: Email.make(`${index}@example.com`) })),
      )
      assert.deepStrictEqual(outcomes.slice(49), ["success", "RateLimited"])
      for (let index = 0; index < 10; index++) yield* outcomeOf(sendCode({ email: ada }))
      yield* sendCode({ email: ada, client: clientAt("198.51.100.1") })
    }).pipe(Effect.provide(layer)),
  )

  it.effect("without an address needs a sign-in that goes on by it", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* outcomeOf(sendCode({})), "SignInRefused:invalid")
      const { token } = yield* SignInAttempts.use((attempts) => attempts.start({ client: home }))
      assert.strictEqual(yield* outcomeOf(sendCode({ token })), "SignInRefused:factor-unavailable")
      const { id } = yield* createUser()
      yield* Builders.storedTotp(id)
      const second = yield* pending(proveCode(yield* codeFor()))
      assert.strictEqual(yield* outcomeOf(sendCode({ token: second.token })), "SignInRefused:factor-unavailable")
      assert.deepStrictEqual(yield* mails, [])
    }).pipe(Effect.provide(layer)),
  )

  it.effect("without an address mails the user of the sign-in, and counts no try", () =>
    Effect.gen(function* () {
      const user = yield* createUser()
      const first = yield* complete(proveCode(yield* codeFor()))
      const stepUp = yield* SignInAttempts.use((attempts) =>
        attempts.start({ stepUp: { session: first.session, user }, client: home }),
      )
      const { state, token } = yield* sendCode({ token: stepUp.token })
      assert.deepStrictEqual([state.attempt.id, state.attempt.tries], [stepUp.state.attempt.id, 0])
      assert.strictEqual(Redacted.value(token), Redacted.value(stepUp.token))
      const again = yield* complete(proveCode({ token, code: yield* takeCode() }))
      assert.strictEqual(again.session.id, first.session.id)
    }).pipe(Effect.provide(layer)),
  )
})

describe("A code by mail to an address that changed hands", () => {
  it.effect("proves nothing to the user of the sign-in, who has another address now", () =>
    Effect.gen(function* () {
      const user = yield* createUser()
      const { session } = yield* complete(proveCode(yield* codeFor()))
      const { token } = yield* SignInAttempts.use((attempts) =>
        attempts.start({ stepUp: { session, user }, client: home }),
      )
      yield* sendCode({ token })
      const code = yield* takeCode()
      yield* Users.use((users) => users.update(user.id, { email: bob }))
      assert.strictEqual(yield* outcomeOf(proveCode({ token, code })), "CodeInvalid")
      assert.strictEqual((yield* auditTrail).at(-1), "sign-in.refused:address-changed")
    }).pipe(Effect.provide(layer)),
  )

  it.effect("proves no address that the user took in the very moment", () =>
    Effect.gen(function* () {
      const users = yield* UserStore
      const { id } = yield* Users.use((all) => all.create({ email: ada }))
      const answer = yield* codeFor()
      yield* Users.use((all) => all.update(id, { email: bob }))
      const before = yield* users.findById(id)
      // The look-up still sees the address of before.
      const late = Layer.succeed(
        UserStore,
        UserStore.of({
          ...users,
          findByEmail: () =>
            Effect.map(
              users.findById(id),
              Option.map((user) => ({ ...user, email: ada })),
            ),
        }),
      )
      const proving = proveCode(answer).pipe(Effect.provide(TestServices.layer.pipe(Layer.fresh, Layer.provide(late))))
      assert.strictEqual(yield* outcomeOf(proving), "CodeInvalid")
      assert.deepStrictEqual(yield* users.findById(id), before)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("signs in whoever signed up with it since", () =>
    Effect.gen(function* () {
      const answer = yield* codeFor()
      const user = yield* createUser()
      assert.deepStrictEqual((yield* complete(proveCode(answer))).user, user)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("signs in whoever signed up with it in the very moment", () =>
    Effect.gen(function* () {
      const users = yield* UserStore
      const answer = yield* codeFor()
      const user = yield* createUser()
      // The first look comes too early to see the user.
      let looks = 0
      const early = Layer.succeed(
        UserStore,
        UserStore.of({
          ...users,
          findByEmail: (email) => (looks++ === 0 ? Effect.succeedNone : users.findByEmail(email)),
        }),
      )
      const signedIn = yield* complete(proveCode(answer)).pipe(
        Effect.provide(TestServices.layer.pipe(Layer.fresh, Layer.provide(early))),
      )
      assert.deepStrictEqual(signedIn.user, user)
      assert.isAbove(looks, 1)
    }).pipe(Effect.provide(layer)),
  )
})

describe("Codes by mail where nobody may sign up", () => {
  it.effect("are for users: nobody else gets a mail, at the same cost and with the same answer", () =>
    Effect.gen(function* () {
      yield* createUser(ada)
      const [known, unknown] = [yield* costOf(sendCode({ email: ada })), yield* costOf(sendCode({ email: bob }))]
      assert.deepStrictEqual({ ...known, mails: null }, { ...unknown, mails: null })
      assert.deepStrictEqual([known.mails, unknown.mails], [1, 0])
      yield* complete(proveCode(yield* codeFor(ada)))
    }).pipe(Effect.provide(layerWith({ signUp: false }))),
  )

  it.effect("make no user, not even by a code that was guessed or sent before that was so", () =>
    Effect.gen(function* () {
      const answer = yield* codeFor()
      const closed = proveCode(answer).pipe(Effect.provide(Layer.fresh(EmailCodes.layerWith({ signUp: false }))))
      assert.strictEqual(yield* outcomeOf(closed), "CodeInvalid")
      assert.strictEqual((yield* auditTrail).at(-1), "sign-in.refused:unknown-address")
      assert.deepStrictEqual(yield* findUser(ada), Option.none())
    }).pipe(Effect.provide(layer)),
  )
})

/** The symbols of so many codes. */
const symbolsOf = Effect.fnUntraced(function* (count: number) {
  const symbols: Array<string> = []
  for (let index = 0; index < count; index++) {
    const email = Email.make(`${index}@example.com`)
    yield* sendCode({ email, client: clientAt(`198.51.${index}.1`) })
    symbols.push(...Redacted.value(yield* takeCode(email)))
  }
  return symbols
})
