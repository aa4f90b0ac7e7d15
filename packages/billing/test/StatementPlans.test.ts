/**
 * How PostgreSQL carries out the statements of this package: by indexes, so that they cost the same in large tables.
 */
import { CustomerStore } from "@belfry/billing/CustomerStore"
import { EntitlementStore } from "@belfry/billing/EntitlementStore"
import { OperationStore } from "@belfry/billing/OperationStore"
import type { Payer } from "@belfry/billing/Payer"
import { defaultGroup } from "@belfry/billing/Plan"
import { SubscriptionStore } from "@belfry/billing/SubscriptionStore"
import { WebhookEventStore } from "@belfry/billing/WebhookEventStore"
import { OutboxEventId } from "@belfry/core/OutboxEvent"
import * as BillingBuilders from "@belfry/testing/BillingBuilders"
import * as OrganizationBuilders from "@belfry/testing/OrganizationBuilders"
import { genericPlanOf, textsOf } from "@belfry/testing/StatementPlans"
import { assert, layer as withLayer } from "@effect/vitest"
import { DateTime, Effect } from "effect"
import { databases } from "./support/BillingStores.ts"
import { fillTables } from "./support/Filling.ts"

/** A customer with one of everything, beside many others, and the calls of the stores. */
const calls = Effect.gen(function* () {
  yield* fillTables(5000)
  const customer = yield* BillingBuilders.storedCustomer()
  const subscription = yield* BillingBuilders.storedSubscription(customer)
  const operation = yield* BillingBuilders.storedOperation({ customerId: customer.id })
  const envelope = yield* BillingBuilders.webhookEnvelope()
  const { organization } = yield* OrganizationBuilders.storedOrganization()
  const { id: teamId, organizationId } = yield* OrganizationBuilders.storedTeam({ organizationId: organization.id })
  const organizationPayer: Payer = { _tag: "Organization", organizationId }
  const teamPayer: Payer = { _tag: "Team", organizationId, teamId }
  const { id, payer, profile, request } = customer
  const providerId = customer.providerId ?? assert.fail()
  const checkoutId = yield* BillingBuilders.providerCheckoutId
  const now = yield* DateTime.now
  const customers = yield* CustomerStore
  const subscriptions = yield* SubscriptionStore
  const operations = yield* OperationStore
  const events = yield* WebhookEventStore
  const entitlements = yield* EntitlementStore
  const lease = { id: subscription.id, lease: id, now, until: now }
  const all: Readonly<Record<string, Effect.Effect<unknown, unknown>>> = {
    "customers.facts of a user": customers.facts(payer),
    "customers.facts of an organization": customers.facts(organizationPayer),
    "customers.facts of a team": customers.facts(teamPayer),
    "customers.find": customers.find(id),
    "customers.findByPayer": customers.findByPayer(payer),
    "customers.findByProvider": customers.findByProvider(providerId),
    "customers.listByOrganization": customers.listByOrganization(organizationPayer.organizationId),
    "customers.insert": customers.insert(customer),
    "customers.lock": customers.lock(id),
    "customers.attach": customers.attach({ id, generation: 0, providerId, profile }),
    "customers.setProfile": customers.setProfile(id, profile),
    "customers.listOutdated": customers.listOutdated(id, 100),
    "customers.list": customers.list(id, 100),
    "customers.listOrphans": customers.listOrphans(null, 100),
    "customers.hadTrial": customers.hadTrial(id, defaultGroup),
    "customers.close": customers.close(id, now),
    "customers.renew": customers.renew({ id, generation: 0, request, now }),
    "subscriptions.find": subscriptions.find(subscription.id),
    "subscriptions.findByProvider": subscriptions.findByProvider(subscription.providerId),
    "subscriptions.listByPayer": subscriptions.listByPayer(payer),
    "subscriptions.listByCustomer": subscriptions.listByCustomer(id),
    "subscriptions.request": subscriptions.request({ _tag: "Subscription", id: subscription.id }, now),
    "subscriptions.request of seats": subscriptions.request({ _tag: "SeatsOf", payer, andTeams: false }, now),
    "subscriptions.request of an organization's seats": subscriptions.request(
      { _tag: "SeatsOf", payer: organizationPayer, andTeams: true },
      now,
    ),
    "subscriptions.requestEnd": subscriptions.requestEnd(id, "end-with-period", now),
    "subscriptions.withdrawEnd": subscriptions.withdrawEnd(id, now),
    "subscriptions.claimWork": subscriptions.claimWork({ ...lease, limit: 10 }),
    "subscriptions.lease": subscriptions.lease(lease),
    "subscriptions.settle": subscriptions.settle({ ...lease, asked: 1, retryAt: null }),
    "subscriptions.listTrialsEnding": subscriptions.listTrialsEnding(now, 100),
    "operations.find": operations.find(operation.id),
    "operations.findByCheckout": operations.findByCheckout(checkoutId),
    "operations.findOpenCheckout": operations.findOpenCheckout(id, defaultGroup, now),
    "operations.setCheckout": operations.setCheckout(operation.id, { checkoutId, url: null }),
    "operations.close": operations.close(operation.id, "done", now),
    "operations.listOverdue": operations.listOverdue(now, 100),
    "operations.removeClosed": operations.removeClosed(now, 100),
    "events.receive": events.receive(envelope, { now, dueAt: now }),
    "events.find": events.find(envelope.id),
    "events.fail": events.fail(envelope.id, "provider", now),
    "events.claim": events.claim({ now, until: now, limit: 10 }),
    "events.finish": events.finish(envelope.id, "done", null, now),
    "events.reopen": events.reopen(envelope.id, now),
    "events.list": events.list({ status: null, after: null, limit: 50 }),
    "events.list, further on": events.list({ status: "parked", after: envelope.id, limit: 50 }),
    "events.removeClosed": events.removeClosed(now, 100),
    "events.cursor": events.cursor("job 1"),
    "events.removeHooks": events.removeHooks(now, 100),
    "entitlements.facts": entitlements.facts(payer),
    "entitlements.facts of an organization": entitlements.facts(organizationPayer),
    "entitlements.facts of a team": entitlements.facts(teamPayer),
    "entitlements.setOverride": entitlements.setOverride(payer, null, now),
  }
  /** Rows that are kept by a key, and read by none. */
  const keeping: typeof all = {
    "customers.claimTrial": customers.claimTrial(id, defaultGroup, now),
    "subscriptions.ticket": subscriptions.ticket(subscription.providerId),
    "operations.insert": operations.insert(operation),
    "events.setCursor": events.setCursor("job 1", now),
    "events.claimHook": events.claimHook(OutboxEventId.make(id), now),
  }
  return { all, keeping }
})

for (const { name, layer } of databases) {
  if (name !== "PostgreSQL") continue
  withLayer(layer)("Statements of billing in PostgreSQL", (it) => {
    it.effect("are one each, and find their rows by an index", () =>
      Effect.gen(function* () {
        const { all, keeping } = yield* calls
        const walking: Array<string> = []
        for (const [name, call] of Object.entries(all)) {
          const texts = yield* textsOf(call)
          assert.strictEqual(texts.length, 1, name)
          const plans = yield* Effect.forEach(texts, genericPlanOf)
          if (plans.some((plan) => plan.includes("Seq Scan") || !isByIndex.test(plan))) walking.push(name, ...plans)
        }
        for (const [name, call] of Object.entries(keeping))
          assert.strictEqual((yield* textsOf(Effect.ignore(call))).length, 1, name)
        assert.deepStrictEqual(walking, [])
      }),
    )
  })
}

const isByIndex = /Index (?:Only )?Scan/u
