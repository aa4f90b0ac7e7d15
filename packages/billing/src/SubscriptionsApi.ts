/**
 * HTTP contract of subscriptions: buying, changing, ending, restoring, and what comes of it.
 *
 * @since 0.1.0
 */
import { asProblem, limited } from "@belfry/core/ProblemApi"
import { RedirectRefused } from "@belfry/core/RedirectTarget"
import { Authentication } from "@belfry/core/SessionsApi"
import { pageQuery } from "@belfry/organization/Page"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Schema from "effect/Schema"
import { CustomerNotFound } from "./BillingCustomer.ts"
import { PaymentDeclined } from "./BillingProviderError.ts"
import { EntitlementsView } from "./Entitlement.ts"
import { Invoice } from "./Invoice.ts"
import { CheckoutNotFound, CheckoutView, EmailUnverified, UpgradeOutcome } from "./Operation.ts"
import { PayerText } from "./Payer.ts"
import { BillingInterval } from "./Plan.ts"
import { problems } from "./PlansApi.ts"
import { Subscription, SubscriptionConflict, SubscriptionNotFound } from "./Subscription.ts"

const target = Schema.String.check(Schema.isMaxLength(2048))
const payer = Schema.optionalKey(PayerText)
const locale = Schema.optionalKey(Schema.String.check(Schema.isPattern(/^[a-z]{2,3}(-[A-Za-z0-9]{2,4})?$/u)))
const redirect = Schema.optionalKey(Schema.Boolean)
const subscriptionId = Schema.optionalKey(Schema.String.check(Schema.isMaxLength(64)))
const confirm = Schema.optionalKey(Schema.Literals(["portal", "service"]))

/**
 * What somebody wants to subscribe to.
 *
 * **Details**
 *
 * Left out: `payer` is the caller, `interval` month, `when` now, `confirm` portal, `successUrl` and `returnUrl` the
 * pages of billing. With `redirect` the answer is a 303 to `url`. `seats` counts for users alone.
 *
 * @category models
 * @since 0.1.0
 */
export const UpgradeRequest = Schema.Struct({
  payer,
  plan: Schema.String.check(Schema.isMaxLength(63)),
  interval: Schema.optionalKey(BillingInterval),
  seats: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 100_000 }))),
  subscriptionId,
  when: Schema.optionalKey(Schema.Literals(["now", "period-end"])),
  confirm,
  successUrl: Schema.optionalKey(target),
  cancelUrl: Schema.optionalKey(target),
  returnUrl: Schema.optionalKey(target),
  locale,
  metadata: Schema.optionalKey(
    Schema.Record(
      Schema.String.check(Schema.isPattern(/^(?!belfry_)[\x21-\x7E]{1,40}$/u)),
      Schema.String.check(Schema.isMaxLength(500)),
    ).check(Schema.isMaxProperties(20)),
  ),
  redirect,
}).annotate({ identifier: "UpgradeRequest" })

const ofPayer = [problems.payerNotFound, problems.forbidden, limited] as const
const ofProvider = [problems.unavailable, problems.failed] as const
const subscriptionNotFound = SubscriptionNotFound.pipe(asProblem({ status: 404, title: "Not Found" }))
const conflict = SubscriptionConflict.pipe(asProblem({ status: 409, title: "Conflict" }))
const declined = PaymentDeclined.pipe(asProblem({ status: 402, title: "Payment Required" }))
const redirectRefused = RedirectRefused.pipe(asProblem({ status: 422, title: "Unprocessable Content" }))
const customerNotFound = CustomerNotFound.pipe(asProblem({ status: 404, title: "Not Found" }))
const checkoutNotFound = CheckoutNotFound.pipe(asProblem({ status: 404, title: "Not Found" }))
const emailUnverified = EmailUnverified.pipe(asProblem({ status: 403, title: "Forbidden" }))

/**
 * The endpoints of subscriptions. `payer`: `me`, `organization:<id or slug>`, `team:<id or slug>/<team id>`.
 *
 * @category api
 * @since 0.1.0
 */
