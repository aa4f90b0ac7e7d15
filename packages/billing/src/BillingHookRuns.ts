/**
 * Runs the host's hook for what happened, from the outbox.
 *
 * @since 0.1.0
 */
import { OutboxSubscribers } from "@belfry/core/OutboxSubscribers"
import { TransactionStore } from "@belfry/core/TransactionStore"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { BillingEvent } from "./BillingEvent.ts"
import { BillingHooks } from "./BillingHooks.ts"
import { WebhookEventStore } from "./WebhookEventStore.ts"

/**
 * Layer that calls `BillingHooks.afterEvent` with every event of a customer, in order.
 *
 * **Details**
 *
 * Each call is in a transaction that remembers that it was made: what the hook writes to this database is written once
 * for an event, however often that is delivered. What it does elsewhere is done at least once, and again where the
 * process dies before the transaction commits; the event's id is the same then. A hook that fails is called again
 * later, and later events of the customer wait for it.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = Layer.effectDiscard(
  Effect.gen(function* () {
    const events = yield* WebhookEventStore
    const hooks = yield* BillingHooks
    const subscribers = yield* OutboxSubscribers
    const transactions = yield* TransactionStore

    yield* subscribers.register({
      name: "billing-hooks",
      types: new Set(BillingEvent.members.map(({ fields }) => `billing.${fields._tag.schema.literal}`)),
      handle: ({ id, payload }) =>
        Effect.gen(function* () {
          const event = yield* decode(payload)
          yield* transactions.run(
            Effect.gen(function* () {
              if (yield* events.claimHook(id, yield* DateTime.now)) yield* hooks.afterEvent(event, { id })
            }),
          )
        }).pipe(Effect.withSpan("BillingHookRuns.run")),
    })
  }),
)

// internal

const decode = Schema.decodeUnknownEffect(Schema.toCodecJson(BillingEvent))
