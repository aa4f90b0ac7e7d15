/**
 * An organization with teams, over memory, and ways for people to come to them.
 */
import * as AccessDefinition from "@belfry/organization/AccessDefinition"
import * as AccessModel from "@belfry/organization/AccessModel"
import type { MemberId } from "@belfry/organization/Member"
import * as OrganizationHooks from "@belfry/organization/OrganizationHooks"
import * as OrganizationSettings from "@belfry/organization/OrganizationSettings"
import { Permission } from "@belfry/organization/Permission"
import type { RoleAssignment } from "@belfry/organization/Role"
import { type Team, TeamRoleName } from "@belfry/organization/Team"
import * as Teams from "@belfry/organization/Teams"
import * as OrganizationBuilders from "@belfry/testing/OrganizationBuilders"
import * as TestServices from "@belfry/testing/TestServices"
import { Effect, Layer } from "effect"

const access = AccessDefinition.define({
  resources: { project: ["read", "delete"] },
  roles: {},
  teamRoles: { lead: ["project:read"], keeper: ["project:delete"] },
  metadata: { public: AccessDefinition.anyMetadata, private: AccessDefinition.anyMetadata },
})

export const layer = (
  settings: Parameters<typeof OrganizationSettings.make>[0] = {},
  hooks: Partial<OrganizationHooks.OrganizationHooksService> = {},
) =>
  Teams.layer.pipe(
    Layer.provideMerge(
      Layer.mergeAll(
        AccessModel.layer(access),
        Layer.succeed(OrganizationHooks.OrganizationHooks, { ...OrganizationHooks.none, ...hooks }),
        Layer.succeed(OrganizationSettings.OrganizationSettings, OrganizationSettings.make(settings)),
      ),
    ),
    Layer.provideMerge(TestServices.layerMemory),
  )

export const lead = TeamRoleName.make("lead")
export const plain = TeamRoleName.make("member")
export const keeper = TeamRoleName.make("keeper")
export const builtIn = OrganizationBuilders.builtIn

/** An organization with its owner. */
export const begin = Effect.gen(function* () {
  const teams = yield* Teams.Teams
  const { organization, owner, ownerId } = yield* OrganizationBuilders.storedOrganization()
  const at = organization.id
  const ada = { actor: yield* OrganizationBuilders.actor({ user: owner }), id: ownerId }
  const join = Effect.fnUntraced(function* (roles: RoleAssignment = builtIn("member")) {
    const actor = yield* OrganizationBuilders.actor()
    return { actor, ...(yield* OrganizationBuilders.storedMember(at, { user: actor.user, roles })) }
  })
  return {
    ada,
    at,
    join,
    teams,
    /** Somebody with these permissions and no more. */
    joinWith: Effect.fnUntraced(function* (...permissions: ReadonlyArray<string>) {
      const role = yield* OrganizationBuilders.storedRole(at, {
        permissions: permissions.map((permission) => Permission.make(permission)),
      })
      return yield* join({ builtIn: [], custom: [role.id] })
    }),
    team: (name = "Compilers") => OrganizationBuilders.storedTeam({ organizationId: at, name }),
    inTeam: (team: Team, { id }: { readonly id: MemberId }, role: TeamRoleName = plain) =>
      OrganizationBuilders.storedTeamMember(team, id, role),
    roleIn: (team: Team, { id }: { readonly id: MemberId }) =>
      Effect.map(
        teams.members(ada.actor, at, team.id),
        ({ items }) => items.find(({ member }) => member.id === id)?.role,
      ),
  }
})

/** What a call fails with: its tag, and the fields that tell why. */
export const refusal = <A, E extends { readonly _tag: string }, R>(call: Effect.Effect<A, E, R>) =>
  Effect.map(Effect.flip(call), (error) => {
    const { _tag } = error
    const field = (name: string): unknown => Reflect.get(error, name)
    switch (_tag) {
      case "PermissionMissing":
        return [_tag, field("reason"), field("missing")]
      case "TeamNotFound":
        return [_tag, field("what")]
      case "LimitReached":
        return [_tag, field("limit"), field("maximum")]
      default:
        return [_tag]
    }
  })

export const missing = (...permissions: ReadonlyArray<string>) => ["PermissionMissing", "permission", permissions]
export const escalation = (...permissions: ReadonlyArray<string>) => ["PermissionMissing", "escalation", permissions]
export const noTeam = ["TeamNotFound", "team"]
