/**
 * Links by mail: who gets in by them, in which browser, and how often.
 */
import { Sessions } from "@belfry/core/Sessions"
import * as SqlCoreMigrations from "@belfry/core/SqlCoreMigrations"
import { Email } from "@belfry/core/User"
import { Users } from "@belfry/core/Users"
import { VerificationTokens } from "@belfry/core/VerificationTokens"
import * as MagicLinks from "@belfry/factors/MagicLinks"
import { SignInAttempts } from "@belfry/factors/SignInAttempts"
import * as SqlFactorsMigrations from "@belfry/factors/SqlFactorsMigrations"
import * as Builders from "@belfry/testing/Builders"
import * as CapturingMailer from "@belfry/testing/CapturingMailer"
import * as TestDatabase from "@belfry/testing/TestDatabase"
import * as TestServices from "@belfry/testing/TestServices"
import { assert, describe, it, layer as withLayer } from "@effect/vitest"
import { DateTime, Effect, Layer, Option, Redacted } from "effect"
import { TestClock } from "effect/testing"
import {
  checkLink,
  codeFor,
  createUser,
  linkFor,
  outcomeOf,
  proveLink,
  proveWrongCode,
  sendCode,
  sendLink,
  takeCode,
  takeLink,
} from "./support/Mailboxes.ts"
import { ada, auditTrail, bob, clientAt, complete, costOf, home, layer, mails, pending } from "./support/People.ts"

const findUser = (email: Email) => Users.use((users) => users.findByEmail(email))

const layerWith = (options: MagicLinks.MagicLinksOptions) =>
  Layer.provideMerge(Layer.fresh(MagicLinks.layerWith(options)), layer)

