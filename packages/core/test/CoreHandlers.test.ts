import * as Hooks from "@belfry/core/Hooks"
import { Session } from "@belfry/core/Session"
import { Sessions } from "@belfry/core/Sessions"
import { SessionAndUser } from "@belfry/core/SessionsApi"
import { Email, User, UserDeletionRefused } from "@belfry/core/User"
import { Users } from "@belfry/core/Users"
import * as CapturingMailer from "@belfry/testing/CapturingMailer"
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Effect, Layer, Redacted, Schema } from "effect"
import { TestClock } from "effect/testing"
import * as TestApp from "./support/TestApp.ts"
import * as TestCore from "./support/TestCore.ts"

const { client } = TestCore
const { open, problem, problemOf, signIn } = TestApp

/** A value as JSON, as the contract writes it. */
const wire = <A, I>(schema: Schema.Codec<A, I>) => {
  const encode = Schema.encodeSync(Schema.toCodecJson(schema))
  return (value: A) => encode(value)
}

/** The token in the last mail to an address. */
const tokenFor = (email: Email, category: string) =>
  Effect.map(
    CapturingMailer.CapturingMailer.use((mailer) => mailer.takeLast(email, category)),
    (message) => CapturingMailer.linkIn(message).searchParams.get("token"),
  )

const mailCount = Effect.map(
  Effect.flatMap(CapturingMailer.CapturingMailer, (mailer) => mailer.messages),
  (messages) => messages.length,
)

describe("GET /auth/session", () => {
  it.effect("answers the session with its user, in the very text of its schema", () =>
    Effect.gen(function* () {
      const call = yield* open
      const { session, token } = yield* signIn
      const users = yield* Users
      yield* users.update(session.userId, { emailVerifiedAt: DateTime.makeUnsafe(1_700_000_000_007), scopes: ["a"] })
      for (const { instant, label } of [
        { instant: "1970-01-01T00:00:00.000Z", label: null },
        { instant: "2026-02-28T23:59:59.999Z", label: 'A "laptop"\n\u2028é' },
        { instant: "2028-02-29T10:05:09.010Z", label: "" },
      ]) {
        yield* TestClock.setTime(DateTime.makeUnsafe(instant).epochMilliseconds)
        const user = yield* users.get(session.userId)
        const issued = yield* Sessions.use((sessions) => sessions.start({ user, amr: ["pwd", "otp"], client, label }))
        const answer = yield* call({ to: "GET /auth/session", bearer: issued.token })
        assert.strictEqual(answer.status, 200)
        assert.strictEqual(answer.headers.get("content-type"), "application/json")
        assert.strictEqual(answer.text, JSON.stringify(wire(SessionAndUser)({ session: issued.session, user })))
        assert.notInclude(answer.text, Redacted.value(token))
      }
    }).pipe(Effect.provide(TestCore.layer)),
  )
})

describe("GET /auth/sessions", () => {
  it.effect("answers the user's sessions, newest first, and says which is the caller's", () =>
    Effect.gen(function* () {
      const call = yield* open
      const { session, token, user } = yield* signIn
      yield* signIn
      yield* TestClock.adjust("1 minute")
      const newer = yield* Sessions.use((sessions) => sessions.start({ user, amr: ["pwd"], client }))
      const answer = yield* call({ to: "GET /auth/sessions", bearer: token })
      assert.deepStrictEqual(
        [answer.status, answer.json],
        [200, { sessions: [newer.session, session].map(wire(Session)), currentSessionId: session.id }],
      )
    }).pipe(Effect.provide(TestCore.layer)),
  )
})

