/**
 * Invoices, read from the provider when they are asked for.
 *
 * @since 0.1.0
 */
import type { Actor } from "@belfry/organization/Membership"
import type { Page } from "@belfry/organization/Page"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Base64Url from "effect/encoding/Base64Url"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import { BillingAccess } from "./BillingAccess.ts"
import { BillingProvider } from "./BillingProvider.ts"
import type { BillingProviderError } from "./BillingProviderError.ts"
import { Customers } from "./Customers.ts"
import * as Changes from "./internal/changes.ts"
import type { Invoice } from "./Invoice.ts"
import type { PayerRef } from "./Payer.ts"
import type { BillingDenied } from "./Upgrades.ts"

/**
 * Invoices.
 *
 * @category services
 * @since 0.1.0
 */
export class Invoices extends Context.Service<
  Invoices,
  {
    /** Newest first, none for who has paid nothing. */
    readonly list: (
      actor: Actor,
      payer: PayerRef,
      options?: { readonly cursor?: string | undefined; readonly limit?: number | undefined },
    ) => Effect.Effect<Page<Invoice>, BillingDenied | BillingProviderError>
  }
>()("@belfry/billing/Invoices") {}

/**
 * Makes the service.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const access = yield* BillingAccess
  const changes = yield* Changes.make
  const customers = yield* Customers
  const provider = yield* BillingProvider

  return Invoices.of({
    list: Effect.fn("Invoices.list")(function* (actor, ref, { cursor, limit: wanted } = {}) {
      const payer = yield* access.require(actor, ref, "invoices.list")
      const customer = yield* customers.find(payer)
      const customerId = Option.getOrNull(customer)?.providerId ?? null
      const after = cursor === undefined ? null : placeOf(cursor)
      if (customerId === null || after === undefined) return { items: [], cursor: null }
      yield* changes.countRead(actor)
      const limit = Math.min(Math.max(Math.trunc(wanted ?? 50) || 1, 1), 100)
      // One more tells whether there is a page after this one. A place that the provider does not know has none.
      const found = yield* provider.listInvoices(customerId, { limit: limit + 1, after }).pipe(
        Effect.catchIf(
          ({ reason, code }) => after !== null && reason === "refused" && code === "resource_missing",
          () => Effect.succeed([]),
        ),
      )
      const items = found.slice(0, limit)
      const last = items.at(-1)
      return { items, cursor: found.length > limit && last !== undefined ? Base64Url.encode(last.id) : null }
    }),
  })
})

/**
 * Layer of the service.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = Layer.effect(Invoices, make)

// internal

/** The invoice that a cursor names; undefined: it is none of ours. */
const placeOf = (cursor: string): string | undefined => {
  const text = cursor.length > 400 ? undefined : Result.getOrUndefined(Base64Url.decodeString(cursor))
  return text !== undefined && /^in_\w{1,250}$/u.test(text) ? text : undefined
}
