/**
 * The provider's portal: cards, addresses, invoices, as the provider shows them.
 *
 * @since 0.1.0
 */
import type { RedirectRefused } from "@belfry/core/RedirectTarget"
import type { Actor } from "@belfry/organization/Membership"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { CustomerNotFound } from "./BillingCustomer.ts"
import { BillingProvider } from "./BillingProvider.ts"
import type { BillingProviderError } from "./BillingProviderError.ts"
import { Customers } from "./Customers.ts"
import * as Changes from "./internal/changes.ts"
import type { PayerRef } from "./Payer.ts"
import type { BillingDenied } from "./Upgrades.ts"

/**
 * The provider's portal.
 *
 * @category services
 * @since 0.1.0
 */
export class Portals extends Context.Service<
  Portals,
  {
    /** Its address for a payer, good for a few minutes: the whole of it, or the part where a card is changed. */
    readonly open: (
      actor: Actor,
      request: {
        readonly payer: PayerRef
        readonly returnUrl: string
        readonly locale: string | null
        readonly part: "home" | "payment-method"
      },
    ) => Effect.Effect<string, BillingDenied | CustomerNotFound | RedirectRefused | BillingProviderError>
  }
>()("@belfry/billing/Portals") {}

/**
 * Makes the service.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const changes = yield* Changes.make
  const customers = yield* Customers
  const provider = yield* BillingProvider

  return Portals.of({
    open: Effect.fn("Portals.open")(function* (actor, { payer: ref, part, locale, ...request }) {
      const payer = yield* changes.mayChange(actor, ref, { action: "portals.open", audits: "billing.portal" })
      const returnUrl = yield* changes.targetOf(request.returnUrl)
      const customer = yield* customers.find(payer)
      const customerId = Option.getOrNull(customer)?.providerId ?? null
      if (customerId === null) return yield* new CustomerNotFound()
      const flow = { _tag: part === "home" ? ("Home" as const) : ("PaymentMethod" as const) }
      const url = yield* provider.createPortal({ customerId, flow, returnUrl, locale })
      yield* changes.did(actor, payer, { type: "billing.portal", data: { part } })
      return url
    }),
  })
})

/**
 * Layer of the service.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = Layer.effect(Portals, make)
