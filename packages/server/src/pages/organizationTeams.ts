/**
 * The teams of an organization: looking at them, making, renaming and deleting them, who is in them with which role.
 *
 * A host may have none: then there are no such pages.
 *
 * @since 0.1.0
 */
import { Email } from "@belfry/core/User"
import { AccessModel } from "@belfry/organization/AccessModel"
import { MemberId } from "@belfry/organization/Member"
import { Members } from "@belfry/organization/Members"
import { builtInPermission, PermissionMissing } from "@belfry/organization/Permission"
import { type Team, TeamId, TeamNotFound, TeamRoleName } from "@belfry/organization/Team"
import { Teams } from "@belfry/organization/Teams"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { makeTeamBilling } from "./billingVisits.ts"
import { actionOf, decode, decodeHidden, type FormFields, problemsOf } from "./form.ts"
import { RequiredNameField, typedOf } from "./organizationForms.ts"
import { routesOf } from "./organizationPaths.ts"
import { type Again, asShown, orAgain } from "./organizationRefusals.ts"
import { doneAt, makeOrganizationVisits, type OrganizationVisit, partOf, requireOnPage } from "./organizationVisits.ts"
import { PageKit } from "./PageKit.ts"
import { withQuery } from "./query.ts"
import { get, post, type Visit } from "./visit.ts"
import type { Shown } from "./views/organizationParts.ts"
import { deleteTeamPage, newTeamPage, teamPage, teamsPage } from "./views/organizationTeams.ts"

const NameForm = Schema.Struct({ name: RequiredNameField })

const AddForm = Schema.Struct({ email: Email })

const RoleForm = Schema.Struct({ member: MemberId, role: TeamRoleName })

const MemberForm = Schema.Struct({ member: MemberId })

/** What a reader may do in a team, by the permissions that it takes. */
const asked = {
  update: builtInPermission("team:update"),
  remove: builtInPermission("team:delete"),
  addMember: builtInPermission("teamMember:create"),
  setRole: builtInPermission("teamMember:update"),
  removeMember: builtInPermission("teamMember:delete"),
}

/**
 * Adds the pages of teams, where the host has teams.
 *
 * @category routes
 * @since 0.1.0
 */
export const routes = Effect.gen(function* () {
  const found = yield* Effect.serviceOption(Teams)
  if (Option.isSome(found)) yield* routesOfTeams(found.value)
})

// internal

