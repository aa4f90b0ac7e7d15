import { Hooks, none } from "@belfry/core/Hooks"
import { Email, UserDeletionRefused } from "@belfry/core/User"
import { Users } from "@belfry/core/Users"
import { EmailUnverified } from "@belfry/factors/Password"
import { Passwords } from "@belfry/factors/Passwords"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Option } from "effect"
import { TestClock } from "effect/testing"
import { browser, layerServices, password, problemOf, serve, signUp, valueOf } from "./support/PageBrowser.ts"

const email = "ada@example.com"
const newPassword = "another horse battery staple"

describe("the account page", () => {
  it.effect("saves and clears the name", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serve())
      yield* signUp(ada, email)
      const saved = yield* ada.submit("/account", { action: "name", name: " <i>Countess</i> " })
      assert.deepStrictEqual([saved.status, saved.location], [303, "/account?done=name-saved"])
      const page = yield* ada.open("/account?done=name-saved")
      assert.strictEqual(valueOf(page, "name"), "&lt;i&gt;Countess&lt;/i&gt;")
      assert.include(page.text, "Your name was saved.")
      yield* ada.submit("/account", { action: "name", name: "" })
      assert.strictEqual(valueOf(yield* ada.open("/account"), "name"), "")
      const long = yield* ada.submit("/account", { action: "name", name: "x".repeat(201) })
      assert.strictEqual(long.status, 422)
      assert.strictEqual(valueOf(long, "name"), "x".repeat(201))
      assert.isDefined(problemOf(long, "name"))
    }).pipe(Effect.provide(layerServices())),
  )

  it.effect("asks for the password before the address changes, when the last proof is old", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serve())
      yield* signUp(ada, email)
      assert.include((yield* ada.open("/account")).text, 'name="new_email"')
      yield* TestClock.adjust("10 minutes")
      const page = yield* ada.open("/account")
      assert.notInclude(page.text, 'name="new_email"')
      assert.include(page.text, 'href="/account/confirm?return_to=%2Faccount%23email-address"')
      const refused = yield* ada.submit("/account", { action: "email", new_email: "new@example.com" })
      assert.strictEqual(refused.location, "/account/confirm?return_to=%2Faccount%23email-address")
      const before = ada.cookies.get("__Host-belfry_session")
      const wrong = yield* ada.submit("/account/confirm", {
        password: "wrong password",
        return_to: "/account#email-address",
      })
      assert.deepStrictEqual([wrong.status, problemOf(wrong, "password")], [401, "The password is not right"])
      assert.include(wrong.text, 'name="return_to" value="/account#email-address"')
      const proved = yield* ada.submit("/account/confirm", { password, return_to: "/account#email-address" })
      assert.deepStrictEqual([proved.status, proved.location], [303, "/account#email-address"])
      assert.notStrictEqual(ada.cookies.get("__Host-belfry_session"), before)
      assert.include((yield* ada.open("/account")).text, 'name="new_email"')
    }).pipe(Effect.provide(layerServices())),
  )

  it.effect("refuses an address that is none, and the present one", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serve())
      yield* signUp(ada, email)
      const none = yield* ada.submit("/account", { action: "email", new_email: "ada@" })
      assert.deepStrictEqual([none.status, valueOf(none, "new_email")], [422, "ada@"])
      const same = yield* ada.submit("/account", { action: "email", new_email: "ADA@example.com" })
      assert.deepStrictEqual([same.status, problemOf(same, "new_email")], [422, "This is your address already"])
    }).pipe(Effect.provide(layerServices())),
  )

  it.effect("changes the password by the current one and signs out the other devices", () =>
    Effect.gen(function* () {
      const site = yield* serve()
      const ada = browser(site)
      yield* signUp(ada, email)
      const phone = browser(site)
      yield* phone.submit("/sign-in", { email, password })
      const fields = { action: "password", current_password: password, new_password: newPassword }
      const blank = yield* ada.submit("/account", { action: "password" })
      assert.deepStrictEqual(
        [blank.status, problemOf(blank, "current_password"), problemOf(blank, "new_password")],
        [422, "Enter your current password", "Choose a new password"],
      )
      const wrong = yield* ada.submit("/account", { ...fields, current_password: "wrong password" })
      assert.deepStrictEqual(
        [wrong.status, problemOf(wrong, "current_password")],
        [401, "The current password is not right"],
      )
      assert.notInclude(wrong.text, newPassword)
      const short = yield* ada.submit("/account", { ...fields, new_password: "1234567" })
      assert.strictEqual(short.status, 422)
      const changed = yield* ada.submit("/account", fields)
      assert.deepStrictEqual([changed.status, changed.location], [303, "/account?done=password-changed"])
      assert.strictEqual((yield* ada.open("/account")).status, 200)
      assert.strictEqual((yield* phone.open("/account")).status, 303)
    }).pipe(Effect.provide(layerServices())),
  )

  it.effect("says that the address comes before the first password, and how to prove it", () =>
    Effect.gen(function* () {
      const passwords = yield* Passwords
      const users = yield* Users
      const refusing = Passwords.of({ ...passwords, change: () => Effect.fail(new EmailUnverified()) })
      const ada = browser(yield* Effect.provideService(serve(), Passwords, refusing))
      yield* signUp(ada, email)
      const user = Option.getOrThrow(yield* users.findByEmail(Email.make(email)))
      yield* users.update(user.id, { emailVerifiedAt: null })
      const fields = { action: "password", current_password: password, new_password: newPassword }
      const refused = yield* ada.submit("/account", fields)
      assert.strictEqual(refused.status, 403)
      assert.include(refused.text, "Confirm your e-mail address first")
      assert.include(refused.text, 'name="action" value="verify"')
      assert.notInclude(refused.text, newPassword)
    }).pipe(Effect.provide(layerServices())),
  )

  it.effect("lists the sessions by device, and ends one or all others", () =>
    Effect.gen(function* () {
      const site = yield* serve()
      const ada = browser(site)
      yield* signUp(ada, email)
      assert.include((yield* ada.open("/account")).text, "You are signed in on this device alone.")
      const agents = [
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1",
        "<script>alert(1)</script>",
      ]
      const others = yield* Effect.forEach(agents, (agent) => {
        const other = browser(site)
        return Effect.as(other.submit("/sign-in", { email, password }, { headers: { "user-agent": agent } }), other)
      })
      const page = yield* ada.open("/account")
      assert.notInclude(page.text, "<script>alert")
      for (const text of ["Firefox on Linux", "This device", "Safari on iPhone", "Unknown device"]) {
        assert.include(page.text, text)
      }
      assert.match(page.text, /<time datetime="1970-01-01T00:00:00\.000Z"\s*>Signed in just now<\/time/u)
      const ids = [...page.text.matchAll(/name="session" value="([^"]+)"/gu)].map(([, id]) => id ?? "")
      assert.strictEqual(ids.length, 2)
      const revoked = yield* ada.submit("/account", { action: "revoke", session: ids[0] ?? "" })
      assert.strictEqual(revoked.location, "/account?done=session-revoked")
      const states = yield* Effect.forEach(others, (other) =>
        Effect.map(other.open("/account"), ({ status }) => status),
      )
      assert.deepStrictEqual(states.toSorted(), [200, 303])
      // Gone already: it is what was asked for.
      assert.strictEqual((yield* ada.submit("/account", { action: "revoke", session: ids[0] ?? "" })).status, 303)
      const all = yield* ada.submit("/account", { action: "revoke-others" })
      assert.strictEqual(all.location, "/account?done=sessions-revoked")
      for (const other of others) assert.strictEqual((yield* other.open("/account")).status, 303)
      assert.strictEqual((yield* ada.open("/account")).status, 200)
    }).pipe(Effect.provide(layerServices())),
  )

  it.effect("signs out who ends the very session", () =>
    Effect.gen(function* () {
      const site = yield* serve()
      const ada = browser(site)
      yield* signUp(ada, email)
      const phone = browser(site)
      yield* phone.submit("/sign-in", { email, password })
      const id = /name="session" value="([^"]+)"/u.exec((yield* ada.open("/account")).text)?.[1] ?? ""
      const out = yield* phone.submit("/account", { action: "revoke", session: id })
      assert.strictEqual(out.location, "/sign-in?done=signed-out")
      assert.strictEqual(phone.cookies.size, 0)
    }).pipe(Effect.provide(layerServices())),
  )

  it.effect("ends no session of somebody else", () =>
    Effect.gen(function* () {
      const site = yield* serve()
      const ada = browser(site)
      yield* signUp(ada, email)
      const phone = browser(site)
      yield* phone.submit("/sign-in", { email, password })
      const id = /name="session" value="([^"]+)"/u.exec((yield* ada.open("/account")).text)?.[1] ?? ""
      const eve = browser(site)
      yield* signUp(eve, "eve@example.com")
      yield* eve.submit("/account", { action: "revoke", session: id })
      yield* eve.submit("/account", { action: "revoke-others" })
      assert.strictEqual((yield* phone.open("/account")).status, 200)
    }).pipe(Effect.provide(layerServices())),
  )

  it.effect("answers an action that it does not know with a page", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serve())
      yield* signUp(ada, email)
      for (const action of ["", "toString", "__proto__", "delete"]) {
        assert.strictEqual((yield* ada.submit("/account", { action })).status, 400, action)
      }
      assert.strictEqual((yield* ada.submit("/account", { action: "revoke", session: "x" })).status, 400)
    }).pipe(Effect.provide(layerServices())),
  )
})

