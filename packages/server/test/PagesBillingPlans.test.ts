import { StripeClient } from "@belfry/billing/StripeClient"
import { MemoryTables } from "@belfry/core/MemoryTables"
import * as LocalStripe from "@belfry/testing/LocalStripe"
import * as TestBilling from "@belfry/testing/TestBilling"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { enginesBilling, layerSelling, payingFounder, plans, refreshOf, subscriber } from "./support/PageBilling.ts"
import { browser, problemOf, serveWithApi, signUp, valueOf } from "./support/PageBrowser.ts"
import { textOf } from "./support/PageClients.ts"
import { founder, linkOf } from "./support/PageOrganizations.ts"

const local = LocalStripe.LocalStripe

/** What a subscription of the payment service is paid for: lookup keys and quantities. */
const paid = Effect.map(local, ({ objects }) =>
  Object.values(objects().subscriptions).map(({ items, status }) => ({
    status,
    items: items.data.map(({ price, quantity }) => `${quantity} ${price.lookup_key}`),
  })),
)

describe("the page of plans", () => {
  it.effect("shows what is sold, by the interval that the reader chooses", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serveWithApi())
      yield* signUp(ada, "ada@example.com")
      const page = yield* ada.open("/billing/plans")
      assert.strictEqual(
        textOf(page),
        [
          "Plans Monthly Yearly",
          "Basic €5.00 a month Projects: 3 Subscribe",
          "Pro For who needs more €12.00 a month The first 14 days are free. Export Projects: as many as you like Subscribe",
          "Desks €6.00 for each seat a month Choose",
          "Back to billing",
        ].join(" "),
      )
      const yearly = linkOf(page, "Yearly")
      assert.strictEqual(yearly, "/billing/plans?interval=year")
      const year = textOf(yield* ada.open(yearly))
      assert.include(year, "Basic Not sold in this interval. Projects: 3 Pro")
      assert.include(year, "€120.00 a year")
      assert.include(textOf(yield* ada.open("/billing/plans?interval=hour&group=none")), "Nothing is sold here")
      const desks = textOf(yield* ada.open("/billing/plans?group=desks"))
      assert.strictEqual(desks, "Plans Desks €6.00 for each seat a month Choose Back to billing")
    }).pipe(Effect.provide(layerSelling())),
  )

  it.effect("marks the plan that somebody has, and leads to a change to the others", () =>
    Effect.gen(function* () {
      const ada = yield* subscriber(yield* serveWithApi(), plans.proByYear)
      const page = textOf(yield* ada.open("/billing/plans"))
      assert.include(page, "Basic Not sold in this interval. Projects: 3 Pro For who needs more €120.00 a year")
      assert.include(page, "as many as you like Your plan Desks")
      const monthly = yield* ada.open("/billing/plans?interval=month")
      assert.strictEqual(linkOf(monthly, "Change"), "/billing/plans?plan=basic&interval=month")
      assert.notInclude(textOf(monthly), "Your plan")
      // Whoever had a trial is not offered another one.
      assert.notInclude(textOf(monthly), "free")
    }).pipe(Effect.provide(layerSelling())),
  )

  it.effect("says so when nobody knows the prices, and shows the plans", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serveWithApi())
      yield* signUp(ada, "ada@example.com")
      const { failing } = yield* local
      failing({ rate: 1, seed: 1, kinds: ["before"] })
      for (const path of ["/billing/plans", plans.pro]) {
        const page = yield* ada.open(path)
        assert.strictEqual(page.status, 503, path)
        assert.strictEqual(page.headers.get("retry-after"), "5")
        assert.include(textOf(page), "The payment service cannot be reached, so there are no prices to show.")
        assert.include(textOf(page), "Pro For who needs more".replace("Pro ", path === plans.pro ? "" : "Pro "))
      }
      assert.notMatch((yield* ada.open("/billing/plans")).text, /<button/u)
      failing(undefined)
      assert.include(textOf(yield* ada.open("/billing/plans")), "€12.00 a month")
    }).pipe(Effect.provide(layerSelling())),
  )

  it.effect("is not there for plans that are not sold to the payer, or not so", () =>
    Effect.gen(function* () {
      const ada = yield* founder(yield* serveWithApi())
      for (const path of [
        "/billing/plans?plan=team&interval=month",
        "/billing/plans?plan=none&interval=month",
        "/billing/plans?plan=basic&interval=year",
        "/billing/plans?payer=organization%3Aengines&plan=pro&interval=month",
      ]) {
        assert.strictEqual((yield* ada.open(path)).status, 404, path)
        assert.strictEqual((yield* ada.submit(path, { action: "subscribe" })).status, 404, path)
      }
      assert.strictEqual((yield* ada.submit(plans.pro, { action: "steal" })).status, 400)
    }).pipe(Effect.provide(layerSelling())),
  )
})

