/**
 * Inviting an address, and inviting it again: what must be known under the lock of the organization, the token, the
 * mail.
 */
import type { RateLimit } from "@belfry/core/RateLimit"
import { RateLimits } from "@belfry/core/RateLimits"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import {
  type Invitation,
  InvitationClosed,
  InvitationConflict,
  type InvitationId,
  InvitationNotFound,
  statusAt,
} from "../Invitation.ts"
import type { Invitations } from "../Invitations.ts"
import { type InvitationFacts, InvitationStore } from "../InvitationStore.ts"
import type { Actor, Membership } from "../Membership.ts"
import { OrganizationNotFound, type OrganizationRef } from "../Organization.ts"
import { rateLimits as rules } from "../OrganizationRateLimits.ts"
import { OrganizationSettings } from "../OrganizationSettings.ts"
import { TeamAssignments } from "../TeamAssignments.ts"
import * as Access from "./access.ts"
import * as Changes from "./changes.ts"
import * as InvitationIssuing from "./invitationIssuing.ts"
import * as InvitationMails from "./invitationMails.ts"
import * as InvitationTokens from "./invitationTokens.ts"
import * as Locked from "./locked.ts"
import { customNames, toRoles } from "./roleNames.ts"

export const make = Effect.gen(function* () {
  const store = yield* InvitationStore
  const settings = yield* OrganizationSettings
  const assignments = yield* TeamAssignments
  const rateLimits = yield* RateLimits
  const access = yield* Access.make
  const locked = yield* Locked.make
  const changes = yield* Changes.make
  const tokens = yield* InvitationTokens.make
  const mails = yield* InvitationMails.make
  const issuing = yield* InvitationIssuing.make

  const count = (uses: ReadonlyArray<readonly [rule: RateLimit, subject: string]>) =>
    settings.limitsRates ? rateLimits.consumeAll(uses) : Effect.void

  const create: Invitations["Service"]["create"] = Effect.fn("Invitations.create")(function* (
    actor,
    organization,
    { email, roles, teams = [], lifetime, resends = false },
  ) {
    yield* count([
      [rules.inviteByUser, actor.user.id],
      [rules.inviteByAddress, email],
    ])
    const sent = yield* locked.atOnce(
      {
        actor,
        organization,
        action: "invitations.create",
        read: (viewer) => store.prepare(viewer, { email, roles: customNames(access.rules, roles) }),
      },
      // What stands in the way of a new one is closed first.
      ({ open }) => open === null,
      Effect.fnUntraced(function* ({ organizationId, membership, value: facts }, version) {
        const given = yield* toRoles(access.rules, roles, facts.roles)
        const accepted = yield* assignments.accept({ organizationId, by: membership, teams })
        yield* access.refuseEscalation(membership, { roles: given.names, permissions: given.permissions })
        const now = yield* DateTime.now
        const { isMember, open } = facts
        if (resends && !isMember && open !== null && statusAt({ ...open, status: "pending" }, now) === "pending") {
          return { again: open.id }
        }
        const invitation = yield* issuing.issue({
          organizationId,
          email,
          facts,
          roles: given,
          teams: accepted,
          lifetime,
          inviterName: actor.user.name,
          doer: Changes.doerOf(actor),
          version,
        })
        return invitation === Locked.changed ? invitation : { invitation }
      }),
    )
    if (sent.invitation !== undefined) return sent.invitation
    // It was counted for the address already. One that was answered meanwhile is not open any more.
    return yield* again(actor, organization, sent.again, false).pipe(
      Effect.catchTags({
        InvitationNotFound: () => Effect.fail(new InvitationConflict({ reason: "invited" })),
        InvitationClosed: () => Effect.fail(new InvitationConflict({ reason: "invited" })),
      }),
    )
  })

  /** Those of an invitation's roles that are there still, for an actor who may give all of them, and its teams too. */
  const rolesOf = Effect.fnUntraced(function* (invitation: Invitation, facts: InvitationFacts, by: Membership) {
    const { organizationId } = invitation
    const names = invitation.roles.filter(
      (name) => access.rules.roles.has(name) || facts.roles.some((role) => role.name === name),
    )
    // Whoever accepted would be nothing in the organization.
    if (names.length === 0) return yield* new InvitationClosed({ reason: "expired" })
    const given = yield* Effect.orDie(toRoles(access.rules, names, facts.roles))
    const teams = invitation.teams.filter(({ role }) => access.rules.teamRoles.has(role))
    // Of teams that are gone, or that the host gave up, nobody becomes a member.
    yield* Effect.catchTag(assignments.accept({ organizationId, by, teams }), "TeamNotFound", () => Effect.succeed([]))
    yield* access.refuseEscalation(by, { roles: given.names, permissions: given.permissions })
    return given
  })

  const again = Effect.fnUntraced(function* (
    actor: Actor,
    organization: OrganizationRef,
    id: InvitationId,
    countsAddress: boolean,
  ) {
    const read = (viewer: Parameters<typeof store.find>[0]) => store.find(viewer, id)
    // Nobody uses up the limits of an invitation that is not theirs to send.
    const { value } = yield* access.read("invitations.resend", read({ userId: actor.user.id, organization }))
    if (Option.isNone(value)) return yield* new InvitationNotFound()
    yield* count([
      [rules.resend, id],
      [rules.resendDaily, id],
      ...(countsAddress ? [[rules.inviteByAddress, value.value.invitation.email] as const] : []),
    ])
    return yield* locked.inOrganization(
      { actor, organization, action: "invitations.resend", read },
      Effect.fnUntraced(function* ({ organizationId, membership, value: found }) {
        if (Option.isNone(found)) return yield* new InvitationNotFound()
        const { invitation: earlier } = found.value
        if (earlier.status !== "pending" && earlier.status !== "expired") {
          return yield* new InvitationClosed({ reason: earlier.status })
        }
        const { email } = earlier
        const viewer = { userId: actor.user.id, organization: organizationId }
        const prepared = yield* store.prepare(viewer, { email, roles: customNames(access.rules, earlier.roles) })
        if (Option.isNone(prepared)) return yield* new OrganizationNotFound()
        const facts = prepared.value.value
        const given = yield* rolesOf(earlier, facts, membership)
        const now = yield* DateTime.now
        yield* issuing.clear(organizationId, facts.open?.id === id ? { ...facts, open: null } : facts, now)
        const { token, tokenHash } = yield* tokens.issue
        const rotated = yield* store.rotate({
          organizationId,
          id,
          roles: given.names,
          assignment: given.assignment,
          tokenHash,
          expiresAt: DateTime.addDuration(now, settings.invitationLifetime),
          now,
        })
        if (Option.isNone(rotated)) return yield* new InvitationConflict({ reason: "invited" })
        const invitation = rotated.value
        const { expiresAt } = invitation
        yield* changes.record({
          type: "organization-invitation.resent",
          organizationId,
          doer: Changes.doerOf(actor),
          data: { invitationId: id, sends: invitation.sends },
          events: [{ _tag: "InvitationResent", invitationId: id, expiresAt }],
        })
        yield* mails.send({ invitation, token, organizationName: facts.organizationName, inviterName: actor.user.name })
        return invitation
      }),
    )
  })

  const resend: Invitations["Service"]["resend"] = Effect.fn("Invitations.resend")((actor, organization, id) =>
    again(actor, organization, id, true),
  )

  return { create, resend }
})
