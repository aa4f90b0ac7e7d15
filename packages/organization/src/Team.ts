/**
 * A team: some members of one organization. A role in it may give permissions within it.
 *
 * @since 0.1.0
 */
import { DisplayName } from "@belfry/core/User"
import { isUuid } from "@belfry/core/Uuid"
import * as Schema from "effect/Schema"
import { MemberWithUser } from "./Member.ts"
import { OrganizationId } from "./Organization.ts"

/**
 * Identifies a team: a UUIDv7.
 *
 * @category models
 * @since 0.1.0
 */
export const TeamId = Schema.String.check(isUuid).pipe(Schema.brand("TeamId"))
/**
 * @category models
 * @since 0.1.0
 */
export type TeamId = typeof TeamId.Type

/**
 * The name of a role in teams: as of a role. `member` and `lead` are there; a host declares others.
 *
 * @category models
 * @since 0.1.0
 */
export const TeamRoleName = Schema.String.check(
  Schema.isPattern(/^[a-z][a-z0-9-]{0,62}$/u, { message: "Expected a word in lower case" }),
).pipe(Schema.brand("TeamRoleName"))
/**
 * @category models
 * @since 0.1.0
 */
export type TeamRoleName = typeof TeamRoleName.Type

/**
 * A team.
 *
 * @category models
 * @since 0.1.0
 */
export const Team = Schema.Struct({
  id: TeamId,
  organizationId: OrganizationId,
  name: Schema.String,
  createdAt: Schema.DateTimeUtc,
  updatedAt: Schema.DateTimeUtc,
}).annotate({ identifier: "Team" })
/**
 * @category models
 * @since 0.1.0
 */
export interface Team extends Schema.Schema.Type<typeof Team> {}

/**
 * The name of a team as people read it.
 *
 * @category models
 * @since 0.1.0
 */
export const TeamName = DisplayName

/**
 * A member of a team, with the role there and since when.
 *
 * @category models
 * @since 0.1.0
 */
export const TeamMember = Schema.Struct({
  teamId: TeamId,
  member: MemberWithUser,
  role: TeamRoleName,
  joinedAt: Schema.DateTimeUtc,
}).annotate({ identifier: "TeamMember" })
/**
 * @category models
 * @since 0.1.0
 */
export interface TeamMember extends Schema.Schema.Type<typeof TeamMember> {}

/**
 * A team of somebody, with the role there.
 *
 * @category models
 * @since 0.1.0
 */
export const TeamOfMember = Schema.Struct({ team: Team, role: TeamRoleName, joinedAt: Schema.DateTimeUtc }).annotate({
  identifier: "TeamOfMember",
})
/**
 * @category models
 * @since 0.1.0
 */
export interface TeamOfMember extends Schema.Schema.Type<typeof TeamOfMember> {}

/**
 * A team that a new member joins, and the role there; without one, that of a member.
 *
 * @category models
 * @since 0.1.0
 */
export const TeamAssignment = Schema.Struct({ teamId: TeamId, role: Schema.optionalKey(TeamRoleName) }).annotate({
  identifier: "TeamAssignment",
})
/**
 * @category models
 * @since 0.1.0
 */
export interface TeamAssignment extends Schema.Schema.Type<typeof TeamAssignment> {}

/**
 * The organization has no such team, or the team no such member, or the host no such role in teams.
 *
 * @category errors
 * @since 0.1.0
 */
export class TeamNotFound extends Schema.TaggedError<TeamNotFound>("@belfry/organization/TeamNotFound")(
  "TeamNotFound",
  {
    what: Schema.Literals(["team", "team-member", "team-role"]),
  },
) {
  override get message(): string {
    return "No such team"
  }
}

/**
 * The organization keeps at least one team.
 *
 * @category errors
 * @since 0.1.0
 */
export class LastTeam extends Schema.TaggedError<LastTeam>("@belfry/organization/LastTeam")("LastTeam", {}) {
  override get message(): string {
    return "An organization keeps at least one team"
  }
}
