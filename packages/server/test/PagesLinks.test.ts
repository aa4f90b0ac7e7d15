import { Emails } from "@belfry/core/Emails"
import { unknownClient } from "@belfry/core/AuditEvent"
import { Email } from "@belfry/core/User"
import { Users } from "@belfry/core/Users"
import * as CapturingMailer from "@belfry/testing/CapturingMailer"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { browser, layerServices, mailedLink, password, problemOf, serve, signUp } from "./support/PageBrowser.ts"

const email = "ada@example.com"
const newPassword = "another horse battery staple"

describe("a forgotten password", () => {
  it.effect("answers alike whether or not the address has an account", () =>
    Effect.gen(function* () {
      const site = yield* serve()
      yield* signUp(browser(site), email)
      for (const address of [email, "nobody@example.com"]) {
        const sent = yield* browser(site).submit("/forgot-password", { email: address })
        assert.deepStrictEqual([sent.status, sent.location], [303, "/check-mail?for=password"])
      }
      const mailer = yield* CapturingMailer.CapturingMailer
      yield* mailer.takeLast(email, "reset-password")
      assert.isFalse((yield* mailer.messages).some(({ to }) => to === "nobody@example.com"))
    }).pipe(Effect.provide(layerServices())),
  )

  it.effect("is replaced through the mail, which signs out every device", () =>
    Effect.gen(function* () {
      const site = yield* serve()
      const ada = browser(site)
      yield* signUp(ada, email)
      const phone = browser(site)
      yield* phone.submit("/forgot-password", { email })
      const { path, token } = yield* mailedLink(email, "reset-password")
      for (let round = 0; round < 3; round++) assert.strictEqual((yield* phone.open(path)).status, 200)
      yield* phone.send("HEAD", path)
      const refused = yield* phone.submit("/reset-password", { token, password: "1234567" })
      assert.deepStrictEqual(
        [refused.status, problemOf(refused, "password")],
        [422, "Choose a password of at least 8 characters"],
      )
      assert.include(refused.text, `name="token" value="${token}"`)
      const reset = yield* phone.submit("/reset-password", { token, password: newPassword })
      assert.deepStrictEqual([reset.status, reset.location], [303, "/sign-in?done=password-reset"])
      assert.strictEqual((yield* ada.open("/account")).status, 303)
      assert.strictEqual((yield* phone.submit("/sign-in", { email, password })).status, 401)
      assert.strictEqual((yield* phone.submit("/sign-in", { email, password: newPassword })).status, 303)
      const again = yield* phone.submit("/reset-password", { token, password: newPassword })
      assert.strictEqual(again.status, 422)
      assert.include(again.text, 'href="/forgot-password"')
    }).pipe(Effect.provide(layerServices())),
  )

  it.effect("tells before anything is typed that a link is over", () =>
    Effect.gen(function* () {
      const site = yield* serve()
      yield* signUp(browser(site), email)
      const phone = browser(site)
      yield* phone.submit("/forgot-password", { email })
      const { path } = yield* mailedLink(email, "reset-password")
      yield* TestClock.adjust("1 hour")
      const page = yield* phone.open(path)
      assert.strictEqual(page.status, 422)
      assert.notInclude(page.text, 'type="password"')
    }).pipe(Effect.provide(layerServices())),
  )

  it.effect("does not take the token of another purpose", () =>
    Effect.gen(function* () {
      const site = yield* serve()
      const ada = browser(site)
      yield* ada.submit("/sign-up", { email, password })
      const { token } = yield* mailedLink(email, "confirm-sign-up")
      const page = yield* ada.submit("/reset-password", { token, password: newPassword })
      assert.strictEqual(page.status, 422)
      assert.include(page.text, "This link does not work any more")
    }).pipe(Effect.provide(layerServices())),
  )
})

describe("a link that proves an address", () => {
  it.effect("works by its button, once, and not by being looked at", () =>
    Effect.gen(function* () {
      const visitor = browser(yield* serve())
      const users = yield* Users
      const user = yield* users.create({ email: Email.make(email) })
      yield* (yield* Emails).sendVerification(user, unknownClient)
      const { path, token } = yield* mailedLink(email)
      for (let round = 0; round < 3; round++) assert.strictEqual((yield* visitor.open(path)).status, 200)
      yield* visitor.send("HEAD", path)
      assert.isNull((yield* users.get(user.id)).emailVerifiedAt)
      const confirmed = yield* visitor.submit("/verify-email", { token })
      assert.deepStrictEqual([confirmed.status, confirmed.location], [303, "/sign-in?done=email-verified"])
      assert.isNotNull((yield* users.get(user.id)).emailVerifiedAt)
      assert.strictEqual((yield* visitor.submit("/verify-email", { token })).status, 422)
      assert.strictEqual((yield* visitor.submit("/verify-email", {})).status, 422)
      assert.strictEqual((yield* visitor.open(path)).status, 422)
    }).pipe(Effect.provide(layerServices())),
  )

  it.effect("changes the address by its button, once, and not by being looked at", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serve())
      yield* signUp(ada, email)
      const asked = yield* ada.submit("/account", { action: "email", new_email: "new@example.com" })
      assert.deepStrictEqual([asked.status, asked.location], [303, "/account?done=email-change-sent"])
      const { path, token } = yield* mailedLink("new@example.com")
      for (let round = 0; round < 3; round++) assert.strictEqual((yield* ada.open(path)).status, 200)
      yield* ada.send("HEAD", path)
      assert.notInclude((yield* ada.open("/account")).text, "new@example.com")
      const confirmed = yield* ada.submit("/confirm-email-change", { token })
      assert.deepStrictEqual([confirmed.status, confirmed.location], [303, "/account?done=email-changed"])
      assert.include((yield* ada.open("/account")).text, "new@example.com")
      assert.strictEqual((yield* ada.submit("/confirm-email-change", { token })).status, 422)
    }).pipe(Effect.provide(layerServices())),
  )

  it.effect("says when another account has the new address by now", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serve())
      yield* signUp(ada, email)
      yield* ada.submit("/account", { action: "email", new_email: "new@example.com" })
      const { token } = yield* mailedLink("new@example.com")
      yield* (yield* Users).create({ email: Email.make("new@example.com") })
      const page = yield* ada.submit("/confirm-email-change", { token })
      assert.strictEqual(page.status, 409)
      assert.include(page.text, "This address is in use")
    }).pipe(Effect.provide(layerServices())),
  )
})
