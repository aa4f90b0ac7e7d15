import * as VirtualAuthenticator from "@belfry/testing/VirtualAuthenticator"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import {
  type Browser,
  browser,
  layerPolicy,
  layerServices,
  mailedLink,
  password,
  serve,
  serveWithApi,
} from "./support/PageBrowser.ts"
import { appCode, askRegistration, backupCodesOf, origin, secretOf, sessionOf } from "./support/PageFactors.ts"

const email = "ada@example.com"
const required = layerPolicy({ secondFactor: "required" })

/** Signs up under a policy that demands a second factor, as far as the page that says so. */
const begin = Effect.fnUntraced(function* (visitor: Browser) {
  yield* visitor.submit("/sign-up", { name: "Ada", email, password })
  const { token } = yield* mailedLink(email, "confirm-sign-up")
  const confirmed = yield* visitor.submit("/confirm-sign-up", { token })
  assert.deepStrictEqual([confirmed.status, confirmed.location], [303, "/sign-in/continue"])
  assert.isFalse(visitor.cookies.has("__Host-belfry_session"))
  assert.strictEqual((yield* visitor.open("/sign-in/continue")).location, "/sign-in/enrol")
})

describe("a sign-in that demands a second factor", () => {
  it.effect("offers what the policy names, sets up an app, shows the backup codes, and only then signs in", () =>
    Effect.gen(function* () {
      const site = yield* serve()
      const ada = browser(site)
      yield* begin(ada)
      const choice = yield* ada.open("/sign-in/enrol")
      assert.include(choice.text, "You are signing in as ada@example.com.")
      assert.include(choice.text, 'href="/sign-in/enrol/passkey"')
      assert.include(choice.text, 'action="/sign-in/enrol/totp"')
      assert.notInclude(choice.text, "/sign-in/enrol/hotp")
      assert.include(choice.text, 'action="/sign-in/cancel"')
      const started = yield* ada.submit("/sign-in/enrol/totp", { action: "start" })
      assert.deepStrictEqual([started.status, started.location], [303, "/sign-in/enrol/totp"])
      const page = yield* ada.open("/sign-in/enrol/totp")
      assert.include(page.text, 'class="qr"')
      const wrong = yield* ada.submit("/sign-in/enrol/totp", { action: "confirm", code: "1" })
      assert.deepStrictEqual([wrong.status, secretOf(wrong)], [401, secretOf(page)])
      assert.isFalse(ada.cookies.has("__Host-belfry_session"))
      const code = yield* appCode(secretOf(page))
      const done = yield* ada.submit("/sign-in/enrol/totp", { action: "confirm", code })
      assert.strictEqual(done.status, 200)
      assert.strictEqual(backupCodesOf(done).length, 10)
      assert.include(done.text, "Backup codes of ada@example.com for Example")
      assert.include(done.text, 'href="/account">I have saved them')
      assert.deepStrictEqual([...ada.cookies.keys()], ["__Host-belfry_session"])
      const { session } = yield* sessionOf(ada)
      assert.deepStrictEqual([...session.amr], ["pwd", "otp", "mfa"])
    }).pipe(Effect.provide(required)),
  )

  it.effect("goes on to where the reader wanted to go after the backup codes", () =>
    Effect.gen(function* () {
      const site = yield* serve()
      yield* begin(browser(site))
      const ada = browser(site)
      yield* ada.submit("/sign-in", { email, password, return_to: "/app" })
      yield* ada.submit("/sign-in/enrol/totp", { action: "start" })
      const code = yield* appCode(secretOf(yield* ada.open("/sign-in/enrol/totp")))
      const done = yield* ada.submit("/sign-in/enrol/totp", { action: "confirm", code })
      assert.include(done.text, 'href="/app">I have saved them')
    }).pipe(Effect.provide(required)),
  )

  it.effect("is answered by a passkey that the browser makes", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serveWithApi())
      yield* begin(ada)
      const page = yield* ada.open("/sign-in/enrol/passkey")
      assert.include(page.text, 'data-passkey="create" data-options="/auth/sign-in/enrol/passkey/options"')
      const authenticator = VirtualAuthenticator.make({ origin })
      const options = yield* askRegistration(ada, "/auth/sign-in/enrol/passkey/options")
      const response = JSON.stringify(yield* authenticator.register(options))
      const done = yield* ada.submit("/sign-in/enrol/passkey", { response, name: "Laptop" })
      assert.strictEqual(done.status, 200)
      assert.strictEqual(backupCodesOf(done).length, 10)
      assert.include((yield* ada.open("/account")).text, "Laptop")
    }).pipe(Effect.provide(required)),
  )

  it.effect("sets up nothing that is not demanded, and nothing for nobody", () =>
    Effect.gen(function* () {
      const site = yield* serve()
      const ada = browser(site)
      for (const path of ["/sign-in/enrol/totp", "/sign-in/enrol/hotp", "/sign-in/enrol/passkey"]) {
        assert.strictEqual((yield* ada.open(path)).status, 409)
        assert.strictEqual((yield* ada.submit(path, { action: "start" })).status, 409)
      }
      assert.strictEqual((yield* ada.open("/sign-in/enrol")).location, "/sign-in")
      yield* begin(ada)
      assert.strictEqual((yield* ada.submit("/sign-in/enrol/hotp", { action: "start" })).location, "/sign-in/continue")
    }).pipe(Effect.provide(required)),
  )

  it.effect("is over after its time, with the way to start again", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serve())
      yield* begin(ada)
      yield* ada.submit("/sign-in/enrol/totp", { action: "start" })
      yield* TestClock.adjust("15 minutes")
      const page = yield* ada.open("/sign-in/enrol/totp")
      assert.strictEqual(page.status, 409)
      assert.include(page.text, 'href="/sign-in">Start again')
    }).pipe(Effect.provide(required)),
  )
})

describe("a sign-in that demands nothing more", () => {
  it.effect("sets nothing up", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serve())
      yield* ada.submit("/sign-in/email", { email, method: "email-code" })
      assert.strictEqual((yield* ada.open("/sign-in/enrol")).location, "/sign-in/continue")
      assert.strictEqual((yield* ada.open("/sign-in/enrol/totp")).location, "/sign-in/continue")
      assert.strictEqual((yield* ada.open("/sign-in/enrol/passkey")).location, "/sign-in/continue")
    }).pipe(Effect.provide(layerServices())),
  )
})
