/**
 * An organization: what people are members of.
 *
 * @since 0.1.0
 */
import { DisplayName, ImageUrl } from "@belfry/core/User"
import { isUuid } from "@belfry/core/Uuid"
import * as Schema from "effect/Schema"

/**
 * Identifies an organization: a UUIDv7. It is never a credential.
 *
 * @category models
 * @since 0.1.0
 */
export const OrganizationId = Schema.String.check(isUuid).pipe(Schema.brand("OrganizationId"))
/**
 * @category models
 * @since 0.1.0
 */
export type OrganizationId = typeof OrganizationId.Type

/**
 * The name of an organization in addresses: 2 to 48 of `a-z`, `0-9` and `-`, no hyphen at either end, never of the form
 * of an id, so that one text is the one or the other, and not `new`, which is a page.
 *
 * @category models
 * @since 0.1.0
 */
export const Slug = Schema.String.check(
  Schema.isPattern(/^(?!new$)(?![0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$)[a-z0-9](?:[a-z0-9-]{0,46}[a-z0-9])$/u, {
    message: "Expected 2 to 48 of a-z, 0-9 and hyphens",
  }),
).pipe(Schema.brand("Slug"))
/**
 * @category models
 * @since 0.1.0
 */
export type Slug = typeof Slug.Type

/**
 * What names an organization: its id or its slug.
 *
 * @category models
 * @since 0.1.0
 */
export const OrganizationRef = Schema.Union([OrganizationId, Slug])
/**
 * @category models
 * @since 0.1.0
 */
export type OrganizationRef = typeof OrganizationRef.Type

/**
 * Tells an id from a slug.
 *
 * @category predicates
 * @since 0.1.0
 */
export const isOrganizationId = Schema.is(OrganizationId)

/**
 * Reads what names an organization from text of any form; null: no organization has such a name.
 *
 * @category converting
 * @since 0.1.0
 */
export const toOrganizationRef = (text: string): OrganizationRef | null => (isOrganizationRef(text) ? text : null)

/**
 * The name of an organization as people read it: 1 to 200 characters that show as they are written.
 *
 * @category models
 * @since 0.1.0
 */
export const OrganizationName = DisplayName

/**
 * An object of JSON: where it comes from outside, at most 16 KiB as text and 16 deep.
 *
 * @category models
 * @since 0.1.0
 */
export const JsonObject = Schema.Record(Schema.String, Schema.Json)
/**
 * @category models
 * @since 0.1.0
 */
export type JsonObject = typeof JsonObject.Type

/**
 * An organization as services return it and as the wire carries it. Private metadata is not part of it.
 *
 * **Details**
 *
 * `deletedAt` is when it was deleted; until its time of grace is over an owner can restore it, and to everybody else it
 * is not there.
 *
 * @category models
 * @since 0.1.0
 */
export const Organization = Schema.Struct({
  id: OrganizationId,
  name: Schema.String,
  slug: Schema.NullOr(Slug),
  logo: Schema.NullOr(Schema.String),
  publicMetadata: JsonObject,
  createdAt: Schema.DateTimeUtc,
  updatedAt: Schema.DateTimeUtc,
  deletedAt: Schema.NullOr(Schema.DateTimeUtc),
}).annotate({ identifier: "Organization" })
/**
 * @category models
 * @since 0.1.0
 */
export interface Organization extends Schema.Schema.Type<typeof Organization> {}

/**
 * How many an organization has. `teams` and `pendingInvitations` are counted up to 1,000.
 *
 * @category models
 * @since 0.1.0
 */
export const OrganizationCounts = Schema.Struct({
  members: Schema.Int,
  owners: Schema.Int,
  teams: Schema.Int,
  pendingInvitations: Schema.Int,
}).annotate({ identifier: "OrganizationCounts" })
/**
 * @category models
 * @since 0.1.0
 */
export interface OrganizationCounts extends Schema.Schema.Type<typeof OrganizationCounts> {}

/**
 * What is known of a new organization, as a client sends it.
 *
 * @category models
 * @since 0.1.0
 */
export const NewOrganization = Schema.Struct({
  name: OrganizationName,
  slug: Schema.optionalKey(Schema.NullOr(Slug)),
  logo: Schema.optionalKey(Schema.NullOr(ImageUrl)),
  publicMetadata: Schema.optionalKey(JsonObject),
}).annotate({ identifier: "NewOrganization" })
/**
 * @category models
 * @since 0.1.0
 */
export interface NewOrganization extends Schema.Schema.Type<typeof NewOrganization> {}

/**
 * What may change about an organization: an absent key leaves the value, `null` clears it. Metadata is replaced whole.
 *
 * @category models
 * @since 0.1.0
 */
export const OrganizationPatch = Schema.Struct({
  name: Schema.optionalKey(OrganizationName),
  slug: Schema.optionalKey(Schema.NullOr(Slug)),
  logo: Schema.optionalKey(Schema.NullOr(ImageUrl)),
  publicMetadata: Schema.optionalKey(JsonObject),
}).annotate({ identifier: "OrganizationPatch" })
/**
 * @category models
 * @since 0.1.0
 */
export interface OrganizationPatch extends Schema.Schema.Type<typeof OrganizationPatch> {}

/**
 * The stream of events and audit events of an organization.
 *
 * @category converting
 * @since 0.1.0
 */
export const aggregateOf = (id: OrganizationId): string => `organization:${id}`

/**
 * There is no such organization, or it is not the caller's to see, which look alike.
 *
 * @category errors
 * @since 0.1.0
 */
export class OrganizationNotFound extends Schema.TaggedError<OrganizationNotFound>(
  "@belfry/organization/OrganizationNotFound",
)("OrganizationNotFound", {}) {
  override get message(): string {
    return "No such organization"
  }
}

/**
 * Another organization has this slug.
 *
 * @category errors
 * @since 0.1.0
 */
export class SlugTaken extends Schema.TaggedError<SlugTaken>("@belfry/organization/SlugTaken")("SlugTaken", {
  slug: Slug,
}) {
  override get message(): string {
    return "Another organization has this slug"
  }
}

/**
 * The host lets this person make no organizations.
 *
 * @category errors
 * @since 0.1.0
 */
export class OrganizationCreationRefused extends Schema.TaggedError<OrganizationCreationRefused>(
  "@belfry/organization/OrganizationCreationRefused",
)("OrganizationCreationRefused", {}) {
  override get message(): string {
    return "You cannot create organizations here"
  }
}

/**
 * The organization, or a team of it, cannot be deleted: the host's hook refused, or deletion is off. Or it cannot be
 * restored: it is not deleted.
 *
 * @category errors
 * @since 0.1.0
 */
export class DeletionRefused extends Schema.TaggedError<DeletionRefused>("@belfry/organization/DeletionRefused")(
  "DeletionRefused",
  { reason: Schema.Literals(["disabled", "host", "not-deleted"]), detail: Schema.NullOr(Schema.String) },
) {
  override get message(): string {
    return this.detail ?? "This cannot be deleted"
  }
}

/**
 * Metadata is not of the form that the host declared. `issues` never repeat the input.
 *
 * @category errors
 * @since 0.1.0
 */
export class MetadataInvalid extends Schema.TaggedError<MetadataInvalid>("@belfry/organization/MetadataInvalid")(
  "MetadataInvalid",
  { issues: Schema.Array(Schema.String) },
) {
  override get message(): string {
    return "The metadata is not of its form"
  }
}

/**
 * There can be no more of what `limit` names than `maximum`.
 *
 * @category errors
 * @since 0.1.0
 */
export class LimitReached extends Schema.TaggedError<LimitReached>("@belfry/organization/LimitReached")(
  "LimitReached",
  {
    limit: Schema.Literals(["organizations", "members", "invitations", "roles", "teams", "team-members"]),
    maximum: Schema.Int,
  },
) {
  override get message(): string {
    return `No more than ${this.maximum} ${this.limit}`
  }
}

// internal

const isOrganizationRef = Schema.is(OrganizationRef)
