import * as LocalStripe from "@belfry/testing/LocalStripe"
import * as TestBilling from "@belfry/testing/TestBilling"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { enginesBilling, layerSelling, payingFounder, plans, subscriber } from "./support/PageBilling.ts"
import { browser, serveWithApi, signUp } from "./support/PageBrowser.ts"
import { textOf } from "./support/PageClients.ts"
import { linkOf, member } from "./support/PageOrganizations.ts"

const local = LocalStripe.LocalStripe

describe("the page of invoices", () => {
  it.effect("lists them, the newest first, with what was paid and where they can be seen", () =>
    Effect.gen(function* () {
      const ada = yield* subscriber(yield* serveWithApi(), plans.pro)
      const { advance } = yield* local
      yield* advance("14 days")
      yield* advance("2 hours")
      const page = yield* ada.open(linkOf(yield* ada.open("/billing"), "Invoices"))
      assert.match(
        textOf(page),
        /^Invoices January 15, 1970 €12\.00 LOCAL-\w+, Paid Show PDF January 1, 1970 €0\.00 LOCAL-\w+, Paid Show PDF Back to billing$/u,
      )
      assert.match(linkOf(page, "Show"), /^http:\/\/127\.0\.0\.1:\d+\/invoice\/in_/u)
      assert.match(page.text, /aria-label="Show invoice LOCAL-\w+"/u)
    }).pipe(Effect.provide(layerSelling())),
  )

  it.effect("says which is to be paid, and leads there", () =>
    Effect.gen(function* () {
      const ada = yield* subscriber(yield* serveWithApi(), plans.pro, {}, LocalStripe.cards.failsLater)
      const { advance } = yield* local
      yield* advance("14 days")
      yield* advance("2 hours")
      yield* TestBilling.settle
      const page = yield* ada.open("/billing/invoices")
      assert.match(textOf(page), /€12\.00 LOCAL-\w+, To be paid Pay PDF/u)
      assert.strictEqual(linkOf(page, "Pay"), linkOf(yield* ada.open("/billing"), "Pay now"))
    }).pipe(Effect.provide(layerSelling())),
  )

  it.effect("goes on to older ones", () =>
    Effect.gen(function* () {
      const ada = yield* subscriber(yield* serveWithApi(), plans.basic)
      const { advance } = yield* local
      for (let months = 0; months < 22; months++) yield* advance("31 days")
      const first = yield* ada.open("/billing/invoices")
      assert.lengthOf(first.text.match(/<li class="bar">/gu) ?? [], 20)
      assert.notInclude(textOf(first), "January 1, 1970")
      const second = yield* ada.open(linkOf(first, "Next page"))
      assert.include(textOf(second), "January 1, 1970")
      assert.strictEqual(linkOf(second, "First page"), "/billing/invoices")
      assert.include(textOf(yield* ada.open("/billing/invoices?cursor=none")), "There are no invoices yet.")
    }).pipe(Effect.provide(layerSelling())),
  )

  it.effect("is empty for who has paid nothing, and says so when the payment service does not answer", () =>
    Effect.gen(function* () {
      const site = yield* serveWithApi()
      const eve = browser(site)
      yield* signUp(eve, "eve@example.com")
      assert.include(textOf(yield* eve.open("/billing/invoices")), "There are no invoices yet.")
      const ada = yield* subscriber(site, plans.basic)
      const { failing } = yield* local
      failing({ rate: 1, seed: 1, kinds: ["before"] })
      const page = yield* ada.open("/billing/invoices")
      assert.strictEqual(page.status, 503)
      assert.strictEqual(page.headers.get("retry-after"), "5")
      assert.include(textOf(page), "The payment service cannot be reached, so there are no invoices to show.")
    }).pipe(Effect.provide(layerSelling())),
  )

  it.effect("of an organization is for those whose roles say so", () =>
    Effect.gen(function* () {
      const site = yield* serveWithApi()
      const ada = yield* payingFounder(site)
      const path = linkOf(yield* ada.open(enginesBilling), "Invoices")
      assert.strictEqual(path, "/billing/invoices?payer=organization%3Aengines")
      assert.include(textOf(yield* ada.open(path)), "Invoices For Analytical Engines January 1, 1970 €28.00")
      const bob = yield* member(site, ada, "bob@example.com", "Bob")
      assert.strictEqual((yield* bob.open(path)).status, 403)
    }).pipe(Effect.provide(layerSelling())),
  )
})