describe("A link by mail", () => {
  it.effect("leads to the page that completes the sign-in", () =>
    Effect.gen(function* () {
      yield* sendLink()
      const mail = yield* CapturingMailer.CapturingMailer.use((mailer) => mailer.takeLast(ada, "sign-in-link"))
      const { origin, pathname } = CapturingMailer.linkIn(mail)
      assert.strictEqual(`${origin}${pathname}`, "http://localhost:3000/sign-in/link")
    }).pipe(Effect.provide(layer)),
  )

  it.effect("signs in whoever follows it in the browser that asked for it", () =>
    Effect.gen(function* () {
      const user = yield* createUser()
      const { session, user: signedIn } = yield* complete(proveLink(yield* linkFor()))
      assert.deepStrictEqual(signedIn, user)
      assert.deepStrictEqual([session.amr, session.acr], [["email"], "aal1"])
    }).pipe(Effect.provide(layer)),
  )

  it.effect("signs up whose address nobody has, when it is followed and not when it is sent", () =>
    Effect.gen(function* () {
      const opened = yield* linkFor()
      assert.deepStrictEqual(yield* findUser(ada), Option.none())
      const { user } = yield* complete(proveLink(opened))
      assert.deepStrictEqual(yield* findUser(ada), Option.some(user))
      assert.deepStrictEqual([user.email, user.emailVerifiedAt], [ada, yield* DateTime.now])
    }).pipe(Effect.provide(layer)),
  )

  it.effect("works once", () =>
    Effect.gen(function* () {
      const { id } = yield* createUser()
      yield* Builders.storedTotp(id)
      const opened = yield* linkFor()
      const { token } = yield* pending(proveLink(opened))
      for (const again of [token, opened.token]) {
        assert.strictEqual(yield* outcomeOf(proveLink({ link: opened.link, token: again })), "VerificationTokenInvalid")
      }
    }).pipe(Effect.provide(layer)),
  )

  it.effect("proves nothing to who finds it good and comes second to use it up", () =>
    Effect.gen(function* () {
      const tokens = yield* VerificationTokens
      const opened = yield* linkFor()
      const overtaken = Layer.succeed(
        VerificationTokens,
        VerificationTokens.of({
          ...tokens,
          consume: (purpose, token) =>
            Effect.andThen(Effect.ignore(tokens.consume(purpose, token)), tokens.consume(purpose, token)),
        }),
      )
      const proving = proveLink(opened).pipe(Effect.provide(Layer.fresh(Layer.provide(MagicLinks.layer, overtaken))))
      assert.strictEqual(yield* outcomeOf(proving), "VerificationTokenInvalid")
      assert.strictEqual((yield* auditTrail).at(-1), "sign-in.refused:used")
      assert.deepStrictEqual(yield* findUser(ada), Option.none())
    }).pipe(Effect.provide(layer)),
  )

  it.effect("is good for 10 minutes, less the last instant", () =>
    Effect.gen(function* () {
      const late = yield* linkFor()
      yield* TestClock.adjust(1)
      const inTime = yield* linkFor()
      yield* TestClock.adjust(10 * 60_000 - 1)
      assert.strictEqual(yield* outcomeOf(checkLink(late)), "VerificationTokenInvalid")
      assert.strictEqual(yield* outcomeOf(proveLink(late)), "VerificationTokenInvalid")
      yield* checkLink(inTime)
      yield* complete(proveLink(inTime))
    }).pipe(Effect.provide(layer)),
  )

  it.effect("is looked at without being used up", () =>
    Effect.gen(function* () {
      const opened = yield* linkFor()
      for (const _ of [1, 2, 3]) yield* checkLink(opened)
      assert.strictEqual(
        yield* outcomeOf(checkLink({ ...opened, link: Redacted.make("made up") })),
        "VerificationTokenInvalid",
      )
      yield* complete(proveLink(opened))
    }).pipe(Effect.provide(layer)),
  )

  it.effect("is worth nothing once the next one of the attempt was sent", () =>
    Effect.gen(function* () {
      const first = yield* linkFor()
      yield* sendLink({ token: first.token, email: ada })
      const second = { token: first.token, link: yield* takeLink() }
      assert.strictEqual(yield* outcomeOf(proveLink(first)), "VerificationTokenInvalid")
      yield* complete(proveLink(second))
    }).pipe(Effect.provide(layer)),
  )

  it.effect("stays good when somebody else asks for one to the same address", () =>
    Effect.gen(function* () {
      const mine = yield* linkFor()
      yield* linkFor()
      yield* complete(proveLink(mine))
    }).pipe(Effect.provide(layer)),
  )

  it.effect("is over with its attempt, whatever ended that", () =>
    Effect.gen(function* () {
      const cancelled = yield* linkFor()
      yield* SignInAttempts.use((attempts) => attempts.cancel(cancelled.token, home))
      const locked = yield* codeFor()
      yield* sendLink({ token: locked.token, email: ada })
      const link = yield* takeLink()
      for (const _ of [1, 2, 3, 4, 5]) yield* Effect.flip(proveWrongCode(locked))
      for (const opened of [cancelled, { token: locked.token, link }]) {
        assert.strictEqual(yield* outcomeOf(checkLink(opened)), "VerificationTokenInvalid")
        assert.strictEqual(yield* outcomeOf(proveLink(opened)), "VerificationTokenInvalid")
      }
      const late = yield* linkFor()
      yield* TestClock.adjust("8 minutes")
      yield* sendLink({ token: late.token, email: ada })
      const again = { token: late.token, link: yield* takeLink() }
      yield* TestClock.adjust("7 minutes")
      // The cookie of the attempt goes with it.
      for (const opened of [again, { link: again.link }]) {
        assert.strictEqual(yield* outcomeOf(checkLink(opened)), "VerificationTokenInvalid")
        assert.strictEqual(yield* outcomeOf(proveLink(opened)), "VerificationTokenInvalid")
      }
      assert.deepStrictEqual(yield* findUser(ada), Option.none())
    }).pipe(Effect.provide(layer)),
  )

  it.effect("is no first factor's end for who has an authenticator app", () =>
    Effect.gen(function* () {
      const { id } = yield* createUser()
      yield* Builders.storedTotp(id)
      const { state } = yield* pending(proveLink(yield* linkFor()))
      assert.include(state.factors, "totp")
      assert.deepStrictEqual(yield* Sessions.use((sessions) => sessions.list(id)), [])
    }).pipe(Effect.provide(layer)),
  )
})

