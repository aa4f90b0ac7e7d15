/**
 * The organization that a request names beside its path: in the header.
 */
import * as Effect from "effect/Effect"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import { organizationHeader } from "../MembershipApi.ts"
import { OrganizationNotFound, type OrganizationRef, toOrganizationRef } from "../Organization.ts"

/**
 * What a text names that a request has or has not (null); what names nothing is not found. Whoever names an
 * organization never gets another one instead.
 */
export const requestedOf = (text: string | undefined): Effect.Effect<OrganizationRef | null, OrganizationNotFound> => {
  if (text === undefined) return Effect.succeed(null)
  const ref = toOrganizationRef(text.trim())
  return ref === null ? Effect.fail(new OrganizationNotFound()) : Effect.succeed(ref)
}

/** What the header says, if it is there. */
export const headerOf = (request: HttpServerRequest.HttpServerRequest): string | undefined =>
  request.headers[organizationHeader]
