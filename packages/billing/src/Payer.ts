/**
 * Who pays: a user, an organization, or a team of one.
 *
 * @since 0.1.0
 */
import { UserId } from "@belfry/core/User"
import { OrganizationId, type OrganizationRef, toOrganizationRef } from "@belfry/organization/Organization"
import { TeamId } from "@belfry/organization/Team"
import * as Schema from "effect/Schema"

/**
 * Who pays. A team is named with its organization, which decides who may see to it.
 *
 * @category models
 * @since 0.1.0
 */
export const Payer = Schema.Union([
  Schema.TaggedStruct("User", { userId: UserId }),
  Schema.TaggedStruct("Organization", { organizationId: OrganizationId }),
  Schema.TaggedStruct("Team", { organizationId: OrganizationId, teamId: TeamId }),
]).annotate({ identifier: "Payer" })
/**
 * @category models
 * @since 0.1.0
 */
export type Payer = typeof Payer.Type

/**
 * The kinds of payers.
 *
 * @category models
 * @since 0.1.0
 */
export const PayerKind = Schema.Literals(["user", "organization", "team"])
/**
 * @category models
 * @since 0.1.0
 */
export type PayerKind = typeof PayerKind.Type

/**
 * What names a payer in a request: the caller, an organization by id or slug, a team of one.
 *
 * @category models
 * @since 0.1.0
 */
export type PayerRef =
  | { readonly _tag: "Self" }
  | { readonly _tag: "Organization"; readonly organization: OrganizationRef }
  | { readonly _tag: "Team"; readonly organization: OrganizationRef; readonly teamId: TeamId }

/**
 * A payer's name on the wire: `me`, `organization:<id or slug>`, `team:<id or slug>/<team id>`. Whatever stands there:
 * what names none is not found.
 *
 * @category models
 * @since 0.1.0
 */
export const PayerText = Schema.String.check(Schema.isMaxLength(160))

/**
 * Reads a payer's name; null: it names none. Nothing at all names the caller.
 *
 * @category converting
 * @since 0.1.0
 */
export const toPayerRef = (text: string | undefined): PayerRef | null => {
  if (text === undefined || text === "me") return { _tag: "Self" }
  const [kind, organizationText = "", teamId, ...rest] = text.split(/[:/]/u)
  const organization = toOrganizationRef(organizationText)
  if (organization === null || rest.length > 0) return null
  if (kind === "organization" && teamId === undefined) return { _tag: "Organization", organization }
  return kind === "team" && isTeamId(teamId) ? { _tag: "Team", organization, teamId } : null
}

/**
 * The kind of a payer.
 *
 * @category accessors
 * @since 0.1.0
 */
export const kindOf = (payer: Payer): PayerKind =>
  payer._tag === "User" ? "user" : payer._tag === "Organization" ? "organization" : "team"

/**
 * A payer's name on the wire and in the provider's metadata, by ids.
 *
 * @category converting
 * @since 0.1.0
 */
export const toPayerText = (payer: Payer): string =>
  payer._tag === "User"
    ? `user:${payer.userId}`
    : payer._tag === "Organization"
      ? `organization:${payer.organizationId}`
      : `team:${payer.organizationId}/${payer.teamId}`

/**
 * There is no such payer, or it is not the caller's to see, which look alike.
 *
 * @category errors
 * @since 0.1.0
 */
export class PayerNotFound extends Schema.TaggedError<PayerNotFound>("@belfry/billing/PayerNotFound")(
  "PayerNotFound",
  {},
) {
  override get message(): string {
    return "No such payer"
  }
}

/**
 * The caller may not do this for the payer: `permission` is what is missing, or the host's own rule said no.
 *
 * @category errors
 * @since 0.1.0
 */
export class BillingForbidden extends Schema.TaggedError<BillingForbidden>("@belfry/billing/BillingForbidden")(
  "BillingForbidden",
  { reason: Schema.Literals(["permission", "host"]), permission: Schema.Literals(["billing:read", "billing:manage"]) },
) {
  override get message(): string {
    return this.reason === "permission" ? `Missing: ${this.permission}` : "You cannot do this here"
  }
}

// internal

const isTeamId = Schema.is(TeamId)
