/**
 * Users: created, found, changed and deleted with everything that hangs on them.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { Audit } from "./Audit.ts"
import { type ClientInfo, unknownClient } from "./AuditEvent.ts"
import { AuthEvent } from "./AuthEvent.ts"
import { AuthEvents } from "./AuthEvents.ts"
import { guard, Hooks } from "./Hooks.ts"
import * as SessionRevocations from "./internal/sessionRevocations.ts"
import type { StoreError } from "./StoreError.ts"
import { TransactionStore } from "./TransactionStore.ts"
import {
  type Email,
  type EmailTaken,
  type User,
  UserDeletionRefused,
  UserId,
  UserNotFound,
  type UserPatch,
} from "./User.ts"
import { UserRemovals } from "./UserRemovals.ts"
import { UserStore } from "./UserStore.ts"

/**
 * What is known of a new user.
 *
 * @category models
 * @since 0.1.0
 */
export interface NewUser {
  readonly email: Email
  readonly name?: string | null
  readonly image?: string | null
  readonly emailVerifiedAt?: DateTime.Utc | null
  readonly scopes?: ReadonlyArray<string>
}

/**
 * Users.
 *
 * @category services
 * @since 0.1.0
 */
export class Users extends Context.Service<
  Users,
  {
    /** Creates a user on behalf of the host. */
    readonly create: (user: NewUser, client?: ClientInfo) => Effect.Effect<User, EmailTaken | StoreError>
    /** Creates a user because a person signed up: the same, and the host's `afterSignUp` runs. */
    readonly signUp: (user: NewUser, client: ClientInfo) => Effect.Effect<User, EmailTaken | StoreError>
    readonly get: (id: UserId) => Effect.Effect<User, UserNotFound | StoreError>
    readonly findByEmail: (email: Email) => Effect.Effect<Option.Option<User>, StoreError>
    /** Users, newest first; `before`: older than this one. `limit` from 1 to 100 (50). For the host alone. */
    readonly list: (options?: {
      readonly before?: UserId | undefined
      readonly limit?: number | undefined
    }) => Effect.Effect<ReadonlyArray<User>, StoreError>
    /** Changes a user: absent keys stay, null clears. */
    readonly update: (
      id: UserId,
      patch: UserPatch,
      client?: ClientInfo,
    ) => Effect.Effect<User, UserNotFound | EmailTaken | StoreError>
    /**
     * Shuts a user out: every session ends at once, no factor and no provider signs in, and what was granted to clients
     * is refused, until {@link enable}. Whoever tries is answered as if there were no such account. JWTs that are out
     * are refused where the server is asked, and elsewhere end with their lifetime.
     */
    readonly disable: (id: UserId, client?: ClientInfo) => Effect.Effect<User, UserNotFound | StoreError>
    /** Lets a user in again, and what was granted to clients holds again. Sessions do not come back. */
    readonly enable: (id: UserId, client?: ClientInfo) => Effect.Effect<User, UserNotFound | StoreError>
    /**
     * Deletes a user, unless the host's `beforeUserDeletion` refuses, or a package that stands behind `UserRemovals`.
     * Sessions, accounts and credentials go too.
     */
    readonly remove: (
      id: UserId,
      client?: ClientInfo,
    ) => Effect.Effect<void, UserNotFound | UserDeletionRefused | StoreError>
  }
>()("@belfry/core/Users") {}

