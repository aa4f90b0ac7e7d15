/**
 * Setting up factors and removing them: who may, what else changes with it, and who is told.
 *
 * @since 0.1.0
 */
import { Audit } from "@belfry/core/Audit"
import type { ClientInfo } from "@belfry/core/AuditEvent"
import { AuthEvent } from "@belfry/core/AuthEvent"
import { AuthEvents } from "@belfry/core/AuthEvents"
import { LinkedAccounts } from "@belfry/core/LinkedAccounts"
import { LinkedAccountStore } from "@belfry/core/LinkedAccountStore"
import { make as makeMessage } from "@belfry/core/Mail"
import { MailQueue } from "@belfry/core/MailQueue"
import { PagePaths } from "@belfry/core/PagePaths"
import type { RateLimited } from "@belfry/core/RateLimit"
import type { AuthenticationMethod, Session, SessionNotFresh } from "@belfry/core/Session"
import { Sessions } from "@belfry/core/Sessions"
import { Site } from "@belfry/core/Site"
import type { StoreError } from "@belfry/core/StoreError"
import { TransactionStore } from "@belfry/core/TransactionStore"
import type { User, UserId } from "@belfry/core/User"
import * as Array from "effect/Array"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import { BackupCodeStore } from "./BackupCodeStore.ts"
import { type Enrolment, LastWayIn, NotEnrolled, provable } from "./Enrolment.ts"
import { EnrolmentMessages } from "./EnrolmentMessages.ts"
import { EnrolmentStore } from "./EnrolmentStore.ts"
import { EnrollableFactor, type Factor } from "./Factor.ts"
import { HotpStore } from "./HotpStore.ts"
import * as BackupCodeSet from "./internal/backupCodeSet.ts"
import { PasskeyStore } from "./PasskeyStore.ts"
import { PasswordStore } from "./PasswordStore.ts"
import { type CodeProof, type OpenSignIn, SignInAttempts } from "./SignInAttempts.ts"
import type { SignInOutcome } from "./SignInOutcome.ts"
import type { SignInRefused } from "./SignInAttempt.ts"
import { SignInPolicy } from "./SignInPolicy.ts"
import { TotpStore } from "./TotpStore.ts"

/**
 * Who sets up a factor: the user of a fresh session, or somebody whose sign-in demands it before it is complete.
 *
 * @category models
 * @since 0.1.0
 */
export type Enroller =
  | { readonly _tag: "Session"; readonly session: Session; readonly user: User }
  | { readonly _tag: "SignIn"; readonly token: Redacted.Redacted }

/**
 * The first code of what is being set up. `replaces` is the session that a new one replaces in its cookie.
 *
 * @category models
 * @since 0.1.0
 */
export interface CodeConfirmation extends Omit<CodeProof, "token"> {
  readonly by: Enroller
}

/**
 * A user in a session.
 *
 * @category models
 * @since 0.1.0
 */
export interface SessionOwner {
  readonly session: Session
  readonly user: User
  readonly client: ClientInfo
}

/**
 * A user who may set up `factor` now. `open` is the sign-in that demands it, if one does.
 *
 * @category models
 * @since 0.1.0
 */
export interface Enrolling {
  readonly factor: EnrollableFactor
  readonly user: User
  readonly open: OpenSignIn | undefined
  readonly client: ClientInfo
}

/**
 * A factor was set up. `backupCodes` are made with the first one, and shown this once; null otherwise. `signIn` is what
 * became of the sign-in that demanded it, null where none did.
 *
 * @category models
 * @since 0.1.0
 */
export interface Enrolled {
  readonly backupCodes: ReadonlyArray<Redacted.Redacted> | null
  readonly signIn: SignInOutcome | null
}

/**
 * Setting up factors and removing them, for the services of the factors.
 *
 * @category services
 * @since 0.1.0
 */
