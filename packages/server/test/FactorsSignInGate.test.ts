import { type ClientInfo, unknownClient } from "@belfry/core/AuditEvent"
import { LinkedAccounts } from "@belfry/core/LinkedAccounts"
import type { Session } from "@belfry/core/Session"
import { Sessions } from "@belfry/core/Sessions"
import { TransactionStore } from "@belfry/core/TransactionStore"
import { Email, type User } from "@belfry/core/User"
import { Users } from "@belfry/core/Users"
import { Enrolments } from "@belfry/factors/Enrolments"
import { PasswordHash } from "@belfry/factors/Password"
import { PasswordStore } from "@belfry/factors/PasswordStore"
import { SignInAttempts } from "@belfry/factors/SignInAttempts"
import * as SignInPolicy from "@belfry/factors/SignInPolicy"
import { Totps } from "@belfry/factors/Totps"
import { type GateOutcome, SignInGate } from "@belfry/oauth-client/SignInGate"
import * as FactorsSignInGate from "@belfry/server/FactorsSignInGate"
import * as Authenticator from "@belfry/testing/Authenticator"
import * as Builders from "@belfry/testing/Builders"
import * as TestServices from "@belfry/testing/TestServices"
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Effect, Layer, Redacted } from "effect"
import { TestClock } from "effect/testing"

const client: ClientInfo = { ...unknownClient, ipAddress: "192.0.2.1" }

const layerOf = (policy = SignInPolicy.make()) =>
  FactorsSignInGate.layer.pipe(
    Layer.provideMerge(TestServices.layerMemory),
    Layer.provide(Layer.succeed(SignInPolicy.SignInPolicy, policy)),
  )

/** The policy of a house where every sign-in takes a link by mail and then a provider's word. */
const providerSecond: SignInPolicy.SignInPolicyService = {
  ...SignInPolicy.make(),
  signIn: () => Effect.succeed([["magic-link", "oauth"]]),
}

const hash = PasswordHash.make(`$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$${"A".repeat(43)}`)

let people = 0
const person = Effect.suspend(() =>
  Users.use((users) => users.create({ email: Email.make(`person${++people}@example.com`) })),
)

const link = (user: User, accountId: string) =>
  LinkedAccounts.use((accounts) =>
    accounts.link({
      userId: user.id,
      providerId: "acme",
      accountId,
      tokens: Builders.noTokens,
      client,
    }),
  )

const linked = (user: User) =>
  LinkedAccounts.use((accounts) => Effect.map(accounts.list(user.id), (all) => all.map(({ accountId }) => accountId)))

const startSession = Effect.fnUntraced(function* (user: User) {
  const issued = yield* Sessions.use((sessions) => sessions.start({ user, amr: ["oauth"], client }))
  return { ...issued, user }
})

interface Word {
  readonly token?: Redacted.Redacted | null
  readonly returnTo?: string | null
  readonly replaces?: Redacted.Redacted | null
}

/** A provider says who somebody is. */
const prove = (user: User, { token = null, returnTo = null, replaces = null }: Word = {}) =>
  SignInGate.use((gate) => gate.prove({ token, user, returnTo, replaces, client }))

const complete = (outcome: GateOutcome) => (outcome._tag === "Complete" ? outcome : assert.fail("The sign-in goes on"))
const goesOn = (outcome: GateOutcome) =>
  outcome._tag === "Continues" ? outcome : assert.fail("The sign-in is complete")

const sessionsOf = (user: User) => Sessions.use((sessions) => sessions.list(user.id))

