/**
 * The account page and its actions.
 *
 * Every form of the page is sent to the page itself with the name of its action, so the address stays the same when
 * something has to be put right.
 *
 * @since 0.1.0
 */
import { Emails } from "@belfry/core/Emails"
import { clearSessionCookie, setSessionCookie } from "@belfry/core/RequestHandlers"
import { SessionId, SessionInvalid } from "@belfry/core/Session"
import { Sessions } from "@belfry/core/Sessions"
import { Email } from "@belfry/core/User"
import { Users } from "@belfry/core/Users"
import { Enrolments } from "@belfry/factors/Enrolments"
import { Passkeys } from "@belfry/factors/Passkeys"
import { Passwords } from "@belfry/factors/Passwords"
import { GrantId } from "@belfry/oauth-server/Grant"
import { Organizations } from "@belfry/organization/Organizations"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { makeApplications } from "./applications.ts"
import { takesMoney } from "./billing.ts"
import {
  actionOf,
  decode,
  decodeHidden,
  type FormFields,
  FormUnreadable,
  NameField,
  PasswordField,
  problemsOf,
} from "./form.ts"
import { PageKit } from "./PageKit.ts"
import { makeProviders } from "./providers.ts"
import { withQuery } from "./query.ts"
import { makeScopeWords } from "./scopes.ts"
import { get, makeVisitors, post, type Visit, type Visitor } from "./visit.ts"
import { type AccountView, accountPage, deleteAccountPage } from "./views/account.ts"
import type { Problem } from "./views/parts.ts"
import { connectedAccountsPath } from "./views/connectedAccounts.ts"

const NameForm = Schema.Struct({ name: NameField })

const EmailForm = Schema.Struct({ new_email: Email })

const PasswordForm = Schema.Struct({ current_password: PasswordField, new_password: PasswordField })

const FirstPasswordForm = Schema.Struct({
  current_password: Schema.optionalKey(PasswordField),
  new_password: PasswordField,
})

const RevokeForm = Schema.Struct({ session: SessionId })

const EndAccessForm = Schema.Struct({ grant: GrantId })

/**
 * Adds the account page, and the pages of deleting the account.
 *
 * @category routes
 * @since 0.1.0
 */
