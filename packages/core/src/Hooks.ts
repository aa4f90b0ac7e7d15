/**
 * What a host wants to do when people sign up, sign in, change or leave.
 *
 * Hooks run after the change committed, one after another, and cannot undo it; `beforeUserDeletion` alone runs before
 * and may refuse. A host that needs a guarantee reads the audit events, which commit with the change.
 *
 * @since 0.1.0
 */
import type * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { ClientInfo } from "./AuditEvent.ts"
import type { Session } from "./Session.ts"
import type { User, UserDeletionRefused } from "./User.ts"

/**
 * The hooks of a host.
 *
 * @category models
 * @since 0.1.0
 */
export interface HooksService {
  /** A user was created because a person signed up. */
  readonly afterSignUp: (event: { readonly user: User; readonly client: ClientInfo }) => Effect.Effect<void>
  /** A person signed in: a new session exists. Signing up signs in too. */
  readonly afterSignIn: (event: {
    readonly user: User
    readonly session: Session
    readonly client: ClientInfo
  }) => Effect.Effect<void>
  /** A user's own data changed. */
  readonly afterUserUpdate: (event: { readonly previous: User; readonly user: User }) => Effect.Effect<void>
  /** A user is about to be deleted; failing refuses. */
  readonly beforeUserDeletion: (event: { readonly user: User }) => Effect.Effect<void, UserDeletionRefused>
  /** A user was deleted, with everything that hung on it. */
  readonly afterUserDeletion: (event: { readonly user: User }) => Effect.Effect<void>
}

/**
 * Hooks that do nothing; a host spreads them and replaces what it needs.
 *
 * @category constructors
 * @since 0.1.0
 */
export const none: HooksService = {
  afterSignUp: () => Effect.void,
  afterSignIn: () => Effect.void,
  afterUserUpdate: () => Effect.void,
  beforeUserDeletion: () => Effect.void,
  afterUserDeletion: () => Effect.void,
}

/**
 * The hooks of the host; without a layer for it, nothing happens.
 *
 * **Example** (A welcome message)
 *
 * ```ts
 * const HooksLive = Layer.succeed(Hooks.Hooks, {
 *   ...Hooks.none,
 *   afterSignUp: ({ user }) => Effect.log(`welcome ${user.id}`)
 * })
 * ```
 *
 * @category services
 * @since 0.1.0
 */
export const Hooks = Context.Reference<HooksService>("@belfry/core/Hooks", { defaultValue: () => none })

/**
 * Runs an `after` hook: whatever goes wrong in it is logged and changes nothing for the person.
 *
 * **Details**
 *
 * `hook` is called when the effect runs, so that one that throws instead of returning an effect is caught too.
 *
 * @category combinators
 * @since 0.1.0
 */
export const guard = (name: string, hook: () => Effect.Effect<void>): Effect.Effect<void> =>
  Effect.catchCause(Effect.suspend(hook), (cause: Cause.Cause<never>) =>
    Effect.annotateLogs(Effect.logError("A hook of the host failed", cause), "hook", name),
  )