describe("A provider's word", () => {
  it.effect("starts a session of whoever is asked for nothing more", () =>
    Effect.gen(function* () {
      const user = yield* person
      const { session, token, returnTo } = complete(yield* prove(user, { returnTo: "/reports" }))
      assert.deepStrictEqual([session.userId, session.amr, session.acr], [user.id, ["oauth"], "aal1"])
      assert.strictEqual(returnTo, "/reports")
      const verified = yield* Sessions.use((sessions) => sessions.verify(token))
      assert.strictEqual(verified.session.id, session.id)
      assert.isNull(complete(yield* prove(user)).returnTo)
    }).pipe(Effect.provide(layerOf())),
  )

  it.effect("replaces the session that the browser had", () =>
    Effect.gen(function* () {
      const user = yield* person
      const before = complete(yield* prove(user))
      const after = complete(yield* prove(user, { replaces: before.token }))
      assert.deepStrictEqual(
        (yield* sessionsOf(user)).map(({ id }) => id),
        [after.session.id],
      )
    }).pipe(Effect.provide(layerOf())),
  )

  it.effect("is a first factor and no more: who has a second one is asked for it", () =>
    Effect.gen(function* () {
      const user = yield* person
      const app = yield* Authenticator.enrol(yield* startSession(user))
      const now = yield* DateTime.now
      const { token, expiresAt } = goesOn(yield* prove(user, { returnTo: "/reports" }))
      assert.strictEqual((yield* sessionsOf(user)).length, 1)
      assert.deepStrictEqual(expiresAt, DateTime.add(now, { minutes: 15 }))
      const { attempt, factors } = yield* SignInAttempts.use((attempts) => attempts.get(token, client))
      assert.deepStrictEqual(factors, ["totp", "backup-code"])
      assert.deepStrictEqual(attempt.context, { returnTo: "/reports" })
      const code = app.codeAt(yield* DateTime.now)
      const outcome = yield* Totps.use((totps) => totps.prove({ token, code, client }))
      if (outcome._tag !== "SignInComplete") return assert.fail("The sign-in goes on")
      assert.deepStrictEqual([outcome.session.amr, outcome.session.acr], [["oauth", "otp", "mfa"], "aal2"])
    }).pipe(Effect.provide(layerOf())),
  )

  it.effect("goes on with the sign-in that was begun and has nobody yet", () =>
    Effect.gen(function* () {
      const user = yield* person
      const started = yield* SignInAttempts.use((attempts) => attempts.start({ context: { label: "Phone" }, client }))
      const { session } = complete(yield* prove(user, { token: started.token }))
      assert.strictEqual(session.label, "Phone")
    }).pipe(Effect.provide(layerOf())),
  )

  it.effect("is the next factor of a sign-in that waits for it", () =>
    Effect.gen(function* () {
      const user = yield* person
      yield* link(user, "ada")
      const attempts = yield* SignInAttempts
      const first = yield* attempts.prove({
        open: yield* attempts.begin({ token: undefined, factor: "magic-link", client }),
        user,
        amr: ["email"],
        confirm: Effect.void,
      })
      const { session } = complete(yield* prove(user, { token: first.token }))
      assert.deepStrictEqual(session.amr, ["email", "oauth", "mfa"])
    }).pipe(Effect.provide(layerOf(providerSecond))),
  )

  it.effect("says nothing for the sign-in of another user", () =>
    Effect.gen(function* () {
      const [ada, eve] = [yield* person, yield* person]
      yield* link(ada, "ada")
      const attempts = yield* SignInAttempts
      const first = yield* attempts.prove({
        open: yield* attempts.begin({ token: undefined, factor: "magic-link", client }),
        user: ada,
        amr: ["email"],
        confirm: Effect.void,
      })
      const refused = yield* Effect.flip(prove(eve, { token: first.token }))
      assert.deepStrictEqual([refused._tag, Reflect.get(refused, "reason")], ["GateRefused", "user-mismatch"])
      assert.deepStrictEqual([yield* sessionsOf(ada), yield* sessionsOf(eve)], [[], []])
    }).pipe(Effect.provide(layerOf(providerSecond))),
  )

  it.effect("makes a session fresh again in its own attempt", () =>
    Effect.gen(function* () {
      const user = yield* person
      yield* link(user, "ada")
      const { session } = yield* startSession(user)
      yield* TestClock.adjust("1 hour")
      const sessions = yield* Sessions
      assert.strictEqual((yield* Effect.flip(sessions.requireFresh(session)))._tag, "SessionNotFresh")
      const started = yield* SignInAttempts.use((attempts) => attempts.start({ stepUp: { session, user }, client }))
      const after = complete(yield* prove(user, { token: started.token }))
      assert.strictEqual(after.session.id, session.id)
      yield* sessions.requireFresh(after.session)
      assert.strictEqual((yield* sessionsOf(user)).length, 1)
    }).pipe(Effect.provide(layerOf())),
  )

  it.effect("does not step in for the second factor that a step-up asks for: it begins a sign-in of its own", () =>
    Effect.gen(function* () {
      const user = yield* person
      yield* link(user, "ada")
      const { session } = yield* startSession(user)
      yield* Authenticator.enrol({ session, user })
      const started = yield* SignInAttempts.use((attempts) => attempts.start({ stepUp: { session, user }, client }))
      const { token } = goesOn(yield* prove(user, { token: started.token }))
      const attempts = yield* SignInAttempts
      assert.isNull((yield* attempts.get(token, client)).attempt.stepUp)
      assert.strictEqual((yield* attempts.get(started.token, client)).attempt.tries, 0)
    }).pipe(Effect.provide(layerOf())),
  )

  it.effect("begins anew where the attempt is over, or is none", () =>
    Effect.gen(function* () {
      const user = yield* person
      yield* link(user, "ada")
      const { session } = yield* startSession(user)
      const started = yield* SignInAttempts.use((attempts) => attempts.start({ stepUp: { session, user }, client }))
      yield* TestClock.adjust("15 minutes")
      for (const token of [started.token, Redacted.make("belfry_sign_in_x"), Redacted.make("")]) {
        assert.notStrictEqual(complete(yield* prove(user, { token })).session.id, session.id)
      }
    }).pipe(Effect.provide(layerOf())),
  )

  it.effect("begins no sign-in where the policy lets none begin so", () =>
    Effect.gen(function* () {
      const user = yield* person
      const refused = yield* Effect.flip(prove(user))
      assert.deepStrictEqual([refused._tag, Reflect.get(refused, "reason")], ["GateRefused", "factor-unavailable"])
      assert.deepStrictEqual(yield* sessionsOf(user), [])
    }).pipe(Effect.provide(layerOf(SignInPolicy.make({ firstFactors: ["password"] })))),
  )
})