export const routes = Effect.gen(function* () {
  const { site, paths } = yield* PageKit
  const passwords = yield* Passwords
  const sessions = yield* Sessions
  const users = yield* Users
  const emails = yield* Emails
  const enrolments = yield* Enrolments
  const passkeys = yield* Passkeys
  const organizations = yield* Organizations
  const providers = yield* makeProviders
  const applications = yield* makeApplications
  const scopeWords = yield* makeScopeWords
  const hasBilling = yield* takesMoney
  const visitors = yield* makeVisitors

  const isFresh = ({ session }: Visitor) => Effect.isSuccess(sessions.requireFresh(session))

  const show = Effect.fnUntraced(function* (
    { client, words }: Visit,
    visitor: Visitor,
    options: Pick<AccountView, "state"> & Partial<AccountView>,
  ) {
    return accountPage(words, paths, {
      ...visitor,
      sessions: yield* sessions.list(visitor.user.id),
      enrolments: yield* enrolments.list(visitor.user.id),
      passkeys: yield* passkeys.list(visitor.user.id),
      providers: yield* providers.list,
      connected: yield* providers.connected(visitor.user.id),
      applications: yield* applications.list(visitor.user.id),
      organizations: (yield* organizations.list({ ...visitor, client }, { limit: 5 })).items,
      scopeWords: scopeWords(words),
      hasBilling,
      isFresh: yield* isFresh(visitor),
      now: yield* Clock.currentTimeMillis,
      ...options,
    })
  })

  /** The page again after a form was refused. What was typed into it stays, but for passwords. */
  const again = (
    visit: Visit,
    visitor: Visitor,
    fields: FormFields,
    status: number,
    problems: ReadonlyArray<Problem>,
    headers: Readonly<Record<string, string>> = {},
  ) => {
    const values: Record<string, string> = {}
    for (const name of ["name", "new_email"]) {
      const value = fields[name]
      if (value !== undefined) values[name] = value
    }
    return show(visit, visitor, { state: { values, problems }, status, headers })
  }

  const done = (flag: Done) => withQuery(paths.account, { done: flag })

  const confirmFirst = (target: string) => withQuery(paths.confirmAccess, { return_to: target })

  type Action = (visit: Visit, visitor: Visitor, fields: FormFields) => ReturnType<Parameters<typeof post>[1]>

  const actions: Readonly<Record<string, Action>> = {
    name: Effect.fnUntraced(function* (visit, visitor, fields) {
      const form = decode(NameForm, fields)
      if (Result.isFailure(form)) {
        return yield* again(visit, visitor, fields, 422, problemsOf(form.failure, fields, visit.words.fields))
      }
      return yield* users.update(visitor.user.id, form.success, visit.client).pipe(
        Effect.as(done("name-saved")),
        Effect.catchTags({
          // The user was deleted since the session was verified, and the session with it.
          UserNotFound: () => Effect.fail(new SessionInvalid()),
          // The form has no address.
          EmailTaken: Effect.die,
        }),
      )
    }),

    verify: (visit, visitor, fields) =>
      emails.sendVerification(visitor.user, visit.client).pipe(
        Effect.as(done("verification-sent")),
        Effect.catchTag("RateLimited", ({ retryAfter }) =>
          again(visit, visitor, fields, 429, [{ message: visit.words.problems.limitedMail(retryAfter) }], {
            "retry-after": String(retryAfter),
          }),
        ),
      ),

    email: Effect.fnUntraced(function* (visit, visitor, fields) {
      const { words } = visit
      if (!(yield* isFresh(visitor))) return confirmFirst(`${paths.account}#email-address`)
      const form = decode(EmailForm, fields)
      if (Result.isFailure(form)) {
        const problems = problemsOf(form.failure, fields, { new_email: words.fields.newEmail })
        return yield* again(visit, visitor, fields, 422, problems)
      }
      const email = form.success.new_email
      if (email === visitor.user.email) {
        return yield* again(visit, visitor, fields, 422, [{ field: "new_email", message: words.problems.sameEmail }])
      }
      return yield* emails.requestChange(visitor.user, email, visit.client).pipe(
        Effect.as(done("email-change-sent")),
        Effect.catchTag("RateLimited", ({ retryAfter }) =>
          again(
            visit,
            visitor,
            fields,
            429,
            [{ field: "new_email", message: words.problems.limitedMail(retryAfter) }],
            { "retry-after": String(retryAfter) },
          ),
        ),
      )
    }),

    password: Effect.fnUntraced(function* (visit, visitor, fields) {
      const { words } = visit
      const { currentPassword: currentWords, newPassword: newWords } = words.fields
      // Without one, a fresh session is asked for in its place.
      const hasPassword = (yield* enrolments.list(visitor.user.id)).some(({ factor }) => factor === "password")
      const form = hasPassword ? decode(PasswordForm, fields) : decode(FirstPasswordForm, fields)
      if (Result.isFailure(form)) {
        const problems = problemsOf(form.failure, fields, { current_password: currentWords, new_password: newWords })
        return yield* again(visit, visitor, fields, 422, problems)
      }
      const { new_password: newPassword } = form.success
      const currentPassword = hasPassword ? form.success.current_password : undefined
      return yield* passwords.change({ ...visitor, currentPassword, newPassword, client: visit.client }).pipe(
        Effect.flatMap((signIn) => setSessionCookie(signIn, site)),
        Effect.as(done("password-changed")),
        Effect.catchTags({
          InvalidCredentials: () =>
            again(visit, visitor, fields, 401, [
              { field: "current_password", message: words.fields.currentPassword.invalid },
            ]),
          PasswordRejected: ({ reason }) =>
            again(visit, visitor, fields, 422, [{ field: "new_password", message: words.problems[reason] }]),
          // These two are asked for only where the current password is left out.
          SessionNotFresh: () => Effect.succeed(confirmFirst(`${paths.account}#password`)),
          EmailUnverified: () => again(visit, visitor, fields, 403, [{ message: words.problems.unverifiedEmail }]),
          RateLimited: ({ retryAfter }) =>
            again(
              visit,
              visitor,
              fields,
              429,
              [{ field: "current_password", message: words.problems.limited(retryAfter) }],
              { "retry-after": String(retryAfter) },
            ),
        }),
      )
    }),

    link: Effect.fnUntraced(function* (visit, visitor, fields) {
      const section = connectedAccountsPath(paths)
      // Who holds a session for a moment must not get a way in that stays.
      if (!(yield* isFresh(visitor))) return confirmFirst(section)
      const provider = fields["provider"]
      const request = {
        redirectUrl: withQuery(paths.account, { done: "account-linked" }),
        errorRedirectUrl: withQuery(paths.signInError, { provider }),
      }
      return yield* providers.leave(visit, provider, request, visitor.session)
    }),

    revoke: Effect.fnUntraced(function* (visit, { session }, fields) {
      const { session: sessionId } = yield* decodeHidden(RevokeForm, fields)
      yield* sessions.revoke(session.userId, sessionId, visit.client).pipe(
        // It ended in the meantime, which is what was asked for.
        Effect.catchTag("SessionNotFound", () => Effect.void),
      )
      if (sessionId !== session.id) return done("session-revoked")
      yield* clearSessionCookie(site)
      return withQuery(paths.signIn, { done: "signed-out" })
    }),

    "end-access": Effect.fnUntraced(function* (visit, { user }, fields) {
      const { grant } = yield* decodeHidden(EndAccessForm, fields)
      yield* applications.end(user.id, grant, visit.client)
      return done("access-ended")
    }),

    "remove-application": Effect.fnUntraced(function* (visit, { user }, fields) {
      const clientId = fields["client"]
      if (clientId === undefined) return yield* new FormUnreadable({ status: 400 })
      yield* applications.remove(user.id, clientId, visit.client)
      return done("access-removed")
    }),

    "revoke-others": (visit, { session }) =>
      Effect.as(
        sessions.revokeAll({ userId: session.userId, except: session.id, client: visit.client }),
        done("sessions-revoked"),
      ),
  }

  yield* get(
    paths.account,
    Effect.fnUntraced(function* (visit) {
      const visitor = yield* visitors.get(visit)
      return yield* show(visit, visitor, { state: { values: {}, problems: [] }, done: doneAtAccount(visit) })
    }),
  )

  yield* post(
    paths.account,
    Effect.fnUntraced(function* (visit, fields) {
      const visitor = yield* visitors.get(visit)
      const action = yield* actionOf(actions, fields)
      return yield* action(visit, visitor, fields)
    }),
  )

  yield* get(
    paths.deleteAccount,
    Effect.fnUntraced(function* (visit) {
      const visitor = yield* visitors.get(visit)
      return (yield* isFresh(visitor))
        ? deleteAccountPage(visit.words, paths, { user: visitor.user, problems: [] })
        : confirmFirst(paths.deleteAccount)
    }),
  )

  yield* post(
    paths.deleteAccount,
    Effect.fnUntraced(function* (visit) {
      const visitor = yield* visitors.get(visit)
      if (!(yield* isFresh(visitor))) return confirmFirst(paths.deleteAccount)
      const { user } = visitor
      return yield* users.remove(user.id, visit.client).pipe(
        Effect.andThen(clearSessionCookie(site)),
        Effect.as(withQuery(paths.signIn, { done: "account-deleted" })),
        Effect.catchTags({
          UserNotFound: () => Effect.fail(new SessionInvalid()),
          UserDeletionRefused: ({ reason }) =>
            Effect.succeed(
              deleteAccountPage(visit.words, paths, {
                user,
                problems: [{ message: visit.words.problems.deletionRefused(reason) }],
                status: 409,
              }),
            ),
        }),
      )
    }),
  )
})

// internal

const doneFlags = [
  "access-ended",
  "access-removed",
  "account-linked",
  "account-unlinked",
  "codes-saved",
  "confirmed",
  "email-change-sent",
  "email-changed",
  "email-verified",
  "hotp-added",
  "hotp-removed",
  "joined",
  "name-saved",
  "passkey-added",
  "passkey-removed",
  "passkey-renamed",
  "password-changed",
  "password-removed",
  "session-revoked",
  "sessions-revoked",
  "totp-added",
  "totp-removed",
  "verification-sent",
  "welcome",
] as const

type Done = (typeof doneFlags)[number]

const doneAtAccount = ({ words, query }: Visit): string | undefined => {
  const flag = query("done")
  const known = doneFlags.find((name) => name === flag)
  return known === undefined ? undefined : words.done[known]
}
