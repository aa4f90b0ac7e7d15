/**
 * The tables that the memory adapters of this package share.
 *
 * @since 0.1.0
 */
import type { KeyedHash } from "@belfry/core/KeyedHash"
import { MemoryTables } from "@belfry/core/MemoryTables"
import type { UserId } from "@belfry/core/User"
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { EmailCode } from "./EmailCodeStore.ts"
import type { Hotp, Totp } from "./OneTimePassword.ts"
import type { PasskeyId, StoredPasskey } from "./Passkey.ts"
import type { PasswordHash } from "./Password.ts"
import type { SignInAttemptId } from "./SignInAttempt.ts"
import type { StoredAttempt } from "./SignInAttemptStore.ts"

/**
 * The tables that the memory adapters of this package share. Rows are touched inside a `statement` of `MemoryTables`.
 *
 * @category services
 * @since 0.1.0
 */
export class MemoryFactorTables extends Context.Service<
  MemoryFactorTables,
  {
    readonly passwords: Map<UserId, PasswordRow>
    readonly attempts: Map<SignInAttemptId, StoredAttempt>
    readonly emailCodes: Map<SignInAttemptId, EmailCode>
    readonly totps: Map<UserId, Totp>
    readonly hotps: Map<UserId, Hotp>
    readonly backupCodes: Map<UserId, ReadonlyArray<BackupCodeRow>>
    readonly passkeys: Map<PasskeyId, StoredPasskey>
  }
>()("@belfry/factors/MemoryFactorTables") {}

/**
 * A password as it rests.
 *
 * @category models
 * @since 0.1.0
 */
export interface PasswordRow {
  readonly hash: PasswordHash
  readonly createdAt: DateTime.Utc
}

/**
 * A backup code as it rests.
 *
 * @category models
 * @since 0.1.0
 */
export interface BackupCodeRow {
  readonly codeHash: KeyedHash
  readonly createdAt: DateTime.Utc
  readonly usedAt: DateTime.Utc | null
}

/**
 * Layer with empty tables, which take part in the transactions of `MemoryTables`.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<MemoryFactorTables, never, MemoryTables> = Layer.effect(
  MemoryFactorTables,
  Effect.gen(function* () {
    const { table } = yield* MemoryTables
    return MemoryFactorTables.of({
      passwords: yield* table<UserId, PasswordRow>("passwords"),
      attempts: yield* table<SignInAttemptId, StoredAttempt>("sign_in_attempts"),
      emailCodes: yield* table<SignInAttemptId, EmailCode>("email_codes"),
      totps: yield* table<UserId, Totp>("totps"),
      hotps: yield* table<UserId, Hotp>("hotps"),
      backupCodes: yield* table<UserId, ReadonlyArray<BackupCodeRow>>("backup_codes"),
      passkeys: yield* table<PasskeyId, StoredPasskey>("passkeys"),
    })
  }),
)
