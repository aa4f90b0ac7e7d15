/**
 * Port: where codes that were sent by mail are kept, by keyed hash, one an attempt.
 *
 * @since 0.1.0
 */
import type { KeyedHash } from "@belfry/core/KeyedHash"
import type { StoreError } from "@belfry/core/StoreError"
import type { Email } from "@belfry/core/User"
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type { SignInAttemptId } from "./SignInAttempt.ts"

/**
 * A code as it rests.
 *
 * @category models
 * @since 0.1.0
 */
export interface EmailCode {
  readonly attemptId: SignInAttemptId
  readonly email: Email
  readonly codeHash: KeyedHash
  readonly createdAt: DateTime.Utc
  readonly expiresAt: DateTime.Utc
}

/**
 * Where codes that were sent by mail are kept. They go when their attempt goes.
 *
 * @category ports
 * @since 0.1.0
 */
export class EmailCodeStore extends Context.Service<
  EmailCodeStore,
  {
    /**
     * Keeps a code in place of the attempt's earlier one, unless that one was made after `notAfter`: then nothing
     * changes, and the answer is when it was made. None when the code was kept.
     */
    readonly put: (code: EmailCode, notAfter: DateTime.Utc) => Effect.Effect<Option.Option<DateTime.Utc>, StoreError>
    /**
     * Takes the attempt's code if it has one of these hashes and is not over at `now`: of any number of concurrent
     * calls, one gets the address it was sent to.
     */
    readonly consume: (options: {
      readonly attemptId: SignInAttemptId
      readonly hashes: NonEmptyReadonlyArray<KeyedHash>
      readonly now: DateTime.Utc
    }) => Effect.Effect<Option.Option<Email>, StoreError>
    /** Tells, without using it up, whether the attempt's code has one of these hashes and is not over at `now`. */
    readonly find: (options: {
      readonly attemptId: SignInAttemptId
      readonly hashes: NonEmptyReadonlyArray<KeyedHash>
      readonly now: DateTime.Utc
    }) => Effect.Effect<Option.Option<Email>, StoreError>
  }
>()("@belfry/factors/EmailCodeStore") {}
