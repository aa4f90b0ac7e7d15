/**
 * People for tests: a user with a session, a user with a password, without the way through mail.
 */
import { unknownClient } from "@belfry/core/AuditEvent"
import { Sessions } from "@belfry/core/Sessions"
import { Email, type User } from "@belfry/core/User"
import { Users } from "@belfry/core/Users"
import { PasswordHasher } from "@belfry/factors/PasswordHasher"
import { PasswordStore } from "@belfry/factors/PasswordStore"
import { DateTime, Effect, Redacted } from "effect"

/** A password that is not among the common ones. */
export const password = "correct horse battery staple"

/** A user who is signed in. */
export const signedIn = Effect.fnUntraced(function* (email: string) {
  const users = yield* Users
  const user = yield* users.create({ email: Email.make(email) })
  return { user, ...(yield* session(user)) }
})

/** A session of a user. */
export const session = Effect.fnUntraced(function* (user: User) {
  const sessions = yield* Sessions
  const { session, token } = yield* sessions.start({ user, amr: ["pwd"], client: unknownClient })
  return { session, token: Redacted.value(token) }
})

/** A user who can sign in by {@link password}. */
export const registered = Effect.fnUntraced(function* (email: string) {
  const users = yield* Users
  const hasher = yield* PasswordHasher
  const passwords = yield* PasswordStore
  const user = yield* users.create({ email: Email.make(email) })
  yield* passwords.set(user.id, yield* hasher.hash(Redacted.make(password)), yield* DateTime.now)
  return user
})

/** The header of a client that keeps its token itself. */
export const bearer = (token: string) => [["authorization", `Bearer ${token}`]] as const
