/**
 * The members of an organization: looking them up, changing their roles, removing them.
 *
 * @since 0.1.0
 */
import { MemberId, MemberNotFound, type MemberWithUser } from "@belfry/organization/Member"
import { Members } from "@belfry/organization/Members"
import { Teams } from "@belfry/organization/Teams"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { makeChoices } from "./organizationChoices.ts"
import { rolesOf, typedOf } from "./organizationForms.ts"
import { routesOf } from "./organizationPaths.ts"
import { type Again, asShown, gone, orAgain } from "./organizationRefusals.ts"
import { doneAt, makeOrganizationVisits, type OrganizationVisit, partOf, requireOnPage } from "./organizationVisits.ts"
import { PageKit } from "./PageKit.ts"
import { withQuery } from "./query.ts"
import { get, post, type Visit } from "./visit.ts"
import { memberPage, membersPage, removeMemberPage } from "./views/organizationMembers.ts"
import { may, type Shown } from "./views/organizationParts.ts"

/**
 * Adds the pages of members.
 *
 * @category routes
 * @since 0.1.0
 */
export const routes = Effect.gen(function* () {
  const { paths } = yield* PageKit
  const members = yield* Members
  const teams = yield* Effect.serviceOption(Teams)
  const choices = yield* makeChoices
  const visits = yield* makeOrganizationVisits
  const routes = routesOf(paths)

  /** The member of the address. */
  const memberOf = Effect.fnUntraced(function* (visit: Visit, { actor, organization }: OrganizationVisit) {
    const id = visit.param("member")
    if (!isMemberId(id)) return yield* new MemberNotFound()
    return yield* members.get(actor, organization, { _tag: "Id", id })
  })

  const show = Effect.fnUntraced(function* (
    { words }: Visit,
    entered: OrganizationVisit,
    member: MemberWithUser,
    shown: Shown,
  ) {
    const { actor, organization, ...frame } = entered
    const all =
      may(frame.membership, "member:update") || may(frame.membership, "member:delete")
        ? yield* choices.roles(entered)
        : []
    const isOutOfReach = all.some(({ name, mayGive }) => !mayGive && member.roles.includes(name))
    // Saving would take away a role of the organization that the page does not show to this reader.
    const hasUnseen =
      may(frame.membership, "member:update") &&
      !may(frame.membership, "role:read") &&
      member.roles.some((role) => !all.some(({ name }) => name === role))
    return memberPage(words, {
      ...frame,
      ...shown,
      member,
      roles: may(frame.membership, "member:update") && !isOutOfReach && !hasUnseen ? all : null,
      isOutOfReach,
      hasUnseen,
      teams: yield* Option.match(teams, {
        onNone: () => Effect.succeed(null),
        onSome: (teams) =>
          teams.ofMember(actor, organization, { _tag: "Id", id: member.id }).pipe(
            Effect.map(({ items }) => items),
            Effect.catchTag("PermissionMissing", () => Effect.succeed(null)),
          ),
      }),
      now: yield* Clock.currentTimeMillis,
    })
  })

  yield* get(
    routes.members,
    Effect.fnUntraced(function* (visit) {
      const { actor, organization, ...frame } = yield* visits.enter(visit)
      const { options, ...part } = partOf(visit, ["search"])
      const page = yield* members.list(actor, organization, options)
      return membersPage(visit.words, { ...frame, list: { ...page, ...part }, done: doneAt(visit) })
    }),
  )

  yield* get(
    routes.member,
    Effect.fnUntraced(function* (visit) {
      const entered = yield* visits.enter(visit)
      return yield* show(visit, entered, yield* memberOf(visit, entered), { done: doneAt(visit) })
    }),
  )

  yield* post(
    routes.member,
    Effect.fnUntraced(function* (visit, fields) {
      const { words } = visit
      const entered = yield* visits.enter(visit)
      const member = yield* memberOf(visit, entered)
      const again = (refused: Again) => show(visit, entered, member, asShown(refused, typedOf(fields, [], "role")))
      const roles = rolesOf(fields, words)
      if (Result.isFailure(roles)) return yield* again({ status: 422, problems: [roles.failure] })
      const { actor, at, organization } = entered
      return yield* members.setRoles(actor, organization, { _tag: "Id", id: member.id }, roles.success).pipe(
        Effect.as(withQuery(at.member(member.id), { done: "roles-saved" })),
        Effect.catchTag("RoleNotFound", () => again(gone("roles", words.problems.roleGone))),
        orAgain(words, again),
      )
    }),
  )

  yield* get(
    routes.removeMember,
    Effect.fnUntraced(function* (visit) {
      const entered = yield* visits.enter(visit)
      yield* requireOnPage(entered, "member:delete")
      return removeMemberPage(visit.words, { ...entered, member: yield* memberOf(visit, entered) })
    }),
  )

  yield* post(
    routes.removeMember,
    Effect.fnUntraced(function* (visit) {
      const entered = yield* visits.enter(visit)
      const { actor, organization, ...frame } = entered
      const member = yield* memberOf(visit, entered)
      return yield* members.remove(actor, organization, { _tag: "Id", id: member.id }).pipe(
        Effect.as(withQuery(frame.at.members, { done: "member-removed" })),
        orAgain(visit.words, (refused) =>
          Effect.succeed(removeMemberPage(visit.words, { ...frame, ...asShown(refused), member })),
        ),
      )
    }),
  )
})

// internal

const isMemberId = Schema.is(MemberId)
