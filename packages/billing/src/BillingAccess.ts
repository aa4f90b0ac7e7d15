/**
 * Who may see to a payer's billing: oneself, whoever holds the permission in the organization or a role in the team
 * that gives it, and the host's last word.
 *
 * @since 0.1.0
 */
import type { StoreError } from "@belfry/core/StoreError"
import { AccessModel } from "@belfry/organization/AccessModel"
import { type Actor, resolve } from "@belfry/organization/Membership"
import { Memberships } from "@belfry/organization/Memberships"
import type { OrganizationRef } from "@belfry/organization/Organization"
import { builtInPermission } from "@belfry/organization/Permission"
import type { TeamId } from "@belfry/organization/Team"
import { TeamStore } from "@belfry/organization/TeamStore"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { type BillingAction, billingActions } from "./BillingActions.ts"
import { BillingHooks } from "./BillingHooks.ts"
import { BillingForbidden, type Payer, PayerNotFound, type PayerRef } from "./Payer.ts"

/**
 * Who may see to a payer's billing.
 *
 * @category services
 * @since 0.1.0
 */
export class BillingAccess extends Context.Service<
  BillingAccess,
  {
    /**
     * The payer that is named, for somebody who may do this. Whoever is no member learns nothing: `PayerNotFound`. One
     * statement for organizations and teams, none for oneself.
     */
    readonly require: (
      actor: Actor,
      ref: PayerRef,
      action: BillingAction,
    ) => Effect.Effect<Payer, PayerNotFound | BillingForbidden | StoreError>
    /** The same for a payer that was found by something of it, whose id the caller named. */
    readonly requireFor: (
      actor: Actor,
      payer: Payer,
      action: BillingAction,
    ) => Effect.Effect<void, PayerNotFound | BillingForbidden | StoreError>
  }
>()("@belfry/billing/BillingAccess") {}

/**
 * Makes the service.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const hooks = yield* BillingHooks
  const memberships = yield* Memberships
  const rules = yield* AccessModel
  const teams = yield* TeamStore

  const inOrganization = Effect.fnUntraced(function* (
    { user }: Actor,
    organization: OrganizationRef,
    permission: BillingPermission,
  ): Effect.fn.Return<Found, PayerNotFound | StoreError> {
    const membership = Option.getOrUndefined(yield* memberships.find({ userId: user.id, organization }))
    if (membership === undefined) return yield* new PayerNotFound()
    const { organizationId, permissionSet } = membership
    return { payer: { _tag: "Organization", organizationId }, hasPermission: permissionSet.has(permission) }
  })

  const inTeam = Effect.fnUntraced(function* (
    { user }: Actor,
    organization: OrganizationRef,
    teamId: TeamId,
    permission: BillingPermission,
  ): Effect.fn.Return<Found, PayerNotFound | StoreError> {
    const guarded = Option.getOrUndefined(yield* teams.find({ userId: user.id, organization }, teamId))
    const target = guarded === undefined ? undefined : Option.getOrUndefined(guarded.value)
    if (guarded === undefined || target === undefined) return yield* new PayerNotFound()
    const { organizationId, permissionSet } = resolve(guarded.membership, rules)
    const ofRole = target.viewerRole === null ? undefined : rules.teamRoles.get(target.viewerRole)
    const hasPermission = permissionSet.has(permission) || ofRole?.has(builtInPermission(permission)) === true
    return { payer: { _tag: "Team", organizationId, teamId }, hasPermission }
  })

  /** The payer that is named, and what permissions say. */
  const find = (
    actor: Actor,
    ref: PayerRef,
    permission: BillingPermission,
  ): Effect.Effect<Found, PayerNotFound | StoreError> => {
    switch (ref._tag) {
      case "Self":
        return Effect.succeed({ payer: { _tag: "User", userId: actor.user.id }, hasPermission: true })
      case "Organization":
        return inOrganization(actor, ref.organization, permission)
      case "Team":
        return inTeam(actor, ref.organization, ref.teamId, permission)
    }
  }

  const decide = Effect.fnUntraced(function* (
    actor: Actor,
    ref: PayerRef,
    action: BillingAction,
  ): Effect.fn.Return<Payer, PayerNotFound | BillingForbidden | StoreError> {
    const permission = billingActions[action]
    const { hasPermission, payer } = yield* find(actor, ref, permission)
    if (yield* hooks.authorize({ action, payer, actor, isAllowed: hasPermission })) return payer
    return yield* new BillingForbidden({ reason: hasPermission ? "host" : "permission", permission })
  })

  return BillingAccess.of({
    require: Effect.fn("BillingAccess.require")(decide),
    requireFor: Effect.fn("BillingAccess.requireFor")(function* (actor, payer, action) {
      const ref = refOf(actor, payer)
      if (ref === null) return yield* new PayerNotFound()
      yield* decide(actor, ref, action)
    }),
  })
})

/**
 * Layer of the service.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<BillingAccess, never, Memberships | TeamStore> = Layer.effect(BillingAccess, make)

// internal

type BillingPermission = (typeof billingActions)[BillingAction]

interface Found {
  readonly payer: Payer
  readonly hasPermission: boolean
}

/** How the actor would name a payer; null: another user, whom nobody else can name. */
const refOf = ({ user }: Actor, payer: Payer): PayerRef | null => {
  switch (payer._tag) {
    case "User":
      return payer.userId === user.id ? { _tag: "Self" } : null
    case "Organization":
      return { _tag: "Organization", organization: payer.organizationId }
    case "Team":
      return { _tag: "Team", organization: payer.organizationId, teamId: payer.teamId }
  }
}