/**
 * Users over their store.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = Layer.effect(
  Users,
  Effect.gen(function* () {
    const store = yield* UserStore
    const transactions = yield* TransactionStore
    const audit = yield* Audit
    const events = yield* AuthEvents
    const random = yield* SecureRandom.SecureRandom
    const hooks = yield* Hooks
    const removals = yield* UserRemovals
    const sessions = yield* SessionRevocations.make

    const create = (input: NewUser, client: ClientInfo, after: (user: User) => Effect.Effect<void>) =>
      Effect.gen(function* () {
        const now = yield* DateTime.now
        const user: User = {
          id: UserId.make(yield* random.uuidV7()),
          email: input.email,
          name: input.name ?? null,
          image: input.image ?? null,
          emailVerifiedAt: input.emailVerifiedAt ?? null,
          scopes: input.scopes ?? [],
          disabledAt: null,
          createdAt: now,
          updatedAt: now,
        }
        yield* transactions.run(
          Effect.gen(function* () {
            yield* store.insert(user)
            yield* audit.record({ type: "user.created", userId: user.id, client })
            yield* transactions.afterCommit(
              Effect.andThen(events.publish(AuthEvent.UserCreated({ user })), after(user)),
            )
          }),
        )
        return user
      })

    const get = Effect.fnUntraced(function* (userId: UserId) {
      const found = yield* store.findById(userId)
      return Option.isSome(found) ? found.value : yield* new UserNotFound({ userId })
    })

    const setDisabled = Effect.fnUntraced(function* (userId: UserId, isDisabled: boolean, client: ClientInfo) {
      const now = yield* DateTime.now
      return yield* transactions.run(
        Effect.gen(function* () {
          const previous = yield* get(userId)
          const updated = yield* store.setDisabled(userId, isDisabled ? now : null, now)
          if (Option.isNone(updated)) return yield* new UserNotFound({ userId })
          const user = updated.value
          // Also when they are let in again: a session that began while they were shut out must not come to life.
          yield* sessions.revokeAll({ userId, client })
          yield* audit.record({ type: isDisabled ? "user.disabled" : "user.enabled", userId, client })
          yield* transactions.afterCommit(events.publish(AuthEvent.UserUpdated({ previous, user })))
          return user
        }),
      )
    })

    return Users.of({
      create: Effect.fn("Users.create")((input, client = unknownClient) => create(input, client, () => Effect.void)),
      signUp: Effect.fn("Users.signUp")((input, client) =>
        create(input, client, (user) => guard("afterSignUp", () => hooks.afterSignUp({ user, client }))),
      ),
      get: Effect.fn("Users.get")(get),
      findByEmail: Effect.fn("Users.findByEmail")((email) => store.findByEmail(email)),
      list: Effect.fn("Users.list")(({ before, limit = 50 } = {}) =>
        store.list({ before: before ?? null, limit: Math.min(Math.max(Math.trunc(limit) || 1, 1), 100) }),
      ),
      update: Effect.fn("Users.update")(function* (userId, patch, client = unknownClient) {
        const now = yield* DateTime.now
        return yield* transactions.run(
          Effect.gen(function* () {
            const previous = yield* get(userId)
            const updated = yield* store.update(userId, patch, now)
            if (Option.isNone(updated)) return yield* new UserNotFound({ userId })
            const user = updated.value
            yield* audit.record({ type: "user.updated", userId, client, data: { fields: Object.keys(patch) } })
            yield* transactions.afterCommit(
              Effect.andThen(
                events.publish(AuthEvent.UserUpdated({ previous, user })),
                guard("afterUserUpdate", () => hooks.afterUserUpdate({ previous, user })),
              ),
            )
            return user
          }),
        )
      }),
      disable: Effect.fn("Users.disable")((userId, client = unknownClient) => setDisabled(userId, true, client)),
      enable: Effect.fn("Users.enable")((userId, client = unknownClient) => setDisabled(userId, false, client)),
      remove: Effect.fn("Users.remove")(function* (userId, client = unknownClient) {
        const user = yield* get(userId)
        yield* hooks.beforeUserDeletion({ user })
        const removal = transactions.run(
          Effect.gen(function* () {
            yield* removals.run(user, client)
            const removed = yield* store.remove(userId)
            if (Option.isNone(removed)) return yield* new UserNotFound({ userId })
            yield* audit.record({ type: "user.deleted", userId, client })
            yield* transactions.afterCommit(
              Effect.andThen(
                events.publish(AuthEvent.UserDeleted({ user })),
                guard("afterUserDeletion", () => hooks.afterUserDeletion({ user })),
              ),
            )
          }),
        )
        // What came to the user since the packages looked, they see when they look again: an organization that was just
        // made, say.
        yield* Effect.retry(removal, { while: (error) => error._tag === "UserReferenced", times: 2 }).pipe(
          Effect.catchTag("UserReferenced", () =>
            Effect.fail(new UserDeletionRefused({ reason: "Other data refers to the user" })),
          ),
        )
      }),
    })
  }),
)
