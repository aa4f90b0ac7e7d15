import * as VirtualAuthenticator from "@belfry/testing/VirtualAuthenticator"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import {
  type Browser,
  browser,
  layerPolicy,
  layerServices,
  password,
  problemOf,
  serveWithApi,
  signUp,
} from "./support/PageBrowser.ts"
import {
  appCode,
  askAuthentication,
  askRegistration,
  backupCodesOf,
  origin,
  sessionOf,
  setUpTotp,
} from "./support/PageFactors.ts"

const email = "ada@example.com"

/** Adds a passkey in the account by an authenticator. */
const addPasskey = Effect.fnUntraced(function* (
  visitor: Browser,
  authenticator: VirtualAuthenticator.VirtualAuthenticator,
  name: string,
) {
  const response = JSON.stringify(yield* authenticator.register(yield* askRegistration(visitor)))
  return yield* visitor.submit("/account/passkeys", { response, name })
})

/** What a browser with an authenticator sends after the script has asked both. */
const answer = Effect.fnUntraced(function* (
  visitor: Browser,
  authenticator: VirtualAuthenticator.VirtualAuthenticator,
  body: unknown = {},
) {
  const { options } = yield* askAuthentication(visitor, body)
  return JSON.stringify(yield* authenticator.authenticate(options))
})

describe("the script of passkeys", () => {
  it.effect("is loaded where they are offered and nowhere else, and is a script", () =>
    Effect.gen(function* () {
      const site = yield* serveWithApi()
      const ada = browser(site)
      const scripts = (text: string) =>
        [...text.matchAll(/<script src="([^"]+)" defer>/gu)].map(([, path]) => path ?? "")
      const page = yield* ada.open("/sign-in")
      assert.strictEqual(scripts(page.text).length, 2)
      assert.match(
        page.text,
        /action="\/sign-in\/passkey"\s+novalidate\s+hidden data-passkey="get" data-options="\/auth\/sign-in\/passkey\/options" data-autofill /u,
      )
      const script = yield* ada.open(scripts(page.text)[1] ?? "")
      assert.doesNotThrow(() => new Function(script.text))
      assert.doesNotThrow(() => new Function("document", script.text))
      for (const path of ["/sign-up", "/sign-in/email", "/forgot-password"]) {
        assert.strictEqual(scripts((yield* ada.open(path)).text).length, 1, path)
      }
      yield* signUp(ada, email)
      assert.strictEqual(scripts((yield* ada.open("/account")).text).length, 1)
      const add = yield* ada.open("/account/passkeys/add")
      assert.strictEqual(scripts(add.text).length, 2)
      assert.include(add.text, "A passkey needs a browser that knows passkeys")
    }).pipe(Effect.provide(layerServices())),
  )
})

