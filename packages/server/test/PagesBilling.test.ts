import * as LocalStripe from "@belfry/testing/LocalStripe"
import * as TestBilling from "@belfry/testing/TestBilling"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import {
  enginesBilling,
  layerSelling,
  payingFounder,
  plans,
  refreshOf,
  subscribe,
  subscriber,
} from "./support/PageBilling.ts"
import { browser, layerServices, serveWithApi, signUp } from "./support/PageBrowser.ts"
import { textOf } from "./support/PageClients.ts"
import { hostileTexts } from "./support/hostileTexts.ts"
import { engines, formOf, founder, linkOf, member } from "./support/PageOrganizations.ts"

const local = LocalStripe.LocalStripe

/** Lets time go by at the payment service, until everything that came of it is known here. */
const pass = Effect.fnUntraced(function* (days: number) {
  const { advance } = yield* local
  yield* advance(`${days} days`)
  // An invoice of a renewal is a draft for an hour.
  yield* advance("2 hours")
  yield* TestBilling.settle
})

describe("the page about bills", () => {
  it.effect("shows who has bought nothing what everybody may use, and where plans are", () =>
    Effect.gen(function* () {
      const site = yield* serveWithApi()
      const ada = browser(site)
      const asked = yield* ada.open("/billing")
      assert.deepStrictEqual([asked.status, asked.location], [303, "/sign-in?return_to=%2Fbilling"])
      yield* signUp(ada, "ada@example.com")
      assert.strictEqual(linkOf(yield* ada.open("/account"), "Plans, payments and invoices"), "/billing")
      const page = yield* ada.open("/billing")
      assert.strictEqual(
        textOf(page),
        "Billing There is no plan yet. See plans What you can use Members: 3 Projects: 1 Invoices Back to your account",
      )
      assert.strictEqual(linkOf(page, "See plans"), "/billing/plans")
      assert.lengthOf(
        (yield* local).calls.filter(({ method }) => method !== "POST"),
        0,
      )
    }).pipe(Effect.provide(layerSelling())),
  )

  it.effect("tells of a trial, then of renewals, and what the plan gives", () =>
    Effect.gen(function* () {
      const ada = yield* subscriber(yield* serveWithApi(), plans.pro)
      const tried = textOf(yield* ada.open("/billing?done=subscribed"))
      assert.include(tried, "Thank you. Your subscription has begun. Pro Trial The trial ends on January 15, 1970.")
      assert.include(tried, "Then it is €12.00 a month. Change plan End subscription")
      assert.include(tried, "What you can use Export Members: 3 Projects: as many as you like")
      yield* pass(14)
      const paid = textOf(yield* ada.open("/billing"))
      assert.include(paid, "Pro Active €12.00 a month Renews on February 15, 1970. Change plan")
    }).pipe(Effect.provide(layerSelling())),
  )

  it.effect("takes back an end, and a change that was to come", () =>
    Effect.gen(function* () {
      const ada = yield* subscriber(yield* serveWithApi(), plans.basic)
      const end = linkOf(yield* ada.open("/billing"), "End subscription")
      const ended = yield* ada.submit(end, { when: "period-end" })
      assert.strictEqual(ended.location, "/billing?done=subscription-ending")
      const ending = yield* ada.open(ended.location ?? "")
      assert.include(textOf(ending), "Your subscription ends with the period. You can take that back until then.")
      assert.include(textOf(ending), "Basic Active €5.00 a month Ends on February 1, 1970, and is not renewed.")
      assert.match(ending.text, /<span class="status warn">Active</u)
      const kept = yield* ada.submit("/billing", formOf(ending, "Do not end it: Basic"))
      assert.strictEqual(kept.location, "/billing?done=subscription-kept")
      assert.include(textOf(yield* ada.open("/billing")), "Renews on February 1, 1970.")

      const scheduled = yield* ada.submit(plans.pro, { action: "period-end" })
      assert.strictEqual(scheduled.location, "/billing?done=change-scheduled")
      const changing = yield* ada.open("/billing")
      assert.include(textOf(changing), "€5.00 a month On February 1, 1970 it changes to Pro, by the month. Keep Basic")
      const released = yield* ada.submit("/billing", formOf(changing, "Keep Basic"))
      assert.strictEqual(released.location, "/billing?done=change-released")
      const same = yield* ada.submit("/billing", formOf(changing, "Keep Basic"))
      assert.strictEqual(same.status, 409)
      assert.include(textOf(same), "There is nothing to take back: this subscription goes on as it is")
    }).pipe(Effect.provide(layerSelling())),
  )

  it.effect("says that a payment failed, where it can be paid, and where another card can be given", () =>
    Effect.gen(function* () {
      const ada = yield* subscriber(yield* serveWithApi(), plans.pro, {}, LocalStripe.cards.failsLater)
      yield* pass(14)
      const page = yield* ada.open("/billing")
      assert.match(
        textOf(page),
        /Pro Payment failed €12\.00 a month €12\.00 could not be collected\. The next attempt is on January \d+, 1970\. Pay now, or use another card for the next attempt\. Pay now Use another card/u,
      )
      assert.notInclude(textOf(page), "Change plan")
      assert.match(linkOf(page, "Pay now"), /^http:\/\/127\.0\.0\.1:\d+\/invoice\/in_/u)
      const card = yield* ada.submit("/billing", formOf(page, "Use another card"))
      assert.match(textOf(card), /^Go to the payment service You leave this site/u)
      const { seconds, url } = refreshOf(card)
      assert.strictEqual(seconds, 0)
      const { submitPortal } = yield* local
      const back = yield* submitPortal(url, { card: LocalStripe.cards.pays })
      assert.strictEqual(back, "https://id.example.com/billing")
      yield* pass(7)
      assert.include(textOf(yield* ada.open("/billing")), "Pro Active €12.00 a month Renews on")
    }).pipe(Effect.provide(layerSelling())),
  )

  it.effect("lists what ended, and still leads to cards and addresses", () =>
    Effect.gen(function* () {
      const ada = yield* subscriber(yield* serveWithApi(), plans.basic)
      const end = linkOf(yield* ada.open("/billing"), "End subscription")
      yield* ada.submit(end, { when: "now" })
      const page = yield* ada.open("/billing")
      assert.include(textOf(page), "There is no plan yet.")
      assert.include(textOf(page), "Earlier subscriptions Basic Ended on January 1, 1970")
      assert.strictEqual((yield* ada.open(end)).status, 404)
      assert.strictEqual((yield* ada.submit(end, { when: "now" })).status, 404)
      const portal = refreshOf(yield* ada.submit("/billing", formOf(page, "Open the payment service")))
      assert.match(portal.url, /^http:\/\/127\.0\.0\.1:\d+\/portal\/bps_/u)
    }).pipe(Effect.provide(layerSelling())),
  )

  it.effect("has nothing to show at the payment service for who was never there", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serveWithApi())
      yield* signUp(ada, "ada@example.com")
      const page = yield* ada.submit("/billing", { action: "portal" })
      assert.strictEqual(page.status, 409)
      assert.include(textOf(page), "There is nothing to see at the payment service yet: choose a plan first")
      assert.strictEqual((yield* ada.submit("/billing", { action: "buy" })).status, 400)
      assert.strictEqual((yield* ada.submit("/billing", { action: "restore", subscription: "1" })).status, 400)
    }).pipe(Effect.provide(layerSelling())),
  )

  it.effect("shows what is known here when the payment service does not answer, and says that nothing was done", () =>
    Effect.gen(function* () {
      const ada = yield* subscriber(yield* serveWithApi(), plans.basic)
      const { failing } = yield* local
      failing({ rate: 1, seed: 1, kinds: ["before"] })
      const page = yield* ada.open("/billing")
      assert.strictEqual(page.status, 200)
      for (const [button, path] of [
        ["portal", "/billing"],
        ["period-end", linkOf(page, "End subscription")],
      ] as const) {
        const refused = yield* ada.submit(path, { action: button, when: button })
        assert.strictEqual(refused.status, 503)
        assert.strictEqual(refused.headers.get("retry-after"), "5")
        assert.include(textOf(refused), "The payment service does not answer. Nothing was changed here.")
        assert.include(textOf(refused), "Basic")
      }
    }).pipe(Effect.provide(layerSelling())),
  )
})

