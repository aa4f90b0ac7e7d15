/**
 * Sign-ins through providers over memory, PGlite and PostgreSQL, with the gate of factors: statements, races, and what
 * is demanded besides.
 */
import { Audit } from "@belfry/core/Audit"
import { Hooks, none } from "@belfry/core/Hooks"
import { LinkedAccountStore } from "@belfry/core/LinkedAccountStore"
import { Sessions } from "@belfry/core/Sessions"
import * as SqlCoreMigrations from "@belfry/core/SqlCoreMigrations"
import { Email, type User } from "@belfry/core/User"
import { Users } from "@belfry/core/Users"
import { SignInAttempts } from "@belfry/factors/SignInAttempts"
import * as SqlFactorsMigrations from "@belfry/factors/SqlFactorsMigrations"
import { CurrentOAuthState } from "@belfry/oauth-client/OAuthSignIns"
import * as SqlOAuthClientMigrations from "@belfry/oauth-client/SqlOAuthClientMigrations"
import * as FactorsSignInGate from "@belfry/server/FactorsSignInGate"
import * as Builders from "@belfry/testing/Builders"
import { statementsOf } from "@belfry/testing/StatementCounter"
import * as TestDatabase from "@belfry/testing/TestDatabase"
import * as TestServices from "@belfry/testing/TestServices"
import { assert, layer as withLayer } from "@effect/vitest"
import { Effect, Layer, Option, Redacted } from "effect"
import { FakeProvider } from "./support/FakeTransport.ts"
import * as Flow from "./support/Flow.ts"

const somebody = () => ({ sub: Flow.unique(), email: `${Flow.unique()}@example.com`, email_verified: true })

/** The payloads that a hook of the host found. */
const seen: Array<unknown> = []
const hooks = Layer.succeed(Hooks, {
  ...none,
  afterSignUp: ({ user }) => Effect.map(CurrentOAuthState, (state) => void seen.push([user.email, state?.payload])),
  afterSignIn: ({ user }) => Effect.map(CurrentOAuthState, (state) => void seen.push([user.email, state?.payload])),
})

const flow = Flow.layerOver(FactorsSignInGate.layer)
type Services = Layer.Success<typeof flow> | TestServices.Services | TestServices.Stores
const memory = Layer.provideMerge(flow, TestServices.layerMemory)
const databases = TestDatabase.each([
  SqlCoreMigrations.migrations,
  SqlFactorsMigrations.migrations,
  SqlOAuthClientMigrations.migrations,
])

const sessionsOf = (user: Pick<User, "id">) => Sessions.use((sessions) => sessions.list(user.id))

const eventsOf = (user: Pick<User, "id">) =>
  Audit.use((audit) =>
    Effect.map(audit.list({ userId: user.id }), (events) => events.map(({ type }) => type).toReversed()),
  )

