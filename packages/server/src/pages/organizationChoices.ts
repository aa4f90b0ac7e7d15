/**
 * What there is to choose from in an organization: roles to give, teams to join.
 *
 * @since 0.1.0
 */
import { AccessModel } from "@belfry/organization/AccessModel"
import { escalation, type Membership } from "@belfry/organization/Membership"
import { Roles } from "@belfry/organization/Roles"
import type { Role } from "@belfry/organization/Role"
import type { Team } from "@belfry/organization/Team"
import { Teams } from "@belfry/organization/Teams"
import type { Page } from "@belfry/organization/Page"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { OrganizationVisit } from "./organizationVisits.ts"

/**
 * A role, and whether the reader may give it.
 *
 * @category models
 * @since 0.1.0
 */
export interface RoleChoice extends Pick<Role, "id" | "name" | "description" | "permissions"> {
  readonly mayGive: boolean
}

/**
 * Builds the look-up of roles and teams to choose from.
 *
 * @category constructors
 * @since 0.1.0
 */
export const makeChoices = Effect.gen(function* () {
  const access = yield* AccessModel
  const roles = yield* Roles
  const teams = yield* Effect.serviceOption(Teams)

  /** Those of the host, for whoever may not see those of the organization. */
  const builtIn = (): ReadonlyArray<Pick<Role, "id" | "name" | "description" | "permissions">> =>
    [...access.roles].map(([name, permissions]) => ({
      id: null,
      name,
      description: null,
      permissions: [...permissions],
    }))

  return {
    /** One of each name: the host's, which is given by it, where the organization has one as well. */
    roles: Effect.fnUntraced(function* ({ actor, membership, organization }: OrganizationVisit) {
      const all = yield* allOf((cursor) => roles.list(actor, organization, { cursor, limit: 100 })).pipe(
        Effect.catchTag("PermissionMissing", () => Effect.succeed(builtIn())),
      )
      return all
        .filter(({ id, name }) => id === null || !access.roles.has(name))
        .map((role): RoleChoice => ({ ...role, mayGive: mayGive(membership, role) }))
    }),

    /** None where the host has no teams, or the reader may not see them. */
    teams: ({ actor, organization }: OrganizationVisit) =>
      Option.match(teams, {
        onNone: () => Effect.succeed<ReadonlyArray<Team>>([]),
        onSome: (teams) =>
          teams.list(actor, organization, { limit: 100 }).pipe(
            Effect.map(({ items }) => items),
            Effect.catchTag("PermissionMissing", () => Effect.succeed<ReadonlyArray<Team>>([])),
          ),
      }),
  }
})

/**
 * Whether somebody may give a role, or take it from somebody.
 *
 * @category predicates
 * @since 0.1.0
 */
export const mayGive = (membership: Membership, { name, permissions }: Pick<Role, "name" | "permissions">): boolean =>
  escalation(membership, { roles: [name], permissions }) === undefined

// internal

/** An organization has at most a few hundred roles, unless its host lets it have more: then the first of them. */
const maxPages = 5

const allOf = Effect.fnUntraced(function* <A, E, R>(
  list: (cursor: string | undefined) => Effect.Effect<Page<A>, E, R>,
) {
  const all: Array<A> = []
  let cursor: string | undefined
  for (let count = 0; count < maxPages; count++) {
    const page: Page<A> = yield* list(cursor)
    all.push(...page.items)
    if (page.cursor === null) break
    cursor = page.cursor
  }
  return all
})
