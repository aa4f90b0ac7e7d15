/**
 * Changes that come with the end of a period, as schedules of Stripe.
 */
import type * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type { Stripe } from "stripe"
import type { IdempotencyKey } from "../BillingProvider.ts"
import type { BillingInterval } from "../Plan.ts"
import type { DesiredItem, ProviderScheduleId, ProviderSubscriptionId } from "../ProviderSubscription.ts"
import type { StripeClient } from "../StripeClient.ts"
import { ownership } from "./ownership.ts"
import { isMissing, toUnexpected } from "./stripeErrors.ts"
import type * as Forms from "./stripeForms.ts"
import { readSchedule, readSubscription } from "./stripeObjects.ts"

/** What comes when. */
export interface ScheduledItems {
  readonly items: ReadonlyArray<DesiredItem>
  readonly interval: BillingInterval
  readonly startsAt: DateTime.Utc
}

/**
 * Has the items change when the current period ends: makes a schedule of the subscription as it is, then adds the phase
 * that comes. A schedule that is there already was made by an attempt that ended between the two, and is used.
 */
export const scheduleChange = Effect.fnUntraced(function* (
  client: StripeClient["Service"],
  id: ProviderSubscriptionId,
  change: ScheduledItems,
  key: IdempotencyKey,
) {
  const schedule = yield* client
    .write("createSchedule", (stripe) =>
      stripe.subscriptionSchedules.create({ from_subscription: id }, { idempotencyKey: `${key}-1` }),
    )
    .pipe(
      Effect.flatMap((answer) => readSchedule("createSchedule", answer)),
      Effect.catchIf(
        ({ reason }) => reason === "refused",
        (error) =>
          client
            .read("findSubscription", (stripe) => stripe.subscriptions.retrieve(id, { expand: ["schedule"] }))
            .pipe(
              Effect.flatMap((answer) => readSubscription("findSubscription", withoutInvoice(answer))),
              Effect.flatMap((found) =>
                found.schedule === null ? Effect.fail(error) : Effect.succeed(found.schedule),
              ),
            ),
      ),
    )
  const current = currentPhaseOf(schedule)
  if (current === undefined) return yield* toUnexpected("scheduleChange", new Error("The schedule has no phase"))
  yield* client.write("updateSchedule", (stripe) =>
    stripe.subscriptionSchedules.update(
      schedule.id,
      {
        end_behavior: "release",
        metadata: ownership,
        phases: [
          {
            ...kept(current),
            items: current.items.map(({ price, quantity }) => toItem(price, quantity ?? null)),
            start_date: toSeconds(current.start_date),
            end_date: toSeconds(change.startsAt),
            ...(current.trial_end === null ? {} : { trial_end: toSeconds(current.trial_end) }),
          },
          {
            ...kept(current),
            items: change.items.map(({ priceId, quantity }) => toItem(priceId, quantity)),
            start_date: toSeconds(change.startsAt),
            duration: { interval: change.interval, interval_count: 1 },
            proration_behavior: "none",
          },
        ],
      },
      { idempotencyKey: `${key}-2` },
    ),
  )
})

/** Takes a schedule off its subscription. One that is off, over or gone is fine. */
export const releaseSchedule = (client: StripeClient["Service"], id: ProviderScheduleId, key: IdempotencyKey) =>
  client
    .write("releaseSchedule", (stripe) => stripe.subscriptionSchedules.release(id, {}, { idempotencyKey: key }))
    .pipe(
      Effect.asVoid,
      Effect.catchIf(
        ({ reason }) => reason === "refused",
        (error) =>
          client
            .read("findSchedule", (stripe) => stripe.subscriptionSchedules.retrieve(id))
            .pipe(
              Effect.flatMap((answer) => readSchedule("findSchedule", answer)),
              Effect.flatMap(({ status }) =>
                status === "active" || status === "not_started" ? Effect.fail(error) : Effect.void,
              ),
              Effect.catchIf(isMissing, () => Effect.void),
            ),
      ),
    )

// internal

const currentPhaseOf = ({ current_phase: current, phases }: typeof Forms.Schedule.Type) =>
  phases.find(({ start_date: start }) => start.epochMilliseconds === current?.start_date.epochMilliseconds) ?? phases[0]

const toSeconds = ({ epochMilliseconds }: DateTime.Utc): number => Math.floor(epochMilliseconds / 1000)

const toItem = (price: string, quantity: number | null): Stripe.SubscriptionScheduleUpdateParams.Phase.Item =>
  quantity === null ? { price } : { price, quantity }

/** What a subscription has besides its items, in both phases, since a phase that does not name it takes it away. */
const kept = (phase: (typeof Forms.Schedule.Type)["phases"][number]) => ({
  ...(phase.default_tax_rates === undefined || phase.default_tax_rates === null || phase.default_tax_rates.length === 0
    ? {}
    : { default_tax_rates: phase.default_tax_rates.map(({ id }) => id) }),
  ...(phase.automatic_tax?.enabled === true ? { automatic_tax: { enabled: true } } : {}),
})

/** The newest invoice is an id where it was not asked for. */
const withoutInvoice = (subscription: Stripe.Subscription) => ({ ...subscription, latest_invoice: null })
