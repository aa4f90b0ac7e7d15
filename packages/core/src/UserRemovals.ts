/**
 * What other packages do in the transaction that deletes a user, before the user is gone.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { ClientInfo } from "./AuditEvent.ts"
import type { StoreError } from "./StoreError.ts"
import type { User, UserDeletionRefused } from "./User.ts"

/**
 * What a package does in the transaction that deletes a user; failing refuses.
 *
 * @category models
 * @since 0.1.0
 */
export type UserRemoval = (user: User, client: ClientInfo) => Effect.Effect<void, UserDeletionRefused | StoreError>

/**
 * What other packages do in the transaction that deletes a user, before the user is gone.
 *
 * @category services
 * @since 0.1.0
 */
export class UserRemovals extends Context.Service<
  UserRemovals,
  {
    /** Adds one, for as long as the registry lives. Packages do when their layers are built. */
    readonly register: (removal: UserRemoval) => Effect.Effect<void>
    /** Runs all of them, one after another. */
    readonly run: UserRemoval
  }
>()("@belfry/core/UserRemovals") {}

/**
 * Layer with nothing to do.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = Layer.sync(UserRemovals, () => {
  const removals: Array<UserRemoval> = []
  return UserRemovals.of({
    register: (removal) => Effect.sync(() => void removals.push(removal)),
    run: (user, client) => Effect.forEach(removals, (removal) => removal(user, client), { discard: true }),
  })
})