describe("A link by mail in another browser", () => {
  it.effect("is refused, signs nobody in, and stays good in the right one", () =>
    Effect.gen(function* () {
      const user = yield* createUser()
      const opened = yield* linkFor()
      const { token: other } = yield* sendCode({ email: bob })
      for (const token of [undefined, other]) {
        const elsewhere = { link: opened.link, token }
        assert.strictEqual(yield* outcomeOf(checkLink(elsewhere)), "OtherBrowser")
        assert.strictEqual(yield* outcomeOf(proveLink(elsewhere)), "OtherBrowser")
      }
      assert.deepStrictEqual(yield* Sessions.use((sessions) => sessions.list(user.id)), [])
      yield* complete(proveLink(opened))
    }).pipe(Effect.provide(layer)),
  )

  it.effect("gives nothing to who asked for it with somebody else's address: the browser of neither signs in", () =>
    Effect.gen(function* () {
      const victim = yield* createUser()
      const eve = yield* sendLink({ email: ada, client: clientAt("198.51.100.66") })
      const link = yield* takeLink()
      assert.strictEqual(yield* outcomeOf(proveLink({ link })), "OtherBrowser")
      const { factors, attempt } = yield* SignInAttempts.use((attempts) => attempts.get(eve.token, home))
      assert.deepStrictEqual([attempt.userId, attempt.proofs], [null, []])
      assert.include(factors, "magic-link")
      assert.deepStrictEqual(yield* Sessions.use((sessions) => sessions.list(victim.id)), [])
    }).pipe(Effect.provide(layer)),
  )

  it.effect("begins a sign-in there where the host allows it, once, and needs nothing of the attempt that asked", () =>
    Effect.gen(function* () {
      const user = yield* createUser()
      const { link, token: asking } = yield* linkFor()
      yield* SignInAttempts.use((attempts) => attempts.cancel(asking, home))
      yield* checkLink({ link })
      const { user: signedIn, session } = yield* complete(proveLink({ link }))
      assert.deepStrictEqual([signedIn, session.amr], [user, ["email"]])
      assert.strictEqual(yield* outcomeOf(proveLink({ link })), "VerificationTokenInvalid")
    }).pipe(Effect.provide(layerWith({ sameBrowser: false }))),
  )

  it.effect("leaves the attempt that asked and the one that the other browser has as they are", () =>
    Effect.gen(function* () {
      yield* createUser()
      const { link, token: asking } = yield* linkFor()
      const { token: other } = yield* sendCode({ email: bob })
      yield* complete(proveLink({ link, token: other }))
      for (const token of [asking, other]) {
        const { attempt } = yield* SignInAttempts.use((attempts) => attempts.get(token, home))
        assert.deepStrictEqual([attempt.userId, attempt.tries], [null, 0])
      }
    }).pipe(Effect.provide(layerWith({ sameBrowser: false }))),
  )

  it.effect("still demands the second factor where the host allows it", () =>
    Effect.gen(function* () {
      const { id } = yield* createUser()
      yield* Builders.storedTotp(id)
      const { link, token } = yield* linkFor()
      const { state } = yield* pending(proveLink({ link }))
      const asking = yield* SignInAttempts.use((attempts) => attempts.get(token, home))
      assert.notStrictEqual(state.attempt.id, asking.attempt.id)
      assert.include(state.factors, "totp")
    }).pipe(Effect.provide(layerWith({ sameBrowser: false }))),
  )

  it.effect("goes on with the attempt of the same browser where the host allows others", () =>
    Effect.gen(function* () {
      const { id } = yield* createUser()
      yield* Builders.storedTotp(id)
      const { link, token } = yield* linkFor()
      const before = yield* SignInAttempts.use((attempts) => attempts.get(token, home))
      const { state } = yield* pending(proveLink({ link, token }))
      assert.strictEqual(state.attempt.id, before.attempt.id)
    }).pipe(Effect.provide(layerWith({ sameBrowser: false }))),
  )
})

