/**
 * Backup codes: ten codes to keep on paper, each good once, for when the other second factors are out of reach.
 *
 * @see [NIST SP 800-63B-4 §3.1.2](https://pages.nist.gov/800-63-4/sp800-63b.html#lookupsecrets)
 * @since 0.1.0
 */
import { make as makeMessage } from "@belfry/core/Mail"
import { MailQueue } from "@belfry/core/MailQueue"
import { PagePaths } from "@belfry/core/PagePaths"
import type { RateLimited } from "@belfry/core/RateLimit"
import type { SessionNotFresh } from "@belfry/core/Session"
import { Site } from "@belfry/core/Site"
import type { StoreError } from "@belfry/core/StoreError"
import { TransactionStore } from "@belfry/core/TransactionStore"
import type { User, UserId } from "@belfry/core/User"
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import { BackupCodeStore } from "./BackupCodeStore.ts"
import type { NotEnrolled } from "./Enrolment.ts"
import { EnrolmentMessages } from "./EnrolmentMessages.ts"
import { type SessionOwner, Enrolments } from "./Enrolments.ts"
import * as BackupCodeSet from "./internal/backupCodeSet.ts"
import type { CodeInvalid, SignInRefused } from "./SignInAttempt.ts"
import { type CodeProof, SignInAttempts } from "./SignInAttempts.ts"
import type { SignInOutcome } from "./SignInOutcome.ts"

/**
 * Backup codes.
 *
 * @category services
 * @since 0.1.0
 */
export class BackupCodes extends Context.Service<
  BackupCodes,
  {
    /** Proves the factor in a sign-in. Case, spaces and dashes do not matter. The user is told by mail. */
    readonly prove: (
      options: CodeProof,
    ) => Effect.Effect<SignInOutcome, CodeInvalid | SignInRefused | RateLimited | StoreError>
    /** How many codes of the user are unused. */
    readonly remaining: (userId: UserId) => Effect.Effect<number, StoreError>
    /** Makes a new set in a fresh session; the old one is worthless. The codes are returned this once. */
    readonly replace: (
      options: SessionOwner,
    ) => Effect.Effect<ReadonlyArray<Redacted.Redacted>, NotEnrolled | SessionNotFresh | StoreError>
  }
>()("@belfry/factors/BackupCodes") {}

/**
 * Backup codes over their store, enrolments, sign-in attempts and mail.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = Layer.effect(
  BackupCodes,
  Effect.gen(function* () {
    const store = yield* BackupCodeStore
    const attempts = yield* SignInAttempts
    const enrolments = yield* Enrolments
    const transactions = yield* TransactionStore
    const queue = yield* MailQueue
    const messages = yield* EnrolmentMessages
    const site = yield* Site
    const paths = yield* PagePaths
    const codes = yield* BackupCodeSet.make

    const tell = (user: User, remaining: number) =>
      queue.enqueue(
        makeMessage({
          to: user.email,
          category: "backup-code-used",
          ...messages.backupCodeUsed({ siteName: site.name, accountUrl: site.url(paths.account), remaining }),
        }),
      )

    return BackupCodes.of({
      prove: Effect.fn("BackupCodes.prove")(function* ({ token, code, replaces, client }) {
        const open = yield* attempts.open({ token, factor: "backup-code", client })
        const { user } = open
        if (user === undefined) return yield* attempts.refuse(open, "not-enrolled")
        const hashes = yield* codes.candidates(user.id, code)
        const confirm = Effect.gen(function* () {
          if (!(yield* store.consume(user.id, hashes, yield* DateTime.now))) return yield* new CodeUnusable()
          yield* transactions.afterCommit(tell(user, yield* store.remaining(user.id)))
        })
        return yield* attempts
          .prove({ open, user, amr: ["otp"], replaces, confirm })
          // Recorded here: the transaction undid what was recorded in it.
          .pipe(
            Effect.catchTag("CodeUnusable", () =>
              Effect.flatMap(store.isUsed(user.id, hashes), (isUsed) =>
                attempts.refuse(open, isUsed ? "used" : "unknown"),
              ),
            ),
          )
      }),
      remaining: Effect.fn("BackupCodes.remaining")((userId) => store.remaining(userId)),
      replace: Effect.fn("BackupCodes.replace")((options) => enrolments.replaceBackupCodes(options)),
    })
  }),
)

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

/** The user has no such code, or had it and used it. */
class CodeUnusable extends Data.TaggedError("CodeUnusable") {}
