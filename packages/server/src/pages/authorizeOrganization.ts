/**
 * Choosing the organization that a client gets access for, while its request waits.
 *
 * @since 0.1.0
 */
import { Authorizations } from "@belfry/oauth-server/Authorizations"
import { respond } from "@belfry/oauth-server/AuthorizationsHandlers"
import { Memberships } from "@belfry/organization/Memberships"
import { OrganizationNotFound, toOrganizationRef } from "@belfry/organization/Organization"
import { Organizations } from "@belfry/organization/Organizations"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { type Flow, getFlow } from "./flows.ts"
import { makeOrganizationVisits, partOf } from "./organizationVisits.ts"
import { PageKit } from "./PageKit.ts"
import { withQuery } from "./query.ts"
import { get, makeVisitors, post } from "./visit.ts"
import { authorizeOrganizationPage } from "./views/authorizeOrganization.ts"

/**
 * Adds the page that asks for an organization.
 *
 * @category routes
 * @since 0.1.0
 */
export const routes = Effect.gen(function* () {
  const { paths } = yield* PageKit
  const authorizations = yield* Authorizations
  const memberships = yield* Memberships
  const organizations = yield* Organizations
  const visitors = yield* makeVisitors
  const visits = yield* makeOrganizationVisits

  yield* get(
    paths.authorizeOrganization,
    Effect.fnUntraced(function* (visit) {
      const flow = yield* getFlow(visit)
      const visitor = yield* visitors.find(visit)
      if (Option.isNone(visitor)) return withQuery(paths.signIn, { return_to: flow.returnTo })
      if (!isOpen(flow)) return flow.returnTo
      const { options, isFirst } = partOf(visit)
      const page = yield* organizations.list({ ...visitor.value, client: visit.client }, options)
      return authorizeOrganizationPage(visit.words, paths, {
        flow,
        list: { ...page, query: { request: flow.id }, isFirst },
      })
    }),
  )

  yield* post(
    paths.authorizeOrganization,
    Effect.fnUntraced(function* (visit, fields) {
      const flow = yield* getFlow(visit)
      const actor = yield* visits.actor(visit)
      if (!isOpen(flow)) return flow.returnTo
      const ref = toOrganizationRef(fields["organization"] ?? "")
      if (ref === null) return yield* new OrganizationNotFound()
      yield* memberships.activate(actor, ref)
      // Where it is only chosen anew, the step is done already, and the way goes on from where it is.
      const outcome = yield* authorizations.advance(flow.id, "post_login", flow.browser)
      return outcome._tag === "Interact" ? outcome.url : respond(outcome)
    }),
  )
})

// internal

/** Whether the organization can be chosen now: when it is asked for, and until access is given. */
const isOpen = ({ intent }: Flow): boolean => intent === "post_login" || intent === "consent"