describe("subscribing", () => {
  it.effect("leads to the payment service, and twice to the same checkout", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serveWithApi())
      yield* signUp(ada, "ada@example.com")
      const leaving = yield* ada.submit(plans.pro, { action: "subscribe" })
      assert.strictEqual(leaving.status, 200)
      const { seconds, url } = refreshOf(leaving)
      assert.strictEqual(seconds, 0)
      assert.match(url, /^http:\/\/127\.0\.0\.1:\d+\/checkout\/cs_test_/u)
      assert.strictEqual(linkOf(leaving, "Go on"), url)
      assert.strictEqual(refreshOf(yield* ada.submit(plans.pro, { action: "subscribe" })).url, url)
      assert.isEmpty(yield* paid)
    }).pipe(Effect.provide(layerSelling())),
  )

  it.effect("asks people for how many seats, and no fewer than the plan has", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serveWithApi())
      yield* signUp(ada, "ada@example.com")
      assert.strictEqual(linkOf(yield* ada.open("/billing/plans"), "Choose"), plans.desks)
      const page = yield* ada.open(plans.desks)
      assert.match(textOf(page), /^Subscribe to Desks €6\.00 for each seat a month .* at least 2\. Go to payment/u)
      assert.strictEqual(valueOf(page, "seats"), "2")
      for (const [seats, problem] of [
        ["", "Enter how many seats you need"],
        ["many", "Enter a whole number of seats, at most 100,000"],
        ["1.5", "Enter a whole number of seats, at most 100,000"],
        ["-3", "Enter a whole number of seats, at most 100,000"],
        ["100001", "Enter a whole number of seats, at most 100,000"],
        ["1", "Enter 2 seats or more"],
      ] as const) {
        const refused = yield* ada.submit(plans.desks, { action: "subscribe", seats })
        assert.strictEqual(refused.status, 422)
        assert.strictEqual(problemOf(refused, "seats"), problem)
        assert.strictEqual(valueOf(refused, "seats"), seats)
      }
      assert.isEmpty((yield* local).calls.filter(({ path }) => path === "/v1/customers"))
    }).pipe(Effect.provide(layerSelling())),
  )

  it.effect("to a plan of whose group there is one already comes to the page that says what a change is", () =>
    Effect.gen(function* () {
      const ada = yield* subscriber(yield* serveWithApi(), plans.basic)
      const before = (yield* local).calls.length
      const again = yield* ada.submit(plans.pro, { action: "subscribe" })
      assert.deepStrictEqual([again.status, again.location], [303, plans.pro])
      const writes = (yield* local).calls.slice(before).filter(({ method }) => method !== "GET")
      assert.isEmpty(writes)
      const eve = browser(yield* serveWithApi())
      yield* signUp(eve, "eve@example.com")
      assert.strictEqual((yield* eve.submit(plans.pro, { action: "now" })).location, plans.pro)
    }).pipe(Effect.provide(layerSelling())),
  )

  it.effect("is confirmed at the payment service where it turns out that there is something to change", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serveWithApi())
      yield* signUp(ada, "ada@example.com")
      yield* ada.submit(plans.basic, { action: "subscribe" })
      const { write } = yield* StripeClient
      const { objects } = yield* local
      const { customers, prices } = objects()
      const customer = Object.keys(customers)[0] ?? ""
      const price = Object.values(prices).find(({ lookup_key }) => lookup_key === "storage_month")?.id ?? ""
      yield* write("cardOfDashboard", (stripe) =>
        stripe.customers.update(customer, { invoice_settings: { default_payment_method: "pm_card_visa" } }),
      )
      // What a dashboard does is not known here before its webhook comes.
      yield* write("subscribeAtDashboard", (stripe) => stripe.subscriptions.create({ customer, items: [{ price }] }))
      const leaving = yield* ada.submit(plans.pro, { action: "subscribe" })
      assert.match(refreshOf(leaving).url, /\/portal\/bps_/u)
      assert.deepStrictEqual(yield* paid, [{ status: "active", items: ["1 storage_month"] }])
    }).pipe(Effect.provide(layerSelling())),
  )

  it.effect("needs a confirmed address where the host says so", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serveWithApi())
      yield* signUp(ada, "ada@example.com")
      const { users } = yield* MemoryTables
      // As an import of users leaves them: the pages themselves let nobody in without.
      for (const [id, user] of users) users.set(id, { ...user, emailVerifiedAt: null })
      const page = yield* ada.submit(plans.pro, { action: "subscribe" })
      assert.strictEqual(page.status, 403)
      assert.include(textOf(page), "Confirm your e-mail address first: your account page can send you a link")
    }).pipe(Effect.provide(layerSelling({ settings: { requiresVerifiedEmail: true } }))),
  )

  it.effect("promises a trial to those alone who would get one", () =>
    Effect.gen(function* () {
      const site = yield* serveWithApi()
      const ada = yield* subscriber(site, plans.pro)
      yield* ada.submit(linkOf(yield* ada.open("/billing"), "End subscription"), { when: "now" })
      const eve = browser(site)
      yield* signUp(eve, "eve@example.com")
      for (const path of ["/billing/plans", plans.pro]) {
        assert.notInclude(textOf(yield* ada.open(path)), "free", path)
        assert.include(textOf(yield* eve.open(path)), "The first 14 days are free.", path)
      }
    }).pipe(Effect.provide(layerSelling())),
  )

  it.effect("promises none where the host gives none", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serveWithApi())
      yield* signUp(ada, "ada@example.com")
      for (const path of ["/billing/plans", plans.pro]) assert.notInclude(textOf(yield* ada.open(path)), "free", path)
    }).pipe(Effect.provide(layerSelling({ hooks: { mayTry: () => Effect.succeed(false) } }))),
  )
})

