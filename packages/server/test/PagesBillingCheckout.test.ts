import { LocalStripe } from "@belfry/testing/LocalStripe"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { checkOut, layerSelling, pathOf, plans, refreshOf } from "./support/PageBilling.ts"
import { browser, serveWithApi, signUp } from "./support/PageBrowser.ts"
import { textOf } from "./support/PageClients.ts"
import { linkOf } from "./support/PageOrganizations.ts"

/** The page that waits for the checkout that somebody comes back from by this path. */
const waitingFor = (path: string) =>
  `/billing/checkout/${/^\/auth\/billing\/checkouts\/([^/]+)\/return/u.exec(path)?.[1] ?? assert.fail(path)}`

/** Has checkouts name a subscription that nobody can see yet. */
const hideSubscriptions = Effect.map(LocalStripe, ({ rewriting }) =>
  rewriting((answer, { path }) => {
    if (path.startsWith("/v1/checkout/sessions/")) answer["subscription"] = "sub_unseen"
  }),
)

const visitor = Effect.gen(function* () {
  const site = yield* serveWithApi()
  const ada = browser(site)
  yield* signUp(ada, "ada@example.com")
  return { site, ada }
})

describe("who comes back from a checkout", () => {
  it.effect("goes on to the bills when it is done, however often they come", () =>
    Effect.gen(function* () {
      const { ada } = yield* visitor
      const back = yield* checkOut(ada, plans.pro)
      for (const path of [back, back, waitingFor(back)]) {
        const page = yield* ada.open(path)
        assert.deepStrictEqual([page.status, pathOf(page.location)], [303, "/billing?done=subscribed"])
      }
    }).pipe(Effect.provide(layerSelling())),
  )

  it.effect("waits on a page that looks again by itself for half a minute, and then leaves it to them", () =>
    Effect.gen(function* () {
      const { ada } = yield* visitor
      yield* hideSubscriptions
      const back = yield* ada.open(yield* checkOut(ada, plans.pro))
      let path = pathOf(back.location)
      const start = path
      for (let looks = 0; looks < 15; looks++) {
        const page = yield* ada.open(path)
        assert.strictEqual(page.status, 200)
        assert.include(textOf(page), "Your subscription is on its way The payment service has taken")
        const { seconds, url } = refreshOf(page)
        assert.strictEqual(seconds, 2)
        assert.strictEqual(url, `${start}?n=${looks + 1}`)
        path = url
      }
      const slow = yield* ada.open(path)
      assert.isNull(slow.headers.get("refresh"))
      assert.include(textOf(slow), "It takes longer than usual. Nothing is lost")
      assert.strictEqual(linkOf(slow, "Look again"), start)
      assert.isNull((yield* ada.open(`${start}?n=many`)).headers.get("refresh"))
      const { rewriting } = yield* LocalStripe
      rewriting(undefined)
      const done = yield* ada.open(start)
      assert.deepStrictEqual([done.status, pathOf(done.location)], [303, "/billing?done=subscribed"])
    }).pipe(Effect.provide(layerSelling())),
  )

  it.effect("looks once a request, whatever comes", () =>
    Effect.gen(function* () {
      const { ada } = yield* visitor
      yield* hideSubscriptions
      const path = waitingFor(yield* checkOut(ada, plans.pro))
      yield* ada.open(path)
      const { calls } = yield* LocalStripe
      const before = calls.length
      yield* ada.open(path)
      const looks = calls.slice(before).filter(({ path }) => path.startsWith("/v1/checkout/sessions/"))
      assert.isAtMost(looks.length, 2)
    }).pipe(Effect.provide(layerSelling())),
  )

  it.effect("without having paid goes on where they were, until it is too late", () =>
    Effect.gen(function* () {
      const { ada } = yield* visitor
      const { url } = refreshOf(yield* ada.submit(plans.pro, { action: "subscribe" }))
      const { objects } = yield* LocalStripe
      const [session] = Object.values(objects().checkouts)
      const path = waitingFor(pathOf(session?.success_url))
      const open = yield* ada.open(path)
      assert.include(textOf(open), "Your checkout is still open Nothing was charged yet. Go on to pay for Pro")
      assert.strictEqual(linkOf(open, "Go on to payment"), url)
      assert.strictEqual(pathOf(linkOf(open, "Choose another plan")), "/billing/plans?group=main&interval=month")
      yield* TestClock.adjust("3 hours")
      const late = yield* ada.open(path)
      assert.deepStrictEqual([late.status, pathOf(late.location)], [303, "/billing/plans?group=main&interval=month"])
    }).pipe(Effect.provide(layerSelling())),
  )

  it.effect("is told that nothing is lost when the payment service does not answer", () =>
    Effect.gen(function* () {
      const { ada } = yield* visitor
      const path = waitingFor(yield* checkOut(ada, plans.pro))
      const { failing } = yield* LocalStripe
      failing({ rate: 1, seed: 1, kinds: ["before"] })
      const page = yield* ada.open(path)
      assert.strictEqual(page.status, 503)
      assert.strictEqual(page.headers.get("retry-after"), "5")
      assert.include(textOf(page), "If you have paid, nothing is lost. Look again in a few seconds.")
      assert.strictEqual(linkOf(page, "Look again"), path)
      failing(undefined)
      assert.strictEqual((yield* ada.open(path)).status, 303)
    }).pipe(Effect.provide(layerSelling())),
  )

  it.effect("as somebody else, or from nowhere, sees nothing", () =>
    Effect.gen(function* () {
      const { ada, site } = yield* visitor
      const path = waitingFor(yield* checkOut(ada, plans.pro))
      const eve = browser(site)
      const asked = yield* eve.open(path)
      assert.strictEqual(asked.location, `/sign-in?return_to=${encodeURIComponent(path)}`)
      yield* signUp(eve, "eve@example.com")
      for (const unseen of [path, "/billing/checkout/1", "/billing/checkout/%20"]) {
        assert.strictEqual((yield* eve.open(unseen)).status, 404, unseen)
      }
    }).pipe(Effect.provide(layerSelling())),
  )
})
