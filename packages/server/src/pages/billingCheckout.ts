/**
 * Where people wait who come back from a checkout: the page looks once a request, and again by itself for 30 seconds.
 *
 * @since 0.1.0
 */
import { Checkouts } from "@belfry/billing/Checkouts"
import { Plans } from "@belfry/billing/Plans"
import * as Effect from "effect/Effect"
import { away } from "./billingRefusals.ts"
import { makeOrganizationVisits } from "./organizationVisits.ts"
import { PageKit } from "./PageKit.ts"
import { withQuery } from "./query.ts"
import { get } from "./visit.ts"
import { finalizingPage, openCheckoutPage, unknownCheckoutPage } from "./views/billingCheckout.ts"
import { planTitle, planTitlesOf } from "./views/billingParts.ts"

/** How often the page looks by itself. */
const maximumLooks = 15

/**
 * Adds the page.
 *
 * @category routes
 * @since 0.1.0
 */
export const routes = Effect.gen(function* () {
  const { paths } = yield* PageKit
  const checkouts = yield* Checkouts
  const plans = yield* Plans
  const visits = yield* makeOrganizationVisits
  const overview = paths.billing

  yield* get(
    `${paths.checkout}/:checkout`,
    Effect.fnUntraced(function* (visit) {
      const { words } = visit
      const actor = yield* visits.actor(visit)
      const id = visit.param("checkout") ?? ""
      const at = `${paths.checkout}/${encodeURIComponent(id)}`
      const found = yield* checkouts
        .get(actor, id)
        .pipe(
          Effect.catchTag("BillingProviderError", (error) =>
            Effect.map(away(error), (answer) => unknownCheckoutPage(words, { ...answer, again: at, overview })),
          ),
        )
      if ("main" in found) return found
      const { cancelUrl, plan, returnUrl, status, url } = found
      switch (status) {
        case "complete":
          return returnUrl
        case "expired":
          return cancelUrl
        case "open":
          return openCheckoutPage(words, {
            plan: planTitle(words, planTitlesOf(yield* plans.all), plan),
            plans: cancelUrl,
            url,
          })
        case "finalizing": {
          const looks = looksOf(visit.query("n"))
          const isSlow = looks >= maximumLooks
          return finalizingPage(words, {
            again: isSlow ? at : withQuery(at, { n: String(looks + 1) }),
            isSlow,
            overview,
          })
        }
      }
    }),
  )
})

// internal

/** How often the page has looked; whatever else stands there is as good as often enough. */
const looksOf = (text: string | undefined): number =>
  text === undefined ? 0 : /^\d{1,2}$/u.test(text) ? Number(text) : maximumLooks
