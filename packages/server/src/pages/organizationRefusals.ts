/**
 * What a form about organizations shows where it was refused.
 *
 * @since 0.1.0
 */
import type { RateLimited } from "@belfry/core/RateLimit"
import type { InvitationClosed, InvitationConflict, InvitationForAnother } from "@belfry/organization/Invitation"
import type { LastOwner } from "@belfry/organization/Member"
import type { DeletionRefused, LimitReached, MetadataInvalid, SlugTaken } from "@belfry/organization/Organization"
import type { PermissionMissing } from "@belfry/organization/Permission"
import type { RoleRefused } from "@belfry/organization/Role"
import type { LastTeam } from "@belfry/organization/Team"
import * as Effect from "effect/Effect"
import type { Catalogue } from "../PageCatalogues.ts"
import type { FormState, Problem } from "./views/parts.ts"

/**
 * A refusal that the person can do something about, or that has words of its own.
 *
 * @category models
 * @since 0.1.0
 */
export type Refusal =
  | DeletionRefused
  | InvitationClosed
  | InvitationConflict
  | InvitationForAnother
  | LastOwner
  | LastTeam
  | LimitReached
  | MetadataInvalid
  | PermissionMissing
  | RateLimited
  | RoleRefused
  | SlugTaken

/**
 * How a form is shown again.
 *
 * @category models
 * @since 0.1.0
 */
export interface Again {
  readonly status: number
  readonly problems: ReadonlyArray<Problem>
  readonly headers?: Readonly<Record<string, string>>
}

/**
 * Shows the form again where it was refused.
 *
 * @category combinators
 * @since 0.1.0
 */
export const orAgain =
  <B, E2, R2>({ problems }: Catalogue, again: (refused: Again) => Effect.Effect<B, E2, R2>) =>
  <A, E extends { readonly _tag: string }, R>(self: Effect.Effect<A, E, R>) =>
    Effect.catchIf(
      self,
      (error): error is Extract<E, Refusal> => Object.hasOwn(refusals, error._tag),
      (error) => again(refusalOf(problems, error)),
    )

/**
 * What a form shows where something that was chosen is not there any more.
 *
 * @category constructors
 * @since 0.1.0
 */
export const gone = (field: string, message: string): Again => ({ status: 422, problems: [{ field, message }] })

/**
 * The same as what a page shows, with what was typed.
 *
 * @category converting
 * @since 0.1.0
 */
export const asShown = ({ problems, ...answer }: Again, values: FormState["values"] = {}) => ({
  ...answer,
  state: { values, problems },
})

// internal

type Problems = Catalogue["problems"]

const refusalOf = (problems: Problems, refusal: Refusal): Again => {
  switch (refusal._tag) {
    case "DeletionRefused":
      return conflict(
        refusal.reason === "not-deleted" ? problems.notDeleted : problems.organizationDeletionRefused(refusal.detail),
      )
    case "InvitationClosed":
      return conflict(problems.invitationClosed)
    case "InvitationConflict":
      return conflict(problems.invitation[refusal.reason], "email")
    case "InvitationForAnother":
      return { status: 403, problems: [{ message: problems.invitationForAnother[refusal.reason] }] }
    case "LastOwner":
      return conflict(problems.lastOwner)
    case "LastTeam":
      return conflict(problems.lastTeam)
    case "LimitReached":
      return conflict(problems.limitReached[refusal.limit](refusal.maximum))
    case "MetadataInvalid":
      return { status: 422, problems: [{ message: problems.metadata }] }
    case "PermissionMissing":
      return { status: 403, problems: [{ message: problems.permissionMissing[refusal.reason] }] }
    case "RateLimited":
      return {
        status: 429,
        problems: [{ message: problems.limited(refusal.retryAfter) }],
        headers: { "retry-after": String(refusal.retryAfter) },
      }
    case "RoleRefused":
      return conflict(problems.role[refusal.reason], roleFields[refusal.reason])
    case "SlugTaken":
      return conflict(problems.slugTaken, "slug")
  }
}

const conflict = (message: string, field?: string): Again => ({
  status: 409,
  problems: [field === undefined ? { message } : { field, message }],
})

const roleFields = {
  "built-in": undefined,
  "name-taken": "name",
  "in-use": "replacement",
  "permission-unknown": "permissions",
} as const

const refusals: Readonly<Record<Refusal["_tag"], true>> = {
  DeletionRefused: true,
  InvitationClosed: true,
  InvitationConflict: true,
  InvitationForAnother: true,
  LastOwner: true,
  LastTeam: true,
  LimitReached: true,
  MetadataInvalid: true,
  PermissionMissing: true,
  RateLimited: true,
  RoleRefused: true,
  SlugTaken: true,
}
