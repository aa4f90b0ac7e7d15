import { AuditStore } from "@belfry/core/AuditStore"
import { Sessions } from "@belfry/core/Sessions"
import { UserStore } from "@belfry/core/UserStore"
import { Email } from "@belfry/core/User"
import { BackupCodeStore } from "@belfry/factors/BackupCodeStore"
import { SignInAttempts } from "@belfry/factors/SignInAttempts"
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Effect, Option, Redacted } from "effect"
import { TestClock } from "effect/testing"
import {
  completed,
  get,
  going,
  home,
  insertUser,
  layer,
  open,
  prove,
  proveFirst,
  proveNext,
  refusal,
  start,
  trailOf,
  userWith,
} from "./support/SignIns.ts"

const sessionsOf = (user: { readonly id: Parameters<Sessions["Service"]["list"]>[0] }) =>
  Sessions.use((sessions) => sessions.list(user.id))

const cancel = (token: Redacted.Redacted) => SignInAttempts.use((attempts) => attempts.cancel(token, home))

const invalid = "SignInRefused:invalid"

describe("A sign-in", () => {
  it.effect("starts with nobody, nothing proved and every first factor", () =>
    Effect.gen(function* () {
      const now = yield* DateTime.now
      const { state, token } = yield* start({ returnTo: "/inbox" })
      assert.deepStrictEqual(
        { ...state, attempt: { ...state.attempt, id: "" } },
        {
          attempt: {
            id: "",
            userId: null,
            stepUp: null,
            proofs: [],
            tries: 0,
            context: { returnTo: "/inbox" },
            createdAt: now,
            expiresAt: DateTime.add(now, { minutes: 15 }),
          },
          user: null,
          isComplete: false,
          factors: ["password", "email-code", "magic-link", "oauth", "passkey"],
          enrol: [],
        },
      )
      assert.deepStrictEqual(yield* get(token), state)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("has a token that says what it is, and no two the same", () =>
    Effect.gen(function* () {
      const tokens = yield* Effect.forEach([1, 2], () => Effect.map(start(), ({ token }) => Redacted.value(token)))
      for (const token of tokens) assert.match(token, /^belfry_sign_in_[\w-]{43,}$/u)
      assert.notStrictEqual(tokens[0], tokens[1])
    }).pipe(Effect.provide(layer)),
  )

  it.effect("is opened by no other token", () =>
    Effect.gen(function* () {
      const { token } = yield* start()
      const text = Redacted.value(token)
      for (const wrong of ["", "belfry_sign_in_", text.slice(0, -1), `${text}x`, text.replace(/.$/u, "!")]) {
        assert.strictEqual(yield* refusal(get(Redacted.make(wrong))), invalid, wrong)
        assert.strictEqual(yield* refusal(open(Redacted.make(wrong), "password")), invalid, wrong)
      }
    }).pipe(Effect.provide(layer)),
  )

  it.effect("ends when it is cancelled, once, and says so in the audit log", () =>
    Effect.gen(function* () {
      const { token } = yield* start()
      const other = yield* start()
      assert.isTrue(yield* cancel(token))
      assert.isFalse(yield* cancel(token))
      assert.isFalse(yield* cancel(Redacted.make("nonsense")))
      assert.strictEqual(yield* refusal(get(token)), invalid)
      assert.deepStrictEqual(yield* get(other.token), other.state)
      const events = yield* AuditStore.use((audit) =>
        audit.list({
          userId: Option.none(),
          aggregate: Option.none(),
          typePrefix: Option.none(),
          before: Option.none(),
          limit: 10,
        }),
      )
      assert.deepStrictEqual(
        events.map(({ type, outcome, client }) => ({ type, outcome, client })),
        [{ type: "sign-in.cancelled", outcome: "success", client: home }],
      )
    }).pipe(Effect.provide(layer)),
  )

  it.effect("is complete by one proof where nothing more is asked for, without an attempt at all", () =>
    Effect.gen(function* () {
      const user = yield* userWith("password")
      yield* TestClock.adjust("3 hours")
      const now = yield* DateTime.now
      const signIn = yield* completed(proveFirst(user, "password", { context: { returnTo: "/a", label: "Laptop" } }))
      const { session } = yield* Sessions.use((sessions) => sessions.verify(signIn.token))
      const { userId, amr, acr, authTime, label, ipAddress } = session
      assert.deepStrictEqual(
        { userId, amr, acr, authTime, label, ipAddress },
        {
          userId: user.id,
          amr: ["pwd"],
          acr: "aal1",
          authTime: now,
          label: "Laptop",
          ipAddress: home.ipAddress,
        },
      )
      assert.deepStrictEqual(signIn.context, { returnTo: "/a", label: "Laptop" })
      assert.deepStrictEqual(signIn.user, user)
      assert.deepStrictEqual(yield* trailOf(user), ["session.started"])
    }).pipe(Effect.provide(layer)),
  )

  for (const first of ["password", "email-code", "magic-link", "oauth"] as const) {
    it.effect(`that begins with ${first} starts no session before the second factor`, () =>
      Effect.gen(function* () {
        const user = yield* userWith("password", "totp")
        const { state, token } = yield* going(proveFirst(user, first))
        assert.deepStrictEqual(state.factors, ["totp"])
        assert.deepStrictEqual(state.user, user)
        assert.deepStrictEqual(yield* get(token), state)
        assert.deepStrictEqual(yield* sessionsOf(user), [])
        yield* TestClock.adjust("2 minutes")
        const secondAt = yield* DateTime.now
        const { session } = yield* completed(proveNext(token, user, "totp"))
        const method = { password: "pwd", "email-code": "email", "magic-link": "email", oauth: "oauth" } as const
        assert.deepStrictEqual(session.amr, [method[first], "otp", "mfa"])
        assert.strictEqual(session.acr, "aal2")
        assert.deepStrictEqual(session.authTime, secondAt)
        assert.deepStrictEqual(yield* sessionsOf(user), [session])
      }).pipe(Effect.provide(layer)),
    )
  }

  it.effect("is complete by a passkey that verified its user, and not by the same key without", () =>
    Effect.gen(function* () {
      const user = yield* userWith("password", "passkey", "totp")
      const { session } = yield* completed(proveFirst(user, "passkey"))
      assert.deepStrictEqual([session.amr, session.acr], [["hwk", "user", "mfa"], "aal2"])

      const touched = yield* going(proveFirst(user, "passkey", { factor: "security-key" }))
      assert.notInclude(touched.state.factors, "totp")
      const { session: second } = yield* completed(proveNext(touched.token, user, "password"))
      assert.deepStrictEqual([second.amr, second.acr], [["hwk", "user", "pwd", "mfa"], "aal2"])
    }).pipe(Effect.provide(layer)),
  )

  it.effect("is complete by the last backup code too", () =>
    Effect.gen(function* () {
      const user = yield* userWith("password", "totp", "backup-code")
      const { token } = yield* going(proveFirst(user))
      const opened = yield* open(token, "backup-code")
      const attempts = yield* SignInAttempts
      const codes = yield* BackupCodeStore
      const outcome = attempts.prove({ open: opened, user, amr: ["otp"], confirm: codes.remove(user.id) })
      assert.strictEqual((yield* completed(outcome)).session.acr, "aal2")
    }).pipe(Effect.provide(layer)),
  )

  it.effect("takes no factor that may not be proved next", () =>
    Effect.gen(function* () {
      const user = yield* userWith("password", "totp")
      const unavailable = "SignInRefused:factor-unavailable"
      const fresh = yield* start()
      assert.strictEqual(yield* refusal(open(fresh.token, "totp")), unavailable)
      assert.strictEqual(yield* refusal(proveFirst(user, "totp")), unavailable)
      const { token } = yield* going(proveFirst(user))
      for (const factor of ["password", "hotp", "passkey", "backup-code"] as const) {
        assert.strictEqual(yield* refusal(open(token, factor)), unavailable, factor)
      }
      // Refused before it counts.
      assert.strictEqual((yield* get(token)).attempt.tries, 0)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("gives its context along from the start to the end, and each proof may add to it", () =>
    Effect.gen(function* () {
      const user = yield* userWith("password", "totp")
      const { token } = yield* start({ returnTo: "/inbox", label: null })
      const next = yield* going(proveFirst(user, "password", { token, context: { label: "Laptop" } }))
      assert.deepStrictEqual(next.state.attempt.context, { returnTo: "/inbox", label: "Laptop" })
      assert.deepStrictEqual((yield* get(next.token)).attempt.context, { returnTo: "/inbox", label: "Laptop" })
      const { context, session } = yield* completed(
        proveNext(next.token, user, "totp", { context: { returnTo: "/a" } }),
      )
      assert.deepStrictEqual(context, { returnTo: "/a", label: "Laptop" })
      assert.strictEqual(session.label, "Laptop")
    }).pipe(Effect.provide(layer)),
  )

  it.effect("ends the session that its cookie held before", () =>
    Effect.gen(function* () {
      const user = yield* userWith("password")
      const before = yield* completed(proveFirst(user))
      const after = yield* completed(proveFirst(user, "password", { replaces: before.token }))
      assert.deepStrictEqual(
        (yield* sessionsOf(user)).map(({ id }) => id),
        [after.session.id],
      )
    }).pipe(Effect.provide(layer)),
  )
})

describe("A token stolen before the first factor", () => {
  it.effect("is useless after it, and after every other one", () =>
    Effect.gen(function* () {
      const user = yield* userWith("password", "totp")
      const stolen = yield* start()
      const first = yield* going(proveFirst(user, "password", { token: stolen.token }))
      assert.strictEqual(first.state.attempt.id, stolen.state.attempt.id)
      assert.strictEqual(yield* refusal(get(stolen.token)), invalid)
      for (const factor of ["totp", "password"] as const) {
        assert.strictEqual(yield* refusal(open(stolen.token, factor)), invalid)
      }
      assert.isFalse(yield* cancel(stolen.token))
      yield* completed(proveNext(first.token, user, "totp"))
      assert.strictEqual(yield* refusal(get(first.token)), invalid)
      assert.strictEqual(yield* refusal(open(first.token, "totp")), invalid)
      assert.strictEqual((yield* sessionsOf(user)).length, 1)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("begins a sign-in of its own, and joins none", () =>
    Effect.gen(function* () {
      const [ada, eve] = [yield* userWith("password", "totp"), yield* userWith("password", "totp")]
      const { token: stolen } = yield* start()
      const adas = yield* going(proveFirst(ada, "password", { token: stolen }))
      const eves = yield* going(proveFirst(eve, "password", { token: stolen }))
      assert.notStrictEqual(eves.state.attempt.id, adas.state.attempt.id)
      assert.deepStrictEqual([eves.state.user, (yield* get(adas.token)).user], [eve, ada])
      // Nor does a first factor of Eve's in an attempt that is Ada's already.
      const again = yield* going(proveFirst(eve, "password", { token: adas.token }))
      assert.notStrictEqual(again.state.attempt.id, adas.state.attempt.id)
      assert.deepStrictEqual((yield* get(adas.token)).user, ada)
    }).pipe(Effect.provide(layer)),
  )
})

describe("15 minutes after its start", () => {
  it.effect("a sign-in is over, whatever happened in it; a millisecond before, it is not", () =>
    Effect.gen(function* () {
      const user = yield* userWith("password", "totp")
      const { token, state } = yield* start()
      yield* TestClock.adjust("10 minutes")
      const next = yield* going(proveFirst(user, "password", { token }))
      assert.deepStrictEqual(next.state.attempt.expiresAt, state.attempt.expiresAt)
      yield* TestClock.adjust("299999 millis")
      yield* get(next.token)
      const opened = yield* open(next.token, "totp")
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(yield* refusal(get(next.token)), invalid)
      assert.strictEqual(yield* refusal(open(next.token, "totp")), invalid)
      assert.strictEqual(yield* refusal(prove(opened, user)), invalid)
      assert.deepStrictEqual(yield* sessionsOf(user), [])
    }).pipe(Effect.provide(layer)),
  )

  it.effect("a sign-in can still be completed one millisecond earlier", () =>
    Effect.gen(function* () {
      const user = yield* userWith("password", "totp")
      const { token } = yield* going(proveFirst(user))
      yield* TestClock.adjust("899999 millis")
      yield* completed(proveNext(token, user, "totp"))
    }).pipe(Effect.provide(layer)),
  )
})

describe("A proof of somebody else's", () => {
  it.effect("is refused, is in the audit log of whose sign-in it is, and uses up nothing", () =>
    Effect.gen(function* () {
      const [ada, eve] = [yield* userWith("password", "totp"), yield* userWith("password", "totp")]
      const { token } = yield* going(proveFirst(ada))
      const opened = yield* open(token, "totp")
      let isConfirmed = false
      const confirm = Effect.sync(() => {
        isConfirmed = true
      })
      assert.strictEqual(yield* refusal(prove(opened, eve, { confirm })), "SignInRefused:user-mismatch")
      assert.isFalse(isConfirmed)
      assert.deepStrictEqual(yield* trailOf(ada), ["sign-in.proved", "sign-in.refused:user-mismatch"])
      assert.deepStrictEqual(yield* trailOf(eve), [])
      for (const user of [ada, eve]) assert.deepStrictEqual(yield* sessionsOf(user), [])
      yield* completed(proveNext(token, ada, "totp"))
    }).pipe(Effect.provide(layer)),
  )
})

describe("A code that turns out to be used up", () => {
  it.effect("moves nothing, and leaves the sign-in as it was", () =>
    Effect.gen(function* () {
      const user = yield* userWith("password", "totp")
      const { token } = yield* going(proveFirst(user))
      const opened = yield* open(token, "totp")
      const failure = yield* Effect.flip(prove(opened, user, { confirm: Effect.fail("used" as const) }))
      assert.strictEqual(failure, "used")
      assert.deepStrictEqual(yield* trailOf(user), ["sign-in.proved"])
      assert.deepStrictEqual(yield* sessionsOf(user), [])
      yield* completed(proveNext(token, user, "totp"))
    }).pipe(Effect.provide(layer)),
  )
})

describe("A sign-in by a mailbox", () => {
  it.effect("dies when the address of its user changes, before the second factor", () =>
    Effect.gen(function* () {
      const user = yield* userWith("totp")
      const { token } = yield* going(proveFirst(user, "email-code", { email: user.email }))
      yield* get(token)
      const updatedAt = yield* DateTime.now
      const email = Email.make(`new-${user.email}`)
      yield* UserStore.use((users) => users.update(user.id, { email }, updatedAt))
      assert.strictEqual(yield* refusal(get(token)), invalid)
      assert.strictEqual(yield* refusal(open(token, "totp")), invalid)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("does not die of another change", () =>
    Effect.gen(function* () {
      const user = yield* userWith("totp")
      const { token } = yield* going(proveFirst(user, "email-code", { email: user.email }))
      const updatedAt = yield* DateTime.now
      yield* UserStore.use((users) => users.update(user.id, { name: "Augusta" }, updatedAt))
      assert.strictEqual((yield* get(token)).user?.name, "Augusta")
      yield* completed(proveNext(token, user, "totp"))
    }).pipe(Effect.provide(layer)),
  )
})

describe("Whatever ends the sign-ins of a user", () => {
  it.effect("ends all of them, and nobody else's", () =>
    Effect.gen(function* () {
      const [ada, bob] = [yield* userWith("totp"), yield* userWith("totp")]
      const lost = [yield* going(proveFirst(ada)), yield* going(proveFirst(ada))]
      const kept = yield* going(proveFirst(bob))
      yield* SignInAttempts.use((attempts) => attempts.revokeAll(ada.id))
      for (const { token } of lost) assert.strictEqual(yield* refusal(get(token)), invalid)
      yield* completed(proveNext(kept.token, bob, "totp"))
    }).pipe(Effect.provide(layer)),
  )

  it.effect("may be the end of the user", () =>
    Effect.gen(function* () {
      const user = yield* userWith("totp")
      const { token } = yield* going(proveFirst(user))
      yield* UserStore.use((users) => users.remove(user.id))
      assert.strictEqual(yield* refusal(get(token)), invalid)
      assert.strictEqual(
        yield* refusal(proveFirst(yield* insertUser(), "totp", { token })),
        "SignInRefused:factor-unavailable",
      )
    }).pipe(Effect.provide(layer)),
  )
})
