import * as BillingSettings from "@belfry/billing/BillingSettings"
import { SubscriptionStore } from "@belfry/billing/SubscriptionStore"
import { WebhookInbox } from "@belfry/billing/WebhookInbox"
import { LocalStripe } from "@belfry/testing/LocalStripe"
import * as OrganizationBuilders from "@belfry/testing/OrganizationBuilders"
import * as TestBilling from "@belfry/testing/TestBilling"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Sdk from "./support/localStripe.ts"

const layer = TestBilling.layerMemory({ settings: BillingSettings.make({ webhookAttempts: 1 }) })

describe("A status of a subscription that nobody knows here", () => {
  it.effect("is not written, and its webhook waits for a replay until it is known", () =>
    Effect.gen(function* () {
      const local = yield* LocalStripe
      const stripe = Sdk.sdkOf(local)
      const inbox = yield* WebhookInbox
      const subscriptions = yield* SubscriptionStore
      const actor = yield* OrganizationBuilders.actor()
      yield* TestBilling.subscribe(actor, { plan: "pro" })
      yield* TestBilling.settle
      const own = subscriptions.listByPayer({ _tag: "User", userId: actor.user.id })
      const [before] = yield* own
      const id = before?.providerId ?? assert.fail("There is no subscription")
      local.rewriting((answer, { path }) => {
        if (path.includes(id)) answer["status"] = "frozen"
      })
      yield* Sdk.ask(() => stripe.subscriptions.update(id, { cancel_at_period_end: true }))
      yield* TestBilling.settle
      assert.deepStrictEqual<unknown>(yield* own, [before])
      const parked = yield* inbox.list({ status: "parked" })
      assert.deepStrictEqual(
        parked.map(({ reason, type }) => [type, reason]),
        [["customer.subscription.updated", "unexpected"]],
      )
      local.rewriting(undefined)
      for (const event of parked) assert.strictEqual((yield* inbox.replay(event.id)).status, "done")
      const [after] = yield* own
      assert.strictEqual(after?.state.status, "trialing")
      assert.isTrue(after?.state.cancelAtPeriodEnd)
    }).pipe(Effect.provide(layer)),
  )
})
