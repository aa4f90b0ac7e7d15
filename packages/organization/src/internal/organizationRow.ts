/**
 * Organizations as rows of `belfry_organizations`.
 */
import * as DateTime from "effect/DateTime"
import type { JsonObject, Organization, OrganizationId, Slug } from "../Organization.ts"
import type { StoredOrganization } from "../OrganizationStore.ts"

/** The columns of an {@link OrganizationRow}, of `belfry_organizations AS o`. */
export const organizationColumns = `o.id, o.name, o.slug, o.logo, o.public_metadata, o.created_at, o.updated_at,
  o.deleted_at`

/** The columns of a {@link StoredRow}, of the same: private metadata is read for code that is trusted alone. */
export const storedColumns = `${organizationColumns}, o.private_metadata`

export interface OrganizationRow {
  readonly id: OrganizationId
  readonly name: string
  readonly slug: Slug | null
  readonly logo: string | null
  readonly public_metadata: JsonObject
  readonly created_at: Date
  readonly updated_at: Date
  readonly deleted_at: Date | null
}

export interface StoredRow extends OrganizationRow {
  readonly private_metadata: JsonObject
}

/** An organization with what only trusted code sees. */
export const toStored = (row: StoredRow): StoredOrganization => ({
  ...toOrganization(row),
  privateMetadata: row.private_metadata,
})

/** An organization as its members see it. */
export const toOrganization = (row: OrganizationRow): Organization => ({
  id: row.id,
  name: row.name,
  slug: row.slug,
  logo: row.logo,
  publicMetadata: row.public_metadata,
  createdAt: DateTime.fromDateUnsafe(row.created_at),
  updatedAt: DateTime.fromDateUnsafe(row.updated_at),
  deletedAt: row.deleted_at === null ? null : DateTime.fromDateUnsafe(row.deleted_at),
})
