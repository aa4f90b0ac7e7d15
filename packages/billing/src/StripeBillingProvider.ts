/**
 * Stripe takes the money: its calls in the words of this package.
 *
 * @see [Stripe API](https://docs.stripe.com/api)
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type { Stripe } from "stripe"
import { BillingProvider, type PortalFlow } from "./BillingProvider.ts"
import { providerOff } from "./internal/providerOff.ts"
import { checkoutParameters } from "./internal/stripeCheckout.ts"
import { sortedTexts } from "./internal/sortedTexts.ts"
import { declineOf, isMissing } from "./internal/stripeErrors.ts"
import { localeOf } from "./internal/stripeLocales.ts"
import * as Objects from "./internal/stripeObjects.ts"
import { releaseSchedule, scheduleChange } from "./internal/stripeSchedules.ts"
import { updateParameters } from "./internal/stripeSubscriptions.ts"
import { eventTypes, readWebhook, toEnvelope } from "./internal/stripeWebhooks.ts"
import type { PriceRef } from "./Plan.ts"
import type { SubscriptionStatus } from "./ProviderSubscription.ts"
import * as Client from "./StripeClient.ts"

/**
 * The types of events that an endpoint of webhooks at Stripe is to be set up for.
 *
 * @category rules
 * @since 0.1.0
 */
export const webhookTypes: ReadonlyArray<string> = eventTypes

