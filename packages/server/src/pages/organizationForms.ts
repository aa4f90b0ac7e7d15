/**
 * Fields of the forms about organizations.
 *
 * @since 0.1.0
 */
import { DisplayName, ImageUrl } from "@belfry/core/User"
import { Slug } from "@belfry/organization/Organization"
import { RoleDescription, RoleName, RoleNames } from "@belfry/organization/Role"
import { TeamAssignment } from "@belfry/organization/Team"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"
import type { Catalogue } from "../PageCatalogues.ts"
import type { FormFields } from "./form.ts"
import type { Problem } from "./views/parts.ts"

/**
 * A name that must be there.
 *
 * @category schemas
 * @since 0.1.0
 */
export const RequiredNameField = Schema.String.pipe(
  Schema.decodeTo(DisplayName, {
    decode: SchemaGetter.transform((text: string) => text.trim()),
    encode: SchemaGetter.transform((name: string) => name),
  }),
)

/**
 * A slug, in whatever case it was typed, or nothing.
 *
 * @category schemas
 * @since 0.1.0
 */
export const SlugField = Schema.String.pipe(
  Schema.decodeTo(Schema.NullOr(Slug), {
    decode: SchemaGetter.transform((text: string) => text.trim().toLowerCase() || null),
    encode: SchemaGetter.transform((slug: string | null) => slug ?? ""),
  }),
)

/**
 * The address of a picture, or nothing.
 *
 * @category schemas
 * @since 0.1.0
 */
export const LogoField = Schema.String.pipe(
  Schema.decodeTo(Schema.NullOr(ImageUrl), {
    decode: SchemaGetter.transform((text: string) => text.trim() || null),
    encode: SchemaGetter.transform((logo: string | null) => logo ?? ""),
  }),
)

/**
 * The name of a role, in whatever case it was typed.
 *
 * @category schemas
 * @since 0.1.0
 */
export const RoleNameField = Schema.String.pipe(
  Schema.decodeTo(RoleName, {
    decode: SchemaGetter.transform((text: string) => text.trim().toLowerCase()),
    encode: SchemaGetter.transform((name: string) => name),
  }),
)

/**
 * What a role is for, or nothing.
 *
 * @category schemas
 * @since 0.1.0
 */
export const DescriptionField = Schema.String.pipe(
  Schema.decodeTo(Schema.NullOr(RoleDescription), {
    decode: SchemaGetter.transform((text: string) => text.trim() || null),
    encode: SchemaGetter.transform((description: string | null) => description ?? ""),
  }),
)

/**
 * The prefixes of the fields that choose something: `role_admin=1`, `team_<id>=lead`. A form with a name twice is
 * refused, so each choice has a name of its own.
 *
 * @category models
 * @since 0.1.0
 */
export const chosenBy = { role: "role_", permission: "permission_", team: "team_" } as const

/**
 * What a form chose of a kind, as text.
 *
 * @category decoding
 * @since 0.1.0
 */
export const chosenOf = (fields: FormFields, kind: "role" | "permission"): ReadonlyArray<string> => {
  const prefix = chosenBy[kind]
  return Object.keys(fields)
    .filter((name) => name.startsWith(prefix) && fields[name] === "1")
    .map((name) => name.slice(prefix.length))
}

/**
 * What was typed into some fields, and chosen of some kinds, to be shown again.
 *
 * @category accessors
 * @since 0.1.0
 */
export const typedOf = (
  fields: FormFields,
  names: ReadonlyArray<string>,
  ...kinds: ReadonlyArray<keyof typeof chosenBy>
): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(fields).filter(
      ([name]) => names.includes(name) || kinds.some((kind) => name.startsWith(chosenBy[kind])),
    ),
  )

/**
 * The roles that a form chose, or what is wrong with them.
 *
 * @category decoding
 * @since 0.1.0
 */
export const rolesOf = (fields: FormFields, { problems }: Catalogue): Result.Result<RoleNames, Problem> => {
  const chosen = chosenOf(fields, "role")
  return Result.mapError(decodeRoles(chosen), () => ({
    field: "roles",
    message: chosen.length === 0 ? problems.noRole : chosen.length > 20 ? problems.manyRoles : problems.roleGone,
  }))
}

/**
 * The teams that a form chose, each with a role in it, or what is wrong with them.
 *
 * @category decoding
 * @since 0.1.0
 */
export const teamsOf = (
  fields: FormFields,
  { problems }: Catalogue,
): Result.Result<ReadonlyArray<TeamAssignment>, Problem> => {
  const chosen = Object.entries(fields).filter(([name, role]) => name.startsWith(chosenBy.team) && role !== "")
  return Result.mapError(
    decodeTeams(chosen.map(([name, role]) => ({ teamId: name.slice(chosenBy.team.length), role }))),
    () => ({ field: "teams", message: chosen.length > 20 ? problems.manyTeams : problems.teamGone }),
  )
}

// internal

const decodeTeams = Schema.decodeUnknownResult(Schema.Array(TeamAssignment).check(Schema.isMaxLength(20)))

const decodeRoles = Schema.decodeUnknownResult(RoleNames)