export class Enrolments extends Context.Service<
  Enrolments,
  {
    /** What a user has set up. */
    readonly list: (userId: UserId) => Effect.Effect<ReadonlyArray<Enrolment>, StoreError>
    /** Fails unless `by` may set up a factor: by a fresh session, or a sign-in that demands it. */
    readonly authorize: (options: {
      readonly by: Enroller
      readonly factor: EnrollableFactor
      readonly client: ClientInfo
    }) => Effect.Effect<Enrolling, SessionNotFresh | SignInRefused | RateLimited | StoreError>
    /**
     * Completes an enrolment: `confirm` keeps the factor, and with it commit the event, the user's first backup codes
     * and the step of the sign-in that demanded it. The user is told by mail.
     */
    readonly complete: <E = never>(options: {
      readonly enrolling: Enrolling
      readonly amr: ReadonlyArray<AuthenticationMethod>
      /** What was proved, where it is not the factor that was set up. */
      readonly proved?: Factor
      readonly confirm: Effect.Effect<unknown, E>
      readonly replaces?: Redacted.Redacted | undefined
    }) => Effect.Effect<Enrolled, E | SignInRefused | StoreError>
    /**
     * Removes a factor in a fresh session: `remove` says whether there was one. Pending sign-ins of the user end, and
     * backup codes go with the last factor that they stand in for. Fails with `LastWayIn` and removes nothing when the
     * user could not sign in any more.
     */
    readonly remove: <E = never>(options: {
      readonly session: Session
      readonly user: User
      readonly factor: Factor
      readonly remove: Effect.Effect<boolean, E>
      readonly client: ClientInfo
    }) => Effect.Effect<void, E | NotEnrolled | LastWayIn | SessionNotFresh | StoreError>
    /**
     * Ends every way in that a user has: what was set up, a password too, accounts elsewhere, sessions and pending
     * sign-ins. For use in the transaction in which somebody proves an address that nobody proved before, ahead of what
     * that adds: whoever made the account, by another provider or otherwise, may be a stranger who waited for its
     * owner.
     */
    readonly takeOver: (userId: UserId, client: ClientInfo) => Effect.Effect<void, StoreError>
    /** Makes a new set of backup codes in a fresh session; the old one is worthless. */
    readonly replaceBackupCodes: (
      options: SessionOwner,
    ) => Effect.Effect<ReadonlyArray<Redacted.Redacted>, NotEnrolled | SessionNotFresh | StoreError>
  }
>()("@belfry/factors/Enrolments") {}