export class SubscriptionsApi extends HttpApiGroup.make("subscriptions")
  .add(
    HttpApiEndpoint.post("upgrade", "/billing/upgrade", {
      payload: UpgradeRequest,
      success: [UpgradeOutcome, HttpApiSchema.Empty(303)],
      error: [
        ...ofPayer,
        ...ofProvider,
        emailUnverified,
        problems.planNotFound,
        subscriptionNotFound,
        conflict,
        declined,
        redirectRefused,
      ],
    }).annotate(OpenApi.Summary, "Subscribes to a plan, or changes to it; the same asked twice is one checkout"),
    HttpApiEndpoint.get("list", "/billing/subscriptions", {
      query: { payer, active: Schema.optionalKey(Schema.Literals(["true", "false"])) },
      success: Schema.Struct({ subscriptions: Schema.Array(Subscription) }),
      error: ofPayer,
    }).annotate(OpenApi.Summary, "The subscriptions of a payer, in every state, newest first"),
    HttpApiEndpoint.get("get", "/billing/subscriptions/:subscription", {
      params: { subscription: Schema.String },
      query: { payer },
      success: Subscription,
      error: [...ofPayer, subscriptionNotFound],
    }).annotate(OpenApi.Summary, "One subscription of a payer"),
    HttpApiEndpoint.post("cancel", "/billing/cancel", {
      payload: Schema.Struct({
        payer,
        subscriptionId,
        when: Schema.optionalKey(Schema.Literals(["period-end", "now"])),
        confirm,
        returnUrl: Schema.optionalKey(target),
        locale,
        redirect,
      }),
      success: [
        Schema.Struct({
          kind: Schema.Literals(["portal", "canceled"]),
          url: Schema.String,
          subscription: Subscription,
        }),
        HttpApiSchema.Empty(303),
      ],
      error: [...ofPayer, ...ofProvider, subscriptionNotFound, conflict, redirectRefused],
    }).annotate(OpenApi.Summary, "Ends a subscription with its period or now, confirmed in the portal or at once"),
    HttpApiEndpoint.post("restore", "/billing/restore", {
      payload: Schema.Struct({ payer, subscriptionId }),
      success: Subscription,
      error: [...ofPayer, ...ofProvider, subscriptionNotFound, conflict, declined],
    }).annotate(OpenApi.Summary, "Takes back a scheduled change, else an end that was asked for"),
    HttpApiEndpoint.post("portal", "/billing/portal", {
      payload: Schema.Struct({
        payer,
        part: Schema.optionalKey(Schema.Literals(["home", "payment-method"])),
        returnUrl: Schema.optionalKey(target),
        locale,
        redirect,
      }),
      success: [Schema.Struct({ url: Schema.String }), HttpApiSchema.Empty(303)],
      error: [...ofPayer, ...ofProvider, customerNotFound, redirectRefused],
    }).annotate(OpenApi.Summary, "The address of the provider's portal, good for a few minutes"),
    HttpApiEndpoint.get("checkout", "/billing/checkouts/:checkout", {
      params: { checkout: Schema.String },
      success: CheckoutView,
      error: [...ofPayer, ...ofProvider, checkoutNotFound],
    }).annotate(OpenApi.Summary, "How a checkout stands; ask again while it is being finalized"),
    HttpApiEndpoint.get("invoices", "/billing/invoices", {
      query: { payer, cursor: pageQuery.cursor, limit: pageQuery.limit },
      success: Schema.Struct({ invoices: Schema.Array(Invoice), cursor: Schema.NullOr(Schema.String) }),
      error: [...ofPayer, ...ofProvider],
    }).annotate(OpenApi.Summary, "The invoices of a payer, newest first"),
    HttpApiEndpoint.get("entitlements", "/billing/entitlements", {
      query: { payer },
      success: EntitlementsView,
      error: ofPayer,
    }).annotate(OpenApi.Summary, "What a payer may use"),
  )
  .middleware(Authentication)
  // Outside of the session's guard: who comes back without one is sent to sign in, not told a status.
  .add(
    HttpApiEndpoint.get("checkoutReturn", "/billing/checkouts/:checkout/return", {
      params: { checkout: Schema.String },
      success: HttpApiSchema.Empty(303),
    }).annotate(OpenApi.Summary, "Where the provider sends people back to: goes on, or to the page that waits"),
  )
  .annotateMerge(OpenApi.annotations({ title: "Subscriptions", description: "What is paid for" })) {}