describe("A provider's word about an address that nobody proved", () => {
  /** Takes the user over, links the account anew and signs in by it. */
  const takeOver = Effect.fnUntraced(function* (user: User, token: Redacted.Redacted) {
    const gate = yield* SignInGate
    const linking = Effect.provideService(link(user, "ada"), LinkedAccounts, yield* LinkedAccounts)
    const takingOver = gate
      .takeOver(user.id, client)
      .pipe(
        Effect.andThen(linking),
        Effect.andThen(gate.prove({ token, user, returnTo: null, replaces: null, client })),
      )
    return yield* TransactionStore.use(({ run }) => run(takingOver))
  })

  it.effect("leaves nothing of what was set up before, and goes on with no sign-in of before", () =>
    Effect.gen(function* () {
      const user = yield* person
      const before = yield* startSession(user)
      yield* Authenticator.enrol(before)
      yield* PasswordStore.use((passwords) => Effect.flatMap(DateTime.now, (now) => passwords.set(user.id, hash, now)))
      yield* link(user, "eve")
      const attempts = yield* SignInAttempts
      const pending = yield* attempts.start({ stepUp: { session: before.session, user }, client })
      // The app that was set up before is not asked for: it may be somebody else's.
      const { session } = complete(yield* takeOver(user, pending.token))
      assert.deepStrictEqual(yield* linked(user), ["ada"])
      assert.deepStrictEqual(
        (yield* sessionsOf(user)).map(({ id }) => id),
        [session.id],
      )
      assert.notStrictEqual(session.id, before.session.id)
      const left = yield* Enrolments.use((enrolments) => enrolments.list(user.id))
      assert.deepStrictEqual(
        left.map(({ factor }) => factor),
        ["oauth"],
      )
      assert.strictEqual((yield* Effect.flip(attempts.get(pending.token, client)))._tag, "SignInRefused")
    }).pipe(Effect.provide(layerOf())),
  )

  it.effect("leaves it all where the sign-in comes to nothing", () =>
    Effect.gen(function* () {
      const [user, other] = [yield* person, yield* person]
      const { session } = yield* startSession(user)
      yield* Authenticator.enrol({ session, user })
      yield* link(other, "bob")
      const theirs = yield* startSession(other)
      const pending = yield* SignInAttempts.use((attempts) =>
        attempts.start({ stepUp: { session: theirs.session, user: other }, client }),
      )
      const refused = yield* Effect.flip(takeOver(user, pending.token))
      assert.deepStrictEqual([refused._tag, Reflect.get(refused, "reason")], ["GateRefused", "user-mismatch"])
      const left = yield* Enrolments.use((enrolments) => enrolments.list(user.id))
      assert.deepStrictEqual(
        left.map(({ factor }) => factor),
        ["totp", "backup-code"],
      )
      assert.deepStrictEqual(
        (yield* sessionsOf(user)).map(({ id }) => id),
        [session.id],
      )
    }).pipe(Effect.provide(layerOf())),
  )
})

