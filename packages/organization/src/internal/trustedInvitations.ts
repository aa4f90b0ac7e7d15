/**
 * Invitations that code sends and takes back that is trusted.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { AccessModel } from "../AccessModel.ts"
import { InvitationNotFound } from "../Invitation.ts"
import { InvitationStore } from "../InvitationStore.ts"
import { MemberStore } from "../MemberStore.ts"
import { type OrganizationId, OrganizationNotFound } from "../Organization.ts"
import { owner } from "../Role.ts"
import { TeamAssignments } from "../TeamAssignments.ts"
import type { TrustedOrganizations } from "../TrustedOrganizations.ts"
import * as Changes from "./changes.ts"
import * as InvitationIssuing from "./invitationIssuing.ts"
import * as Locked from "./locked.ts"
import { customNames, toRoles } from "./roleNames.ts"
import { acceptInTrust, orFail } from "./trust.ts"

type Service = TrustedOrganizations["Service"]

export const make = Effect.gen(function* () {
  const members = yield* MemberStore
  const store = yield* InvitationStore
  const assignments = yield* TeamAssignments
  const rules = yield* AccessModel
  const locked = yield* Locked.make
  const issuing = yield* InvitationIssuing.make

  /** An organization has an owner at all times: whoever needs no permission looks at it with their eyes. */
  const asOwner = Effect.fnUntraced(function* (organizationId: OrganizationId) {
    const page = { after: null, limit: 1, search: null, role: owner }
    const [first] = yield* members.listAll(organizationId, page)
    return first === undefined
      ? yield* new OrganizationNotFound()
      : { userId: first.userId, organization: organizationId }
  })

  const invite: Service["invite"] = Effect.fn("TrustedOrganizations.invite")(
    (organization, { email, roles: names, teams = [], lifetime, ...by }) =>
      locked.inTrust(
        organization,
        Effect.fnUntraced(function* ({ id: organizationId }) {
          const asked = { email, roles: customNames(rules, names) }
          const found = yield* store.prepare(yield* asOwner(organizationId), asked)
          const { value: facts } = yield* orFail(Effect.succeed(found), () => new OrganizationNotFound())
          const answer = yield* issuing.issue({
            organizationId,
            email,
            facts,
            roles: yield* toRoles(rules, names, facts.roles),
            teams: yield* acceptInTrust(assignments, organizationId, teams),
            lifetime,
            inviterName: null,
            doer: Changes.doerBy(by),
            version: null,
          })
          return yield* Locked.unchanged(answer)
        }),
      ),
  )

  const revokeInvitation: Service["revokeInvitation"] = Effect.fn("TrustedOrganizations.revokeInvitation")(
    (organization, id, by) =>
      locked.inTrust(
        organization,
        Effect.fnUntraced(function* ({ id: organizationId }) {
          const found = yield* store.find(yield* asOwner(organizationId), id)
          const value = Option.flatMap(found, ({ value }) => value)
          const { invitation } = yield* orFail(Effect.succeed(value), () => new InvitationNotFound())
          yield* issuing.revoke(invitation, Changes.doerBy(by))
        }),
      ),
  )

  return { invite, revokeInvitation }
})
