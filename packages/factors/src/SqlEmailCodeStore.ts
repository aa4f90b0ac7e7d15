/**
 * Codes that were sent by mail, in PostgreSQL.
 *
 * @since 0.1.0
 */
import type { KeyedHash } from "@belfry/core/KeyedHash"
import * as SqlStoreError from "@belfry/core/SqlStoreError"
import type { StoreError } from "@belfry/core/StoreError"
import type { Email } from "@belfry/core/User"
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as SqlClient from "effect/sql/SqlClient"
import { type EmailCode, EmailCodeStore } from "./EmailCodeStore.ts"
import type { SignInAttemptId } from "./SignInAttempt.ts"

/**
 * Builds the store over the SQL client.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const statements = SqlStoreError.statements(sql, "EmailCodeStore")
  const matches = ({ attemptId, hashes, now }: CodeKey) =>
    sql`attempt_id = ${attemptId} AND code_hash IN ${sql.in(hashes)} AND expires_at > ${DateTime.toDateUtc(now)}`

  const put = (code: EmailCode, notAfter: DateTime.Utc): Effect.Effect<Option.Option<DateTime.Utc>, StoreError> =>
    Effect.gen(function* () {
      const kept = yield* statements.write(
        "put",
        sql`INSERT INTO belfry_email_codes AS earlier (attempt_id, email, code_hash, created_at, expires_at)
          VALUES (
            ${code.attemptId}, ${code.email}, ${code.codeHash},
            ${DateTime.toDateUtc(code.createdAt)}, ${DateTime.toDateUtc(code.expiresAt)}
          )
          ON CONFLICT ON CONSTRAINT belfry_email_codes_pkey DO UPDATE SET
            email = EXCLUDED.email, code_hash = EXCLUDED.code_hash,
            created_at = EXCLUDED.created_at, expires_at = EXCLUDED.expires_at
          WHERE earlier.created_at <= ${DateTime.toDateUtc(notAfter)}
          RETURNING attempt_id`,
      )
      if (kept.length > 0) return Option.none()
      const [earlier] = yield* statements.read(
        "put",
        sql<{ readonly created_at: Date }>`
          SELECT created_at FROM belfry_email_codes WHERE attempt_id = ${code.attemptId}`,
      )
      // Used up between the two statements: nothing is in the way any more.
      return earlier === undefined
        ? yield* put(code, notAfter)
        : Option.some(DateTime.fromDateUnsafe(earlier.created_at))
    })

  return EmailCodeStore.of({
    put,
    consume: (key) =>
      Effect.map(
        statements.write(
          "consume",
          sql<EmailRow>`DELETE FROM belfry_email_codes WHERE ${matches(key)} RETURNING email`,
        ),
        firstEmail,
      ),
    find: (key) =>
      Effect.map(
        statements.read("find", sql<EmailRow>`SELECT email FROM belfry_email_codes WHERE ${matches(key)}`),
        firstEmail,
      ),
  })
})

/**
 * Layer that keeps codes in PostgreSQL.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<EmailCodeStore, never, SqlClient.SqlClient> = Layer.effect(EmailCodeStore, make)

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

interface CodeKey {
  readonly attemptId: SignInAttemptId
  readonly hashes: NonEmptyReadonlyArray<KeyedHash>
  readonly now: DateTime.Utc
}

interface EmailRow {
  readonly email: Email
}

const firstEmail = ([row]: ReadonlyArray<EmailRow>): Option.Option<Email> => Option.fromUndefinedOr(row?.email)
