/**
 * Port: where verification tokens are kept, by keyed hash.
 *
 * @since 0.1.0
 */
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type { KeyedHash } from "./KeyedHash.ts"
import type { StoreError } from "./StoreError.ts"
import type { VerificationToken } from "./VerificationToken.ts"

/**
 * What names a token to its store: the purpose and the hashes its secret may have.
 *
 * @category models
 * @since 0.1.0
 */
export interface VerificationTokenKey {
  readonly purpose: string
  readonly hashes: NonEmptyReadonlyArray<KeyedHash>
  readonly now: DateTime.Utc
}

/**
 * Where verification tokens are kept.
 *
 * @category ports
 * @since 0.1.0
 */
export class VerificationTokenStore extends Context.Service<
  VerificationTokenStore,
  {
    readonly insert: (token: VerificationToken, tokenHash: KeyedHash) => Effect.Effect<void, StoreError>
    /** Reads without using up. None when unknown, of another purpose, or over at `now`. */
    readonly find: (key: VerificationTokenKey) => Effect.Effect<Option.Option<VerificationToken>, StoreError>
    /** Takes the token in one statement: of any number of concurrent calls, one gets it. */
    readonly consume: (key: VerificationTokenKey) => Effect.Effect<Option.Option<VerificationToken>, StoreError>
    /** Removes every token of this purpose about this subject; the number removed. */
    readonly removeBySubject: (purpose: string, subject: string) => Effect.Effect<number, StoreError>
    /** Removes at most `limit` tokens that were over at `now`; the number removed. */
    readonly removeExpired: (now: DateTime.Utc, limit: number) => Effect.Effect<number, StoreError>
  }
>()("@belfry/core/VerificationTokenStore") {}
