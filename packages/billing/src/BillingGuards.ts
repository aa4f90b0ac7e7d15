/**
 * What keeps a payer from going away that still pays: its deletion is refused, or ends what it pays for.
 *
 * @since 0.1.0
 */
import type { StoreError } from "@belfry/core/StoreError"
import { UserDeletionRefused } from "@belfry/core/User"
import { UserRemovals } from "@belfry/core/UserRemovals"
import { DeletionRefused, type OrganizationId } from "@belfry/organization/Organization"
import { OrganizationHooks } from "@belfry/organization/OrganizationHooks"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type { BillingCustomer } from "./BillingCustomer.ts"
import { BillingSettings } from "./BillingSettings.ts"
import { CustomerStore } from "./CustomerStore.ts"
import type { Payer } from "./Payer.ts"
import { isEnded } from "./Subscription.ts"
import { SubscriptionStore } from "./SubscriptionStore.ts"

/**
 * Layer that guards users: one with a subscription cannot be deleted, or loses it at once, as the settings say.
 *
 * **Details**
 *
 * Asked in the transaction that deletes the user. It registers when it is built: behind the removal that ends
 * memberships, so that organizations are locked before customers by everybody.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerUsers: Layer.Layer<never, never, CustomerStore | SubscriptionStore | UserRemovals> =
  Layer.effectDiscard(
    Effect.gen(function* () {
      const guard = yield* make
      const removals = yield* UserRemovals
      yield* removals.register(({ id }) =>
        guard.payer(
          { _tag: "User", userId: id },
          {
            wants: "end-now",
            refusal: () => new UserDeletionRefused({ reason: "You have a subscription: end it first" }),
          },
        ),
      )
    }),
  )

/**
 * Layer that guards organizations and teams: one with a subscription cannot be deleted, or what it pays for ends, as
 * the settings say.
 *
 * **Details**
 *
 * What a team pays for ends at once. What an organization and its teams pay for ends with its period where the
 * organization goes, since it can be restored for a while, and at once when it is gone for good. The hooks that are
 * provided to this layer are asked first.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerOrganizations: Layer.Layer<never, never, CustomerStore | SubscriptionStore> = Layer.effect(
  OrganizationHooks,
  Effect.gen(function* () {
    const given = yield* OrganizationHooks
    const guard = yield* make
    return {
      ...given,
      beforeDeletion: (event) => Effect.andThen(given.beforeDeletion(event), guard.organization(event.organizationId)),
      beforeTeamDeletion: (event) =>
        Effect.andThen(
          given.beforeTeamDeletion(event),
          guard.payer({ _tag: "Team", ...event }, { wants: "end-now", refusal: () => refusalOf("The team") }),
        ),
    }
  }),
)

// internal

/** What becomes of what a payer pays for, or of its deletion. */
interface Options<E> {
  readonly wants: "end-now" | "end-with-period"
  readonly refusal: (customer: BillingCustomer) => E
}

const refusalOf = (who: string) =>
  new DeletionRefused({ reason: "host", detail: `${who} has a subscription: end it first` })

/** Over the stores, by the settings. For use in the transaction that deletes. */
const make = Effect.gen(function* () {
  const customers = yield* CustomerStore
  const { deletion } = yield* BillingSettings
  const subscriptions = yield* SubscriptionStore

  /** Refuses, or has what the customer pays for end. */
  const guard = Effect.fnUntraced(function* <E>(
    customer: BillingCustomer,
    { refusal, wants }: Options<E>,
  ): Effect.fn.Return<void, E | StoreError> {
    // Looks at what is bought in this moment wait, and find nobody afterwards who pays: they have it end.
    yield* customers.lock(customer.id)
    if (deletion === "cancel") {
      yield* subscriptions.requestEnd(customer.id, wants, yield* DateTime.now)
      return
    }
    const found = yield* subscriptions.listByCustomer(customer.id)
    const goesOn = found.some((one) => !isEnded(one.state.status) && one.wants !== "end-now")
    if (goesOn) return yield* Effect.fail(refusal(customer))
  })

  return {
    payer: <E>(payer: Payer, options: Options<E>): Effect.Effect<void, E | StoreError> =>
      Effect.flatMap(customers.findByPayer(payer), (found) =>
        Option.isSome(found) ? guard(found.value, options) : Effect.void,
      ),
    organization: (id: OrganizationId): Effect.Effect<void, DeletionRefused | StoreError> => {
      const refusal = ({ payer }: BillingCustomer) =>
        refusalOf(payer?._tag === "Team" ? "A team of the organization" : "The organization")
      return Effect.flatMap(customers.listByOrganization(id), (found) =>
        Effect.forEach(found, (customer) => guard(customer, { wants: "end-with-period", refusal }), { discard: true }),
      )
    },
  }
})