describe("A link by mail to an address that changed hands", () => {
  it.effect("opens nothing: neither its user's account, nor the next owner's, nor a new one", () =>
    Effect.gen(function* () {
      const user = yield* createUser(ada)
      const opened = yield* linkFor(ada)
      yield* Users.use((users) => users.update(user.id, { email: bob }))
      assert.strictEqual(yield* outcomeOf(proveLink(opened)), "VerificationTokenInvalid")
      assert.deepStrictEqual(yield* findUser(ada), Option.none())
      const next = yield* createUser(ada)
      assert.strictEqual(yield* outcomeOf(proveLink(opened)), "VerificationTokenInvalid")
      assert.strictEqual((yield* auditTrail).at(-1), "sign-in.refused:address-changed")
      for (const { id } of [user, next]) {
        assert.deepStrictEqual(yield* Sessions.use((sessions) => sessions.list(id)), [])
      }
    }).pipe(Effect.provide(layer)),
  )

  it.effect("proves nothing to the user of the sign-in, who has another address now", () =>
    Effect.gen(function* () {
      const user = yield* createUser()
      const { session } = yield* complete(proveLink(yield* linkFor()))
      const { token } = yield* SignInAttempts.use((attempts) =>
        attempts.start({ stepUp: { session, user }, client: home }),
      )
      yield* sendLink({ token })
      const link = yield* takeLink()
      yield* Users.use((users) => users.update(user.id, { email: bob }))
      assert.strictEqual(yield* outcomeOf(proveLink({ link, token })), "VerificationTokenInvalid")
    }).pipe(Effect.provide(layer)),
  )

  it.effect("signs in whoever signed up with it since", () =>
    Effect.gen(function* () {
      const opened = yield* linkFor()
      const user = yield* createUser()
      assert.deepStrictEqual((yield* complete(proveLink(opened))).user, user)
    }).pipe(Effect.provide(layer)),
  )
})

