/**
 * The audit log of an organization.
 *
 * Events name people, invitations and teams by their ids; the page reads what they are called now, as far as its reader
 * may see them.
 *
 * @since 0.1.0
 */
import type { AuditEvent } from "@belfry/core/AuditEvent"
import { UserId } from "@belfry/core/User"
import { Users } from "@belfry/core/Users"
import { InvitationId } from "@belfry/organization/Invitation"
import { Invitations } from "@belfry/organization/Invitations"
import { Members } from "@belfry/organization/Members"
import { Organizations } from "@belfry/organization/Organizations"
import { TeamId } from "@belfry/organization/Team"
import { Teams } from "@belfry/organization/Teams"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { routesOf } from "./organizationPaths.ts"
import { makeOrganizationVisits, type OrganizationVisit, partOf } from "./organizationVisits.ts"
import { PageKit } from "./PageKit.ts"
import { get } from "./visit.ts"
import { auditLogPage, type NamedEvent } from "./views/organizationAudit.ts"
import { may, personName } from "./views/organizationParts.ts"

/** Each name is a look-up of its own. */
const pageSize = 20

/**
 * Adds the page of the audit log.
 *
 * @category routes
 * @since 0.1.0
 */
export const routes = Effect.gen(function* () {
  const { paths } = yield* PageKit
  const invitations = yield* Invitations
  const members = yield* Members
  const organizations = yield* Organizations
  const users = yield* Users
  const teams = yield* Effect.serviceOption(Teams)
  const visits = yield* makeOrganizationVisits

  /** A member by name or address; whoever is none any more by name alone: their address is nobody's here any more. */
  const nameOfUser = ({ actor, organization }: OrganizationVisit, userId: UserId) => {
    const former = () =>
      users.get(userId).pipe(
        Effect.map(({ name }) => name ?? undefined),
        Effect.catchTag("UserNotFound", nothing),
      )
    return members.get(actor, organization, { _tag: "User", userId }).pipe(
      Effect.map((member): string | undefined => personName(member)),
      Effect.catchTags({ MemberNotFound: former, PermissionMissing: nothing }),
    )
  }

  /** What is called what, each looked up once. */
  const namesOf = Effect.fnUntraced(function* (entered: OrganizationVisit, events: ReadonlyArray<AuditEvent>) {
    const { actor, membership, organization } = entered
    const userIds = events.flatMap(({ data, userId }) => [userId, ...userFields.map((field) => data[field])])
    const userNames = yield* lookUp(may(membership, "member:read") ? userIds.filter(isUserId) : [], (id) =>
      nameOfUser(entered, id),
    )
    const invitationIds = may(membership, "invitation:read") ? events.map(({ data }) => data["invitationId"]) : []
    const invitationNames = yield* lookUp(invitationIds.filter(isInvitationId), (id) =>
      invitations.get(actor, organization, id).pipe(
        Effect.map(({ email }) => email),
        Effect.catchTags({ InvitationNotFound: nothing, PermissionMissing: nothing }),
      ),
    )
    const teamNames = yield* Option.match(teams, {
      onNone: () => Effect.succeed(new Map<string, string>()),
      onSome: (teams) =>
        lookUp(events.map(({ data }) => data["teamId"]).filter(isTeamId), (id) =>
          teams.get(actor, organization, id).pipe(
            Effect.map(({ name }) => name),
            Effect.catchTags({ PermissionMissing: nothing, TeamNotFound: nothing }),
          ),
        ),
    })
    return { userNames, invitationNames, teamNames }
  })

  yield* get(
    routesOf(paths).auditLog,
    Effect.fnUntraced(function* (visit) {
      const entered = yield* visits.enter(visit)
      const { actor, at, membership, organization } = entered
      const { options, ...part } = partOf(visit)
      const { cursor, items } = yield* organizations.auditEvents(actor, organization, { ...options, limit: pageSize })
      const { invitationNames, teamNames, userNames } = yield* namesOf(entered, items)
      const named = items.map((event): NamedEvent => {
        const subjects = [
          ...userFields.map((field) => userNames.get(String(event.data[field]))),
          invitationNames.get(String(event.data["invitationId"])),
          teamNames.get(String(event.data["teamId"])),
        ]
        return {
          event,
          actor: event.userId === null ? null : { name: userNames.get(event.userId) ?? null },
          subjects: subjects.filter((name) => name !== undefined),
        }
      })
      return auditLogPage(visit.words, {
        at,
        membership,
        list: { items: named, cursor, ...part },
        now: yield* Clock.currentTimeMillis,
      })
    }),
  )
})

// internal

/** The facts of an event that name a person whom it is about. */
const userFields = ["userId", "ownerId", "toUserId"] as const

const isUserId = Schema.is(UserId)

const isInvitationId = Schema.is(InvitationId)

const isTeamId = Schema.is(TeamId)

const nothing = () => Effect.succeed(undefined)

/** Looks up each id once; what is not found is left out. */
const lookUp = Effect.fnUntraced(function* <Id extends string, E>(
  ids: ReadonlyArray<Id>,
  find: (id: Id) => Effect.Effect<string | undefined, E>,
) {
  const names = new Map<string, string>()
  for (const id of new Set(ids)) {
    const name = yield* find(id)
    if (name !== undefined) names.set(id, name)
  }
  return names
})