describe("DELETE /auth/sessions/{id}", () => {
  it.effect("ends another session of the user and keeps the caller's cookie", () =>
    Effect.gen(function* () {
      const call = yield* open
      const { token, user } = yield* signIn
      const other = yield* Sessions.use((sessions) => sessions.start({ user, amr: ["pwd"], client }))
      const answer = yield* call({ to: `DELETE /auth/sessions/${other.session.id}`, cookie: token })
      assert.deepStrictEqual([answer.status, answer.text, answer.cookies], [204, "", []])
      assert.strictEqual((yield* call({ to: "GET /auth/session", cookie: other.token })).status, 401)
      assert.strictEqual((yield* call({ to: "GET /auth/session", cookie: token })).status, 200)
    }).pipe(Effect.provide(TestCore.layer)),
  )

  it.effect("ends the caller's own session and clears its cookie", () =>
    Effect.gen(function* () {
      const call = yield* open
      const { session, token } = yield* signIn
      const answer = yield* call({ to: `DELETE /auth/sessions/${session.id}`, cookie: token })
      assert.deepStrictEqual([answer.status, answer.cookies.length], [204, 1])
      assert.match(answer.cookies[0] ?? "", /^belfry_session=; Max-Age=0;/)
      assert.strictEqual((yield* call({ to: "GET /auth/session", cookie: token })).status, 401)
    }).pipe(Effect.provide(TestCore.layer)),
  )

  it.effect("knows no session of anybody else", () =>
    Effect.gen(function* () {
      const call = yield* open
      const [mine, theirs] = [yield* signIn, yield* signIn]
      const answer = yield* call({ to: `DELETE /auth/sessions/${theirs.session.id}`, cookie: mine.token })
      const sessionId = theirs.session.id
      assert.deepStrictEqual(problemOf(answer), problem(404, "SessionNotFound", { sessionId }))
      assert.strictEqual((yield* call({ to: "GET /auth/session", cookie: theirs.token })).status, 200)
    }).pipe(Effect.provide(TestCore.layer)),
  )
})

describe("DELETE /auth/sessions", () => {
  it.effect("ends the others unless told to end all, and says how many", () =>
    Effect.gen(function* () {
      const call = yield* open
      const { token, user } = yield* signIn
      const start = Sessions.use((sessions) => sessions.start({ user, amr: ["pwd"], client }))
      const others = [yield* start, yield* start]
      const first = yield* call({ to: "DELETE /auth/sessions", cookie: token })
      assert.deepStrictEqual([first.status, first.json, first.cookies], [200, { revoked: 2 }, []])
      for (const other of others) {
        assert.strictEqual((yield* call({ to: "GET /auth/session", cookie: other.token })).status, 401)
      }
      yield* start
      const second = yield* call({ to: "DELETE /auth/sessions?scope=others", cookie: token })
      assert.deepStrictEqual(second.json, { revoked: 1 })
      yield* start
      const third = yield* call({ to: "DELETE /auth/sessions?scope=all", cookie: token })
      assert.deepStrictEqual([third.json, third.cookies.length], [{ revoked: 2 }, 1])
      assert.strictEqual((yield* call({ to: "GET /auth/session", cookie: token })).status, 401)
    }).pipe(Effect.provide(TestCore.layer)),
  )
})

describe("POST /auth/sign-out", () => {
  it.effect("ends the session of the cookie and the one of the bearer token, and clears the cookie", () =>
    Effect.gen(function* () {
      const call = yield* open
      const [one, other] = [yield* signIn, yield* signIn]
      const answer = yield* call({ to: "POST /auth/sign-out", cookie: one.token, bearer: other.token })
      assert.deepStrictEqual([answer.status, answer.cookies.length], [204, 1])
      for (const { token } of [one, other]) {
        assert.strictEqual((yield* call({ to: "GET /auth/session", bearer: token })).status, 401)
      }
    }).pipe(Effect.provide(TestCore.layer)),
  )

  it.effect("does no harm without a session", () =>
    Effect.gen(function* () {
      const call = yield* open
      const { token } = yield* signIn
      for (const cookie of [undefined, Redacted.make("nonsense"), token, token]) {
        const answer = yield* call({ to: "POST /auth/sign-out", cookie })
        assert.deepStrictEqual([answer.status, answer.cookies.length], [204, 1])
      }
    }).pipe(Effect.provide(TestCore.layer)),
  )
})

describe("GET /auth/user", () => {
  it.effect("answers the user", () =>
    Effect.gen(function* () {
      const call = yield* open
      const { token, user } = yield* signIn
      const answer = yield* call({ to: "GET /auth/user", bearer: token })
      assert.deepStrictEqual([answer.status, answer.json], [200, wire(User)(user)])
    }).pipe(Effect.provide(TestCore.layer)),
  )
})

