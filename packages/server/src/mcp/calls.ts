/**
 * What every tool of this server's own MCP endpoint does the same way: who calls, for which organization, and what it
 * says when nobody can answer.
 */
import type { StoreError } from "@belfry/core/StoreError"
import { CurrentAccess, CurrentMcpUser } from "@belfry/mcp/McpAccess"
import type { Actor } from "@belfry/organization/Membership"
import { Memberships } from "@belfry/organization/Memberships"
import {
  isOrganizationId,
  OrganizationNotFound,
  type OrganizationRef,
  toOrganizationRef,
} from "@belfry/organization/Organization"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import { OrganizationNotNamed, ToolUnavailable } from "./tools.ts"

/** Who calls. There is no session: nothing that asks for a fresh one can be done here. */
export const actor = Effect.gen(function* () {
  const { caller } = yield* CurrentAccess
  const calling: Actor = { user: yield* CurrentMcpUser, session: null, client: caller }
  return calling
})

/** Who calls, and the organization that the call is for. */
export type Called = { readonly actor: Actor; readonly organization: OrganizationRef }

/**
 * Builds the look-up of the organization that a call is for: the one that it names; where the endpoint is that of one
 * organization this one and no other.
 */
export const makeCalled = Effect.gen(function* () {
  const memberships = yield* Memberships
  return Effect.fnUntraced(function* (named: string | undefined) {
    const { organizationId: bound } = yield* CurrentAccess
    const calling = yield* actor
    const ref = named === undefined ? null : toOrganizationRef(named)
    if (named !== undefined && ref === null) return yield* new OrganizationNotFound()
    if (bound === null) {
      return ref === null ? yield* new OrganizationNotNamed() : ({ actor: calling, organization: ref } satisfies Called)
    }
    if (!isOrganizationId(bound)) return yield* new OrganizationNotFound()
    if (ref !== null && ref !== bound) {
      // It may be the same by its slug, which only who is in it learns.
      const { organizationSlug } = yield* memberships.get({ userId: calling.user.id, organization: bound })
      if (organizationSlug !== ref) return yield* new OrganizationNotFound()
    }
    return { actor: calling, organization: bound } satisfies Called
  })
})

/** Tells that a store could not answer, and logs why, which is for nobody else. */
export const unavailable = ({ store, method, isRetryable, cause }: StoreError): Effect.Effect<never, ToolUnavailable> =>
  Effect.andThen(
    Effect.annotateLogs(Effect.logError("A store could not answer a tool", Cause.fail(cause)), {
      store,
      method,
      isRetryable,
    }),
    Effect.fail(new ToolUnavailable()),
  )