/**
 * Makes the adapter over its client.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const client = yield* Client.StripeClient
  const { read, write } = client

  const findPricesByKey = Effect.fnUntraced(function* (keys: ReadonlyArray<string>) {
    const found = yield* read("findPrices", (stripe) =>
      stripe.prices.list({ lookup_keys: [...keys], limit: 100 }).autoPagingToArray({ limit: maximumListed }),
    )
    return yield* Objects.readPrices("findPrices", found)
  })

  const findPriceById = (id: string) =>
    read("findPrices", (stripe) => stripe.prices.retrieve(id)).pipe(
      Effect.flatMap((answer) => Objects.readPrices("findPrices", [answer])),
      Effect.catchIf(isMissing, () => Effect.succeed([])),
    )

  return BillingProvider.of({
    isEnabled: true,
    isLive: client.isLive,
    createCustomer: Effect.fnUntraced(function* ({ name, email, metadata }, idempotencyKey) {
      const answer = yield* write("createCustomer", (stripe) =>
        stripe.customers.create({ ...textsOf({ name, email }), metadata: sortedTexts(metadata) }, { idempotencyKey }),
      )
      return Objects.toCustomer(yield* Objects.readCustomer("createCustomer", answer))
    }),
    updateCustomer: Effect.fnUntraced(function* (id, { profile, metadata }, idempotencyKey) {
      const answer = yield* write("updateCustomer", (stripe) =>
        stripe.customers.update(
          id,
          {
            ...(profile === undefined ? {} : { name: profile.name ?? "", email: profile.email ?? "" }),
            ...(metadata === undefined ? {} : { metadata: sortedTexts(metadata) }),
          },
          { idempotencyKey },
        ),
      )
      return Objects.toCustomer(yield* Objects.readCustomer("updateCustomer", answer))
    }),
    findCustomer: (id) =>
      read("findCustomer", (stripe) => stripe.customers.retrieve(id)).pipe(
        Effect.flatMap((answer) => Objects.readCustomer("findCustomer", answer)),
        Effect.map((found) => Option.some(Objects.toCustomer(found))),
        Effect.catchIf(isMissing, () => Effect.succeedNone),
      ),
    searchCustomers: Effect.fnUntraced(function* ({ key, value }) {
      const query = `metadata['${quoted(key)}']:'${quoted(value)}'`
      const { data } = yield* read("searchCustomers", (stripe) => stripe.customers.search({ query, limit: 10 }))
      return (yield* Objects.readCustomers("searchCustomers", data)).map(Objects.toCustomer)
    }),
    listCustomersByEmail: Effect.fnUntraced(function* (email) {
      const { data } = yield* read("listCustomers", (stripe) => stripe.customers.list({ email, limit: 10 }))
      return (yield* Objects.readCustomers("listCustomers", data)).map(Objects.toCustomer)
    }),
    findPrices: Effect.fnUntraced(function* (refs) {
      const { ids, keys } = partition(refs)
      const found = yield* Effect.all(
        [Effect.forEach(chunks(keys, 10), findPricesByKey), Effect.forEach(ids, findPriceById, { concurrency: 4 })],
        { concurrency: 2 },
      )
      return found.flat(2).map(Objects.toPrice)
    }),
    createCheckout: Effect.fnUntraced(function* (request, idempotencyKey) {
      const answer = yield* write("createCheckout", (stripe) =>
        stripe.checkout.sessions.create(checkoutParameters(request), { idempotencyKey }),
      )
      return Objects.toCheckout(yield* Objects.readCheckout("createCheckout", answer))
    }),
    findCheckout: (id) =>
      read("findCheckout", (stripe) => stripe.checkout.sessions.retrieve(id)).pipe(
        Effect.flatMap((answer) => Objects.readCheckout("findCheckout", answer)),
        Effect.map((found) => Option.some(Objects.toCheckout(found))),
        Effect.catchIf(isMissing, () => Effect.succeedNone),
      ),
    expireCheckout: Effect.fnUntraced(function* (id) {
      const answer = yield* write("expireCheckout", (stripe) => stripe.checkout.sessions.expire(id)).pipe(
        // Stripe refuses for one that is open no more: what it is then is the answer.
        Effect.catchIf(
          (error) => error.reason === "refused" && !isMissing(error),
          () => read("findCheckout", (stripe) => stripe.checkout.sessions.retrieve(id)),
        ),
      )
      return Objects.toCheckout(yield* Objects.readCheckout("expireCheckout", answer))
    }),
    createPortal: Effect.fnUntraced(function* ({ customerId, flow, returnUrl, locale }) {
      const answer = yield* write("createPortal", (stripe) =>
        stripe.billingPortal.sessions.create({
          customer: customerId,
          return_url: returnUrl,
          ...(locale === null ? {} : { locale: localeOf(locale) }),
          ...(client.portalConfiguration === null ? {} : { configuration: client.portalConfiguration }),
          ...flowOf(flow, returnUrl),
        }),
      )
      return (yield* Objects.readLink("createPortal", answer)).url
    }),
    findSubscription: (id) =>
      Effect.gen(function* () {
        const answer = yield* read("findSubscription", (stripe) =>
          stripe.subscriptions.retrieve(id, { expand: ["schedule", "latest_invoice"] }),
        )
        const found = yield* Objects.readSubscription("findSubscription", answer)
        if (!found.items.has_more) return Option.some(Objects.toSubscription(found))
        const items = yield* read("listItems", (stripe) =>
          stripe.subscriptionItems.list({ subscription: id, limit: 100 }).autoPagingToArray({ limit: maximumListed }),
        )
        return Option.some(Objects.toSubscription(found, yield* Objects.readItems("listItems", items)))
      }).pipe(Effect.catchIf(isMissing, () => Effect.succeedNone)),
    listSubscriptions: Effect.fnUntraced(function* (customer, { ended }) {
      const found = yield* read("listSubscriptions", (stripe) =>
        stripe.subscriptions.list({ customer, status: "all", limit: 100 }).autoPagingToArray({ limit: maximumListed }),
      )
      const known = yield* Objects.readSubscriptionEntries("listSubscriptions", found)
      return known.filter(({ status }) => ended || !ends.has(status)).map(({ id }) => id)
    }),
    updateSubscription: (id, update, idempotencyKey) =>
      write("updateSubscription", (stripe) =>
        stripe.subscriptions.update(id, updateParameters(update), { idempotencyKey }),
      ).pipe(
        Effect.asVoid,
        Effect.mapError((error) => declineOf(error) ?? error),
      ),
    cancelSubscription: (id, idempotencyKey) =>
      write("cancelSubscription", (stripe) =>
        stripe.subscriptions.cancel(id, { invoice_now: false, prorate: false }, { idempotencyKey }),
      ).pipe(
        Effect.asVoid,
        // Stripe finds no subscription to end in one that ended.
        Effect.catchIf(isMissing, () => Effect.void),
      ),
    scheduleChange: (id, change, key) => scheduleChange(client, id, change, key),
    releaseSchedule: (id, key) => releaseSchedule(client, id, key),
    listInvoices: Effect.fnUntraced(function* (customer, { limit, after }) {
      const found: Array<ReturnType<typeof Objects.toInvoice>> = []
      let place = after
      // Drafts count among those that Stripe lists, and are nothing to show.
      while (found.length < limit) {
        const page = yield* read("listInvoices", (stripe) =>
          stripe.invoices.list({
            customer,
            limit: Math.min(limit, 100),
            ...(place === null ? {} : { starting_after: place }),
          }),
        )
        const invoices = (yield* Objects.readInvoices("listInvoices", page.data)).map(Objects.toInvoice)
        found.push(...invoices.filter(({ status }) => status !== "draft"))
        place = invoices.at(-1)?.id ?? null
        if (!page.has_more || place === null) break
      }
      return found.slice(0, limit)
    }),
    listEvents: Effect.fnUntraced(function* (since) {
      const found = yield* read("listEvents", (stripe) =>
        stripe.events
          .list({
            created: { gte: Math.floor(since.epochMilliseconds / 1000) },
            types: [...eventTypes],
            limit: 100,
          })
          .autoPagingToArray({ limit: maximumListed }),
      )
      // Stripe lists the newest first: the oldest of all are those to begin with.
      return found
        .toReversed()
        .slice(0, 1000)
        .flatMap((event) => Option.toArray(toEnvelope(event)))
    }),
    readWebhook: (request) => readWebhook(client, request),
  })
})

/**
 * Layer of the adapter.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = Layer.effect(BillingProvider, make)

/**
 * Nobody takes money: nothing is sold, and whoever asks all the same is told that it is not set up.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerOff = Layer.succeed(BillingProvider, providerOff)

// internal

/** How subscriptions stand that are over for good. */
const ends: ReadonlySet<string> = new Set<SubscriptionStatus>(["canceled", "incomplete_expired"])

