/**
 * What the commands for organizations do, as trusted code does it: no permission is asked for, every rule holds.
 */
import type { Email } from "@belfry/core/User"
import { type MemberRef, MemberWithUser } from "@belfry/organization/Member"
import { JsonObject, Organization, type OrganizationRef, type Slug } from "@belfry/organization/Organization"
import type { StoredOrganization } from "@belfry/organization/OrganizationStore"
import type { RoleNames } from "@belfry/organization/Role"
import { TrustedOrganizations } from "@belfry/organization/TrustedOrganizations"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { print, printEach } from "./output.ts"
import { quoted, userWith, withServices } from "./services.ts"

/** Makes an organization of which the user of an address is the owner, and shows it. */
export const create = (options: { readonly name: string; readonly owner: Email; readonly slug: Option.Option<Slug> }) =>
  Effect.gen(function* () {
    const organizations = yield* TrustedOrganizations
    const { id: ownerId } = yield* userWith(options.owner)
    const slug = Option.getOrNull(options.slug)
    yield* show(yield* organizations.create({ name: options.name, slug, ownerId }))
  }).pipe(withServices)

/** Lists all organizations, newest first. */
export const list = () =>
  TrustedOrganizations.use((organizations) =>
    printEach(StoredOrganizationView, {
      pageAt: (cursor) => organizations.list({ limit: 100, cursor }),
      line: lineOf,
      value: (organization) => organization,
    }),
  ).pipe(withServices)

/** Shows an organization. */
export const get = (organization: OrganizationRef) =>
  TrustedOrganizations.use((organizations) => organizations.get(organization)).pipe(Effect.flatMap(show), withServices)

/** Lists the members of an organization with their roles. */
export const listMembers = (organization: OrganizationRef) =>
  TrustedOrganizations.use((organizations) =>
    printEach(MemberWithUser, {
      pageAt: (cursor) => organizations.listMembers(organization, { limit: 100, cursor }),
      line: lineOfMember,
      value: (member) => member,
    }),
  ).pipe(withServices)

/** Makes the user of an address a member. */
export const addMember = (organization: OrganizationRef, email: Email, roles: RoleNames) =>
  Effect.gen(function* () {
    const organizations = yield* TrustedOrganizations
    const { id: userId } = yield* userWith(email)
    yield* showMember(yield* organizations.addMember(organization, { userId, roles }))
  }).pipe(withServices)

/** Gives a member these roles in place of the former ones. */
export const setRoles = (organization: OrganizationRef, email: Email, roles: RoleNames) =>
  Effect.gen(function* () {
    const organizations = yield* TrustedOrganizations
    yield* showMember(yield* organizations.setRoles(organization, memberWith(email), roles))
  }).pipe(withServices)

/** Ends a membership. */
export const removeMember = (organization: OrganizationRef, email: Email) =>
  TrustedOrganizations.use((organizations) => organizations.removeMember(organization, memberWith(email))).pipe(
    Effect.andThen(print(Removed, { organization, email, isRemoved: true }, [`removed ${email}`])),
    withServices,
  )

/** Hands an organization over from one member to another. */
export const transfer = (organization: OrganizationRef, { from, to }: { readonly from: Email; readonly to: Email }) =>
  TrustedOrganizations.use((organizations) =>
    organizations.transfer(organization, { from: memberWith(from), to: memberWith(to) }),
  ).pipe(Effect.andThen(print(Transferred, { organization, from, to }, [`${to} owns it now`])), withServices)

/** Deletes an organization, for good with `purges`. */
export const remove = (organization: OrganizationRef, options: { readonly purges: boolean }) =>
  TrustedOrganizations.use((organizations) => organizations.remove(organization, options)).pipe(
    Effect.andThen(
      print(Deleted, { organization, isPurged: options.purges }, [
        `${options.purges ? "removed" : "deleted"} ${organization}`,
      ]),
    ),
    withServices,
  )

/** Restores an organization that was deleted and is not gone. */
export const restore = (organization: OrganizationRef) =>
  TrustedOrganizations.use((organizations) => organizations.restore(organization)).pipe(
    Effect.flatMap(show),
    withServices,
  )

// internal

const StoredOrganizationView = Schema.Struct({ ...Organization.fields, privateMetadata: JsonObject })

const Removed = Schema.Struct({ organization: Schema.String, email: Schema.String, isRemoved: Schema.Literal(true) })

const Transferred = Schema.Struct({ organization: Schema.String, from: Schema.String, to: Schema.String })

const Deleted = Schema.Struct({ organization: Schema.String, isPurged: Schema.Boolean })

const memberWith = (email: Email): MemberRef => ({ _tag: "Email", email })

const lineOf = ({ deletedAt, id, name, slug }: StoredOrganization): string =>
  [id, slug ?? "-", ...(deletedAt === null ? [] : ["deleted"]), quoted(name)].join("  ")

const lineOfMember = ({ email, id, roles }: MemberWithUser): string => [id, email, roles.join(",")].join("  ")

const showMember = (member: MemberWithUser) => print(MemberWithUser, member, [lineOfMember(member)])

const show = (organization: StoredOrganization) => {
  const { createdAt, deletedAt, id, name, slug } = organization
  return print(StoredOrganizationView, organization, [
    `id       ${id}`,
    `name     ${quoted(name)}`,
    `slug     ${slug ?? "none"}`,
    `created  ${DateTime.formatIso(createdAt)}`,
    ...(deletedAt === null ? [] : [`deleted  ${DateTime.formatIso(deletedAt)}`]),
  ])
}