describe("PATCH /auth/user", () => {
  it.effect("changes what is given, clears what is null and leaves what is absent", () =>
    Effect.gen(function* () {
      const call = yield* open
      const { token, user } = yield* signIn
      const patch = (json: unknown) => call({ to: "PATCH /auth/user", bearer: token, json })
      const image = "https://example.com/ada.png"
      const both = yield* patch({ name: "Augusta", image })
      assert.deepStrictEqual([both.status, both.json], [200, wire(User)({ ...user, name: "Augusta", image })])
      assert.deepStrictEqual((yield* patch({ name: null })).json, wire(User)({ ...user, name: null, image }))
      assert.deepStrictEqual((yield* patch({ image: null })).json, wire(User)({ ...user, name: null, image: null }))
      assert.deepStrictEqual((yield* patch({})).json, wire(User)({ ...user, name: null, image: null }))
    }).pipe(Effect.provide(TestCore.layer)),
  )

  it.effect("changes nothing that the person may not change", () =>
    Effect.gen(function* () {
      const call = yield* open
      const { token, user } = yield* signIn
      const json = { email: "other@example.com", scopes: ["admin"], emailVerifiedAt: "2026-01-01T00:00:00Z", id: "x" }
      const answer = yield* call({ to: "PATCH /auth/user", bearer: token, json })
      assert.deepStrictEqual([answer.status, answer.json], [200, wire(User)(user)])
    }).pipe(Effect.provide(TestCore.layer)),
  )

  it.effect("names every fault and its place", () =>
    Effect.gen(function* () {
      const call = yield* open
      const { token } = yield* signIn
      const answer = yield* call({ to: "PATCH /auth/user", bearer: token, json: { name: "", image: "ftp://x" } })
      const issues = [
        { path: ["body", "name"], message: "Expected one line without control characters" },
        { path: ["body", "image"], message: "Expected an http or https URL" },
      ]
      assert.deepStrictEqual(problemOf(answer), problem(422, "InvalidRequest", { issues }))
    }).pipe(Effect.provide(TestCore.layer)),
  )
})

describe("DELETE /auth/user", () => {
  it.effect("deletes the user and clears the cookie", () =>
    Effect.gen(function* () {
      const call = yield* open
      const { token, user } = yield* signIn
      const answer = yield* call({ to: "DELETE /auth/user", cookie: token })
      assert.deepStrictEqual([answer.status, answer.text, answer.cookies.length], [204, "", 1])
      assert.strictEqual((yield* call({ to: "GET /auth/session", cookie: token })).status, 401)
      assert.strictEqual((yield* Effect.flip(Users.use((users) => users.get(user.id))))._tag, "UserNotFound")
    }).pipe(Effect.provide(TestCore.layer)),
  )

  it.effect("asks for a proof of identity from the last 10 minutes", () =>
    Effect.gen(function* () {
      const call = yield* open
      const { token, user } = yield* signIn
      yield* TestClock.adjust("10 minutes")
      const answer = yield* call({ to: "DELETE /auth/user", cookie: token })
      assert.deepStrictEqual(problemOf(answer), problem(403, "SessionNotFresh", { maxAge: 600 }))
      assert.deepStrictEqual(yield* Users.use((users) => users.get(user.id)), user)
    }).pipe(Effect.provide(TestCore.layer)),
  )

  it.effect("says why the host refuses", () =>
    Effect.gen(function* () {
      const call = yield* open
      const { token } = yield* signIn
      const answer = yield* call({ to: "DELETE /auth/user", cookie: token })
      assert.deepStrictEqual(problemOf(answer), problem(409, "UserDeletionRefused", { reason: "an invoice is open" }))
      assert.deepStrictEqual(answer.cookies, [])
      assert.strictEqual((yield* call({ to: "GET /auth/session", cookie: token })).status, 200)
    }).pipe(
      Effect.provide(
        Layer.provide(
          TestCore.layer,
          Layer.succeed(Hooks.Hooks)({
            ...Hooks.none,
            beforeUserDeletion: () => Effect.fail(new UserDeletionRefused({ reason: "an invoice is open" })),
          }),
        ),
      ),
    ),
  )
})