describe("the bills of an organization", () => {
  it.effect("are to be seen and paid by those whose roles say so, from the page of the organization", () =>
    Effect.gen(function* () {
      const site = yield* serveWithApi()
      const ada = yield* payingFounder(site)
      assert.strictEqual(linkOf(yield* ada.open(engines), "Billing"), enginesBilling)
      const page = yield* ada.open(enginesBilling)
      assert.match(page.text, /<title>Billing – Analytical Engines &ndash; Example<\/title>/u)
      assert.include(textOf(page), "Billing For Analytical Engines Your own Analytical Engines Team Active")
      assert.include(textOf(page), "Team Active €28.00 a month, 1 seat Renews on")
      assert.strictEqual(linkOf(page, "Your own"), "/billing")
      assert.strictEqual(linkOf(page, "Back to Analytical Engines"), engines)
      assert.match(page.text, /aria-current="page">Analytical Engines</u)

      const bob = yield* member(site, ada, "bob@example.com", "Bob")
      yield* TestBilling.settle
      assert.include(textOf(yield* ada.open(enginesBilling)), "€36.00 a month, 2 seats")
      assert.strictEqual((yield* bob.open(enginesBilling)).status, 403)
      assert.notInclude(textOf(yield* bob.open(engines)), "Billing")
      assert.notInclude((yield* bob.open("/billing")).text, "<nav")
      const eve = browser(site)
      yield* signUp(eve, "eve@example.com")
      for (const payer of [
        "organization:engines",
        "organization:nobody",
        "team:engines/1",
        "user:1",
        "x".repeat(300),
      ]) {
        const path = `/billing?payer=${encodeURIComponent(payer)}`
        assert.strictEqual((yield* eve.open(path)).status, 404, payer)
        assert.strictEqual((yield* eve.submit(path, { action: "portal" })).status, 404, payer)
      }
    }).pipe(Effect.provide(layerSelling())),
  )

  it.effect("are shown without a way to change them to who may only read", () =>
    Effect.gen(function* () {
      const site = yield* serveWithApi()
      const ada = yield* payingFounder(site)
      yield* ada.submit(`${engines}/roles/new`, { name: "reader", "permission_billing:read": "1" })
      const bob = yield* member(site, ada, "bob@example.com", "Bob", { role_reader: "1" })
      const page = yield* bob.open(enginesBilling)
      assert.include(textOf(page), "Team Active €28.00 a month")
      assert.notMatch(page.text, /<form|<button|End subscription|Change plan/u)
      const end = linkOf(yield* ada.open(enginesBilling), "End subscription")
      for (const path of [end, plans.team]) assert.strictEqual((yield* bob.open(path)).status, 403, path)
      const before = (yield* local).calls.length
      for (const [path, fields] of [
        [end, { when: "now" }],
        [enginesBilling, { action: "portal" }],
        [plans.team, { action: "now" }],
      ] as const) {
        assert.strictEqual((yield* bob.submit(path, fields)).status, 403, path)
      }
      assert.lengthOf((yield* local).calls.slice(before), 0)
    }).pipe(Effect.provide(layerSelling())),
  )

  it.effect("are told of in its audit log, in words", () =>
    Effect.gen(function* () {
      const ada = yield* payingFounder(yield* serveWithApi())
      const page = yield* ada.open(enginesBilling)
      yield* ada.submit(linkOf(page, "End subscription"), { when: "period-end" })
      yield* TestBilling.settle
      const log = textOf(yield* ada.open(`${engines}/audit-log`))
      for (const line of [
        "End of a subscription asked for Ada, just now",
        "Subscription changed Ends on: nothing → February 1, 1970",
        "Subscription begun State: Active Plan: team Paid: by the month Seats: 1 Period until: February 1, 1970",
        "Plan chosen Ada, just now",
        "First bill prepared Ada, just now",
      ]) {
        assert.include(log, line)
      }
    }).pipe(Effect.provide(layerSelling())),
  )

  it.effect("of its teams are seen from the page of the team, where something is sold to teams", () =>
    Effect.gen(function* () {
      const site = yield* serveWithApi()
      const ada = yield* founder(site)
      const made = yield* ada.submit(`${engines}/teams/new`, { name: "Compilers" })
      const team = (made.location ?? "").replace(/\?.*/u, "")
      const billing = linkOf(yield* ada.open(team), "Billing")
      assert.strictEqual(billing, `/billing?payer=team%3Aengines%2F${team.split("/").at(-1)}`)
      assert.include(
        textOf(yield* ada.open(billing)),
        "Billing For Compilers, Analytical Engines Your own Analytical Engines There is no plan yet.",
      )
      const desks = linkOf(yield* ada.open(linkOf(yield* ada.open(billing), "See plans")), "Back to billing")
      assert.strictEqual(desks, billing)
      const plan = `${billing.replace("/billing?", "/billing/plans?")}&plan=desks&interval=month`
      yield* subscribe(ada, plan)
      assert.strictEqual(linkOf(yield* ada.open(billing), "Back to Compilers, Analytical Engines"), team)
      // Two seats are the least.
      assert.include(textOf(yield* ada.open(billing)), "Desks Active €12.00 a month, 2 seats")
      const bob = yield* member(site, ada, "bob@example.com", "Bob")
      assert.notInclude(textOf(yield* bob.open(team)), "Billing")
      assert.strictEqual((yield* bob.open(billing)).status, 403)
    }).pipe(Effect.provide(layerSelling())),
  )

  it.effect("name each payment of people apart from those of their organizations", () =>
    Effect.gen(function* () {
      const site = yield* serveWithApi()
      const ada = yield* payingFounder(site)
      assert.include(textOf(yield* ada.open("/billing")), "There is no plan yet.")
      yield* subscribe(ada, plans.basic)
      assert.include(textOf(yield* ada.open("/billing")), "Basic Active")
      const page = yield* ada.open("/billing")
      const end = linkOf(page, "End subscription").replace("?", "?payer=organization%3Aengines&")
      assert.strictEqual((yield* ada.open(end)).status, 404)
      assert.strictEqual((yield* ada.submit(end, { when: "now" })).status, 404)
    }).pipe(Effect.provide(layerSelling())),
  )
})

