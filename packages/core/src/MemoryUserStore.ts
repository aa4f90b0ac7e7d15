/**
 * Users in memory.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as MemoryStoreError from "./MemoryStoreError.ts"
import { MemoryTables } from "./MemoryTables.ts"
import type { StoreError } from "./StoreError.ts"
import { type Email, EmailTaken, type User, type UserId, UserReferenced } from "./User.ts"
import { UserStore } from "./UserStore.ts"

/**
 * Builds the store over shared tables.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const tables = yield* MemoryTables
  const { users } = tables
  const withEmail = (email: Email): User | undefined => [...users.values()].find((user) => user.email === email)

  return UserStore.of({
    insert: (user) =>
      tables.statement((): Effect.Effect<void, EmailTaken | StoreError> => {
        if (user.email !== user.email.toLowerCase()) return refuse("insert", "e-mail address in lower case")
        if (withEmail(user.email) !== undefined) return Effect.fail(new EmailTaken())
        if (users.has(user.id)) return refuse("insert", "unique id")
        users.set(user.id, user)
        return Effect.void
      }),
    findById: (id) => tables.statement(() => Effect.succeed(Option.fromUndefinedOr(users.get(id)))),
    findByEmail: (email) => tables.statement(() => Effect.succeed(Option.fromUndefinedOr(withEmail(email)))),
    list: ({ before, limit }) =>
      tables.statement(() =>
        Effect.succeed(
          [...users.values()]
            .filter(({ id }) => before === null || id < before)
            .toSorted((one, other) => (one.id < other.id ? 1 : -1))
            .slice(0, limit),
        ),
      ),
    update: (id, patch, updatedAt) =>
      tables.statement((): Effect.Effect<Option.Option<User>, EmailTaken | StoreError> => {
        const user = users.get(id)
        if (user === undefined) return Effect.succeedNone
        if (patch.email !== undefined) {
          if (patch.email !== patch.email.toLowerCase()) return refuse("update", "e-mail address in lower case")
          if ((withEmail(patch.email)?.id ?? id) !== id) return Effect.fail(new EmailTaken())
        }
        const updated: User = { ...user, ...patch, updatedAt }
        users.set(id, updated)
        return Effect.succeedSome(updated)
      }),
    setDisabled: (id, disabledAt, updatedAt) =>
      tables.statement(() => {
        const user = users.get(id)
        if (user === undefined) return Effect.succeedNone
        const updated: User = {
          ...user,
          disabledAt: disabledAt === null ? null : (user.disabledAt ?? disabledAt),
          updatedAt,
        }
        users.set(id, updated)
        return Effect.succeedSome(updated)
      }),
    remove: (id: UserId) =>
      tables.statement((): Effect.Effect<Option.Option<User>, UserReferenced> => {
        const user = users.get(id)
        if (user === undefined) return Effect.succeedNone
        if (tables.isUserReferenced(id)) return Effect.fail(new UserReferenced())
        tables.removeUser(id)
        return Effect.succeedSome(user)
      }),
  })
})

/**
 * Layer that keeps users in memory.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<UserStore, never, MemoryTables> = Layer.effect(UserStore, make)

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const refuse = (method: string, constraint: string) => MemoryStoreError.refuse("UserStore", method, constraint)
