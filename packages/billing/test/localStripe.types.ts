/**
 * The objects of the local Stripe have every field that the SDK's types require, of a type that they allow. This file
 * is compiled, not run.
 */
import type { State } from "@belfry/testing/LocalStripe"
import type { Stripe } from "stripe"

/** An object as it stands on the wire, where decimals are texts. */
type Wire<T> = T extends Stripe.Decimal
  ? string
  : T extends ReadonlyArray<infer A>
    ? Array<Wire<A>>
    : T extends object
      ? { [K in keyof T]: Wire<T[K]> }
      : T

type Of<Name extends keyof State> = State[Name] extends { [id: string]: infer A } ? A : never

type IsStripes<Local extends Wire<Sdk>, Sdk> = Local

/** Each entry compiles only where the first is a form of the second. */
export interface Objects {
  readonly checkout: IsStripes<Of<"checkouts">, Stripe.Checkout.Session>
  readonly clock: IsStripes<Of<"clocks">, Stripe.TestHelpers.TestClock>
  readonly customer: IsStripes<Omit<Of<"customers">, "deleted">, Omit<Stripe.Customer, "deleted">>
  readonly invoice: IsStripes<Of<"invoices">, Stripe.Invoice>
  readonly portal: IsStripes<Of<"portals">, Stripe.BillingPortal.Session>
  readonly price: IsStripes<Of<"prices">, Stripe.Price>
  readonly product: IsStripes<Of<"products">, Stripe.Product>
  readonly schedule: IsStripes<Of<"schedules">, Stripe.SubscriptionSchedule>
  readonly subscription: IsStripes<Of<"subscriptions">, Stripe.Subscription>
}
