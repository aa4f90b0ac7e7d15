import { AuthenticationOptions, RegistrationOptions } from "@belfry/factors/WebAuthn"
import * as VirtualAuthenticator from "@belfry/testing/VirtualAuthenticator"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted, Schema } from "effect"
import { TestClock } from "effect/testing"
import {
  afterPassword,
  assertForgotten,
  at,
  type Browser,
  credentials,
  join,
  open,
  sessionOf,
  signedIn,
  signInCookie,
  textAt,
  textsAt,
} from "./support/Browser.ts"
import { layerWith } from "./support/PasskeyPeople.ts"
import { layer, register } from "./support/People.ts"
import { assertProblem, problem } from "./support/Problems.ts"
import { codeOf, enrolApp } from "./support/SecondFactors.ts"
import * as TestServer from "./support/TestServer.ts"

const unknownId = "019a0000-0000-7000-8000-000000000000"
const passkeyInvalid = problem(401, "Unauthorized", "PasskeyInvalid")
const notFound = problem(404, "Not Found", "PasskeyNotFound", { passkeyId: unknownId })

const readRegistration = (response: TestServer.TestResponse) =>
  Schema.decodeUnknownEffect(RegistrationOptions)(response.json)
const readAuthentication = (response: TestServer.TestResponse) =>
  Schema.decodeUnknownEffect(AuthenticationOptions)(at(response, "options"))

/** Registers a passkey in the account, or where a sign-in demands it. */
const add = Effect.fnUntraced(function* (
  browser: Browser,
  device: VirtualAuthenticator.VirtualAuthenticator,
  { path = "/auth/factors/passkeys", name }: { readonly path?: string; readonly name?: string } = {},
) {
  const options = yield* readRegistration(yield* browser.post(`${path}/options`))
  const response = yield* device.register(options)
  return yield* browser.post(path, { response: json(response), ...(name === undefined ? {} : { name }) })
})

/** Signs in, or goes on with it, by a passkey. */
const prove = Effect.fnUntraced(function* (
  browser: Browser,
  device: VirtualAuthenticator.VirtualAuthenticator,
  behaviour?: VirtualAuthenticator.Behaviour,
) {
  const asked = yield* browser.post("/auth/sign-in/passkey/options", {})
  const response = yield* device.authenticate(yield* readAuthentication(asked), behaviour)
  return { asked, answered: yield* browser.post("/auth/sign-in/passkey", { response: json(response) }) }
})

/** As a browser sends it. */
const json = (value: unknown): Schema.Json => JSON.parse(JSON.stringify(value))

/** Ada's browser and authenticator, in a session by password and with a passkey. */
const withPasskey = Effect.gen(function* () {
  yield* register()
  const browser = yield* signedIn()
  const device = VirtualAuthenticator.make()
  const added = yield* add(browser, device, { name: "Key ring" })
  return { browser, device, added, id: textAt(added, "passkey", "id") }
})

