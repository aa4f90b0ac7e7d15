/**
 * The way from what a store read to what somebody may see and do: the membership first, then the table of actions.
 */
import type { StoreError } from "@belfry/core/StoreError"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { AccessModel } from "../AccessModel.ts"
import { escalation, type Guarded, type Membership, missing, resolve, type StoredMembership } from "../Membership.ts"
import { type OrganizationAction, organizationActions } from "../OrganizationActions.ts"
import { OrganizationNotFound } from "../Organization.ts"
import { builtInPermission, PermissionMissing } from "../Permission.ts"

/** What was read, by whom, with what they may do. */
export interface Opened<A> {
  readonly membership: Membership
  readonly value: A
}

/** Access, by the rules of the host. */
export type Access = Effect.Success<typeof make>

/** Access, by the rules that are provided. */
export const make = Effect.gen(function* () {
  const rules = yield* AccessModel

  /** What was read, for a member; to everybody else there is no such organization. */
  const open = <A>(found: Option.Option<Guarded<A>>): Effect.Effect<Opened<A>, OrganizationNotFound> =>
    Option.isNone(found)
      ? Effect.fail(new OrganizationNotFound())
      : Effect.succeed({ membership: resolve(found.value.membership, rules), value: found.value.value })

  return {
    rules,
    open,
    resolve: (stored: StoredMembership): Membership => resolve(stored, rules),
    /** Fails unless somebody may do this, without what a role in a team gives. */
    authorize,
    refuseEscalation,
    /** What was read, for a member who may do this. The value is dropped on refusal. */
    read: <A, E = never>(
      action: OrganizationAction,
      found: Effect.Effect<Option.Option<Guarded<A>>, E>,
    ): Effect.Effect<Opened<A>, OrganizationNotFound | PermissionMissing | E> =>
      Effect.flatMap(Effect.flatMap(found, open), (opened) => Effect.as(authorize(opened.membership, action), opened)),
  }
})

/** Fails unless somebody may do this, as the table of actions says. */
export const authorize = (
  membership: Membership,
  action: OrganizationAction,
): Effect.Effect<void, PermissionMissing> => {
  const { permission } = organizationActions[action]
  const lacking = permission === null ? [] : missing(membership, [builtInPermission(permission)])
  return lacking.length === 0
    ? Effect.void
    : Effect.fail(new PermissionMissing({ reason: "permission", missing: lacking }))
}

/** Fails where somebody would give or take more than they have themselves. */
export const refuseEscalation = (
  membership: Membership,
  touched: Parameters<typeof escalation>[1],
): Effect.Effect<void, PermissionMissing> => {
  const refusal = escalation(membership, touched)
  return refusal === undefined ? Effect.void : Effect.fail(refusal)
}

/** A read of a membership alone, as a guarded one of nothing. */
export const alone = (
  found: Effect.Effect<Option.Option<StoredMembership>, StoreError>,
): Effect.Effect<Option.Option<Guarded<undefined>>, StoreError> =>
  Effect.map(
    found,
    Option.map((membership) => ({ membership, value: undefined })),
  )