describe("a change of plan", () => {
  it.effect("now says what it costs now and then, and is done", () =>
    Effect.gen(function* () {
      const ada = yield* subscriber(yield* serveWithApi(), plans.basic)
      const page = textOf(yield* ada.open(plans.pro))
      assert.include(page, "Change to Pro, by the month At present: Basic, €5.00 a month. Then: Pro, €12.00 a month.")
      assert.include(page, "The difference for the rest of the period is charged now. Change now")
      assert.include(page, "Everything stays as it is until February 1, 1970. Nothing is charged before.")
      assert.include(
        textOf(yield* ada.open(plans.proByYear)),
        "A new period begins at once. It is charged now, less what is left of the present one.",
      )
      const changed = yield* ada.submit(plans.pro, { action: "now" })
      assert.strictEqual(changed.location, "/billing?done=plan-changed")
      assert.deepStrictEqual(yield* paid, [{ status: "active", items: ["1 pro_month"] }])
      const next = yield* ada.open("/billing?done=plan-changed")
      assert.include(textOf(next), "Your plan was changed. Pro Active €12.00 a month Renews on")
      const same = yield* ada.submit(plans.pro, { action: "now" })
      assert.strictEqual(same.status, 409)
      assert.include(textOf(same), "This is your plan already")
    }).pipe(Effect.provide(layerSelling())),
  )

  it.effect("that the bank refuses changes nothing", () =>
    Effect.gen(function* () {
      const ada = yield* subscriber(yield* serveWithApi(), plans.basic)
      const { submitPortal } = yield* local
      const portal = refreshOf(yield* ada.submit("/billing", { action: "card" })).url
      yield* submitPortal(portal, { card: LocalStripe.cards.failsLater })
      const declined = yield* ada.submit(plans.pro, { action: "now" })
      assert.strictEqual(declined.status, 402)
      assert.include(textOf(declined), "The bank refused the payment, so nothing was changed.")
      assert.include(textOf(declined), "Change to Pro, by the month At present: Basic, €5.00 a month.")
      assert.deepStrictEqual(yield* paid, [{ status: "active", items: ["1 storage_month"] }])
    }).pipe(Effect.provide(layerSelling())),
  )

  it.effect("says what was to come and does not, where something was to come", () =>
    Effect.gen(function* () {
      const ada = yield* subscriber(yield* serveWithApi(), plans.basic)
      yield* ada.submit(plans.proByYear, { action: "period-end" })
      const scheduled = textOf(yield* ada.open(plans.pro))
      assert.include(scheduled, "On February 1, 1970 it was to change to Pro, by the year. That is not done then.")
      yield* ada.submit(plans.pro, { action: "period-end" })
      assert.include(textOf(yield* ada.open("/billing")), "it changes to Pro, by the month.")
      yield* ada.submit(linkOf(yield* ada.open("/billing"), "End subscription"), { when: "period-end" })
      const ending = textOf(yield* ada.open(plans.pro))
      assert.include(ending, "It is to end on February 1, 1970. Whatever you choose here, it goes on.")
      yield* ada.submit(plans.pro, { action: "now" })
      assert.include(textOf(yield* ada.open("/billing")), "Pro Active €12.00 a month Renews on")
    }).pipe(Effect.provide(layerSelling())),
  )

  it.effect("is refused while a payment is missing", () =>
    Effect.gen(function* () {
      const ada = yield* subscriber(yield* serveWithApi(), plans.pro, {}, LocalStripe.cards.failsLater)
      const { advance } = yield* local
      yield* advance("14 days")
      yield* advance("2 hours")
      yield* TestBilling.settle
      const refused = yield* ada.submit(plans.basic, { action: "now" })
      assert.strictEqual(refused.status, 409)
      assert.include(textOf(refused), "A payment is missing. Pay it, or use another card, then change the plan")
    }).pipe(Effect.provide(layerSelling())),
  )

  it.effect("of seats alone is one, too", () =>
    Effect.gen(function* () {
      const ada = yield* subscriber(yield* serveWithApi(), plans.desks, { seats: "3" })
      assert.include(textOf(yield* ada.open("/billing")), "Desks Active €18.00 a month, 3 seats Renews on")
      const page = yield* ada.open("/billing/plans?group=desks")
      assert.include(textOf(page), "Your plan Change seats")
      const seats = yield* ada.open(linkOf(page, "Change seats"))
      assert.match(textOf(seats), /^Change the seats of Desks At present: Desks, 3 seats, €18\.00 a month\. Seats/u)
      assert.include(textOf(seats), "The rest of the period costs nothing more. The next one has the new price.")
      assert.strictEqual(valueOf(seats, "seats"), "3")
      const changed = yield* ada.submit(plans.desks, { action: "now", seats: "5" })
      assert.strictEqual(changed.location, "/billing?done=seats-changed")
      assert.include(textOf(yield* ada.open("/billing")), "€30.00 a month, 5 seats")
    }).pipe(Effect.provide(layerSelling())),
  )

  it.effect("of an organization counts its members", () =>
    Effect.gen(function* () {
      const ada = yield* payingFounder(yield* serveWithApi())
      assert.deepStrictEqual(yield* paid, [{ status: "active", items: ["1 team_month", "1 seat_month"] }])
      const page = yield* ada.open("/billing/plans?payer=organization%3Aengines")
      assert.strictEqual(
        textOf(page),
        "Plans For Analytical Engines Team €20.00 a month, and €8.00 for each seat Sso Members: as many as you like Your plan Back to billing",
      )
      assert.strictEqual(linkOf(page, "Back to billing"), enginesBilling)
    }).pipe(Effect.provide(layerSelling())),
  )
})