/** More than any customer has; a list that is longer is not read to its end. */
const maximumListed = 10_000

const textsOf = (profile: { readonly name: string | null; readonly email: string | null }) => ({
  ...(profile.name === null ? {} : { name: profile.name }),
  ...(profile.email === null ? {} : { email: profile.email }),
})

/** Text within quotes of Stripe's language of searches. */
const quoted = (text: string): string => text.replaceAll(/[\\']/gu, String.raw`\$&`)

const partition = (refs: ReadonlyArray<PriceRef>) => ({
  ids: [...new Set(refs.flatMap((ref) => ("id" in ref ? [ref.id] : [])))],
  keys: [...new Set(refs.flatMap((ref) => ("lookupKey" in ref ? [ref.lookupKey] : [])))],
})

const chunks = <A>(items: ReadonlyArray<A>, size: number): ReadonlyArray<ReadonlyArray<A>> =>
  items.length === 0 ? [] : [items.slice(0, size), ...chunks(items.slice(size), size)]

const flowOf = (flow: PortalFlow, returnUrl: string): Pick<Stripe.BillingPortal.SessionCreateParams, "flow_data"> => {
  const afterwards = { after_completion: { type: "redirect", redirect: { return_url: returnUrl } } } as const
  switch (flow._tag) {
    case "Home":
      return {}
    case "PaymentMethod":
      return { flow_data: { type: "payment_method_update", ...afterwards } }
    case "Cancel":
      return {
        flow_data: {
          type: "subscription_cancel",
          subscription_cancel: { subscription: flow.subscriptionId },
          ...afterwards,
        },
      }
    case "Update": {
      const { priceId, quantity } = flow.item
      const item = quantity === null ? { price: priceId } : { price: priceId, quantity }
      return {
        flow_data: {
          type: "subscription_update_confirm",
          subscription_update_confirm: { subscription: flow.subscriptionId, items: [{ id: flow.itemId, ...item }] },
          ...afterwards,
        },
      }
    }
  }
}
