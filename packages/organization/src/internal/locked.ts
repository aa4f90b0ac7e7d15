/**
 * The ways of changing something in an organization. Under its lock: the lock first, then what must be known, read
 * after it, then whether the caller may; all in one transaction with the change. Or at once, where the change is one
 * statement: what must be known is read without the lock, and the change is made while the organization has the version
 * that was read. Every lock and every such change gives it another version.
 */
import type { StoreError } from "@belfry/core/StoreError"
import { TransactionStore } from "@belfry/core/TransactionStore"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { Actor, Guarded, Membership, Viewer } from "../Membership.ts"
import { type LockedOrganization, MembershipStore } from "../MembershipStore.ts"
import { type OrganizationId, OrganizationNotFound, type OrganizationRef } from "../Organization.ts"
import type { OrganizationAction } from "../OrganizationActions.ts"
import { PermissionMissing } from "../Permission.ts"
import * as Access from "./access.ts"
import * as Changes from "./changes.ts"

/** What a change starts from: the caller as they are now, and what was read after the lock. */
export interface Scene<A> {
  readonly organizationId: OrganizationId
  readonly membership: Membership
  readonly value: A
}

/** The answer of a change that was to be made at once, and was not: somebody changed the organization meanwhile. */
export const changed = Symbol("changed")

/** The answer of a change under the lock: nobody changes the organization who does not hold it. */
export const unchanged = <B>(answer: B | typeof changed): Effect.Effect<B> =>
  answer === changed ? Effect.die(new Error("An organization changed under its lock")) : Effect.succeed(answer)

/** A change that somebody asks for. */
export interface Asked<A> {
  readonly actor: Actor
  readonly organization: OrganizationRef
  readonly action: OrganizationAction
  /**
   * The guarded read. One that began before the lock would show what was there before whoever held it, so it comes
   * after.
   */
  readonly read: (viewer: Viewer) => Effect.Effect<Option.Option<Guarded<A>>, StoreError>
  /** Who may, where the table of actions is not all: a role in a team may do for the permission. */
  readonly authorize?: (scene: Scene<A>) => Effect.Effect<void, PermissionMissing>
  /** The audit type under which a missing permission is recorded; not recorded without one. */
  readonly audits?: string
}

/** Runs changes under the lock of their organization. */
export type Locked = Effect.Success<typeof make>

export const make = Effect.gen(function* () {
  const transactions = yield* TransactionStore
  const store = yield* MembershipStore
  const access = yield* Access.make
  const changes = yield* Changes.make

  /** For somebody: they are a member, and may do it, now that they hold the lock. */
  const inOrganization = <A, B, E>(
    { actor, organization, action, read, authorize, audits }: Asked<A>,
    change: (scene: Scene<A>) => Effect.Effect<B, E>,
  ): Effect.Effect<B, E | OrganizationNotFound | PermissionMissing | StoreError> =>
    Effect.suspend(() => {
      let lockedId: OrganizationId | undefined
      const changing = Effect.gen(function* () {
        const locked = yield* store.lock(organization, actor.user.id)
        if (Option.isNone(locked)) return yield* new OrganizationNotFound()
        lockedId = locked.value.id
        const found = yield* read({ userId: actor.user.id, organization: locked.value.id })
        const scene: Scene<A> = { organizationId: locked.value.id, ...(yield* access.open(found)) }
        yield* authorize === undefined ? access.authorize(scene.membership, action) : authorize(scene)
        return yield* change(scene)
      })
      return Effect.tapError(transactions.run(changing), (error) =>
        audits === undefined || lockedId === undefined || !(error instanceof PermissionMissing)
          ? Effect.void
          : changes.recordRefusal({ type: audits, organizationId: lockedId, doer: Changes.doerOf(actor) }, error),
      )
    })

  return {
    inOrganization,
    /**
     * The same for a change that is one statement where the value's `version` is given: it is made without waiting for
     * the lock, by what was read before, and holds while the organization has that version. Where it has not, or where
     * `isOne` says that more is to be done, it is made under the lock; then `version` is null.
     */
    atOnce: <A extends { readonly version: number }, B, E>(
      asked: Omit<Asked<A>, "authorize" | "audits">,
      isOne: (value: A) => boolean,
      change: (scene: Scene<A>, version: number | null) => Effect.Effect<B | typeof changed, E>,
    ): Effect.Effect<B, E | OrganizationNotFound | PermissionMissing | StoreError> => {
      const underLock = inOrganization(asked, (scene) => Effect.flatMap(change(scene, null), unchanged<B>))
      return Effect.gen(function* () {
        const found = yield* asked.read({ userId: asked.actor.user.id, organization: asked.organization })
        const opened = yield* access.open(found)
        yield* access.authorize(opened.membership, asked.action)
        if (!isOne(opened.value)) return yield* underLock
        const scene: Scene<A> = { organizationId: opened.membership.organizationId, ...opened }
        const answer = yield* change(scene, opened.value.version)
        return answer === changed ? yield* underLock : answer
      })
    },
    /** For code that is trusted: the organization is there, or was deleted where `deleted` is asked for. */
    inTrust: <B, E>(
      organization: OrganizationRef,
      change: (locked: LockedOrganization) => Effect.Effect<B, E>,
      { deleted = false }: { readonly deleted?: boolean } = {},
    ): Effect.Effect<B, E | OrganizationNotFound | StoreError> =>
      transactions.run(
        Effect.gen(function* () {
          const locked = yield* store.lock(organization, null)
          if (Option.isNone(locked)) return yield* new OrganizationNotFound()
          if ((locked.value.deletedAt !== null) !== deleted) return yield* new OrganizationNotFound()
          return yield* change(locked.value)
        }),
      ),
  }
})