describe("POST /auth/email/verification", () => {
  it.effect("sends a link whose token proves the address, once", () =>
    Effect.gen(function* () {
      const call = yield* open
      const { token, user } = yield* signIn
      const sent = yield* call({ to: "POST /auth/email/verification", cookie: token })
      assert.deepStrictEqual([sent.status, sent.text], [202, ""])
      const json = { token: yield* tokenFor(user.email, "verify-email") }
      const confirm = call({ to: "POST /auth/email/verification/confirm", json })
      assert.strictEqual((yield* confirm).status, 204)
      assert.isNotNull((yield* Users.use((users) => users.get(user.id))).emailVerifiedAt)
      assert.deepStrictEqual(problemOf(yield* confirm), problem(422, "VerificationTokenInvalid"))
      const again = yield* call({ to: "POST /auth/email/verification", cookie: token })
      assert.deepStrictEqual([again.status, yield* mailCount], [202, 0])
    }).pipe(Effect.provide(TestCore.layer)),
  )

  it.effect("says after 5 mails when to come again", () =>
    Effect.gen(function* () {
      const call = yield* open
      const { token } = yield* signIn
      const send = call({ to: "POST /auth/email/verification", cookie: token })
      yield* Effect.repeat(send, { times: 4 })
      const answer = yield* send
      assert.deepStrictEqual(problemOf(answer), problem(429, "RateLimited", { retryAfter: 3600 }))
      assert.strictEqual(answer.headers.get("retry-after"), "3600")
      assert.strictEqual(yield* mailCount, 5)
    }).pipe(Effect.provide(TestCore.layer)),
  )
})

describe("POST /auth/email/change", () => {
  it.effect("sends a link to the new address, normalized, whose token makes it the user's", () =>
    Effect.gen(function* () {
      const call = yield* open
      const { token, user } = yield* signIn
      const email = Email.make("augusta@example.com")
      const json = { email: " Augusta@Example.COM " }
      const sent = yield* call({ to: "POST /auth/email/change", cookie: token, json })
      assert.deepStrictEqual([sent.status, sent.text], [202, ""])
      const confirm = call({
        to: "POST /auth/email/change/confirm",
        json: { token: yield* tokenFor(email, "confirm-email-change") },
      })
      assert.strictEqual((yield* confirm).status, 204)
      assert.strictEqual((yield* Users.use((users) => users.get(user.id))).email, email)
      assert.deepStrictEqual(problemOf(yield* confirm), problem(422, "VerificationTokenInvalid"))
    }).pipe(Effect.provide(TestCore.layer)),
  )

  it.effect("answers alike for an address that somebody has, and sends nothing there", () =>
    Effect.gen(function* () {
      const call = yield* open
      const [{ token }, other] = [yield* signIn, yield* signIn]
      const change = (email: string) => call({ to: "POST /auth/email/change", cookie: token, json: { email } })
      const [taken, free] = [yield* change(other.user.email), yield* change("nobody@example.com")]
      assert.deepStrictEqual([taken.status, taken.text], [free.status, free.text])
      assert.deepStrictEqual([...taken.headers], [...free.headers])
      assert.strictEqual(yield* mailCount, 1)
    }).pipe(Effect.provide(TestCore.layer)),
  )

  it.effect("asks for a proof of identity from the last 10 minutes, and for no more than 5 mails an hour", () =>
    Effect.gen(function* () {
      const call = yield* open
      const { token } = yield* signIn
      const change = call({ to: "POST /auth/email/change", cookie: token, json: { email: "new@example.com" } })
      yield* Effect.repeat(change, { times: 4 })
      assert.deepStrictEqual(problemOf(yield* change), problem(429, "RateLimited", { retryAfter: 3600 }))
      yield* TestClock.adjust("10 minutes")
      assert.deepStrictEqual(problemOf(yield* change), problem(403, "SessionNotFresh", { maxAge: 600 }))
    }).pipe(Effect.provide(TestCore.layer)),
  )

  it.effect("says at the confirmation that somebody else has the address by now, and keeps the link", () =>
    Effect.gen(function* () {
      const call = yield* open
      const [{ token, user }, other] = [yield* signIn, yield* signIn]
      const email = Email.make("wanted@example.com")
      yield* call({ to: "POST /auth/email/change", cookie: token, json: { email } })
      const json = { token: yield* tokenFor(email, "confirm-email-change") }
      yield* Users.use((users) => users.update(other.user.id, { email }))
      const confirm = call({ to: "POST /auth/email/change/confirm", json })
      assert.deepStrictEqual(problemOf(yield* confirm), problem(409, "EmailTaken"))
      assert.strictEqual((yield* Users.use((users) => users.get(user.id))).email, user.email)
      yield* Users.use((users) => users.remove(other.user.id))
      assert.strictEqual((yield* confirm).status, 204)
    }).pipe(Effect.provide(TestCore.layer)),
  )
})
