/**
 * Attacks on signing in, each with the way that it is tried and what stops it, over HTTP.
 */
import * as LinkedAccounts from "@belfry/core/LinkedAccounts"
import * as SqlCoreMigrations from "@belfry/core/SqlCoreMigrations"
import type { Email } from "@belfry/core/User"
import { Users } from "@belfry/core/Users"
import * as SqlFactorsMigrations from "@belfry/factors/SqlFactorsMigrations"
import * as CapturingMailer from "@belfry/testing/CapturingMailer"
import * as TestDatabase from "@belfry/testing/TestDatabase"
import * as TestServices from "@belfry/testing/TestServices"
import { assert, describe, it } from "@effect/vitest"
import { Clock, DateTime, Effect, Redacted } from "effect"
import { SqlClient } from "effect/sql"
import { TestClock } from "effect/testing"
import * as Authenticator from "@belfry/testing/Authenticator"
import { ada, adasPassword, bob, costOf, layer, mails, register } from "./support/People.ts"
import { assertProblem, crossOrigin, problem } from "./support/Problems.ts"
import { type Browser, open } from "./support/Browser.ts"
import * as TestServer from "./support/TestServer.ts"

const { at } = TestServer

/** A browser with cookies that came from another one. */
const openWith = (cookies: Readonly<Record<string, string>>) =>
  Effect.tap(open(), (browser) =>
    Effect.sync(() => Object.entries(cookies).forEach(([name, value]) => browser.cookies.set(name, value))),
  )

const password = (email: Email) => ({ email, password: Redacted.value(adasPassword) })

const codeFromMail = (email: Email) =>
  Effect.map(
    CapturingMailer.CapturingMailer.use((mailer) => mailer.takeLast(email, "sign-in-code")),
    ({ text }) => /^[A-Z0-9]{6}$/mu.exec(text)?.[0] ?? assert.fail("no code in the mail"),
  )

const signInByMail = Effect.fnUntraced(function* (browser: Browser, email: Email) {
  yield* browser.post("/auth/sign-in/email-code/send", { email })
  return yield* browser.post("/auth/sign-in/email-code", { code: yield* codeFromMail(email) })
})

const appCode = (secret: Redacted.Redacted, shift = 0) =>
  Effect.map(DateTime.now, (now) =>
    Redacted.value(Authenticator.type(secret).codeAt(DateTime.add(now, { seconds: 30 * shift }))),
  )

/** Sets up an authenticator app; the browser's session must be fresh. */
const enrolApp = Effect.fnUntraced(function* (browser: Browser) {
  const secret = Redacted.make(String(at((yield* browser.post("/auth/factors/totp", {})).json, "secret")))
  const confirmed = yield* browser.post("/auth/factors/totp/confirm", { code: yield* appCode(secret) })
  assert.strictEqual(confirmed.status, 200)
  // The step of the first code is used up.
  yield* TestClock.adjust("30 seconds")
  return secret
})

/** A person with a password and an authenticator app, and a browser that proved the password. */
const halfSignedIn = Effect.gen(function* () {
  yield* register()
  const own = yield* open()
  yield* own.post("/auth/sign-in/password", password(ada))
  const secret = yield* enrolApp(own)
  const browser = yield* open()
  const before = yield* browser.post("/auth/sign-in", {})
  assert.strictEqual(before.status, 200)
  const planted = browser.cookies.get("belfry_sign_in") ?? ""
  const first = yield* browser.post("/auth/sign-in/password", password(ada))
  assert.deepStrictEqual([first.status, at(first.json, "status")], [200, "continue"])
  return { browser, secret, planted }
})

const refused = (reason: string) => problem(409, "Conflict", "SignInRefused", { reason })
const notFresh = problem(403, "Forbidden", "SessionNotFresh", { maxAge: 600 })