describe("Signing in with a passkey", () => {
  it.effect("alone opens a session of two kinds of evidence, as GET /auth/session tells", () =>
    Effect.gen(function* () {
      const { device } = yield* withPasskey
      const browser = yield* open()
      const { asked, answered } = yield* prove(browser, device)
      assert.deepStrictEqual(
        [asked.status, at(asked, "signIn", "status"), at(asked, "signIn", "token"), Object.keys(asked.cookies)],
        [200, "continue", null, [signInCookie]],
      )
      assert.deepStrictEqual(at(asked, "options", "allowCredentials"), [])
      assert.strictEqual(at(answered, "status"), "complete")
      assertForgotten(answered)
      assert.deepStrictEqual(yield* sessionOf(browser), { amr: ["hwk", "user", "mfa"], acr: "aal2" })
    }).pipe(Effect.provide(layer)),
  )

  it.effect("gives and takes bearer tokens", () =>
    Effect.gen(function* () {
      const { device } = yield* withPasskey
      const send = yield* TestServer.make()
      const asked = yield* send("/auth/sign-in/passkey/options", { json: { transport: "bearer", label: "Robot" } })
      const headers = { authorization: `Bearer ${textAt(asked, "signIn", "token")}` }
      const response = json(yield* device.authenticate(yield* readAuthentication(asked)))
      const answered = yield* send("/auth/sign-in/passkey", { json: { response }, headers })
      assert.deepStrictEqual([asked.cookies, answered.cookies], [{}, {}])
      assert.strictEqual(at(answered, "session", "label"), "Robot")
      assert.match(textAt(answered, "token"), /^belfry_session_/)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("as the second factor names the passkeys of the user, in the attempt that is there", () =>
    Effect.gen(function* () {
      const { device } = yield* withPasskey
      const browser = yield* afterPassword()
      const { asked, answered } = yield* prove(browser, device, { isUserVerified: false })
      assert.deepStrictEqual([at(asked, "signIn"), asked.cookies], [null, {}])
      assert.strictEqual(textsAt(asked, "options", "allowCredentials").length, 1)
      assert.strictEqual(at(answered, "status"), "complete")
      assert.deepStrictEqual(yield* sessionOf(browser), { amr: ["pwd", "hwk", "user", "mfa"], acr: "aal2" })
    }).pipe(Effect.provide(layer)),
  )

  it.effect("without verification goes on with another factor", () =>
    Effect.gen(function* () {
      const here = yield* register()
      const app = yield* enrolApp(here)
      const account = yield* afterPassword()
      yield* account.post("/auth/sign-in/totp", { code: Redacted.value(yield* codeOf(app)) })
      const device = VirtualAuthenticator.make({ isUserVerified: false })
      yield* add(account, device)
      const browser = yield* open()
      const { answered } = yield* prove(browser, device)
      assert.strictEqual(at(answered, "status"), "continue")
      assert.isNull(yield* sessionOf(browser))
      const response = yield* browser.post("/auth/sign-in/password", { password: credentials.password })
      assert.strictEqual(at(response, "status"), "complete")
      assert.deepStrictEqual(yield* sessionOf(browser), { amr: ["hwk", "user", "pwd", "mfa"], acr: "aal2" })
    }).pipe(Effect.provide(layer)),
  )

  it.effect("refuses what proves nothing: an unknown passkey, another site's, an answer to another sign-in", () =>
    Effect.gen(function* () {
      const { device } = yield* withPasskey
      const browser = yield* open()
      const asked = yield* browser.post("/auth/sign-in/passkey/options", {})
      const options = yield* readAuthentication(asked)
      const submit = (value: unknown) => browser.post("/auth/sign-in/passkey", { response: json(value) })
      const elsewhere = yield* device.authenticate(options, { origin: "https://evil.example" })
      assertProblem(yield* submit(elsewhere), passkeyInvalid)
      const right = yield* device.authenticate(options)
      assertProblem(yield* submit({ ...right, id: "AAAA", rawId: "AAAA" }), passkeyInvalid)
      assert.isNull(yield* sessionOf(browser))
      const fresh = yield* prove(browser, device)
      assert.strictEqual(at(fresh.answered, "status"), "complete")
      yield* browser.post("/auth/sign-in", {})
      assertProblem(yield* submit(right), passkeyInvalid)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("refuses responses of another form with 422", () =>
    Effect.gen(function* () {
      const browser = yield* open()
      yield* browser.post("/auth/sign-in", {})
      for (const response of [null, {}, { id: "=", rawId: "=", type: "public-key", response: {} }]) {
        const answer = yield* browser.post("/auth/sign-in/passkey", { response })
        assert.deepStrictEqual([answer.status, at(answer, "_tag")], [422, "InvalidRequest"])
      }
    }).pipe(Effect.provide(layer)),
  )
})

describe("/auth/factors/passkeys", () => {
  it.effect("registers a passkey with its name, and shows the first backup codes once", () =>
    Effect.gen(function* () {
      const { browser, added } = yield* withPasskey
      assert.deepStrictEqual([added.status, at(added, "passkey", "name")], [200, "Key ring"])
      assert.strictEqual(new Set(textsAt(added, "backupCodes")).size, 10)
      assert.notProperty(added.json, "signIn")
      const second = yield* add(browser, VirtualAuthenticator.make())
      assert.deepStrictEqual([second.status, at(second, "backupCodes")], [200, null])
      const list = yield* browser.get("/auth/factors/passkeys")
      assert.deepStrictEqual(at(list, "passkeys"), [at(added, "passkey"), at(second, "passkey")])
      assert.notMatch(list.text, /publicKey|credentialId/)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("refuses what another site's page had made", () =>
    Effect.gen(function* () {
      yield* register()
      const browser = yield* signedIn()
      const device = VirtualAuthenticator.make({ origin: "https://evil.example" })
      assertProblem(yield* add(browser, device), passkeyInvalid)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("renames a passkey of the user, and knows no other", () =>
    Effect.gen(function* () {
      const { browser, added, id } = yield* withPasskey
      const renamed = yield* browser.patch(`/auth/factors/passkeys/${id}`, { name: "Old key ring" })
      assert.deepStrictEqual(renamed.json, { ...Object(at(added, "passkey")), name: "Old key ring" })
      assertProblem(yield* browser.patch(`/auth/factors/passkeys/${unknownId}`, { name: "Mine" }), notFound)
      assert.strictEqual((yield* browser.patch(`/auth/factors/passkeys/${id}`, { name: " \n" })).status, 422)
      assert.strictEqual((yield* browser.patch("/auth/factors/passkeys/1", { name: "Mine" })).status, 422)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("removes a passkey of the user, which opens nothing any more", () =>
    Effect.gen(function* () {
      const { browser, device, id } = yield* withPasskey
      assertProblem(yield* browser.delete(`/auth/factors/passkeys/${unknownId}`), notFound)
      const removed = yield* browser.delete(`/auth/factors/passkeys/${id}`)
      assert.deepStrictEqual([removed.status, removed.text], [204, ""])
      assert.deepStrictEqual((yield* browser.get("/auth/factors/passkeys")).json, { passkeys: [] })
      assertProblem((yield* prove(yield* open(), device)).answered, passkeyInvalid)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("keeps the last way in", () =>
    Effect.gen(function* () {
      const { browser, id } = yield* withPasskey
      assert.strictEqual((yield* browser.delete("/auth/password")).status, 204)
      assertProblem(
        yield* browser.delete(`/auth/factors/passkeys/${id}`),
        problem(409, "Conflict", "LastWayIn", { factor: "passkey" }),
      )
    }).pipe(Effect.provide(layerWith({ firstFactors: ["password", "passkey"] }))),
  )

  it.effect("asks for a fresh session to add or remove one", () =>
    Effect.gen(function* () {
      const { browser, id } = yield* withPasskey
      yield* TestClock.adjust("10 minutes")
      const notFresh = problem(403, "Forbidden", "SessionNotFresh", { maxAge: 600 })
      assertProblem(yield* browser.post("/auth/factors/passkeys/options"), notFresh)
      assertProblem(yield* browser.delete(`/auth/factors/passkeys/${id}`), notFresh)
      assert.strictEqual((yield* browser.get("/auth/factors/passkeys")).status, 200)
    }).pipe(Effect.provide(layer)),
  )
})

describe("A sign-in that demands a passkey or an app", () => {
  it.effect("is complete when a passkey was registered in it", () =>
    Effect.gen(function* () {
      yield* join
      const browser = yield* open()
      const first = yield* browser.post("/auth/sign-in/password", credentials)
      assert.deepStrictEqual(
        [at(first, "status"), at(first, "factors"), at(first, "enrol")],
        ["continue", [], ["passkey", "totp"]],
      )
      const device = VirtualAuthenticator.make()
      const added = yield* add(browser, device, { path: "/auth/sign-in/enrol/passkey", name: "Laptop" })
      assert.deepStrictEqual(
        [added.status, at(added, "passkey", "name"), at(added, "signIn", "status"), at(added, "signIn", "token")],
        [200, "Laptop", "complete", null],
      )
      assert.strictEqual(textsAt(added, "backupCodes").length, 10)
      assertForgotten(added)
      assert.deepStrictEqual(yield* sessionOf(browser), { amr: ["pwd", "hwk", "user", "mfa"], acr: "aal2" })
      assert.strictEqual(at((yield* prove(yield* open(), device)).answered, "status"), "complete")
    }).pipe(Effect.provide(layerWith({ secondFactor: "required" }))),
  )
})