const routesOfTeams = Effect.fnUntraced(function* (teams: Teams["Service"]) {
  const { paths } = yield* PageKit
  const { teamRoles } = yield* AccessModel
  const members = yield* Members
  const billingOf = yield* makeTeamBilling
  const visits = yield* makeOrganizationVisits
  const routes = routesOf(paths)

  /** The team of the address. */
  const find = Effect.fnUntraced(function* (visit: Visit, { actor, organization }: OrganizationVisit) {
    const id = visit.param("team")
    if (!isTeamId(id)) return yield* new TeamNotFound({ what: "team" })
    return yield* teams.get(actor, organization, id)
  })

  const show = Effect.fnUntraced(function* (visit: Visit, entered: OrganizationVisit, team: Team, shown: Shown) {
    const { actor, at, membership, organization } = entered
    const { options, ...part } = partOf(visit)
    const missing = new Set(yield* teams.missing(actor, organization, team.id, Object.values(asked)))
    return teamPage(visit.words, {
      ...shown,
      at,
      membership,
      team,
      members: yield* teams.members(actor, organization, team.id, options).pipe(
        Effect.map((page) => ({ ...page, ...part })),
        Effect.catchTag("PermissionMissing", () => Effect.succeed(null)),
      ),
      may: {
        update: !missing.has(asked.update),
        remove: !missing.has(asked.remove),
        addMember: !missing.has(asked.addMember),
        setRole: !missing.has(asked.setRole),
        removeMember: !missing.has(asked.removeMember),
      },
      roles: [...teamRoles.keys()],
      billing: yield* billingOf(actor, membership, team.id),
      now: yield* Clock.currentTimeMillis,
    })
  })

  yield* get(
    routes.teams,
    Effect.fnUntraced(function* (visit) {
      const { actor, at, membership, organization } = yield* visits.enter(visit)
      const { options, ...part } = partOf(visit, ["search"])
      const page = yield* teams.list(actor, organization, options)
      return teamsPage(visit.words, {
        at,
        membership,
        list: { ...page, ...part },
        done: doneAt(visit),
        now: yield* Clock.currentTimeMillis,
      })
    }),
  )

  yield* get(
    routes.newTeam,
    Effect.fnUntraced(function* (visit) {
      const entered = yield* visits.enter(visit)
      yield* requireOnPage(entered, "team:create")
      return newTeamPage(visit.words, entered)
    }),
  )

  yield* post(
    routes.newTeam,
    Effect.fnUntraced(function* (visit, fields) {
      const { words } = visit
      const entered = yield* visits.enter(visit)
      const { actor, at, membership, organization } = entered
      yield* requireOnPage(entered, "team:create")
      const again = (refused: Again) =>
        Effect.succeed(newTeamPage(words, { at, membership, ...asShown(refused, typedOf(fields, ["email", "name"])) }))
      const form = decode(NameForm, fields)
      if (Result.isFailure(form)) {
        return yield* again({
          status: 422,
          problems: problemsOf(form.failure, fields, { name: words.fields.teamName }),
        })
      }
      return yield* teams.create(actor, organization, form.success).pipe(
        Effect.map(({ id }) => withQuery(at.team(id), { done: "team-created" })),
        orAgain(words, again),
      )
    }),
  )

  type Action = (
    visit: Visit,
    entered: OrganizationVisit,
    team: Team,
    fields: FormFields,
  ) => ReturnType<Parameters<typeof post>[1]>

  const actions: Readonly<Record<string, Action>> = {
    rename: Effect.fnUntraced(function* (visit, entered, team, fields) {
      const { actor, at, organization } = entered
      const again = (refused: Again) => show(visit, entered, team, asShown(refused, typedOf(fields, ["email", "name"])))
      const form = decode(NameForm, fields)
      if (Result.isFailure(form)) {
        const problems = problemsOf(form.failure, fields, { name: visit.words.fields.teamName })
        return yield* again({ status: 422, problems })
      }
      return yield* teams
        .update(actor, organization, team.id, form.success)
        .pipe(Effect.as(withQuery(at.team(team.id), { done: "team-saved" })), orAgain(visit.words, again))
    }),

    add: Effect.fnUntraced(function* (visit, entered, team, fields) {
      const { actor, at, organization } = entered
      const { words } = visit
      const again = (refused: Again) => show(visit, entered, team, asShown(refused, typedOf(fields, ["email", "name"])))
      const form = decode(AddForm, fields)
      if (Result.isFailure(form)) {
        const problems = problemsOf(form.failure, fields, { email: words.fields.memberEmail })
        return yield* again({ status: 422, problems })
      }
      return yield* members.get(actor, organization, { _tag: "Email", email: form.success.email }).pipe(
        Effect.flatMap(({ id: memberId }) => teams.addMember(actor, organization, team.id, { memberId })),
        Effect.as(withQuery(at.team(team.id), { done: "team-member-added" })),
        Effect.catchTag("MemberNotFound", () =>
          again({ status: 422, problems: [{ field: "email", message: words.problems.noSuchMember }] }),
        ),
        orAgain(words, again),
      )
    }),

    role: Effect.fnUntraced(function* (visit, entered, team, fields) {
      const { actor, at, organization } = entered
      const { member: memberId, role } = yield* decodeHidden(RoleForm, fields)
      return yield* teams.setRoles(actor, organization, team.id, [{ memberId, role }]).pipe(
        Effect.as(withQuery(at.team(team.id), { done: "team-role-saved" })),
        orAgain(visit.words, (refused) => show(visit, entered, team, asShown(refused))),
      )
    }),

    "take-out": Effect.fnUntraced(function* (visit, entered, team, fields) {
      const { actor, at, membership, organization } = entered
      const { member: memberId } = yield* decodeHidden(MemberForm, fields)
      // Whoever was in a team by a role there alone may not see it any more.
      const next = memberId === membership.memberId ? at.overview : at.team(team.id)
      return yield* teams.removeMember(actor, organization, team.id, memberId).pipe(
        // Who left in the meantime is out, which is what was asked for.
        Effect.catchTag("TeamNotFound", (error) => (error.what === "team-member" ? Effect.void : Effect.fail(error))),
        Effect.as(withQuery(next, { done: "team-member-removed" })),
        orAgain(visit.words, (refused) => show(visit, entered, team, asShown(refused))),
      )
    }),
  }

  yield* get(
    routes.team,
    Effect.fnUntraced(function* (visit) {
      const entered = yield* visits.enter(visit)
      return yield* show(visit, entered, yield* find(visit, entered), { done: doneAt(visit) })
    }),
  )

  yield* post(
    routes.team,
    Effect.fnUntraced(function* (visit, fields) {
      const entered = yield* visits.enter(visit)
      const team = yield* find(visit, entered)
      const action = yield* actionOf(actions, fields)
      return yield* action(visit, entered, team, fields)
    }),
  )

  const findToDelete = Effect.fnUntraced(function* (visit: Visit, entered: OrganizationVisit) {
    const team = yield* find(visit, entered)
    const { actor, organization } = entered
    const missing = yield* teams.missing(actor, organization, team.id, [asked.remove])
    if (missing.length > 0) return yield* new PermissionMissing({ reason: "permission", missing })
    return team
  })

  yield* get(
    routes.deleteTeam,
    Effect.fnUntraced(function* (visit) {
      const entered = yield* visits.enter(visit)
      return deleteTeamPage(visit.words, { ...entered, team: yield* findToDelete(visit, entered) })
    }),
  )

  yield* post(
    routes.deleteTeam,
    Effect.fnUntraced(function* (visit) {
      const entered = yield* visits.enter(visit)
      const team = yield* findToDelete(visit, entered)
      const { actor, at, membership, organization } = entered
      return yield* teams.remove(actor, organization, team.id).pipe(
        Effect.as(withQuery(at.teams, { done: "team-deleted" })),
        orAgain(visit.words, (refused) =>
          Effect.succeed(deleteTeamPage(visit.words, { at, membership, team, ...asShown(refused) })),
        ),
      )
    }),
  )
})

const isTeamId = Schema.is(TeamId)
