/**
 * What the commands for organizations do, as trusted code does it: no permission is asked for, every rule holds.
 */
import type { Email } from "@belfry/core/User"
import { Users } from "@belfry/core/Users"
import type { MemberRef, MemberWithUser } from "@belfry/organization/Member"
import type { OrganizationRef, Slug } from "@belfry/organization/Organization"
import type { StoredOrganization } from "@belfry/organization/OrganizationStore"
import type { Page } from "@belfry/organization/Page"
import { RoleNames } from "@belfry/organization/Role"
import { TrustedOrganizations } from "@belfry/organization/TrustedOrganizations"
import * as Console from "effect/Console"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { quoted, withServices } from "./services.ts"

/** Makes an organization of which the user of an address is the owner, and shows it. */
export const create = (options: { readonly name: string; readonly owner: Email; readonly slug: Option.Option<Slug> }) =>
  Effect.gen(function* () {
    const organizations = yield* TrustedOrganizations
    const ownerId = yield* userWith(options.owner)
    const slug = Option.getOrNull(options.slug)
    yield* show(yield* organizations.create({ name: options.name, slug, ownerId }))
  }).pipe(withServices)

/** Lists all organizations, newest first. */
export const list = () =>
  TrustedOrganizations.use((organizations) =>
    eachOf((cursor) => organizations.list({ limit: 100, cursor }), lineOf),
  ).pipe(withServices)

/** Shows an organization. */
export const get = (organization: OrganizationRef) =>
  TrustedOrganizations.use((organizations) => organizations.get(organization)).pipe(Effect.flatMap(show), withServices)

/** Lists the members of an organization with their roles. */
export const listMembers = (organization: OrganizationRef) =>
  TrustedOrganizations.use((organizations) =>
    eachOf((cursor) => organizations.listMembers(organization, { limit: 100, cursor }), lineOfMember),
  ).pipe(withServices)

/** Makes the user of an address a member. */
export const addMember = (organization: OrganizationRef, email: Email, roles: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const organizations = yield* TrustedOrganizations
    const names = yield* readRoles(roles)
    const userId = yield* userWith(email)
    yield* Console.log(lineOfMember(yield* organizations.addMember(organization, { userId, roles: names })))
  }).pipe(withServices)

/** Gives a member these roles in place of the former ones. */
export const setRoles = (organization: OrganizationRef, email: Email, roles: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const organizations = yield* TrustedOrganizations
    const names = yield* readRoles(roles)
    yield* Console.log(lineOfMember(yield* organizations.setRoles(organization, memberWith(email), names)))
  }).pipe(withServices)

/** Ends a membership. */
export const removeMember = (organization: OrganizationRef, email: Email) =>
  TrustedOrganizations.use((organizations) => organizations.removeMember(organization, memberWith(email))).pipe(
    Effect.andThen(Console.log(`removed ${email}`)),
    withServices,
  )

/** Hands an organization over from one member to another. */
export const transfer = (organization: OrganizationRef, { from, to }: { readonly from: Email; readonly to: Email }) =>
  TrustedOrganizations.use((organizations) =>
    organizations.transfer(organization, { from: memberWith(from), to: memberWith(to) }),
  ).pipe(Effect.andThen(Console.log(`${to} owns it now`)), withServices)

/** Deletes an organization, for good with `purges`. */
export const remove = (organization: OrganizationRef, options: { readonly purges: boolean }) =>
  TrustedOrganizations.use((organizations) => organizations.remove(organization, options)).pipe(
    Effect.andThen(Console.log(`${options.purges ? "removed" : "deleted"} ${organization}`)),
    withServices,
  )

/** Restores an organization that was deleted and is not gone. */
export const restore = (organization: OrganizationRef) =>
  TrustedOrganizations.use((organizations) => organizations.restore(organization)).pipe(
    Effect.flatMap(show),
    withServices,
  )

// internal

const readRoles = Schema.decodeUnknownEffect(RoleNames)

const memberWith = (email: Email): MemberRef => ({ _tag: "Email", email })

const userWith = Effect.fnUntraced(function* (email: Email) {
  const found = yield* Users.use((users) => users.findByEmail(email))
  return Option.isSome(found) ? found.value.id : yield* Effect.fail(new Error("There is no user of this address"))
})

/** Writes a line for each item of a list, page after page. */
const eachOf = Effect.fnUntraced(function* <A, E, R>(
  pageAt: (cursor: string | undefined) => Effect.Effect<Page<A>, E, R>,
  line: (item: A) => string,
) {
  let cursor: string | undefined
  do {
    const page: Page<A> = yield* pageAt(cursor)
    for (const item of page.items) yield* Console.log(line(item))
    cursor = page.cursor ?? undefined
  } while (cursor !== undefined)
})

const lineOf = ({ deletedAt, id, name, slug }: StoredOrganization): string =>
  [id, slug ?? "-", ...(deletedAt === null ? [] : ["deleted"]), quoted(name)].join("  ")

const lineOfMember = ({ email, id, roles }: MemberWithUser): string => [id, email, roles.join(",")].join("  ")

const show = Effect.fnUntraced(function* ({ createdAt, deletedAt, id, name, slug }: StoredOrganization) {
  yield* Console.log(`id       ${id}`)
  yield* Console.log(`name     ${quoted(name)}`)
  yield* Console.log(`slug     ${slug ?? "none"}`)
  yield* Console.log(`created  ${DateTime.formatIso(createdAt)}`)
  if (deletedAt !== null) yield* Console.log(`deleted  ${DateTime.formatIso(deletedAt)}`)
})
