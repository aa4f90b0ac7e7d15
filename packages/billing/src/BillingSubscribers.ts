/**
 * What billing does when something happens to users, organizations and teams.
 *
 * @since 0.1.0
 */
import type { AuthEvent } from "@belfry/core/AuthEvent"
import { AuthEvents } from "@belfry/core/AuthEvents"
import { OutboxSubscribers } from "@belfry/core/OutboxSubscribers"
import { OrganizationEvent } from "@belfry/organization/OrganizationEvent"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { BillingProvider } from "./BillingProvider.ts"
import { BillingSettings } from "./BillingSettings.ts"
import { Customers } from "./Customers.ts"
import { CustomerStore } from "./CustomerStore.ts"
import { logFailure } from "./internal/failures.ts"
import type { Payer } from "./Payer.ts"
import { SubscriptionStore } from "./SubscriptionStore.ts"
import { SubscriptionWork } from "./SubscriptionWork.ts"

/**
 * Layer that has seats counted again when members come and go, by whatever path: the worker of the subscription pays
 * for as many as there are then. Where nothing is sold it does nothing.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerSeats = Layer.effectDiscard(
  Effect.gen(function* () {
    const subscribers = yield* OutboxSubscribers
    const work = yield* SubscriptionWork
    const { isEnabled } = yield* BillingProvider
    // Who came and went while nothing was sold is counted when customers are reconciled.
    if (!isEnabled) return

    yield* subscribers.register({
      name: "billing-seats",
      types: typesOf("MemberAdded", "MemberRemoved", "TeamMemberAdded", "TeamMemberRemoved"),
      handle: Effect.fn("BillingSubscribers.seats")(function* ({ payload }) {
        const event = yield* decode(payload)
        const { organizationId } = event
        const payer: Payer =
          event._tag === "TeamMemberAdded" || event._tag === "TeamMemberRemoved"
            ? { _tag: "Team", organizationId, teamId: event.teamId }
            : { _tag: "Organization", organizationId }
        // Whoever leaves an organization leaves its teams, which is told of by the one event.
        const target = { _tag: "SeatsOf", payer, andTeams: payer._tag === "Organization" } as const
        yield* work.request(target)
      }),
    })
  }),
)

/**
 * Layer that ends what a deleted organization and its teams pay for, with its period, and takes that back when it is
 * restored.
 *
 * **Details**
 *
 * Whatever the settings say: code that is trusted deletes organizations without asking, and nobody pays on for what is
 * gone. An end that the provider was told of already stays: whoever restored the organization restores the subscription
 * if they want it, since it may have been a person who ended it.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerOrganizations = Layer.effectDiscard(
  Effect.gen(function* () {
    const customers = yield* CustomerStore
    const subscribers = yield* OutboxSubscribers
    const subscriptions = yield* SubscriptionStore

    yield* subscribers.register({
      name: "billing-organizations",
      types: typesOf("OrganizationDeleted", "OrganizationRestored"),
      handle: Effect.fn("BillingSubscribers.organizations")(function* ({ payload }) {
        const { _tag, organizationId } = yield* decode(payload)
        const now = yield* DateTime.now
        for (const { id } of yield* customers.listByOrganization(organizationId)) {
          yield* _tag === "OrganizationDeleted"
            ? subscriptions.requestEnd(id, "end-with-period", now)
            : subscriptions.withdrawEnd(id, now)
        }
      }),
    })
  }),
)

/**
 * Layer that tells the provider of new names and addresses, and of new users where the settings say so.
 *
 * **Details**
 *
 * What fails is logged and not tried again here: `Customers.syncProfiles` finds what differs, and who buys becomes a
 * customer then.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerProfiles = Layer.effectDiscard(
  Effect.gen(function* () {
    const customers = yield* Customers
    const events = yield* AuthEvents
    const { isEnabled } = yield* BillingProvider
    const { createsCustomerOnSignUp } = yield* BillingSettings
    const subscribers = yield* OutboxSubscribers
    if (!isEnabled) return

    const sync = Effect.fnUntraced(function* (payer: Payer) {
      const found = yield* customers.find(payer)
      if (Option.isSome(found)) yield* customers.syncProfile(found.value.id)
    })

    const follow = (event: AuthEvent) => {
      switch (event._tag) {
        case "EmailChanged":
        case "UserUpdated":
          return calmly(sync({ _tag: "User", userId: event.user.id }))
        case "UserCreated":
          return createsCustomerOnSignUp
            ? calmly(customers.ensure({ _tag: "User", userId: event.user.id }, null))
            : Effect.void
        default:
          return Effect.void
      }
    }

    yield* subscribers.register({
      name: "billing-profiles",
      types: typesOf("OrganizationUpdated", "TeamUpdated"),
      handle: Effect.fn("BillingSubscribers.profiles")(function* ({ payload }) {
        const event = yield* decode(payload)
        const { organizationId } = event
        if (event._tag === "TeamUpdated") {
          yield* calmly(sync({ _tag: "Team", organizationId, teamId: event.teamId }))
        } else if (event._tag === "OrganizationUpdated" && event.fields.includes("name")) {
          yield* calmly(sync({ _tag: "Organization", organizationId }))
        }
      }),
    })
    yield* Effect.forkScoped(Stream.runForEach(events.stream, follow), { startImmediately: true })
  }),
)

/**
 * Layer of all of it.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = Layer.mergeAll(layerSeats, layerOrganizations, layerProfiles)

// internal

const decode = Schema.decodeUnknownEffect(Schema.toCodecJson(OrganizationEvent))

const typesOf = (...tags: ReadonlyArray<OrganizationEvent["_tag"]>): ReadonlySet<string> =>
  new Set(tags.map((tag) => `organization.${tag}`))

/** Later events do not wait long for a provider that is away, and do not fail with it. */
const calmly = <A, E>(effect: Effect.Effect<A, E>) =>
  effect.pipe(
    Effect.timeout(Duration.seconds(10)),
    Effect.catchCause((cause) => logFailure("The billing provider was not told of a change", cause)),
    Effect.asVoid,
  )
