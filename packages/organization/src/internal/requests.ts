/**
 * What every handler of this package reads of a request the same way: who calls, and what the path names.
 */
import { clientInfo } from "@belfry/core/RequestHandlers"
import { CurrentSession, CurrentUser } from "@belfry/core/SessionsApi"
import * as Effect from "effect/Effect"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import { MemberNotFound, type MemberRef, toMemberRef } from "../Member.ts"
import type { Actor, SessionActor } from "../Membership.ts"
import { organizationHeader } from "../MembershipApi.ts"
import { OrganizationNotFound, type OrganizationRef, toOrganizationRef } from "../Organization.ts"

/** Who calls. */
export const actorOf = Effect.fnUntraced(function* (request: HttpServerRequest.HttpServerRequest) {
  const actor: SessionActor = { user: yield* CurrentUser, session: yield* CurrentSession, client: clientInfo(request) }
  return actor
})

/** The organization that a path or a body names; what has the form of no name is not found. */
export const organizationOf = ({
  organization,
}: {
  readonly organization: string
}): Effect.Effect<OrganizationRef, OrganizationNotFound> => {
  const ref = toOrganizationRef(organization)
  return ref === null ? Effect.fail(new OrganizationNotFound()) : Effect.succeed(ref)
}

/**
 * The organization that a request acts for: the one that `text` names, else the one of the header; null: it names none.
 * Whoever names an organization never gets another one instead.
 */
export const requestedOrganization = (
  request: HttpServerRequest.HttpServerRequest,
  text: string | undefined = request.headers[organizationHeader],
): Effect.Effect<OrganizationRef | null, OrganizationNotFound> =>
  text === undefined ? Effect.succeed(null) : organizationOf({ organization: text.trim() })

/** The member that a path names: by id, by address, or the caller as `me`. */
export const memberOf = (
  { member }: { readonly member: string },
  { user }: Actor,
): Effect.Effect<MemberRef, MemberNotFound> => {
  const ref = toMemberRef(member, user.id)
  return ref === null ? Effect.fail(new MemberNotFound()) : Effect.succeed(ref)
}