const suite = <E>(name: string, layer: Layer.Layer<Services, E>, isSql: boolean) =>
  withLayer(Layer.provide(layer, hooks))(`OAuthSignIns (${name})`, (it) => {
    it.effect("makes one user of many first sign-ins of one person at once", () =>
      Effect.gen(function* () {
        const fake = yield* FakeProvider
        const providerId = yield* Flow.addProvider()
        const person = somebody()
        const begun = yield* Effect.replicateEffect(Flow.begin({ providerId }), 10)
        const granted = begun.map((one) => ({ one, parameters: fake.authorize(one.location, person) }))
        const results = yield* Effect.forEach(granted, ({ one, parameters }) => Flow.comeBack(one, parameters), {
          concurrency: "unbounded",
        })
        assert.deepStrictEqual(
          results.map(Flow.codeOf),
          Array.from({ length: 10 }, () => "done"),
        )
        const outcomes = results.map((result) => Flow.done(result).outcome)
        assert.strictEqual(outcomes.filter(({ isNewUser }) => isNewUser).length, 1)
        assert.strictEqual(new Set(outcomes.map(({ user }) => user.id)).size, 1)
        const [{ user } = { user: { id: (yield* Flow.addUser()).id } }] = outcomes
        assert.strictEqual((yield* Flow.accountsOf(user)).length, 1)
        assert.strictEqual((yield* sessionsOf(user)).length, 10)
        const events = yield* eventsOf(user)
        assert.deepStrictEqual(
          [events.filter((type) => type === "user.created"), events.filter((type) => type === "account.linked")],
          [["user.created"], ["account.linked"]],
        )
      }),
    )

    it.effect("makes one user of two providers at once that both know the address", () =>
      Effect.gen(function* () {
        const fake = yield* FakeProvider
        const [one, two] = [yield* Flow.addProvider(), yield* Flow.addProvider()]
        const person = somebody()
        const begun = [yield* Flow.begin({ providerId: one }), yield* Flow.begin({ providerId: two })]
        const results = yield* Effect.forEach(
          begun.map((each) => ({ each, parameters: fake.authorize(each.location, person) })),
          ({ each, parameters }) => Flow.comeBack(each, parameters),
          { concurrency: "unbounded" },
        )
        const users = results.map((result) => Flow.done(result).outcome.user.id)
        assert.strictEqual(new Set(users).size, 1)
        const found = yield* Users.use((all) => all.findByEmail(Email.make(person.email)))
        assert.strictEqual((yield* Flow.accountsOf(Option.getOrThrow(found))).length, 2)
      }),
    )

    it.effect("links an account to one of two users who link it at once", () =>
      Effect.gen(function* () {
        const fake = yield* FakeProvider
        const providerId = yield* Flow.addProvider({ allowDifferentLinkEmails: true })
        const person = somebody()
        const links = yield* Effect.forEach([0, 1], () =>
          Effect.gen(function* () {
            const { session } = yield* Flow.sessionOf(yield* Flow.addUser())
            const begun = yield* Flow.begin({ providerId, link: session })
            return { session, begun, parameters: fake.authorize(begun.location, person) }
          }),
        )
        const codes = yield* Effect.forEach(
          links,
          ({ session, begun, parameters }) => Effect.map(Flow.comeBack(begun, parameters, { session }), Flow.codeOf),
          { concurrency: "unbounded" },
        )
        assert.deepStrictEqual(codes.toSorted(), ["account_already_linked_to_different_user", "done"])
      }),
    )

    it.effect("gives one session to ten callbacks of one state at once", () =>
      Effect.gen(function* () {
        const fake = yield* FakeProvider
        const begun = yield* Flow.begin({ providerId: yield* Flow.addProvider() })
        const granted = fake.authorize(begun.location, somebody())
        const codes = yield* Effect.all(
          Array.from({ length: 10 }, () => Effect.map(Flow.comeBack(begun, granted), Flow.codeOf)),
          { concurrency: "unbounded" },
        )
        assert.deepStrictEqual(codes.toSorted(), ["done", ...Array.from({ length: 9 }, () => "state_not_found")])
      }),
    )

    it.effect("shows hooks of the host the payload, after the commit too", () =>
      Effect.gen(function* () {
        const providerId = yield* Flow.addProvider()
        const person = somebody()
        yield* Flow.signIn(providerId, person, { payload: { invitation: 1 } })
        yield* Flow.signIn(providerId, person, { payload: { invitation: 2 } })
        const payloads = seen.filter((entry) => Array.isArray(entry) && entry[0] === person.email)
        assert.deepStrictEqual(payloads, [
          [person.email, { invitation: 1 }],
          [person.email, { invitation: 1 }],
          [person.email, { invitation: 2 }],
        ])
      }),
    )

    it.effect("demands a second factor of whoever has one, and starts no session before", () =>
      Effect.gen(function* () {
        const providerId = yield* Flow.addProvider()
        const person = somebody()
        const { outcome } = Flow.done(yield* Flow.signIn(providerId, person))
        yield* Builders.storedTotp(outcome.user.id)
        const before = yield* sessionsOf(outcome.user)
        const pending = Flow.done(yield* Flow.signIn(providerId, person, { redirectUrl: "/inside" }))
        assert.strictEqual(pending.redirectTo, "/sign-in/continue")
        assert.deepStrictEqual(yield* sessionsOf(outcome.user), before)
        const { signIn } = pending.outcome
        if (signIn?._tag !== "Continues") return assert.fail("no attempt")
        const state = yield* SignInAttempts.use((attempts) => attempts.get(signIn.token, Flow.newClient()))
        assert.deepStrictEqual([state.user?.id, state.attempt.context], [outcome.user.id, { returnTo: "/inside" }])
        assert.deepStrictEqual(state.factors, ["totp"])
        // In the attempt of somebody else, nobody is signed in, and nobody is made.
        const stranger = somebody()
        const attemptToken = signIn.token
        const other = yield* Flow.signIn(providerId, stranger, {}, { attemptToken })
        assert.strictEqual(Flow.codeOf(other), "done")
      }),
    )

    it.effect("makes a session fresh again, and changes nothing where somebody else comes back", () =>
      Effect.gen(function* () {
        const attempts = yield* SignInAttempts
        const providerId = yield* Flow.addProvider({ trustedForAccountLinking: true, overrideUserInfoOnSignIn: true })
        const ada = somebody()
        const { outcome } = Flow.done(yield* Flow.signIn(providerId, ada))
        if (outcome.signIn?._tag !== "Complete") return assert.fail("no session")
        const { session } = outcome.signIn
        const stepUp = attempts.start({ stepUp: { session, user: outcome.user }, client: Flow.newClient() })
        const { token: attemptToken } = yield* stepUp
        const bob = yield* Flow.addUser({ name: "Bob", verified: true })
        yield* Flow.linkDirectly(bob, "elsewhere", Flow.unique())
        yield* Flow.sessionOf(bob)
        const before = [yield* sessionsOf(bob), yield* Flow.accountsOf(bob), yield* eventsOf(bob)]
        const person = { sub: Flow.unique(), email: bob.email, email_verified: true, name: "Robert" }
        const result = yield* Flow.signIn(providerId, person, {}, { attemptToken })
        assert.strictEqual(Flow.codeOf(result), "oauth_callback_failed")
        const [event] = yield* Flow.refusals(providerId)
        assert.deepStrictEqual([event?.userId, event?.data["detail"]], [bob.id, "gate: user-mismatch"])
        assert.deepStrictEqual(yield* Flow.getUser(bob), bob)
        const after = [yield* sessionsOf(bob), yield* Flow.accountsOf(bob), yield* eventsOf(bob)]
        assert.deepStrictEqual(after, [before[0], before[1], [...(before[2] ?? []), "oauth.refused"]])
        const fresh = Flow.done(yield* Flow.signIn(providerId, ada, {}, { attemptToken }))
        assert.strictEqual(fresh.outcome.signIn?._tag, "Complete")
        assert.deepStrictEqual(
          (yield* sessionsOf(outcome.user)).map(({ id }) => id),
          [session.id],
        )
      }),
    )

    it.effect("takes an account over whole: nothing that was set up before opens it or is demanded", () =>
      Effect.gen(function* () {
        const careless = yield* Flow.addProvider()
        const trusted = yield* Flow.addProvider({ trustedForAccountLinking: true })
        const { email_verified: _, ...hijacker } = somebody()
        const { outcome } = Flow.done(yield* Flow.signIn(careless, hijacker))
        yield* Builders.storedTotp(outcome.user.id)
        const owner = { sub: Flow.unique(), email: hijacker.email, email_verified: true }
        const taken = Flow.done(yield* Flow.signIn(trusted, owner))
        const { user, signIn } = taken.outcome
        if (signIn?._tag !== "Complete") return assert.fail("no session")
        assert.deepStrictEqual([user.id, user.emailVerifiedAt !== null], [outcome.user.id, true])
        const sessions = yield* sessionsOf(user)
        assert.deepStrictEqual(
          sessions.map(({ id }) => id),
          [signIn.session.id],
        )
        const accounts = yield* Flow.accountsOf(user)
        assert.deepStrictEqual(
          accounts.map(({ providerId }) => providerId),
          [trusted],
        )
        assert.strictEqual(Flow.codeOf(yield* Flow.signIn(careless, hijacker)), "account_not_linked")
      }),
    )

    it.effect("keeps a refresh token of before in the store, sealed, where the provider sends none", () =>
      Effect.gen(function* () {
        const fake = yield* FakeProvider
        const providerId = yield* Flow.addProvider()
        const person = somebody()
        const { outcome } = Flow.done(yield* Flow.signIn(providerId, person))
        const stored = yield* LinkedAccountStore.use((store) => store.find(providerId, person.sub))
        const [before] = yield* Flow.accountsOf(outcome.user)
        const secret = Redacted.value(before?.tokens.refreshToken ?? Redacted.make("?"))
        assert.notInclude(JSON.stringify(stored), secret)
        yield* fake.behave({ tokens: (tokens) => ({ ...tokens, refreshToken: null }) })
        yield* Flow.signIn(providerId, person)
        yield* fake.behave({})
        const [after] = yield* Flow.accountsOf(outcome.user)
        assert.strictEqual(Redacted.value(after?.tokens.refreshToken ?? Redacted.make("")), secret)
      }),
    )

    if (isSql) {
      it.effect("takes 5 statements for a callback of somebody who was here before", () =>
        Effect.gen(function* () {
          const fake = yield* FakeProvider
          const providerId = yield* Flow.addProvider()
          const person = { ...somebody(), name: "Ada" }
          const callback = Effect.gen(function* () {
            const begun = yield* Flow.begin({ providerId })
            const granted = fake.authorize(begun.location, person)
            return yield* statementsOf(Flow.comeBack(begun, granted))
          })
          assert.deepStrictEqual(yield* callback, [
            "DELETE oauth_states",
            // In one transaction:
            "UPDATE linked_accounts",
            "SELECT users",
            "INSERT users",
            "INSERT audit_events",
            "INSERT linked_accounts",
            "INSERT audit_events",
            "SELECT enrolments",
            "INSERT sessions",
            "INSERT audit_events",
          ])
          assert.deepStrictEqual(yield* callback, [
            "DELETE oauth_states",
            // In one transaction:
            "UPDATE linked_accounts",
            "SELECT enrolments",
            "INSERT sessions",
            "INSERT audit_events",
          ])
        }),
      )
    }
  })

suite("memory", memory, false)
for (const { name, layer } of databases) suite(name, Layer.provideMerge(flow, TestServices.layerSql(layer)), true)
