/**
 * Every call that people make of billing, by the services and over HTTP, and what comes of it in a word.
 */
import { type BillingAction, billingActions } from "@belfry/billing/BillingActions"
import { Checkouts } from "@belfry/billing/Checkouts"
import { Invoices } from "@belfry/billing/Invoices"
import type { PayerRef } from "@belfry/billing/Payer"
import { Portals } from "@belfry/billing/Portals"
import type { SubscriptionId } from "@belfry/billing/Subscription"
import { Subscriptions } from "@belfry/billing/Subscriptions"
import { Upgrades } from "@belfry/billing/Upgrades"
import type { Actor } from "@belfry/organization/Membership"
import * as TestBilling from "@belfry/testing/TestBilling"
import type { TestResponse } from "@belfry/testing/TestHttp"
import { assert } from "@effect/vitest"
import { Effect, type Redacted, type Schema } from "effect"
import type { serve, Services } from "./HostServer.ts"

/** A payer that has a subscription and an open checkout, as calls name them. */
export interface Paying {
  readonly ref: PayerRef
  readonly text: string
  readonly subscriptionId: SubscriptionId
  readonly checkoutId: string
}

interface Call {
  readonly service: (actor: Actor, paying: Paying) => Effect.Effect<unknown, { readonly _tag: string }, Services>
  readonly http: (paying: Paying) => readonly [method: string, path: string, json?: Schema.Json]
}

const page = { returnUrl: "/billing", locale: null }

/** How each call is made, so that it can be made again and again. */
const calls: Readonly<Record<BillingAction, Call>> = {
  "subscriptions.list": {
    service: (actor, { ref }) => Subscriptions.use((subscriptions) => subscriptions.list(actor, ref)),
    http: ({ text }) => ["GET", `/subscriptions?payer=${text}`],
  },
  "subscriptions.get": {
    service: (actor, { ref, subscriptionId }) =>
      Subscriptions.use((subscriptions) => subscriptions.get(actor, ref, subscriptionId)),
    http: ({ subscriptionId, text }) => ["GET", `/subscriptions/${subscriptionId}?payer=${text}`],
  },
  "invoices.list": {
    service: (actor, { ref }) => Invoices.use((invoices) => invoices.list(actor, ref)),
    http: ({ text }) => ["GET", `/invoices?payer=${text}`],
  },
  "entitlements.get": {
    service: (actor, { ref }) => Subscriptions.use((subscriptions) => subscriptions.entitlements(actor, ref)),
    http: ({ text }) => ["GET", `/entitlements?payer=${text}`],
  },
  "checkouts.get": {
    service: (actor, { checkoutId }) => Checkouts.use((checkouts) => checkouts.get(actor, checkoutId)),
    http: ({ checkoutId }) => ["GET", `/checkouts/${checkoutId}`],
  },
  "upgrades.upgrade": {
    service: (actor, { ref }) =>
      Upgrades.use((upgrades) => upgrades.upgrade(actor, TestBilling.wish({ plan: "storage", payer: ref }))),
    http: ({ text }) => ["POST", "/upgrade", { plan: "storage", payer: text }],
  },
  "subscriptions.cancel": {
    service: (actor, { ref, subscriptionId }) =>
      Subscriptions.use((subscriptions) =>
        subscriptions.cancel(actor, { payer: ref, subscriptionId, when: "period-end", confirm: "portal", ...page }),
      ),
    http: ({ subscriptionId, text }) => ["POST", "/cancel", { subscriptionId, payer: text }],
  },
  "subscriptions.restore": {
    service: (actor, { ref, subscriptionId }) =>
      Subscriptions.use((subscriptions) => subscriptions.restore(actor, ref, subscriptionId)),
    http: ({ subscriptionId, text }) => ["POST", "/restore", { subscriptionId, payer: text }],
  },
  "portals.open": {
    service: (actor, { ref }) => Portals.use((portals) => portals.open(actor, { payer: ref, part: "home", ...page })),
    http: ({ text }) => ["POST", "/portal", { payer: text }],
  },
}

/** The names of all of them. */
export const names = Object.keys(calls).filter((name): name is BillingAction => name in billingActions)

/** What comes of a call, in a word. A subscription that does not end cannot be restored: whoever hears that may. */
const wordFor = (tag: string, field: (name: string) => unknown): string => {
  if (tag === "SubscriptionConflict" && field("reason") === "not-canceling") return "done"
  if (tag === "PayerNotFound" || tag === "CheckoutNotFound") return "none"
  return tag === "BillingForbidden" ? `${String(field("reason"))}: ${String(field("permission"))}` : tag
}

/** What comes of a call of the services. */
export const byService = (name: BillingAction, actor: Actor, paying: Paying) =>
  Effect.match(calls[name].service(actor, paying), {
    onSuccess: () => "done",
    onFailure: (error) => wordFor(error._tag, (field) => Reflect.get(error, field)),
  })

const statuses: Readonly<Record<string, number>> = {
  PayerNotFound: 404,
  CheckoutNotFound: 404,
  BillingForbidden: 403,
  SubscriptionConflict: 409,
}

const inWords = (response: TestResponse): string => {
  if (response.status < 300) return "done"
  const { json } = response
  const field = (name: string): unknown =>
    typeof json === "object" && json !== null ? Reflect.get(json, name) : assert.fail(response.text)
  const tag = String(field("_tag"))
  assert.strictEqual(response.status, statuses[tag], response.text)
  return wordFor(tag, field)
}

/** Asks in both ways, and expects the same of both. */
export const assertOutcome = Effect.fnUntraced(function* (
  as: Effect.Success<typeof serve>,
  name: BillingAction,
  someone: { readonly actor: Actor; readonly token: Redacted.Redacted },
  paying: Paying,
  { expected, who }: { readonly expected: string; readonly who: string },
) {
  // Whoever may not see a checkout learns nothing of it.
  const outcome = name === "checkouts.get" && expected !== "done" ? "none" : expected
  assert.strictEqual(yield* byService(name, someone.actor, paying), outcome, `${who} at ${name}, service`)
  const [method, path, json] = calls[name].http(paying)
  const response = yield* as(someone.token)(method, `/auth/billing${path}`, json)
  assert.strictEqual(inWords(response), outcome, `${who} at ${name}, HTTP`)
})
