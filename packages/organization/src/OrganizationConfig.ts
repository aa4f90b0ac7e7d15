/**
 * The settings of organizations from configuration: `BELFRY_ORGANIZATION_*`.
 *
 * @since 0.1.0
 */
import { boolean, duration } from "@belfry/core/ConfigValues"
import * as Config from "effect/Config"
import * as Duration from "effect/Duration"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { type Limit, make, OrganizationSettings, type OrganizationSettingsService } from "./OrganizationSettings.ts"
import { TeamName } from "./Team.ts"

const defaults = make()

const Maximum = Schema.FiniteFromString.check(Schema.isInt(), Schema.isBetween({ minimum: 1, maximum: 2 ** 31 - 1 }))

const limit = <Facts>(name: string, byDefault: Limit<Facts>): Config.Config<Limit<Facts>> =>
  Config.schema(Schema.Union([Schema.Literal("none"), Maximum]), name).pipe(
    Config.map((value) => (value === "none" ? null : value)),
    Config.withDefault(byDefault),
  )

/**
 * The settings of `BELFRY_ORGANIZATION_*`; what is not set is the default.
 *
 * **Details**
 *
 * Limits are `none` or a number from 1 (`BELFRY_ORGANIZATION_LIMIT` is of the organizations of a user). The default
 * team is its name, or `none`. What is an effect in the settings, a host gives in code.
 *
 * @category config
 * @since 0.1.0
 */
export const configSettings: Config.Config<OrganizationSettingsService> = Config.all({
  creation: Config.schema(Schema.Literals(["everybody", "nobody"]), "BELFRY_ORGANIZATION_CREATION").pipe(
    Config.withDefault("everybody"),
  ),
  allowsDeletion: boolean("BELFRY_ORGANIZATION_DELETION", defaults.allowsDeletion),
  deletionGrace: duration("BELFRY_ORGANIZATION_DELETION_GRACE", defaults.deletionGrace, {
    minimum: Duration.zero,
    maximum: Duration.days(3650),
  }),
  addsMembersDirectly: boolean("BELFRY_ORGANIZATION_ADD_MEMBERS_DIRECTLY", defaults.addsMembersDirectly),
  invitationLifetime: duration(
    "BELFRY_ORGANIZATION_INVITATION_LIFETIME",
    defaults.invitationLifetime,
    defaults.invitationLifetimeBounds,
  ),
  acceptsOtherAddresses: boolean("BELFRY_ORGANIZATION_ACCEPT_OTHER_ADDRESSES", defaults.acceptsOtherAddresses),
  limitsRates: boolean("BELFRY_ORGANIZATION_RATE_LIMITS", defaults.limitsRates),
  limits: Config.all({
    organizations: limit("BELFRY_ORGANIZATION_LIMIT", defaults.limits.organizations),
    members: limit("BELFRY_ORGANIZATION_MEMBER_LIMIT", defaults.limits.members),
    invitations: limit("BELFRY_ORGANIZATION_INVITATION_LIMIT", defaults.limits.invitations),
    roles: limit("BELFRY_ORGANIZATION_ROLE_LIMIT", defaults.limits.roles),
    teams: limit("BELFRY_ORGANIZATION_TEAM_LIMIT", defaults.limits.teams),
    teamMembers: limit("BELFRY_ORGANIZATION_TEAM_MEMBER_LIMIT", defaults.limits.teamMembers),
  }),
  teams: Config.all({
    defaultTeam: Config.schema(TeamName, "BELFRY_ORGANIZATION_DEFAULT_TEAM").pipe(
      Config.map((name) => (name === "none" ? null : name)),
      Config.withDefault(defaults.teams.defaultTeam),
    ),
    creatorJoins: boolean("BELFRY_ORGANIZATION_TEAM_CREATOR_JOINS", defaults.teams.creatorJoins),
    keepsLast: boolean("BELFRY_ORGANIZATION_KEEP_LAST_TEAM", defaults.teams.keepsLast),
  }),
}).pipe(Config.map(({ creation, ...settings }) => make({ ...settings, mayCreate: creation === "everybody" })))

/**
 * Layer of the settings of the configuration.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerConfig = Layer.effect(OrganizationSettings, configSettings)
