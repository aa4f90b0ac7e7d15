import { Consents } from "@belfry/oauth-server/Consents"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { type Browser, browser, password, serveWithApi, signUp } from "./support/PageBrowser.ts"
import { answerOf, authorizeUrl, go, headingOf, hiddenOf, makeClient, send, textOf } from "./support/PageClients.ts"
import { sessionOf } from "./support/PageFactors.ts"
import { formOf, found, layer, linkOf } from "./support/PageOrganizations.ts"

const email = "ada@example.com"

const scope = "openid organization"

/** Somebody with two organizations, in a browser of their own and in the one that made them. */
const makeAda = Effect.gen(function* () {
  const site = yield* serveWithApi()
  const ada = browser(site)
  yield* signUp(ada, email)
  yield* found(ada)
  yield* found(ada, "Looms", "looms")
  const phone = browser(site)
  yield* phone.submit("/sign-in", { email, password })
  yield* TestClock.adjust("1 second")
  return { site, ada, phone, url: authorizeUrl(yield* makeClient({ scopes: scope.split(" ") }), { scope }) }
})

/** What the user agreed to, by organization. */
const references = Effect.fnUntraced(function* (visitor: Browser) {
  const { user } = yield* sessionOf(visitor)
  const consents = yield* Consents.use((consents) => consents.list(user.id))
  return consents.map(({ referenceId }) => referenceId)
})

describe("a client that asks for the organization", () => {
  it.effect("has the person choose one who is in several and chose none here, and gets access for it", () =>
    Effect.gen(function* () {
      const { phone, url } = yield* makeAda
      const asked = yield* go(phone, url)
      assert.deepStrictEqual([asked.path, headingOf(asked.page)], ["/authorize/organization", "Choose an organization"])
      assert.include(textOf(asked.page), "Analytical Engine gets access as a member of one organization. Which one?")
      assert.include(textOf(asked.page), "Cancel and go back to Analytical Engine")
      const form = formOf(asked.page, "Continue with Looms")
      const consent = yield* send(phone, asked.page, "/authorize/organization", form)
      assert.strictEqual(consent.path, "/authorize/consent")
      assert.include(textOf(consent.page), "It gets access as a member of Looms.")
      assert.include(textOf(consent.page), "see which organization you use it for, and your roles there")
      const answer = yield* send(phone, consent.page, "/authorize/consent", {
        decision: "allow",
        "scope:organization": "1",
      })
      assert.match(answerOf(answer)["code"] ?? "", /^belfry_code_/u)
      assert.deepStrictEqual(yield* references(phone), [form["organization"] ?? null])
    }).pipe(Effect.provide(layer)),
  )

  it.effect("asks nobody who chose one in this session, and lets them choose another before they consent", () =>
    Effect.gen(function* () {
      const { ada, url } = yield* makeAda
      const consent = yield* go(ada, url)
      assert.strictEqual(consent.path, "/authorize/consent")
      assert.include(textOf(consent.page), "as a member of Looms.")
      const choice = yield* go(ada, linkOf(consent.page, "Choose another organization"))
      assert.strictEqual(headingOf(choice.page), "Choose an organization")
      const form = formOf(choice.page, "Continue with Analytical Engines")
      const other = yield* send(ada, choice.page, "/authorize/organization", form)
      assert.strictEqual(other.path, "/authorize/consent")
      assert.include(textOf(other.page), "as a member of Analytical Engines.")
    }).pipe(Effect.provide(layer)),
  )

  it.effect("gets no access for an organization that was not asked about", () =>
    Effect.gen(function* () {
      const { ada, url } = yield* makeAda
      const { page } = yield* go(ada, url)
      const list = yield* ada.open("/organizations")
      yield* ada.submit("/organizations", formOf(list, "Switch to Analytical Engines"))
      const again = yield* send(ada, page, "/authorize/consent", { decision: "allow", "scope:organization": "1" })
      assert.strictEqual(again.path, "/authorize/consent")
      assert.include(textOf(again.page), "as a member of Analytical Engines.")
      assert.deepStrictEqual(yield* references(ada), [])
      const denied = yield* send(ada, page, "/authorize/consent", { decision: "deny" })
      assert.strictEqual(answerOf(denied)["error"], "access_denied")
    }).pipe(Effect.provide(layer)),
  )

  it.effect("gets no access for an organization that the person is not in", () =>
    Effect.gen(function* () {
      const { phone, site, url } = yield* makeAda
      const eve = browser(site)
      yield* signUp(eve, "eve@example.com")
      yield* found(eve, "Secret", "secret")
      const { page } = yield* go(phone, url)
      for (const organization of ["secret", "nobody", "a b", ""]) {
        const refused = yield* phone.submit("/authorize/organization", {
          ...hiddenOf(page, "/authorize/organization"),
          organization,
        })
        assert.strictEqual(refused.status, 404, organization)
      }
    }).pipe(Effect.provide(layer)),
  )

  it.effect(
    "asks nothing of somebody who is in none, or in one, and says nothing of organizations to other clients",
    () =>
      Effect.gen(function* () {
        const { ada, site, url } = yield* makeAda
        const eve = browser(site)
        yield* signUp(eve, "eve@example.com")
        yield* TestClock.adjust("1 second")
        const none = yield* go(eve, url)
        assert.strictEqual(none.path, "/authorize/consent")
        assert.notInclude(textOf(none.page), "as a member of")
        const plain = yield* go(ada, authorizeUrl(yield* makeClient()))
        assert.notInclude(textOf(plain.page), "as a member of")
      }).pipe(Effect.provide(layer)),
  )

  it.effect("has nobody choose who is not signed in, or for whom nothing waits", () =>
    Effect.gen(function* () {
      const { phone, site, url } = yield* makeAda
      const { url: at } = yield* go(phone, url)
      assert.strictEqual((yield* phone.open("/authorize/organization")).status, 400)
      assert.strictEqual((yield* browser(site).open(`${at.pathname}${at.search}`)).status, 400)
      yield* phone.submit("/sign-out", {})
      const signIn = yield* go(phone, `${at.pathname}${at.search}`)
      assert.strictEqual(signIn.path, "/sign-in")
    }).pipe(Effect.provide(layer)),
  )

  it.effect("has nobody choose before it is their turn", () =>
    Effect.gen(function* () {
      const { ada, url } = yield* makeAda
      const { page, path } = yield* go(ada, `${url}&prompt=select_account`)
      assert.strictEqual(path, "/authorize/account")
      const { request = "" } = hiddenOf(page, "/authorize/account")
      const early = yield* ada.open(`/authorize/organization?request=${request}`)
      assert.strictEqual(early.location, `/auth/oauth2/continue?request=${request}`)
      const { organization = "" } = formOf(yield* ada.open("/organizations"), "Switch to Analytical Engines")
      const sent = yield* ada.submit("/authorize/organization", { request, organization })
      assert.strictEqual(sent.location, `/auth/oauth2/continue?request=${request}`)
      assert.match(textOf(yield* ada.open("/organizations")), /Looms Owner In use/u)
    }).pipe(Effect.provide(layer)),
  )
})