describe("Taking an account away", () => {
  const removeWayIn = Effect.fnUntraced(function* (user: User, session: Session, accountId: string) {
    const accounts = yield* LinkedAccounts
    const remove = accounts.unlink({ userId: user.id, providerId: "acme", accountId, client })
    yield* SignInGate.use((gate) => gate.removeWayIn({ session, user, remove, client }))
  })

  it.effect("leaves the last way in, and takes away what is not", () =>
    Effect.gen(function* () {
      const user = yield* person
      const { session } = yield* startSession(user)
      yield* link(user, "ada")
      yield* link(user, "ada-at-work")
      yield* removeWayIn(user, session, "ada")
      assert.deepStrictEqual(yield* linked(user), ["ada-at-work"])
      const refused = yield* Effect.flip(removeWayIn(user, session, "ada-at-work"))
      assert.deepStrictEqual([refused._tag, Reflect.get(refused, "reason")], ["UnlinkRefused", "last-way-in"])
      assert.deepStrictEqual(yield* linked(user), ["ada-at-work"])
    }).pipe(Effect.provide(layerOf(SignInPolicy.make({ firstFactors: ["oauth"] })))),
  )

  it.effect("takes the last account of whoever can sign in by mail", () =>
    Effect.gen(function* () {
      const user = yield* person
      const { session } = yield* startSession(user)
      yield* link(user, "ada")
      yield* removeWayIn(user, session, "ada")
      assert.deepStrictEqual(yield* linked(user), [])
    }).pipe(Effect.provide(layerOf())),
  )

  it.effect("is refused where there is no such account, and in a session that is not fresh", () =>
    Effect.gen(function* () {
      const user = yield* person
      const { session } = yield* startSession(user)
      yield* link(user, "ada")
      const missing = yield* Effect.flip(removeWayIn(user, session, "bob"))
      assert.deepStrictEqual([missing._tag, Reflect.get(missing, "reason")], ["UnlinkRefused", "not-linked"])
      yield* TestClock.adjust("1 hour")
      assert.strictEqual((yield* Effect.flip(removeWayIn(user, session, "ada")))._tag, "SessionNotFresh")
      assert.deepStrictEqual(yield* linked(user), ["ada"])
    }).pipe(Effect.provide(layerOf())),
  )
})
