/**
 * What somebody may do in an organization, and which organization a session acts for.
 *
 * @since 0.1.0
 */
import type { SessionId } from "@belfry/core/Session"
import type { StoreError } from "@belfry/core/StoreError"
import type { UserId } from "@belfry/core/User"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { AccessModel } from "./AccessModel.ts"
import { type Membership, missing, resolve, type SessionActor, type Viewer } from "./Membership.ts"
import { type ActiveSource, MembershipStore } from "./MembershipStore.ts"
import { OrganizationNotFound, type OrganizationRef } from "./Organization.ts"
import { type Permission, PermissionMissing } from "./Permission.ts"

/**
 * The organization that a request acts for, and why it is that one.
 *
 * @category models
 * @since 0.1.0
 */
export interface ActiveMembership {
  readonly membership: Membership
  readonly source: "request" | ActiveSource
}

/**
 * What somebody may do in an organization. Every look-up here is one statement.
 *
 * **Details**
 *
 * Code that is asked by people uses these; there is no way around the rules here. `TrustedOrganizations` is for code
 * that nobody asks.
 *
 * @category services
 * @since 0.1.0
 */
export class Memberships extends Context.Service<
  Memberships,
  {
    readonly find: (viewer: Viewer) => Effect.Effect<Option.Option<Membership>, StoreError>
    /** The membership; fails alike where there is none and where there is no such organization. */
    readonly get: (viewer: Viewer) => Effect.Effect<Membership, OrganizationNotFound | StoreError>
    /** The membership, of somebody who has every one of `permissions`. */
    readonly require: (
      viewer: Viewer,
      permissions: ReadonlyArray<Permission>,
    ) => Effect.Effect<Membership, OrganizationNotFound | PermissionMissing | StoreError>
    /** Which of `permissions` somebody lacks. */
    readonly missing: (
      viewer: Viewer,
      permissions: ReadonlyArray<Permission>,
    ) => Effect.Effect<ReadonlyArray<Permission>, OrganizationNotFound | StoreError>
    /**
     * The organization that a request acts for: the one it names (and no other, when it names one), else the session's
     * default, else the one chosen last, else the only one.
     */
    readonly active: (options: {
      readonly userId: UserId
      readonly sessionId: SessionId
      readonly requested: OrganizationRef | null
    }) => Effect.Effect<Option.Option<ActiveMembership>, OrganizationNotFound | StoreError>
    /** Makes an organization the default of the session from now on. */
    readonly activate: (
      actor: SessionActor,
      organization: OrganizationRef,
    ) => Effect.Effect<Membership, OrganizationNotFound | StoreError>
    /** Leaves the session without a default. */
    readonly deactivate: (actor: SessionActor) => Effect.Effect<void, StoreError>
  }
>()("@belfry/organization/Memberships") {}

/**
 * Builds the service over the store.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const store = yield* MembershipStore
  const rules = yield* AccessModel

  const find = (viewer: Viewer): Effect.Effect<Option.Option<Membership>, StoreError> =>
    Effect.map(
      store.find(viewer),
      Option.map((stored) => resolve(stored, rules)),
    )

  const get = (viewer: Viewer): Effect.Effect<Membership, OrganizationNotFound | StoreError> =>
    Effect.flatMap(find(viewer), (found) =>
      Option.isSome(found) ? Effect.succeed(found.value) : Effect.fail(new OrganizationNotFound()),
    )

  return Memberships.of({
    find: Effect.fn("Memberships.find")(find),
    get: Effect.fn("Memberships.get")(get),
    require: Effect.fn("Memberships.require")(function* (viewer, permissions) {
      const membership = yield* get(viewer)
      const lacking = missing(membership, permissions)
      return lacking.length === 0
        ? membership
        : yield* new PermissionMissing({ reason: "permission", missing: lacking })
    }),
    missing: Effect.fn("Memberships.missing")((viewer, permissions) =>
      Effect.map(get(viewer), (membership) => missing(membership, permissions)),
    ),
    active: Effect.fn("Memberships.active")(function* ({ userId, sessionId, requested }) {
      // Whoever names an organization means that one: another in its place would be acted on unasked.
      if (requested !== null) {
        const membership = yield* get({ userId, organization: requested })
        return Option.some<ActiveMembership>({ membership, source: "request" })
      }
      const found = yield* store.findActive({ userId, sessionId })
      return Option.map(found, ({ membership, source }): ActiveMembership => ({
        membership: resolve(membership, rules),
        source,
      }))
    }),
    activate: Effect.fn("Memberships.activate")(function* ({ user, session }, organization) {
      const membership = yield* get({ userId: user.id, organization })
      const { memberId } = membership
      const isKept = yield* store.setActive({ sessionId: session.id, memberId, now: yield* DateTime.now })
      return isKept ? membership : yield* new OrganizationNotFound()
    }),
    deactivate: Effect.fn("Memberships.deactivate")(({ session }) => store.clearActive(session.id)),
  })
})

/**
 * Layer of the service.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<Memberships, never, MembershipStore> = Layer.effect(Memberships, make)
