/**
 * The SDK, pointed at a local Stripe.
 */
import * as LocalStripe from "@belfry/testing/LocalStripe"
import { Effect, Option, type Scope } from "effect"
import { Stripe } from "stripe"

/** The SDK as a test uses it: no retries of its own. */
export const sdkOf = (
  local: Pick<LocalStripe.LocalStripe["Service"], "url" | "secretKey">,
  options: { readonly secretKey?: string; readonly timeout?: number } = {},
): Stripe => {
  const { hostname, port } = new URL(local.url)
  return new Stripe(options.secretKey ?? local.secretKey, {
    host: hostname,
    port,
    protocol: "http",
    maxNetworkRetries: 0,
    telemetry: false,
    timeout: options.timeout ?? 5000,
  })
}

/** Starts a local Stripe, and opens the SDK on it. The clock is the test's. */
export const start = (
  options: LocalStripe.Options = {},
): Effect.Effect<{ readonly local: LocalStripe.LocalStripe["Service"]; readonly stripe: Stripe }, never, Scope.Scope> =>
  Effect.map(LocalStripe.make(options), (local) => ({ local, stripe: sdkOf(local) }))

/** What a call answers. */
export const ask = <A>(call: () => Promise<A>): Effect.Effect<A> => Effect.promise(call)

/** The failure of a call that must fail. */
export const refusalOf = (
  call: () => Promise<unknown>,
): Effect.Effect<InstanceType<typeof Stripe.errors.StripeError>> =>
  Effect.flatMap(
    Effect.promise(() => call().then(Option.none, Option.some)),
    Option.match({
      onNone: () => Effect.die(new Error("Expected a refusal")),
      onSome: (error: unknown) =>
        error instanceof Stripe.errors.StripeError ? Effect.succeed(error) : Effect.die(error),
    }),
  )

/** A price of this many cents. */
export const priceOf = (
  stripe: Stripe,
  lookupKey: string,
  amount: number,
  interval: "day" | "week" | "month" | "year" = "month",
): Effect.Effect<Stripe.Price> =>
  ask(() =>
    stripe.prices.create({
      currency: "eur",
      unit_amount: amount,
      recurring: { interval },
      lookup_key: lookupKey,
      product_data: { name: lookupKey },
    }),
  )

/** A customer whose card pays, or one of Stripe's other cards. */
export const customerOf = (stripe: Stripe, card: string | null = "pm_card_visa"): Effect.Effect<Stripe.Customer> =>
  ask(() =>
    stripe.customers.create(
      card === null
        ? { email: "ada@example.com" }
        : { email: "ada@example.com", payment_method: card, invoice_settings: { default_payment_method: card } },
    ),
  )

/** The types of all events so far, from one on. */
export const typesFrom = (local: LocalStripe.LocalStripe["Service"], from = 0): ReadonlyArray<string> =>
  local.events.slice(from).map(({ type }) => type)

/** Seconds of a day. */
export const day = 86_400
