/**
 * Sign-in attempts in PostgreSQL.
 *
 * @since 0.1.0
 */
import type { KeyedHash, Sealed } from "@belfry/core/KeyedHash"
import type { SessionId } from "@belfry/core/Session"
import { removeExpired } from "@belfry/core/SqlExpiry"
import { toJsonb } from "@belfry/core/SqlJson"
import * as SqlStoreError from "@belfry/core/SqlStoreError"
import type { UserId } from "@belfry/core/User"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as SqlClient from "effect/sql/SqlClient"
import * as Struct from "effect/Struct"
import { Proof, type SignInAttemptId, StepUp } from "./SignInAttempt.ts"
import { type RestingAttempt, SignInAttemptStore } from "./SignInAttemptStore.ts"

/**
 * Builds the store over the SQL client.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const statements = SqlStoreError.statements(sql, "SignInAttemptStore")
  const columns = sql.literal(
    "id, user_id, session_id, step_up, proofs, tries, context, created_at, expires_at, token_hash",
  )

  return SignInAttemptStore.of({
    insert: (attempt, tokenHash) =>
      Effect.asVoid(
        statements.write(
          "insert",
          sql`INSERT INTO belfry_sign_in_attempts (${columns}) VALUES (
            ${attempt.id}, ${attempt.userId}, ${attempt.stepUp?.sessionId ?? null},
            ${attempt.stepUp === null ? null : toJsonb(encodeStepUp(attempt.stepUp))}::jsonb,
            ${toJsonb(encodeProofs(attempt.proofs))}::jsonb, ${attempt.tries},
            ${attempt.context}, ${DateTime.toDateUtc(attempt.createdAt)},
            ${DateTime.toDateUtc(attempt.expiresAt)}, ${tokenHash}
          )`,
        ),
      ),
    find: (hashes, now) =>
      Effect.map(
        statements.read(
          "find",
          sql<AttemptRow>`SELECT ${columns} FROM belfry_sign_in_attempts
            WHERE token_hash IN ${sql.in(hashes)} AND expires_at > ${DateTime.toDateUtc(now)}`,
        ),
        ([row]) =>
          row === undefined ? Option.none() : Option.some({ attempt: toAttempt(row), tokenHash: row.token_hash }),
      ),
    // Whoever waits for the row's lock looks at it again: at the number of tries here, at the token below.
    claimTry: ({ tokenHash, maxTries, now }) =>
      Effect.map(
        statements.write(
          "claimTry",
          sql<AttemptRow>`UPDATE belfry_sign_in_attempts SET tries = tries + 1
            WHERE token_hash = ${tokenHash} AND tries < ${maxTries} AND expires_at > ${DateTime.toDateUtc(now)}
            RETURNING ${columns}`,
        ),
        firstAttempt,
      ),
    advance: ({ from, to, userId, proofs, context, now }) =>
      Effect.map(
        statements.write(
          "advance",
          sql<AttemptRow>`UPDATE belfry_sign_in_attempts
            SET token_hash = ${to}, user_id = ${userId}, proofs = ${toJsonb(encodeProofs(proofs))}::jsonb,
              context = ${context}, tries = GREATEST(tries - 1, 0)
            WHERE token_hash = ${from} AND expires_at > ${DateTime.toDateUtc(now)}
              AND (user_id IS NULL OR user_id = ${userId})
            RETURNING ${columns}`,
        ),
        firstAttempt,
      ),
    complete: (tokenHash, now) =>
      Effect.map(
        statements.write(
          "complete",
          sql<AttemptRow>`DELETE FROM belfry_sign_in_attempts
            WHERE token_hash = ${tokenHash} AND expires_at > ${DateTime.toDateUtc(now)} RETURNING ${columns}`,
        ),
        firstAttempt,
      ),
    remove: (hashes) =>
      Effect.map(
        statements.write(
          "remove",
          sql`DELETE FROM belfry_sign_in_attempts WHERE token_hash IN ${sql.in(hashes)} RETURNING id`,
        ),
        (rows) => rows.length > 0,
      ),
    removeByUser: (userId) =>
      Effect.map(
        statements.write(
          "removeByUser",
          sql`DELETE FROM belfry_sign_in_attempts WHERE user_id = ${userId} RETURNING id`,
        ),
        (rows) => rows.length,
      ),
    removeExpired: (now, limit) =>
      statements.write("removeExpired", removeExpired(sql, "belfry_sign_in_attempts", DateTime.toDateUtc(now), limit)),
  })
})

/**
 * Layer that keeps sign-in attempts in PostgreSQL.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<SignInAttemptStore, never, SqlClient.SqlClient> = Layer.effect(SignInAttemptStore, make)

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

interface AttemptRow {
  readonly id: SignInAttemptId
  readonly user_id: UserId | null
  readonly session_id: SessionId | null
  readonly step_up: unknown
  readonly proofs: unknown
  readonly tries: number
  readonly context: Sealed | null
  readonly created_at: Date
  readonly expires_at: Date
  readonly token_hash: KeyedHash
}

const proofsJson = Schema.toCodecJson(Schema.Array(Proof))
// The session is in a column of its own, for its foreign key.
const stepUpJson = Schema.toCodecJson(StepUp.mapFields(Struct.omit(["sessionId"])))

const encodeProofs = Schema.encodeSync(proofsJson)
const encodeStepUp = Schema.encodeSync(stepUpJson)
const decodeProofs = Schema.decodeUnknownSync(proofsJson)
const decodeStepUp = Schema.decodeUnknownSync(stepUpJson)

const toAttempt = (row: AttemptRow): RestingAttempt => ({
  id: row.id,
  userId: row.user_id,
  stepUp: row.session_id === null ? null : { sessionId: row.session_id, ...decodeStepUp(row.step_up) },
  proofs: decodeProofs(row.proofs),
  tries: row.tries,
  context: row.context,
  createdAt: DateTime.fromDateUnsafe(row.created_at),
  expiresAt: DateTime.fromDateUnsafe(row.expires_at),
})

const firstAttempt = ([row]: ReadonlyArray<AttemptRow>): Option.Option<RestingAttempt> =>
  row === undefined ? Option.none() : Option.some(toAttempt(row))
