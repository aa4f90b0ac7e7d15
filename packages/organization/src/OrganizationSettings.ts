/**
 * The settings of organizations.
 *
 * @since 0.1.0
 */
import type { StoreError } from "@belfry/core/StoreError"
import type { User } from "@belfry/core/User"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type { OrganizationId } from "./Organization.ts"
import type { TeamId } from "./Team.ts"

/**
 * How many there may be: a number, no limit (null), or an effect that says so when it is needed, of a plan for
 * instance.
 *
 * @category models
 * @since 0.1.0
 */
export type Limit<Facts> = number | null | ((facts: Facts) => Effect.Effect<number | null, StoreError>)

/**
 * The settings of organizations. Every one has a default.
 *
 * **Details**
 *
 * Limits are asked inside the transaction that adds, which holds the lock of the organization: nothing gets past one.
 *
 * @category models
 * @since 0.1.0
 */
export interface OrganizationSettingsService {
  /** Who may create organizations: everybody. */
  readonly mayCreate: boolean | ((user: User) => Effect.Effect<boolean, StoreError>)
  /** Whether organizations can be deleted by their owners: yes. */
  readonly allowsDeletion: boolean
  /** For how long a deleted organization can be restored: 30 days; 0: it is gone at once. */
  readonly deletionGrace: Duration.Duration
  /** Whether people may be made members without being asked: no. */
  readonly addsMembersDirectly: boolean
  /** 7 days. */
  readonly invitationLifetime: Duration.Duration
  /** The shortest and the longest that an inviter may choose: 1 hour, 30 days. */
  readonly invitationLifetimeBounds: { readonly minimum: Duration.Duration; readonly maximum: Duration.Duration }
  /**
   * Whether whoever holds the token may accept with an account of another address: yes, the token proves the mailbox.
   */
  readonly acceptsOtherAddresses: boolean
  /** Whether `rateLimits` count: yes. */
  readonly limitsRates: boolean
  readonly limits: {
    /** Organizations that a user is in, asked when one is created. No limit. */
    readonly organizations: Limit<{ readonly user: User }>
    readonly members: Limit<{ readonly organizationId: OrganizationId }>
    /** Open invitations: 1,000. */
    readonly invitations: Limit<{ readonly organizationId: OrganizationId }>
    /** Roles that an organization makes: 100. */
    readonly roles: Limit<{ readonly organizationId: OrganizationId }>
    readonly teams: Limit<{ readonly organizationId: OrganizationId }>
    readonly teamMembers: Limit<{ readonly organizationId: OrganizationId; readonly teamId: TeamId }>
  }
  readonly teams: {
    /** Whether whoever creates a team is in it, as its lead: yes. */
    readonly creatorJoins: boolean
    /** The name of the team that each organization begins with; null: none. */
    readonly defaultTeam: string | null
    /** Whether the last team stays: no. */
    readonly keepsLast: boolean
  }
}

/**
 * The defaults.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (
  options: Partial<Omit<OrganizationSettingsService, "limits" | "teams">> & {
    readonly limits?: Partial<OrganizationSettingsService["limits"]>
    readonly teams?: Partial<OrganizationSettingsService["teams"]>
  } = {},
): OrganizationSettingsService => ({
  mayCreate: true,
  allowsDeletion: true,
  deletionGrace: Duration.days(30),
  addsMembersDirectly: false,
  invitationLifetime: Duration.days(7),
  invitationLifetimeBounds: { minimum: Duration.hours(1), maximum: Duration.days(30) },
  acceptsOtherAddresses: true,
  limitsRates: true,
  ...options,
  limits: {
    organizations: null,
    members: null,
    invitations: 1000,
    roles: 100,
    teams: null,
    teamMembers: null,
    ...options.limits,
  },
  teams: { creatorJoins: true, defaultTeam: null, keepsLast: false, ...options.teams },
})

/**
 * The settings of organizations; the defaults, unless a host provides others.
 *
 * @category services
 * @since 0.1.0
 */
export const OrganizationSettings = Context.Reference<OrganizationSettingsService>(
  "@belfry/organization/OrganizationSettings",
  { defaultValue: () => make() },
)
