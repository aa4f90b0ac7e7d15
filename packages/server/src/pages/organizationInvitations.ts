/**
 * The invitations of an organization: looking at them, inviting, sending again, taking back.
 *
 * @since 0.1.0
 */
import { Email } from "@belfry/core/User"
import { AccessModel } from "@belfry/organization/AccessModel"
import { InvitationId, InvitationStatus } from "@belfry/organization/Invitation"
import { Invitations } from "@belfry/organization/Invitations"
import { OrganizationSettings, type OrganizationSettingsService } from "@belfry/organization/OrganizationSettings"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { actionOf, decode, decodeHidden, FormUnreadable, problemsOf } from "./form.ts"
import { makeChoices } from "./organizationChoices.ts"
import { rolesOf, teamsOf, typedOf } from "./organizationForms.ts"
import { routesOf } from "./organizationPaths.ts"
import { type Again, asShown, gone, orAgain } from "./organizationRefusals.ts"
import { doneAt, makeOrganizationVisits, type OrganizationVisit, partOf, requireOnPage } from "./organizationVisits.ts"
import { PageKit } from "./PageKit.ts"
import { withQuery } from "./query.ts"
import { get, post, type Visit } from "./visit.ts"
import { invitationsPage, newInvitationPage } from "./views/organizationInvitations.ts"
import type { Shown } from "./views/organizationParts.ts"
import type { Problem } from "./views/parts.ts"

const AddressForm = Schema.Struct({ email: Email })

const InvitationForm = Schema.Struct({ invitation: InvitationId })

/**
 * Adds the pages of invitations.
 *
 * @category routes
 * @since 0.1.0
 */
export const routes = Effect.gen(function* () {
  const { paths } = yield* PageKit
  const { teamRoles } = yield* AccessModel
  const lifetimes = lifetimesOf(yield* OrganizationSettings)
  const invitations = yield* Invitations
  const choices = yield* makeChoices
  const visits = yield* makeOrganizationVisits
  const routes = routesOf(paths)

  const show = Effect.fnUntraced(function* (
    visit: Visit,
    { actor, at, membership, organization }: OrganizationVisit,
    shown: Shown,
  ) {
    const { options, query, isFirst } = partOf(visit, ["search", "status"])
    const status = statusOf(query["status"])
    const page = yield* invitations.list(actor, organization, {
      cursor: options.cursor,
      search: query["search"],
      status,
    })
    return invitationsPage(visit.words, {
      ...shown,
      at,
      membership,
      list: { ...page, query: { ...query, status }, isFirst },
      wanted: status,
      now: yield* Clock.currentTimeMillis,
    })
  })

  yield* get(
    routes.invitations,
    Effect.fnUntraced(function* (visit) {
      return yield* show(visit, yield* visits.enter(visit), { done: doneAt(visit) })
    }),
  )

  const actions = {
    resend: { act: invitations.resend, done: "invitation-resent" },
    revoke: { act: invitations.revoke, done: "invitation-revoked" },
  }

  yield* post(
    routes.invitations,
    Effect.fnUntraced(function* (visit, fields) {
      const entered = yield* visits.enter(visit)
      const { actor, at, organization } = entered
      const { act, done } = yield* actionOf(actions, fields)
      const { invitation: id } = yield* decodeHidden(InvitationForm, fields)
      return yield* Effect.as(act(actor, organization, id), withQuery(at.invitations, { done })).pipe(
        orAgain(visit.words, (refused) => show(visit, entered, asShown(refused))),
      )
    }),
  )

  const ask = Effect.fnUntraced(function* (visit: Visit, entered: OrganizationVisit, shown: Shown) {
    const { at, membership } = entered
    yield* requireOnPage(entered, "invitation:create")
    return newInvitationPage(visit.words, {
      ...shown,
      at,
      membership,
      roles: yield* choices.roles(entered),
      teams: yield* choices.teams(entered),
      teamRoles: [...teamRoles.keys()],
      lifetimes,
    })
  })

  yield* get(
    routes.newInvitation,
    Effect.fnUntraced(function* (visit) {
      return yield* ask(visit, yield* visits.enter(visit), {})
    }),
  )

  yield* post(
    routes.newInvitation,
    Effect.fnUntraced(function* (visit, fields) {
      const { words } = visit
      const entered = yield* visits.enter(visit)
      const { actor, at, organization } = entered
      const again = (refused: Again) =>
        ask(visit, entered, asShown(refused, typedOf(fields, ["email", "lifetime"], "role", "team")))
      const chosen = lifetimes.find(({ value }) => value === (fields["lifetime"] ?? ""))
      if (chosen === undefined) return yield* new FormUnreadable({ status: 400 })
      const form = decode(AddressForm, fields)
      const roles = rolesOf(fields, words)
      const teams = teamsOf(fields, words)
      if (Result.isFailure(form) || Result.isFailure(roles) || Result.isFailure(teams)) {
        const problems: ReadonlyArray<Problem> = [
          ...(Result.isFailure(form) ? problemsOf(form.failure, fields, words.fields) : []),
          ...(Result.isFailure(roles) ? [roles.failure] : []),
          ...(Result.isFailure(teams) ? [teams.failure] : []),
        ]
        return yield* again({ status: 422, problems })
      }
      const { lifetime } = chosen
      const asked = { ...form.success, roles: roles.success, teams: teams.success, lifetime }
      return yield* invitations.create(actor, organization, asked).pipe(
        Effect.as(withQuery(at.invitations, { done: "invitation-sent" })),
        Effect.catchTags({
          RoleNotFound: () => again(gone("roles", words.problems.roleGone)),
          TeamNotFound: () => again(gone("teams", words.problems.teamGone)),
        }),
        orAgain(words, again),
      )
    }),
  )
})

// internal

/** For how long an invitation may be open: as the host says, which nobody need choose, or for one of these. */
const lifetimesOf = ({ invitationLifetime, invitationLifetimeBounds }: OrganizationSettingsService) => {
  const others = [1, 7, 30]
    .map(Duration.days)
    .filter((lifetime) => Duration.between(lifetime, invitationLifetimeBounds))
    .filter((lifetime) => !Duration.equals(lifetime, invitationLifetime))
  return [
    { value: "", lifetime: undefined, seconds: Duration.toSeconds(invitationLifetime) },
    ...others.map((lifetime) => {
      const seconds = Duration.toSeconds(lifetime)
      return { value: String(seconds), lifetime, seconds }
    }),
  ].sort((one, other) => one.seconds - other.seconds)
}

const isStatus = Schema.is(InvitationStatus)

const statusOf = (text: string | undefined) => (isStatus(text) ? text : undefined)
