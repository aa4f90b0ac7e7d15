/**
 * The page with the invoices of a payer.
 *
 * @since 0.1.0
 */
import { Invoices } from "@belfry/billing/Invoices"
import * as Effect from "effect/Effect"
import { away } from "./billingRefusals.ts"
import { makeBillingVisits } from "./billingVisits.ts"
import { partOf } from "./organizationVisits.ts"
import { PageKit } from "./PageKit.ts"
import { get } from "./visit.ts"
import { billingInvoicesPage } from "./views/billingInvoices.ts"

/** How many are on a page. */
const limit = 20

/**
 * Adds the page.
 *
 * @category routes
 * @since 0.1.0
 */
export const routes = Effect.gen(function* () {
  const { paths } = yield* PageKit
  const invoices = yield* Invoices
  const visits = yield* makeBillingVisits

  yield* get(
    paths.billingInvoices,
    Effect.fnUntraced(function* (visit) {
      const { actor, ref, ...frame } = yield* visits.enter(visit)
      const { options, ...part } = partOf(visit)
      const list = yield* invoices.list(actor, ref, { cursor: options.cursor, limit }).pipe(
        Effect.map((page) => ({ list: { ...page, ...part } })),
        Effect.catchTag("BillingProviderError", (error) =>
          Effect.map(away(error), (answer) => ({ ...answer, list: null })),
        ),
      )
      return billingInvoicesPage(visit.words, { ...frame, ...list })
    }),
  )
})