describe("An attacker cannot", () => {
  it.effect("use a code of the future, nor make the window creep by using codes at its edge", () =>
    Effect.gen(function* () {
      const { secret } = yield* halfSignedIn
      const tryCode = Effect.fnUntraced(function* (shift: number) {
        const browser = yield* open()
        yield* browser.post("/auth/sign-in/password", password(ada))
        return (yield* browser.post("/auth/sign-in/totp", { code: yield* appCode(secret, shift) })).status
      })
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual(yield* Effect.forEach([2, -2], tryCode), [401, 401])
      assert.strictEqual(yield* tryCode(1), 200)
      assert.deepStrictEqual(yield* Effect.forEach([1, 0, -1, 2, 3], tryCode), [401, 401, 401, 401, 401])
    }).pipe(Effect.provide(layer)),
  )

  it.effect("give a password to somebody's account that has none, by signing up with its address", () =>
    Effect.gen(function* () {
      yield* Users.use((users) => users.create({ email: ada }))
      const eve = yield* open()
      assert.strictEqual((yield* eve.post("/auth/sign-up/password", password(ada))).status, 202)
      assert.deepStrictEqual(yield* mails, ["already-signed-up"])
      assert.strictEqual((yield* eve.post("/auth/sign-in/password", password(ada))).status, 401)
      assert.isUndefined(eve.cookies.get("belfry_session"))
    }).pipe(Effect.provide(layer)),
  )

  it.effect("set a password by a session that was stolen after its proof of the mailbox got old", () =>
    Effect.gen(function* () {
      const owner = yield* open()
      assert.strictEqual(at((yield* signInByMail(owner, ada)).json, "status"), "complete")
      const thief = yield* openWith(Object.fromEntries(owner.cookies))
      yield* TestClock.adjust("10 minutes")
      assertProblem(yield* thief.post("/auth/password/change", { newPassword: "trombone under water" }), notFresh)
      assert.strictEqual((yield* thief.post("/auth/factors/totp", {})).status, 403)
      assert.strictEqual((yield* thief.get("/auth/session")).status, 200)
      // Whoever reads the mailbox proves it anew, and may.
      yield* owner.post("/auth/reauthenticate", {})
      assert.strictEqual(at((yield* signInAgainByMail(owner, ada)).json, "status"), "complete")
      assert.strictEqual(
        (yield* owner.post("/auth/password/change", { newPassword: "correct horse battery" })).status,
        200,
      )
    }).pipe(Effect.provide(layer)),
  )

  it.effect("turn a stolen session fresh by its password where a second factor is set up", () =>
    Effect.gen(function* () {
      yield* register()
      const owner = yield* open()
      yield* owner.post("/auth/sign-in/password", password(ada))
      const secret = yield* enrolApp(owner)
      yield* TestClock.adjust("10 minutes")
      const again = { password: Redacted.value(adasPassword) }
      assertProblem(yield* owner.post("/auth/reauthenticate/password", again), refused("factor-unavailable"))
      const changed = yield* owner.post("/auth/password/change", {
        currentPassword: Redacted.value(adasPassword),
        newPassword: Redacted.value(adasPassword),
      })
      assert.strictEqual(changed.status, 200)
      assertProblem(yield* owner.delete("/auth/factors/totp"), notFresh)
      yield* owner.post("/auth/reauthenticate", {})
      assert.strictEqual((yield* owner.post("/auth/sign-in/totp", { code: yield* appCode(secret) })).status, 200)
      assert.strictEqual((yield* owner.delete("/auth/factors/totp")).status, 204)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("enter an account through an account elsewhere that only claims its address", () =>
    Effect.gen(function* () {
      yield* register()
      const accounts = yield* LinkedAccounts.LinkedAccounts
      assert.isTrue((yield* accounts.find("google", ada))._tag === "None")
      assert.isTrue((yield* accounts.find("google", "ada's account"))._tag === "None")
    }).pipe(Effect.provide(layer)),
  )

  it.effect("sign somebody in as another by having them send a factor from a browser that began nothing", () =>
    Effect.gen(function* () {
      const eve = yield* open()
      yield* eve.post("/auth/sign-in/email-code/send", { email: bob })
      const code = yield* codeFromMail(bob)
      const victim = yield* open()
      for (const factor of ["email-code", "totp", "hotp", "backup-code"]) {
        assertProblem(yield* victim.post(`/auth/sign-in/${factor}`, { code }), refused("invalid"))
      }
      assert.isUndefined(victim.cookies.get("belfry_session"))
      yield* eve.post("/auth/sign-in/magic-link/send", { email: bob })
      const mail = yield* CapturingMailer.CapturingMailer.use((mailer) => mailer.takeLast(bob, "sign-in-link"))
      const token = CapturingMailer.linkIn(mail).searchParams.get("token") ?? ""
      assertProblem(
        yield* victim.post("/auth/sign-in/magic-link", { token }),
        problem(403, "Forbidden", "OtherBrowser"),
      )
      assert.isUndefined(victim.cookies.get("belfry_session"))
      // Nothing was used up.
      assert.strictEqual((yield* eve.post("/auth/sign-in/magic-link", { token })).status, 200)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("act through a form on a page of their own", () =>
    Effect.gen(function* () {
      const { browser, secret } = yield* halfSignedIn
      const code = yield* appCode(secret)
      const evil = "https://evil.example"
      assertProblem(yield* browser.postFrom(evil, "/auth/sign-in/totp", { code }), crossOrigin)
      assertProblem(yield* browser.postFrom(evil, "/auth/sign-in/email-code/send", { email: ada }), crossOrigin)
      assertProblem(yield* browser.postFrom(evil, "/auth/sign-in", {}), crossOrigin)
      // Who sends a cookie of ours says where from.
      const send = yield* TestServer.make()
      const cookie = `belfry_sign_in=${browser.cookies.get("belfry_sign_in")}`
      assertProblem(yield* send("/auth/sign-in/totp", { json: { code }, headers: { cookie } }), crossOrigin)
      assert.strictEqual((yield* browser.post("/auth/sign-in/totp", { code })).status, 200)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("go on with a sign-in that is over, at the very instant that it is", () =>
    Effect.gen(function* () {
      const { browser, secret } = yield* halfSignedIn
      const cookies = Object.fromEntries(browser.cookies)
      yield* TestClock.adjust("15 minutes")
      const code = yield* appCode(secret)
      const tries = [
        ["GET", "/auth/sign-in"],
        ["POST", "/auth/sign-in/totp"],
        ["POST", "/auth/sign-in/hotp"],
        ["POST", "/auth/sign-in/backup-code"],
        ["POST", "/auth/sign-in/email-code"],
        ["POST", "/auth/sign-in/enrol/totp"],
      ] as const
      for (const [method, path] of tries) {
        const late = yield* openWith(cookies)
        const response = yield* method === "GET" ? late.get(path) : late.post(path, { code })
        assert.deepStrictEqual([path, response.json], [path, refused("invalid")])
      }
    }).pipe(Effect.provide(layer)),
  )

  it.effect("prove a factor that is not asked for, nor break anything by trying", () =>
    Effect.gen(function* () {
      const { browser } = yield* halfSignedIn
      for (const path of [
        "/auth/sign-in/hotp",
        "/auth/sign-in/email-code",
        "/auth/sign-in/enrol/totp",
        "/auth/sign-in/enrol/hotp",
      ]) {
        const response = yield* browser.post(path, { code: "123456" })
        assert.deepStrictEqual([path, response.json], [path, refused("factor-unavailable")])
      }
      assertProblem(yield* browser.post("/auth/sign-in/email-code/send", {}), refused("factor-unavailable"))
    }).pipe(Effect.provide(layer)),
  )

  it.effect("tell from the answer, or from its cost, whether an address has an account", () =>
    Effect.gen(function* () {
      yield* register()
      for (const path of ["/auth/sign-in/email-code/send", "/auth/sign-in/magic-link/send"]) {
        const known = yield* open()
        const unknown = yield* open()
        const cost = {
          known: yield* costOf(known.post(path, { email: ada })),
          unknown: yield* costOf(unknown.post(path, { email: bob })),
        }
        assert.deepStrictEqual(cost.known, cost.unknown)
        assert.strictEqual(cost.known.mails, 1)
        const answers = [
          yield* (yield* open()).post(path, { email: ada }),
          yield* (yield* open()).post(path, { email: bob }),
        ]
        assert.deepStrictEqual(answers[0]?.json, answers[1]?.json)
        assert.strictEqual(answers[0]?.status, 200)
      }
    }).pipe(Effect.provide(layer)),
  )

  it.effect("flood a mailbox with codes", () =>
    Effect.gen(function* () {
      const eve = yield* open()
      const send = eve.post("/auth/sign-in/email-code/send", { email: ada })
      assert.strictEqual((yield* send).status, 200)
      const tooSoon = yield* send
      assert.deepStrictEqual([tooSoon.status, tooSoon.headers.get("retry-after")], [429, "30"])
      // What was refused does not count.
      for (let sent = 2; sent <= 5; sent++) {
        yield* TestClock.adjust("30 seconds")
        assert.strictEqual((yield* send).status, 200)
      }
      yield* TestClock.adjust("30 seconds")
      assert.strictEqual((yield* send).status, 429)
      assert.strictEqual((yield* (yield* open()).post("/auth/sign-in/email-code/send", { email: ada })).status, 429)
      assert.strictEqual((yield* mails).length, 5)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("guess a code more than five times in one sign-in, nor use the right one after that", () =>
    Effect.gen(function* () {
      const { browser, secret } = yield* halfSignedIn
      const right = yield* appCode(secret)
      const wrong = right === "000000" ? "000001" : "000000"
      for (let left = 4; left >= 0; left--) {
        const response = yield* browser.post("/auth/sign-in/totp", { code: wrong })
        assertProblem(response, problem(401, "Unauthorized", "CodeInvalid", { triesLeft: left }))
      }
      assert.deepStrictEqual((yield* browser.post("/auth/sign-in/totp", { code: right })).json, refused("locked"))
      assert.isUndefined(browser.cookies.get("belfry_session"))
    }).pipe(Effect.provide(layer)),
  )

  it.effect("guess on in ever new sign-ins, though the password is known", () =>
    Effect.gen(function* () {
      yield* halfSignedIn
      const statuses: Array<number> = []
      for (let signIn = 0; signIn < 3; signIn++) {
        const browser = yield* open()
        yield* browser.post("/auth/sign-in/password", password(ada))
        for (let guess = 0; guess < 5; guess++) {
          statuses.push((yield* browser.post("/auth/sign-in/backup-code", { code: "AAAAA-AAAAA" })).status)
        }
      }
      assert.deepStrictEqual(statuses, [
        ...Array.from({ length: 10 }, () => 401),
        ...Array.from({ length: 5 }, () => 429),
      ])
    }).pipe(Effect.provide(layer)),
  )

  it.effect("use a cookie from before the first factor, planted or stolen, after it", () =>
    Effect.gen(function* () {
      const { browser, secret, planted } = yield* halfSignedIn
      const thief = yield* openWith({ belfry_sign_in: planted })
      assert.deepStrictEqual((yield* thief.get("/auth/sign-in")).json, refused("invalid"))
      const code = yield* appCode(secret)
      const again = yield* openWith({ belfry_sign_in: planted })
      assert.deepStrictEqual((yield* again.post("/auth/sign-in/totp", { code })).json, refused("invalid"))
      assert.strictEqual((yield* browser.post("/auth/sign-in/totp", { code })).status, 200)
      assert.isUndefined(browser.cookies.get("belfry_sign_in"))
    }).pipe(Effect.provide(layer)),
  )

  it.effect("make two sessions of one attempt by answering it from two devices at once", () =>
    Effect.gen(function* () {
      const { browser, secret } = yield* halfSignedIn
      const devices = yield* Effect.forEach([1, 2, 3, 4], () => openWith(Object.fromEntries(browser.cookies)))
      const code = yield* appCode(secret)
      const answers = yield* Effect.forEach(devices, (device) => device.post("/auth/sign-in/totp", { code }), {
        concurrency: "unbounded",
      })
      assert.lengthOf(
        answers.filter(({ status }) => status === 200),
        1,
      )
      const winner = devices.find(({ cookies }) => cookies.has("belfry_session"))
      const sessions = at((yield* winner?.get("/auth/sessions") ?? Effect.die("no winner")).json, "sessions")
      // That of the sign-up, the one that set up the app, and this one.
      assert.strictEqual(Array.isArray(sessions) ? sessions.length : 0, 3)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("outlive, in the browser, the expiry of a cookie that the server prolonged: it is sent again", () =>
    Effect.gen(function* () {
      const owner = yield* open()
      yield* signInByMail(owner, ada)
      yield* TestClock.adjust("25 hours")
      const prolonged = yield* owner.get("/auth/session")
      const expires = prolonged.cookies["belfry_session"]?.attributes.find((text) => text.startsWith("Expires="))
      const now = yield* Clock.currentTimeMillis
      assert.strictEqual(Date.parse(expires?.slice("Expires=".length) ?? ""), now + 7 * 86_400_000)
    }).pipe(Effect.provide(layer)),
  )
})

describe("Who steals the database", () => {
  it.effect("finds no secret of an authenticator app, no code, no token and no backup code in it", () =>
    Effect.gen(function* () {
      const browser = yield* open()
      yield* signInByMail(browser, ada)
      const provisioning = (yield* browser.post("/auth/factors/totp", {})).json
      const secret = String(at(provisioning, "secret"))
      const confirmed = yield* browser.post("/auth/factors/totp/confirm", {
        code: yield* appCode(Redacted.make(secret)),
      })
      const backupCodes = at(confirmed.json, "backupCodes")
      assert.isTrue(Array.isArray(backupCodes) && backupCodes.length === 10)
      const pending = yield* open()
      yield* pending.post("/auth/sign-in/email-code/send", { email: ada })
      const code = yield* codeFromMail(ada)
      const sql = yield* SqlClient.SqlClient
      const tables = yield* sql<{ readonly name: string }>`
        SELECT table_name::text AS name FROM information_schema.tables WHERE table_name LIKE 'belfry\\_%'`
      assert.isAbove(tables.length, 10)
      let dump = ""
      for (const { name } of tables) {
        dump += JSON.stringify(yield* sql`SELECT row_to_json(t)::text AS row FROM ${sql(name)} t`)
      }
      assert.include(dump, "ada@example.com")
      const known = [secret, code, browser.cookies.get("belfry_session"), pending.cookies.get("belfry_sign_in")]
      for (const text of [...known, ...(Array.isArray(backupCodes) ? backupCodes : [])]) {
        assert.isString(text)
        assert.notInclude(dump, String(text))
        assert.notInclude(dump, String(text).replaceAll("-", ""))
      }
    }).pipe(
      Effect.provide(
        TestServices.layerSql(
          TestDatabase.layerPglite([SqlCoreMigrations.migrations, SqlFactorsMigrations.migrations]),
        ),
      ),
    ),
  )
})

/** Proves the mailbox again in a step-up that has begun. */
const signInAgainByMail = Effect.fnUntraced(function* (browser: Browser, email: Email) {
  yield* TestClock.adjust("1 minutes")
  yield* browser.post("/auth/sign-in/email-code/send", {})
  return yield* browser.post("/auth/sign-in/email-code", { code: yield* codeFromMail(email) })
})