describe("what names anything about bills", () => {
  it.effect("may be any text, and the answer is a page", () =>
    Effect.gen(function* () {
      const ada = yield* subscriber(yield* serveWithApi(), plans.desks, { seats: "2" })
      const end = linkOf(yield* ada.open("/billing"), "End subscription")
      for (const text of hostileTexts) {
        const odd = encodeURIComponent(text.toWellFormed())
        for (const path of [
          `/billing?payer=${odd}`,
          `/billing?payer=organization:${odd}&done=${odd}`,
          `/billing/plans?group=${odd}&interval=${odd}`,
          `/billing/plans?plan=${odd}&interval=month`,
          `/billing/cancel?subscription=${odd}`,
          `/billing/invoices?cursor=${odd}`,
          `/billing/checkout/${odd}?n=${odd}`,
        ]) {
          assert.isBelow((yield* ada.open(path)).status, 500, path)
        }
        for (const [path, fields] of [
          ["/billing", { action: "restore", subscription: text }],
          ["/billing", { action: text }],
          [end, { when: text }],
          [plans.desks, { action: "now", seats: text }],
        ] as const) {
          const wellFormed = Object.fromEntries(
            Object.entries(fields).map(([name, value]) => [name, value.toWellFormed()]),
          )
          assert.include([400, 422], (yield* ada.submit(path, wellFormed)).status, `${path} ${text}`)
        }
      }
    }).pipe(Effect.provide(layerSelling())),
  )
})

describe("a site where nobody takes money", () => {
  it.effect("has no pages about bills, and no way to them", () =>
    Effect.gen(function* () {
      const ada = yield* founder(yield* serveWithApi())
      for (const path of [
        "/billing",
        "/billing/plans",
        "/billing/invoices",
        "/billing/cancel",
        "/billing/checkout/1",
      ]) {
        assert.strictEqual((yield* ada.open(path)).status, 404, path)
      }
      for (const path of ["/account", engines]) assert.notInclude((yield* ada.open(path)).text, "/billing")
    }).pipe(Effect.provide(layerServices())),
  )
})