describe("deleting the account", () => {
  it.effect("needs a fresh proof, asks once more, and leaves nothing", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serve())
      yield* signUp(ada, email)
      yield* TestClock.adjust("10 minutes")
      const confirm = "/account/confirm?return_to=%2Faccount%2Fdelete"
      assert.strictEqual((yield* ada.open("/account/delete")).location, confirm)
      assert.strictEqual((yield* ada.submit("/account/delete", {})).location, confirm)
      const proved = yield* ada.submit("/account/confirm", { password, return_to: "/account/delete" })
      assert.strictEqual(proved.location, "/account/delete")
      assert.include((yield* ada.open("/account/delete")).text, "This cannot be undone")
      assert.strictEqual((yield* ada.open("/account")).status, 200)
      const deleted = yield* ada.submit("/account/delete", {})
      assert.deepStrictEqual([deleted.status, deleted.location], [303, "/sign-in?done=account-deleted"])
      assert.strictEqual(ada.cookies.size, 0)
      assert.strictEqual((yield* ada.submit("/sign-in", { email, password })).status, 401)
    }).pipe(Effect.provide(layerServices())),
  )

  it.effect("says why the host refuses it", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serve())
      yield* signUp(ada, email)
      const page = yield* ada.submit("/account/delete", {})
      assert.strictEqual(page.status, 409)
      assert.include(page.text, "an invoice is open &amp; due")
      assert.strictEqual((yield* ada.open("/account")).status, 200)
    }).pipe(
      Effect.provide(
        layerServices().pipe(
          Layer.provide(
            Layer.succeed(Hooks, {
              ...none,
              beforeUserDeletion: () => Effect.fail(new UserDeletionRefused({ reason: "an invoice is open & due" })),
            }),
          ),
        ),
      ),
    ),
  )
})