describe("a passkey", () => {
  it.effect("is added, with the first backup codes, and listed by its name", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serveWithApi())
      yield* signUp(ada, email)
      const added = yield* addPasskey(ada, VirtualAuthenticator.make({ origin }), " Laptop ")
      assert.strictEqual(added.status, 200)
      assert.strictEqual(backupCodesOf(added).length, 10)
      assert.include(added.text, 'href="/account?done=passkey-added"')
      const again = yield* addPasskey(ada, VirtualAuthenticator.make({ origin }), "")
      assert.deepStrictEqual([again.status, again.location], [303, "/account?done=passkey-added"])
      const { text } = yield* ada.open("/account?done=passkey-added")
      assert.include(text, "Your passkey was added.")
      assert.include(text, "Laptop")
      assert.include(text, "Added just now, never used")
    }).pipe(Effect.provide(layerServices())),
  )

  it.effect("needs a fresh proof", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serveWithApi())
      yield* signUp(ada, email)
      const response = JSON.stringify(
        yield* VirtualAuthenticator.make({ origin }).register(yield* askRegistration(ada)),
      )
      yield* TestClock.adjust("10 minutes")
      assert.strictEqual(
        (yield* ada.open("/account/passkeys/add")).location,
        "/account/confirm?return_to=%2Faccount%2Fpasskeys%2Fadd",
      )
      const refused = yield* ada.submit("/account/passkeys", { response })
      assert.strictEqual(refused.location, "/account/confirm?return_to=%2Faccount%2Fpasskeys")
      assert.strictEqual((yield* ada.open("/account/passkeys")).location, "/account/passkeys/add")
    }).pipe(Effect.provide(layerServices())),
  )

  it.effect("that does not answer what was asked is refused, and the name stays", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serveWithApi())
      yield* signUp(ada, email)
      const options = yield* askRegistration(ada)
      const forged = yield* VirtualAuthenticator.make({ origin: "https://evil.example" }).register(options)
      const page = yield* ada.submit("/account/passkeys", { response: JSON.stringify(forged), name: "Laptop" })
      assert.strictEqual(page.status, 401)
      assert.include(page.text, "This passkey could not be verified")
      assert.include(page.text, 'value="Laptop"')
      for (const response of ["", "{}", "null", "[", "x".repeat(10_000)]) {
        assert.strictEqual((yield* ada.submit("/account/passkeys", { response })).status, 422)
      }
      const long = yield* ada.submit("/account/passkeys", { response: "{}", name: "x".repeat(101) })
      assert.isDefined(problemOf(long, "name"))
    }).pipe(Effect.provide(layerServices())),
  )

  it.effect("signs in alone, and leads to where the reader wanted to go", () =>
    Effect.gen(function* () {
      const site = yield* serveWithApi()
      const owner = browser(site)
      yield* signUp(owner, email)
      const authenticator = VirtualAuthenticator.make({ origin })
      yield* addPasskey(owner, authenticator, "Laptop")
      const ada = browser(site)
      yield* ada.open("/sign-in?return_to=%2Fapp")
      const response = yield* answer(ada, authenticator, { returnTo: "/app" })
      const signedIn = yield* ada.submit("/sign-in/passkey", { response, return_to: "/app" })
      assert.deepStrictEqual([signedIn.status, signedIn.location], [303, "/app"])
      assert.deepStrictEqual([...ada.cookies.keys()], ["__Host-belfry_session"])
      const { session } = yield* sessionOf(ada)
      assert.include([...session.amr], "mfa")
      yield* TestClock.adjust("3 hours")
      assert.include((yield* ada.open("/account")).text, "Added 3 hours ago, last used 3 hours ago")
    }).pipe(Effect.provide(layerServices())),
  )

  it.effect("that proves nothing leads back to the sign-in page, and nobody elsewhere", () =>
    Effect.gen(function* () {
      const site = yield* serveWithApi()
      const owner = browser(site)
      yield* signUp(owner, email)
      const authenticator = VirtualAuthenticator.make({ origin })
      yield* addPasskey(owner, authenticator, "Laptop")
      const ada = browser(site)
      const { options } = yield* askAuthentication(ada)
      const forged = yield* authenticator.authenticate(options, { origin: "https://evil.example" })
      const fields = { response: JSON.stringify(forged), return_to: "//evil.example" }
      const page = yield* ada.submit("/sign-in/passkey", fields)
      assert.strictEqual(page.status, 401)
      assert.include(page.text, "This passkey could not be verified")
      assert.include(page.text, 'name="password"')
      assert.notInclude(page.text, "evil")
      assert.strictEqual((yield* ada.submit("/sign-in/passkey", { response: "{}" })).status, 422)
      const late = yield* answer(ada, authenticator)
      yield* TestClock.adjust("15 minutes")
      assert.strictEqual((yield* ada.submit("/sign-in/passkey", { response: late })).status, 409)
      const response = yield* answer(ada, authenticator)
      assert.strictEqual((yield* ada.submit("/sign-in/passkey", { ...fields, response })).location, "/account")
    }).pipe(Effect.provide(layerServices())),
  )

  it.effect("is the second factor after a password, or one of the ways beside it", () =>
    Effect.gen(function* () {
      const site = yield* serveWithApi()
      const owner = browser(site)
      yield* signUp(owner, email)
      const { secret } = yield* setUpTotp(owner)
      const authenticator = VirtualAuthenticator.make({ origin })
      yield* addPasskey(owner, authenticator, "Laptop")
      const ada = browser(site)
      yield* ada.submit("/sign-in", { email, password })
      const page = yield* ada.open("/sign-in/continue")
      assert.include(page.text, 'data-passkey="get" data-options="/auth/sign-in/passkey/options"')
      assert.notInclude(page.text, "data-autofill")
      assert.include(page.text, 'href="/sign-in/continue?factor=totp"')
      assert.include(page.text, "A passkey needs a browser that knows passkeys")
      assert.strictEqual((yield* ada.submit("/sign-in/continue", { factor: "passkey" })).status, 400)
      const bad = yield* ada.submit("/sign-in/passkey", { response: "{}" })
      assert.strictEqual(bad.status, 422)
      assert.include(bad.text, 'href="/sign-in/continue?factor=totp"')
      const done = yield* ada.submit("/sign-in/passkey", { response: yield* answer(ada, authenticator) })
      assert.deepStrictEqual([done.status, done.location], [303, "/account"])
      yield* TestClock.adjust("30 seconds")
      const other = browser(site)
      yield* other.submit("/sign-in", { email, password })
      const byApp = yield* other.submit("/sign-in/continue", { factor: "totp", code: yield* appCode(secret) })
      assert.strictEqual(byApp.location, "/account")
    }).pipe(Effect.provide(layerServices())),
  )

  it.effect("proves again who somebody is, and leads back", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serveWithApi())
      yield* signUp(ada, email)
      const authenticator = VirtualAuthenticator.make({ origin })
      yield* addPasskey(ada, authenticator, "Laptop")
      yield* TestClock.adjust("10 minutes")
      const page = yield* ada.open("/account/confirm?return_to=%2Faccount%2Fdelete")
      assert.include(page.text, 'data-passkey="get"')
      const proved = yield* ada.submit("/sign-in/passkey", { response: yield* answer(ada, authenticator) })
      assert.deepStrictEqual([proved.status, proved.location], [303, "/account/delete"])
      assert.strictEqual((yield* ada.open("/account/delete")).status, 200)
    }).pipe(Effect.provide(layerServices())),
  )

  it.effect("is renamed, by its owner alone", () =>
    Effect.gen(function* () {
      const site = yield* serveWithApi()
      const ada = browser(site)
      yield* signUp(ada, email)
      yield* addPasskey(ada, VirtualAuthenticator.make({ origin }), "Laptop")
      const { text } = yield* ada.open("/account")
      assert.include(text, 'aria-label="Change Laptop"')
      const path = /href="(\/account\/passkeys\/edit\?passkey=[^"]+)"/u.exec(text)?.[1] ?? ""
      const passkey = new URL(path, origin).searchParams.get("passkey") ?? ""
      assert.include((yield* ada.open(path)).text, 'value="Laptop"')
      const none = yield* ada.submit("/account/passkeys/edit", { passkey, name: "  " })
      assert.deepStrictEqual([none.status, problemOf(none, "name")], [422, "Enter a name"])
      const renamed = yield* ada.submit("/account/passkeys/edit", { passkey, name: " <b>Work</b> " })
      assert.deepStrictEqual([renamed.status, renamed.location], [303, "/account?done=passkey-renamed"])
      assert.include((yield* ada.open("/account")).text, "&lt;b&gt;Work&lt;/b&gt;")
      const eve = browser(site)
      yield* signUp(eve, "eve@example.com")
      for (const page of [
        yield* eve.open(path),
        yield* eve.submit("/account/passkeys/edit", { passkey, name: "Mine" }),
        yield* eve.open("/account/passkeys/edit?passkey=x"),
      ]) {
        assert.strictEqual(page.status, 404)
      }
      assert.strictEqual(
        (yield* eve.submit("/account/remove", { factor: "passkey", passkey })).location,
        "/account#sign-in-methods",
      )
      assert.include((yield* ada.open("/account")).text, "Work")
    }).pipe(Effect.provide(layerServices())),
  )

  it.effect("is removed after one more question, but for the last way in", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serveWithApi())
      yield* signUp(ada, email)
      yield* addPasskey(ada, VirtualAuthenticator.make({ origin }), "Laptop")
      yield* ada.submit("/account/remove", { factor: "password" })
      const passkey = /passkey=([0-9a-f-]{36})/u.exec((yield* ada.open("/account")).text)?.[1] ?? ""
      const page = yield* ada.open(`/account/remove?factor=passkey&passkey=${passkey}`)
      assert.include(page.text, "Passkey: Laptop")
      const last = yield* ada.submit("/account/remove", { factor: "passkey", passkey })
      assert.strictEqual(last.status, 409)
      assert.include(last.text, "This is the only way in that you have")
      yield* addPasskey(ada, VirtualAuthenticator.make({ origin }), "Phone")
      const removed = yield* ada.submit("/account/remove", { factor: "passkey", passkey })
      assert.deepStrictEqual([removed.status, removed.location], [303, "/account?done=passkey-removed"])
      const { text } = yield* ada.open("/account")
      assert.notInclude(text, "Laptop")
      assert.include(text, "Phone")
    }).pipe(Effect.provide(layerPolicy({ firstFactors: ["password", "passkey"] }))),
  )
})
