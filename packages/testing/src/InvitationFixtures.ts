/**
 * What the suites of `InvitationStore` begin with, and see it through.
 *
 * @since 0.1.0
 */
import type { Invitation, InvitationStatus } from "@belfry/organization/Invitation"
import { InvitationStore } from "@belfry/organization/InvitationStore"
import type { Viewer } from "@belfry/organization/Membership"
import { TeamRoleName } from "@belfry/organization/Team"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Builders from "./Builders.ts"
import { beginWith } from "./OrganizationFixtures.ts"

/**
 * An organization with a logo and its owner, Grace, who looks at it.
 *
 * @category fixtures
 * @since 0.1.0
 */
export const begin = Effect.gen(function* () {
  const owner = yield* Builders.storedUser({ name: "Grace" })
  return yield* beginWith({ owner, logo: "https://example.com/logo.png" })
})

/**
 * The role of whoever leads a team.
 *
 * @category fixtures
 * @since 0.1.0
 */
export const lead = TeamRoleName.make("lead")

/**
 * The first page of everything.
 *
 * @category fixtures
 * @since 0.1.0
 */
export const all = Effect.map(DateTime.now, (now) => ({ after: null, limit: 100, search: null, status: null, now }))

/**
 * What closing without a token and without a person comes with.
 *
 * @category fixtures
 * @since 0.1.0
 */
export const closing = { hashes: null, acceptedBy: null } as const

/**
 * Closes an invitation now, or at its end where it expires.
 *
 * @category combinators
 * @since 0.1.0
 */
export const close = (invitation: Invitation, status: Exclude<InvitationStatus, "pending">) =>
  Effect.gen(function* () {
    const now = status === "expired" ? invitation.expiresAt : yield* DateTime.now
    return yield* InvitationStore.use((store) => store.close({ ...closing, id: invitation.id, status, now }))
  })

/**
 * A rotation that gives the same roles of the host, for a day from the end of before.
 *
 * @category fixtures
 * @since 0.1.0
 */
export const rotationOf = (invitation: Invitation) =>
  Effect.gen(function* () {
    return {
      organizationId: invitation.organizationId,
      id: invitation.id,
      roles: invitation.roles,
      assignment: { builtIn: invitation.roles, custom: [] },
      tokenHash: yield* Builders.keyedHash,
      expiresAt: DateTime.add(invitation.expiresAt, { days: 1 }),
      now: yield* DateTime.now,
    }
  })

/**
 * An invitation as a member sees it.
 *
 * @category accessors
 * @since 0.1.0
 */
export const shown = (viewer: Viewer, { id }: Invitation) =>
  Effect.map(
    InvitationStore.use((store) => store.find(viewer, id)),
    (found) => Option.getOrThrow(Option.getOrThrow(found).value).invitation,
  )
