/**
 * Passkeys in PostgreSQL.
 *
 * @since 0.1.0
 */
import * as SqlStoreError from "@belfry/core/SqlStoreError"
import type { UserId } from "@belfry/core/User"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as SqlClient from "effect/sql/SqlClient"
import type { PasskeyId, StoredPasskey } from "./Passkey.ts"
import { PasskeyStore } from "./PasskeyStore.ts"

/**
 * Builds the store over the SQL client.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const statements = SqlStoreError.statements(sql, "PasskeyStore")
  const columns = sql.literal(
    `id, user_id, credential_id, public_key, sign_count, transports, aaguid, is_multi_device, is_backed_up, name,
     created_at, last_used_at`,
  )

  return PasskeyStore.of({
    insert: (passkey) =>
      Effect.map(
        statements.write(
          "insert",
          sql`INSERT INTO belfry_passkeys (${columns}) VALUES (
            ${passkey.id}, ${passkey.userId}, ${passkey.credentialId}, ${passkey.publicKey}, ${passkey.signCount},
            ${passkey.transports}, ${passkey.aaguid}, ${passkey.isMultiDevice}, ${passkey.isBackedUp}, ${passkey.name},
            ${DateTime.toDateUtc(passkey.createdAt)},
            ${passkey.lastUsedAt === null ? null : DateTime.toDateUtc(passkey.lastUsedAt)}
          ) ON CONFLICT ON CONSTRAINT belfry_passkeys_credential_id_key DO NOTHING RETURNING id`,
        ),
        (rows) => rows.length > 0,
      ),
    findByCredentialId: (credentialId) =>
      Effect.map(
        statements.read(
          "findByCredentialId",
          sql<PasskeyRow>`SELECT ${columns} FROM belfry_passkeys WHERE credential_id = ${credentialId}`,
        ),
        firstPasskey,
      ),
    listByUser: (userId) =>
      Effect.map(
        statements.read(
          "listByUser",
          sql<PasskeyRow>`SELECT ${columns} FROM belfry_passkeys WHERE user_id = ${userId} ORDER BY created_at, id`,
        ),
        (rows) => rows.map(toPasskey),
      ),
    claimUse: ({ id, signCount, isBackedUp, now }) =>
      Effect.map(
        statements.write(
          "claimUse",
          sql`UPDATE belfry_passkeys
            SET sign_count = ${signCount}, is_backed_up = ${isBackedUp}, last_used_at = ${DateTime.toDateUtc(now)}
            WHERE id = ${id} AND (sign_count < ${signCount} OR (sign_count = 0 AND ${signCount} = 0::bigint))
            RETURNING id`,
        ),
        (rows) => rows.length > 0,
      ),
    rename: (userId, id, name) =>
      Effect.map(
        statements.write(
          "rename",
          sql<PasskeyRow>`UPDATE belfry_passkeys SET name = ${name}
            WHERE id = ${id} AND user_id = ${userId} RETURNING ${columns}`,
        ),
        firstPasskey,
      ),
    remove: (userId, id) =>
      Effect.map(
        statements.write(
          "remove",
          sql<PasskeyRow>`DELETE FROM belfry_passkeys WHERE id = ${id} AND user_id = ${userId} RETURNING ${columns}`,
        ),
        firstPasskey,
      ),
  })
})

/**
 * Layer that keeps passkeys in PostgreSQL.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<PasskeyStore, never, SqlClient.SqlClient> = Layer.effect(PasskeyStore, make)

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

interface PasskeyRow {
  readonly id: PasskeyId
  readonly user_id: UserId
  readonly credential_id: string
  readonly public_key: Uint8Array
  readonly sign_count: bigint
  readonly transports: ReadonlyArray<string>
  readonly aaguid: string
  readonly is_multi_device: boolean
  readonly is_backed_up: boolean
  readonly name: string
  readonly created_at: Date
  readonly last_used_at: Date | null
}

const toPasskey = (row: PasskeyRow): StoredPasskey => ({
  id: row.id,
  userId: row.user_id,
  credentialId: row.credential_id,
  // A copy: the driver's bytes may be a view of all that the connection read.
  publicKey: Uint8Array.from(row.public_key),
  // 32 bits on the wire, so nothing is lost.
  signCount: Number(row.sign_count),
  transports: row.transports,
  aaguid: row.aaguid,
  isMultiDevice: row.is_multi_device,
  isBackedUp: row.is_backed_up,
  name: row.name,
  createdAt: DateTime.fromDateUnsafe(row.created_at),
  lastUsedAt: row.last_used_at === null ? null : DateTime.fromDateUnsafe(row.last_used_at),
})

const firstPasskey = ([row]: ReadonlyArray<PasskeyRow>): Option.Option<StoredPasskey> =>
  row === undefined ? Option.none() : Option.some(toPasskey(row))
