/**
 * HTTP adapter of subscriptions.
 *
 * @since 0.1.0
 */
import { PagePaths } from "@belfry/core/PagePaths"
import { RequestGuard } from "@belfry/core/ProblemApi"
import { clientInfo, cookieSession, rateLimited, seeing, storeUnavailable } from "@belfry/core/RequestHandlers"
import { Sessions } from "@belfry/core/Sessions"
import { Authentication } from "@belfry/core/SessionsApi"
import { Site } from "@belfry/core/Site"
import * as Effect from "effect/Effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { BillingApi } from "./BillingApi.ts"
import { Checkouts } from "./Checkouts.ts"
import { actorOf, conflicted, payerOf, providerFailed } from "./internal/requests.ts"
import { Invoices } from "./Invoices.ts"
import { Portals } from "./Portals.ts"
import { SubscriptionId, SubscriptionNotFound } from "./Subscription.ts"
import { Subscriptions } from "./Subscriptions.ts"
import { Upgrades } from "./Upgrades.ts"

/**
 * The handlers of `SubscriptionsApi`.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = HttpApiBuilder.group(
  BillingApi,
  "subscriptions",
  Effect.fnUntraced(function* (handlers) {
    const upgrades = yield* Upgrades
    const subscriptions = yield* Subscriptions
    const portals = yield* Portals
    const checkouts = yield* Checkouts
    const invoices = yield* Invoices
    const sessions = yield* Sessions
    const site = yield* Site
    const paths = yield* PagePaths

    /** The page of billing of a payer. */
    const pageOf = (payer: string | undefined): string =>
      payer === undefined || payer === "me" ? paths.billing : `${paths.billing}?payer=${encodeURIComponent(payer)}`

    /** Where a checkout that somebody comes back from leads them. */
    const returnOf = (checkout: string, request: Parameters<typeof clientInfo>[0]) =>
      Effect.gen(function* () {
        const signedIn = yield* cookieSession(request, sessions, site)
        const found = yield* checkouts.get({ ...signedIn, client: clientInfo(request) }, checkout)
        if (found.status === "complete") return found.returnUrl
        return found.status === "expired" ? found.cancelUrl : site.url(`${paths.billing}/checkout/${found.id}`)
      }).pipe(
        Effect.catchTags({
          SessionInvalid: () => {
            const back = `/auth/billing/checkouts/${encodeURIComponent(checkout)}/return`
            return Effect.succeed(site.url(paths.signIn, { return_to: back }))
          },
          // What was paid is not lost: the page of billing tells how it stands, now or later.
          CheckoutNotFound: () => Effect.succeed(site.url(paths.billing)),
          BillingProviderError: () => Effect.succeed(site.url(paths.billing)),
          StoreError: () => Effect.succeed(site.url(paths.billing)),
          RateLimited: () => Effect.succeed(site.url(paths.billing)),
          PayerNotFound: () => Effect.succeed(site.url(paths.billing)),
          BillingForbidden: () => Effect.succeed(site.url(paths.billing)),
        }),
      )

    return handlers.handleAll({
      upgrade: ({ payload, request }) =>
        Effect.gen(function* () {
          const actor = yield* actorOf(request)
          const payer = yield* payerOf(payload.payer)
          const page = pageOf(payload.payer)
          const outcome = yield* upgrades.upgrade(actor, {
            payer,
            plan: payload.plan,
            interval: payload.interval ?? "month",
            seats: payload.seats ?? null,
            when: payload.when ?? "now",
            confirm: payload.confirm ?? "portal",
            subscriptionId: yield* subscriptionOf(payload.subscriptionId),
            successUrl: payload.successUrl ?? page,
            cancelUrl: payload.cancelUrl ?? page,
            returnUrl: payload.returnUrl ?? null,
            locale: payload.locale ?? null,
            metadata: payload.metadata ?? {},
          })
          return payload.redirect === true ? seeOther(outcome.url) : outcome
        }).pipe(Effect.catchTags({ ...failures, SubscriptionConflict: conflicted })),
      list: ({ query, request }) =>
        Effect.gen(function* () {
          const [actor, payer] = [yield* actorOf(request), yield* payerOf(query.payer)]
          return { subscriptions: yield* subscriptions.list(actor, payer, { active: query.active === "true" }) }
        }).pipe(Effect.catchTags(ofHere)),
      get: ({ params, query, request }) =>
        Effect.gen(function* () {
          const [actor, payer] = [yield* actorOf(request), yield* payerOf(query.payer)]
          const id = yield* subscriptionOf(params.subscription)
          return yield* id === null ? new SubscriptionNotFound() : subscriptions.get(actor, payer, id)
        }).pipe(Effect.catchTags(ofHere)),
      cancel: ({ payload, request }) =>
        Effect.gen(function* () {
          const [actor, payer] = [yield* actorOf(request), yield* payerOf(payload.payer)]
          const outcome = yield* subscriptions.cancel(actor, {
            payer,
            subscriptionId: yield* subscriptionOf(payload.subscriptionId),
            when: payload.when ?? "period-end",
            confirm: payload.confirm ?? "portal",
            returnUrl: payload.returnUrl ?? pageOf(payload.payer),
            locale: payload.locale ?? null,
          })
          return payload.redirect === true ? seeOther(outcome.url) : outcome
        }).pipe(Effect.catchTags({ ...failures, SubscriptionConflict: conflicted })),
      restore: ({ payload, request }) =>
        Effect.gen(function* () {
          const [actor, payer] = [yield* actorOf(request), yield* payerOf(payload.payer)]
          return yield* subscriptions.restore(actor, payer, yield* subscriptionOf(payload.subscriptionId))
        }).pipe(Effect.catchTags({ ...failures, SubscriptionConflict: conflicted })),
      portal: ({ payload, request }) =>
        Effect.gen(function* () {
          const [actor, payer] = [yield* actorOf(request), yield* payerOf(payload.payer)]
          const url = yield* portals.open(actor, {
            payer,
            part: payload.part ?? "home",
            returnUrl: payload.returnUrl ?? pageOf(payload.payer),
            locale: payload.locale ?? null,
          })
          return payload.redirect === true ? seeOther(url) : { url }
        }).pipe(Effect.catchTags(failures)),
      checkout: ({ params, request }) =>
        Effect.gen(function* () {
          return yield* checkouts.get(yield* actorOf(request), params.checkout)
        }).pipe(Effect.catchTags(failures)),
      invoices: ({ query: { payer: text, ...page }, request }) =>
        Effect.gen(function* () {
          const [actor, payer] = [yield* actorOf(request), yield* payerOf(text)]
          const { items, cursor } = yield* invoices.list(actor, payer, page)
          return { invoices: items, cursor }
        }).pipe(Effect.catchTags(failures)),
      entitlements: ({ query, request }) =>
        Effect.gen(function* () {
          const [actor, payer] = [yield* actorOf(request), yield* payerOf(query.payer)]
          return yield* subscriptions.entitlements(actor, payer)
        }).pipe(Effect.catchTags(ofHere)),
      checkoutReturn: ({ params, request }) => Effect.map(returnOf(params.checkout, request), seeOther),
    })
  }),
).pipe(seeing(Upgrades, Subscriptions, Portals, Checkouts, Invoices, Sessions, Site, RequestGuard, Authentication))

// internal

const ofHere = { StoreError: storeUnavailable, RateLimited: rateLimited }

const failures = { ...ofHere, BillingProviderError: providerFailed }

const seeOther = (url: string) => HttpServerResponse.empty({ status: 303, headers: { location: url } })

/** The subscription that a request names; what has the form of no id has none. */
const subscriptionOf = (text: string | undefined): Effect.Effect<SubscriptionId | null, SubscriptionNotFound> =>
  text === undefined
    ? Effect.succeed(null)
    : Option.match(toSubscriptionId(text), {
        onNone: () => Effect.fail(new SubscriptionNotFound()),
        onSome: (id) => Effect.succeed(id),
      })

const toSubscriptionId = Schema.decodeOption(SubscriptionId)