/**
 * Enrolments over their stores, sign-in attempts and mail.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = Layer.effect(
  Enrolments,
  Effect.gen(function* () {
    const store = yield* EnrolmentStore
    const backupCodes = yield* BackupCodeStore
    const hotps = yield* HotpStore
    const passkeys = yield* PasskeyStore
    const passwords = yield* PasswordStore
    const accounts = yield* LinkedAccounts
    const accountStore = yield* LinkedAccountStore
    const totps = yield* TotpStore
    const attempts = yield* SignInAttempts
    const sessions = yield* Sessions
    const transactions = yield* TransactionStore
    const audit = yield* Audit
    const events = yield* AuthEvents
    const queue = yield* MailQueue
    const messages = yield* EnrolmentMessages
    const site = yield* Site
    const paths = yield* PagePaths
    const policy = yield* SignInPolicy
    const codes = yield* BackupCodeSet.make
    const values = { siteName: site.name, accountUrl: site.url(paths.account) }

    const tell = (user: User, category: string, mail: ReturnType<typeof messages.enrolled>) =>
      queue.enqueue(makeMessage({ to: user.email, category, ...mail }))

    const issue = Effect.fnUntraced(function* (userId: UserId) {
      const set = yield* codes.generate
      const hashes = yield* Effect.forEach(set, (code) => codes.hash(userId, code))
      if (Array.isReadonlyArrayNonEmpty(hashes)) yield* backupCodes.replace(userId, hashes, yield* DateTime.now)
      return set
    })

    const changed = (userId: UserId, method: AuthenticationMethod) =>
      events.publish(AuthEvent.CredentialChanged({ userId, method }))

    const canSignIn = Effect.fnUntraced(function* (user: User, enrolled: ReadonlyArray<Enrolment>, client: ClientInfo) {
      const able = provable(enrolled)
      const alternatives = yield* policy.signIn({ user, provable: able, proofs: [], client })
      return alternatives.some(
        (set) =>
          set.every((factor) => able.includes(factor)) && set.some((factor) => policy.firstFactors.includes(factor)),
      )
    })

    return Enrolments.of({
      list: Effect.fn("Enrolments.list")((userId) => store.list(userId)),

      authorize: Effect.fn("Enrolments.authorize")(function* ({ by, factor, client }) {
        if (by._tag === "Session") {
          yield* sessions.requireFresh(by.session)
          return { factor, user: by.user, open: undefined, client }
        }
        const open = yield* attempts.open({ token: by.token, factor, purpose: "enrolment", client })
        // A sign-in that demands an enrolment has a user.
        return open.user === undefined
          ? yield* Effect.die(new Error("An enrolment was demanded of nobody"))
          : { factor, user: open.user, open, client }
      }),

      complete: Effect.fn("Enrolments.complete")(function* ({ enrolling, amr, proved, confirm, replaces }) {
        const { factor, user, open, client } = enrolling
        let set: Enrolled["backupCodes"] = null
        const write = Effect.gen(function* () {
          yield* store.lock(user.id)
          yield* confirm
          set = (yield* backupCodes.remaining(user.id)) === 0 ? yield* issue(user.id) : null
          yield* audit.record({ type: "factor.enrolled", userId: user.id, client, data: { factor } })
          yield* transactions.afterCommit(
            Effect.andThen(
              changed(user.id, amr[0] ?? "mfa"),
              tell(user, "factor-enrolled", messages.enrolled({ ...values, factor })),
            ),
          )
        })
        const signIn =
          open === undefined
            ? yield* Effect.as(transactions.run(write), null)
            : yield* attempts.prove({
                open,
                user,
                amr,
                ...(proved === undefined ? {} : { factor: proved }),
                confirm: write,
                replaces,
              })
        return { backupCodes: set, signIn }
      }),

      remove: Effect.fn("Enrolments.remove")(function* ({ session, user, factor, remove, client }) {
        yield* sessions.requireFresh(session)
        yield* transactions.run(
          Effect.gen(function* () {
            // Of two removals at once the second looks at what the first one left.
            yield* store.lock(user.id)
            if (!(yield* remove)) return yield* new NotEnrolled({ factor })
            const left = yield* store.list(user.id)
            if (!(yield* canSignIn(user, left, client))) return yield* new LastWayIn({ factor })
            if (!left.some((enrolment) => EnrollableFactor.literals.some((second) => second === enrolment.factor))) {
              yield* backupCodes.remove(user.id)
            }
            yield* attempts.revokeAll(user.id)
            yield* audit.record({ type: "factor.removed", userId: user.id, client, data: { factor } })
            yield* transactions.afterCommit(
              Effect.andThen(
                changed(user.id, methodOf(factor)),
                tell(user, "factor-removed", messages.removed({ ...values, factor })),
              ),
            )
          }),
        )
      }),

      takeOver: Effect.fn("Enrolments.takeOver")(function* (userId, client) {
        yield* store.lock(userId)
        const enrolled = yield* store.list(userId)
        yield* passwords.remove(userId)
        yield* Effect.forEach(yield* passkeys.listByUser(userId), ({ id }) => passkeys.remove(userId, id), {
          discard: true,
        })
        // What waits to be confirmed goes as well.
        yield* totps.remove(userId)
        yield* hotps.remove(userId)
        yield* backupCodes.remove(userId)
        yield* Effect.forEach(
          yield* accountStore.listByUser(userId),
          ({ providerId, accountId }) => accounts.unlink({ userId, providerId, accountId, client }),
          { discard: true },
        )
        // After all of that: who came in by what is gone now, while it went, has a session or a pending sign-in too.
        yield* sessions.revokeAll({ userId, client })
        yield* attempts.revokeAll(userId)
        const removed = enrolled.flatMap(({ factor }) => (factor === "oauth" ? [] : [factor]))
        for (const factor of removed) {
          yield* audit.record({
            type: "factor.removed",
            reason: "address-proved",
            userId,
            client,
            data: { factor },
          })
        }
        yield* transactions.afterCommit(
          Effect.forEach(new Set(removed.map(methodOf)), (method) => changed(userId, method), { discard: true }),
        )
      }),

      replaceBackupCodes: Effect.fn("Enrolments.replaceBackupCodes")(function* ({ session, user, client }) {
        yield* sessions.requireFresh(session)
        return yield* transactions.run(
          Effect.gen(function* () {
            yield* store.lock(user.id)
            const enrolled = yield* store.list(user.id)
            // Alone they would be good for nothing.
            if (!enrolled.some(({ factor }) => EnrollableFactor.literals.some((second) => second === factor))) {
              return yield* new NotEnrolled({ factor: "backup-code" })
            }
            const set = yield* issue(user.id)
            yield* attempts.revokeAll(user.id)
            yield* audit.record({ type: "backup-codes.replaced", userId: user.id, client })
            yield* transactions.afterCommit(
              Effect.andThen(
                changed(user.id, "otp"),
                tell(user, "backup-codes-replaced", messages.backupCodesReplaced(values)),
              ),
            )
            return set
          }),
        )
      }),
    })
  }),
)

// internal

const methodOf = (factor: Factor): AuthenticationMethod => {
  switch (factor) {
    case "password":
      return "pwd"
    case "email-code":
    case "magic-link":
      return "email"
    case "oauth":
      return "oauth"
    case "passkey":
    case "security-key":
      return "pop"
    case "totp":
    case "hotp":
    case "backup-code":
      return "otp"
  }
}
