/**
 * Port: where users are kept.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type { StoreError } from "./StoreError.ts"
import type { Email, EmailTaken, User, UserId, UserPatch, UserReferenced } from "./User.ts"

/**
 * Where users are kept. An address belongs to at most one user, whatever happens at the same time.
 *
 * @category ports
 * @since 0.1.0
 */
export class UserStore extends Context.Service<
  UserStore,
  {
    /** Keeps a new user; `EmailTaken` when another one has the address. */
    readonly insert: (user: User) => Effect.Effect<void, EmailTaken | StoreError>
    readonly findById: (id: UserId) => Effect.Effect<Option.Option<User>, StoreError>
    readonly findByEmail: (email: Email) => Effect.Effect<Option.Option<User>, StoreError>
    /** At most `limit` users, newest first (by id); those older than `before`, where it is given, on file or not. */
    readonly list: (options: {
      readonly before: UserId | null
      readonly limit: number
    }) => Effect.Effect<ReadonlyArray<User>, StoreError>
    /** Applies a patch and returns the user as it is then; none when there is no such user. */
    readonly update: (
      id: UserId,
      patch: UserPatch,
      updatedAt: DateTime.Utc,
    ) => Effect.Effect<Option.Option<User>, EmailTaken | StoreError>
    /**
     * Disables a user as of an instant, or enables them with null, and returns the user as it is then; none when there
     * is no such user. Who is disabled already stays so as of the earlier instant.
     */
    readonly setDisabled: (
      id: UserId,
      disabledAt: DateTime.Utc | null,
      updatedAt: DateTime.Utc,
    ) => Effect.Effect<Option.Option<User>, StoreError>
    /**
     * Removes the user and everything that hangs on it; none when there is no such user. `UserReferenced` ends the
     * transaction that it is called in.
     */
    readonly remove: (id: UserId) => Effect.Effect<Option.Option<User>, UserReferenced | StoreError>
  }
>()("@belfry/core/UserStore") {}
