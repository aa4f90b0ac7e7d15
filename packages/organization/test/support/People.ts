/**
 * An organization with people in it, and the words of tests about what they may do.
 */
import type { Email } from "@belfry/core/User"
import type { MemberRef } from "@belfry/organization/Member"
import { Permission } from "@belfry/organization/Permission"
import { type RoleAssignment, RoleName, type RoleNames } from "@belfry/organization/Role"
import * as OrganizationBuilders from "@belfry/testing/OrganizationBuilders"
import { Effect } from "effect"

export const roleName = (name: string): RoleName => RoleName.make(name)

export const roleNames = (first: string, ...others: ReadonlyArray<string>): RoleNames => [
  roleName(first),
  ...others.map(roleName),
]

export const permissions = (...texts: ReadonlyArray<string>): ReadonlyArray<Permission> =>
  texts.map((text) => Permission.make(text))

/** An organization with its owner, and ways in for others. */
export const begin = Effect.gen(function* () {
  const { organization, owner, ownerId } = yield* OrganizationBuilders.storedOrganization()
  const at = organization.id
  const join = Effect.fnUntraced(function* (roles: RoleAssignment) {
    const actor = yield* OrganizationBuilders.actor()
    const { id } = yield* OrganizationBuilders.storedMember(at, { user: actor.user, roles })
    return { actor, id }
  })
  return {
    at,
    organization,
    owner: { actor: yield* OrganizationBuilders.actor({ user: owner }), id: ownerId },
    /** Somebody with roles of the host. */
    join: (...names: ReadonlyArray<string>) => join(OrganizationBuilders.builtIn(...names)),
    /** Somebody with roles of the host and of the organization. */
    joinAs: join,
    /** Somebody with these permissions and no more. */
    joinWith: Effect.fnUntraced(function* (...texts: ReadonlyArray<string>) {
      const role = yield* OrganizationBuilders.storedRole(at, { permissions: permissions(...texts) })
      return yield* join({ builtIn: [], custom: [role.id] })
    }),
    role: (name: string, ...texts: ReadonlyArray<string>) =>
      OrganizationBuilders.storedRole(at, { name: roleName(name), permissions: permissions(...texts) }),
  }
})

/** Somebody who is in no organization. */
export const outsider = OrganizationBuilders.actor()

/** A member by id, by address, by user. */
export const byId = (id: Extract<MemberRef, { _tag: "Id" }>["id"]): MemberRef => ({ _tag: "Id", id })
export const byEmail = (email: Email): MemberRef => ({ _tag: "Email", email })
export const byUser = (userId: Extract<MemberRef, { _tag: "User" }>["userId"]): MemberRef => ({ _tag: "User", userId })

/** What a call fails with: its tag, and its fields. */
export const refusal = <A, E extends { readonly _tag: string }, R>(
  call: Effect.Effect<A, E, R>,
): Effect.Effect<object, A, R> => Effect.map(Effect.flip(call), (error) => ({ ...error }))

/** The refusal of whoever lacks what the call itself needs. */
export const lacks = (...missing: ReadonlyArray<string>) => ({
  _tag: "PermissionMissing",
  reason: "permission",
  missing,
})

/** The refusal of whoever would give or take more than they have. */
export const escalates = (...missing: ReadonlyArray<string>) => ({
  _tag: "PermissionMissing",
  reason: "escalation",
  missing,
})