describe("Asking for a link", () => {
  it.effect("costs the same, answers the same and sends one mail, whether or not the address has an account", () =>
    Effect.gen(function* () {
      yield* createUser(ada)
      const [known, unknown] = [yield* costOf(sendLink({ email: ada })), yield* costOf(sendLink({ email: bob }))]
      assert.deepStrictEqual(known, unknown)
      assert.strictEqual(known.mails, 1)
      const [first, second] = [yield* sendLink({ email: ada }), yield* sendLink({ email: bob })]
      assert.deepStrictEqual(
        { ...first.state, attempt: { ...first.state.attempt, id: null } },
        { ...second.state, attempt: { ...second.state.attempt, id: null } },
      )
    }).pipe(Effect.provide(layer)),
  )

  it.effect("mails nobody but users where nobody may sign up, and makes no user of an older link", () =>
    Effect.gen(function* () {
      const older = yield* linkFor(bob)
      const closed = Effect.provide(Layer.fresh(MagicLinks.layerWith({ signUp: false })))
      assert.strictEqual(yield* outcomeOf(closed(proveLink(older))), "VerificationTokenInvalid")
      assert.deepStrictEqual(yield* findUser(bob), Option.none())
      yield* createUser(ada)
      const known = yield* costOf(closed(sendLink({ email: ada })))
      const unknown = yield* costOf(closed(sendLink({ email: bob })))
      assert.deepStrictEqual({ ...known, mails: null }, { ...unknown, mails: null })
      assert.deepStrictEqual([known.mails, unknown.mails], [1, 0])
    }).pipe(Effect.provide(layer)),
  )

  it.effect("is limited to 5 an hour for an address, with the codes to it", () =>
    Effect.gen(function* () {
      for (const index of [1, 2, 3]) yield* sendLink({ email: ada, client: clientAt(`192.0.2.${index}`) })
      for (const index of [4, 5]) yield* sendCode({ email: ada, client: clientAt(`192.0.2.${index}`) })
      const { mails: sent } = yield* costOf(sendLink({ email: ada, client: clientAt("192.0.2.9") }))
      assert.strictEqual(sent, 0)
      assert.strictEqual(yield* outcomeOf(sendLink({ email: ada })), "RateLimited")
    }).pipe(Effect.provide(layer)),
  )

  it.effect("without an address mails the user of the sign-in, who proves it there and nowhere else", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* outcomeOf(sendLink({})), "SignInRefused:invalid")
      const user = yield* createUser()
      const first = yield* complete(proveLink(yield* linkFor()))
      const { token } = yield* SignInAttempts.use((attempts) =>
        attempts.start({ stepUp: { session: first.session, user }, client: home }),
      )
      yield* sendLink({ token })
      const link = yield* takeLink()
      assert.strictEqual(yield* outcomeOf(proveLink({ link })), "OtherBrowser")
      const again = yield* complete(proveLink({ link, token }))
      assert.strictEqual(again.session.id, first.session.id)
      assert.deepStrictEqual(yield* mails, [])
    }).pipe(Effect.provide(layer)),
  )

  it.effect("without an address is limited to as many an hour", () =>
    Effect.gen(function* () {
      const user = yield* createUser()
      const { session } = yield* complete(proveLink(yield* linkFor()))
      const { token } = yield* SignInAttempts.use((attempts) =>
        attempts.start({ stepUp: { session, user }, client: home }),
      )
      const outcomes = yield* Effect.forEach(Array.from({ length: 5 }), () => outcomeOf(sendLink({ token })))
      assert.deepStrictEqual(outcomes, ["success", "success", "success", "success", "RateLimited"])
    }).pipe(Effect.provide(layer)),
  )

  it.effect("goes with asking for a code: either of the two signs in", () =>
    Effect.gen(function* () {
      const { token } = yield* sendCode({ email: ada })
      yield* sendLink({ token, email: ada })
      yield* takeCode()
      yield* complete(proveLink({ token, link: yield* takeLink() }))
    }).pipe(Effect.provide(layer)),
  )
})

const suite = <E>(name: string, services: Layer.Layer<TestServices.Services | TestServices.Stores, E>) =>
  withLayer(services)(`A link by mail that is raced for (${name})`, (it) => {
    it.effect("signs up and in one of 50 fibers that bring it", () =>
      Effect.gen(function* () {
        const email = Email.make("raced-link@example.com")
        const opened = yield* linkFor(email)
        const outcomes = yield* Effect.all(
          Array.from({ length: 50 }, () => outcomeOf(complete(proveLink(opened)))),
          { concurrency: "unbounded" },
        )
        assert.strictEqual(outcomes.filter((outcome) => outcome === "success").length, 1)
        assert.notInclude(outcomes.join(), "StoreError")
        const user = Option.getOrThrow(yield* findUser(email))
        assert.strictEqual((yield* Sessions.use((sessions) => sessions.list(user.id))).length, 1)
      }),
    )

    it.effect("signs in one of 20 browsers that open it, where the host allows others", () =>
      Effect.gen(function* () {
        const email = Email.make("many-browsers@example.com")
        const { link } = yield* linkFor(email)
        const outcomes = yield* Effect.all(
          Array.from({ length: 20 }, () => outcomeOf(complete(proveLink({ link })))),
          { concurrency: "unbounded" },
        ).pipe(Effect.provide(Layer.fresh(MagicLinks.layerWith({ sameBrowser: false }))))
        assert.deepStrictEqual(outcomes.toSorted(), [
          ...Array.from({ length: 19 }, () => "VerificationTokenInvalid"),
          "success",
        ])
        const user = Option.getOrThrow(yield* findUser(email))
        assert.strictEqual((yield* Sessions.use((sessions) => sessions.list(user.id))).length, 1)
      }),
    )
  })

suite("memory", TestServices.layerMemory)

for (const { name, layer } of TestDatabase.each([SqlCoreMigrations.migrations, SqlFactorsMigrations.migrations])) {
  suite(name, TestServices.layerSql(layer))
}
