/**
 * All services of this package at once, over whatever stores and provider the host provides.
 *
 * @since 0.1.0
 */
import * as Layer from "effect/Layer"
import * as BillingAccess from "./BillingAccess.ts"
import * as Checkouts from "./Checkouts.ts"
import * as Customers from "./Customers.ts"
import * as Entitlements from "./Entitlements.ts"
import * as Invoices from "./Invoices.ts"
import * as Plans from "./Plans.ts"
import * as Portals from "./Portals.ts"
import * as Reconciliations from "./Reconciliations.ts"
import * as Subscriptions from "./Subscriptions.ts"
import * as SubscriptionWork from "./SubscriptionWork.ts"
import * as Synchronizations from "./Synchronizations.ts"
import * as Upgrades from "./Upgrades.ts"
import * as WebhookInbox from "./WebhookInbox.ts"

/**
 * What payers may use. By itself, since limits of organizations ask for it and are there before organizations are.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerEntitlements = Entitlements.layer

/**
 * The other services of billing.
 *
 * **Details**
 *
 * Needs the services of `core` (`CoreServices.layer`) and of `organization` (`OrganizationServices.layerWithTeams`)
 * with their stores, the stores of this package, a `BillingProvider` and {@link layerEntitlements}. What is sold
 * (`PlanCatalogue.layer`), settings and hooks are references with defaults: a host that has others provides them to
 * this layer.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = Layer.mergeAll(
  Upgrades.layer,
  Subscriptions.layer,
  Portals.layer,
  Checkouts.layer,
  Invoices.layer,
  Reconciliations.layer,
  WebhookInbox.layer,
).pipe(
  Layer.provideMerge(SubscriptionWork.layer),
  Layer.provideMerge(Synchronizations.layer),
  Layer.provideMerge(Layer.mergeAll(BillingAccess.layer, Customers.layer, Plans.layer)),
)
