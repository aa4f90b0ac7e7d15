/**
 * What the commands for users and their sessions do, as trusted code does it.
 */
import { unknownClient } from "@belfry/core/AuditEvent"
import { Session, type SessionId } from "@belfry/core/Session"
import { Sessions } from "@belfry/core/Sessions"
import { type Email, isDisabled, User, UserId } from "@belfry/core/User"
import { Users } from "@belfry/core/Users"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { print, printEach } from "./output.ts"
import { quoted, userWith, withServices } from "./services.ts"

/** What a new user is to be. */
export interface NewUser {
  readonly email: Email
  readonly name: Option.Option<string>
  readonly scopes: ReadonlyArray<string>
  /** Whoever gives the command knows whose the address is. */
  readonly isVerified: boolean
}

/** Makes a user, who has no way to sign in yet but the address, and shows it. */
export const create = ({ email, isVerified, name, scopes }: NewUser) =>
  Effect.gen(function* () {
    const emailVerifiedAt = isVerified ? yield* DateTime.now : null
    const user = yield* Users.use((users) =>
      users.create({ email, name: Option.getOrNull(name), scopes, emailVerifiedAt }),
    )
    yield* print(User, user, linesOf(user))
  }).pipe(withServices)

/** Lists all users, newest first. */
export const list = () =>
  Users.use(({ list }) =>
    printEach(User, {
      pageAt: (cursor) =>
        Effect.map(list({ before: cursor === undefined ? undefined : UserId.make(cursor), limit }), (items) => ({
          items,
          cursor: items.length < limit ? null : (items.at(-1)?.id ?? null),
        })),
      line,
      value: (user) => user,
    }),
  ).pipe(withServices)

/** Shuts the user of an address out, or lets them in again. */
export const setDisabled = (email: Email, isDisabled: boolean) =>
  Effect.gen(function* () {
    const { id } = yield* userWith(email)
    const user = yield* Users.use((users) => (isDisabled ? users.disable(id) : users.enable(id)))
    yield* print(User, user, [`${isDisabled ? "disabled" : "enabled"} ${user.email}`])
  }).pipe(withServices)

/** Sets what the user of an address may do beyond the account. */
export const setScopes = (email: Email, scopes: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const { id } = yield* userWith(email)
    const user = yield* Users.use((users) => users.update(id, { scopes }))
    yield* print(User, user, [user.scopes.length === 0 ? "no scopes" : user.scopes.join(" ")])
  }).pipe(withServices)

/** Lists the live sessions of a user, newest first. */
export const listSessions = (email: Email) =>
  Effect.gen(function* () {
    const { id } = yield* userWith(email)
    const items = yield* Sessions.use((sessions) => sessions.list(id))
    yield* printEach(Session, {
      pageAt: () => Effect.succeed({ items, cursor: null }),
      line: lineOfSession,
      value: (session) => session,
    })
  }).pipe(withServices)

/** Ends a session of a user, or without one all of them. */
export const revokeSessions = (email: Email, session: Option.Option<SessionId>) =>
  Effect.gen(function* () {
    const { id: userId } = yield* userWith(email)
    const sessions = yield* Sessions
    const revoked = Option.isSome(session)
      ? yield* Effect.as(sessions.revoke(userId, session.value, unknownClient), 1)
      : yield* sessions.revokeAll({ userId, client: unknownClient })
    const text = Option.getOrElse(session, () => (revoked === 1 ? "1 session" : `${revoked} sessions`))
    yield* print(Revoked, { userId, revoked }, [`ended ${text}`])
  }).pipe(withServices)

// internal

const limit = 100

const Revoked = Schema.Struct({ userId: UserId, revoked: Schema.Int })

const linesOf = (user: User): ReadonlyArray<string> => [
  `id        ${user.id}`,
  `email     ${user.email}`,
  `name      ${user.name === null ? "none" : quoted(user.name)}`,
  `verified  ${user.emailVerifiedAt === null ? "no" : DateTime.formatIso(user.emailVerifiedAt)}`,
  `scopes    ${user.scopes.length === 0 ? "none" : user.scopes.join(" ")}`,
  `created   ${DateTime.formatIso(user.createdAt)}`,
]

/** Names are what people say of themselves. */
const line = (user: User): string =>
  [
    user.id,
    user.email,
    user.emailVerifiedAt === null ? "unverified" : "verified",
    ...(isDisabled(user) ? ["disabled"] : []),
    ...(user.scopes.length === 0 ? [] : [user.scopes.join(",")]),
    ...(user.name === null ? [] : [quoted(user.name)]),
  ].join("  ")

const lineOfSession = (session: Session): string =>
  [
    session.id,
    `since ${DateTime.formatIso(session.createdAt)}`,
    `seen ${DateTime.formatIso(session.lastSeenAt)}`,
    `until ${DateTime.formatIso(session.expiresAt)}`,
    session.amr.join(","),
    session.ipAddress ?? "-",
    quoted(session.userAgent ?? ""),
  ].join("  ")
