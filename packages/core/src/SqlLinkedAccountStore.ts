/**
 * Linked accounts in PostgreSQL.
 *
 * @since 0.1.0
 */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as SqlClient from "effect/sql/SqlClient"
import {
  AccountLinkedElsewhere,
  type LinkedAccountId,
  type SealedLinkedAccount,
  type TokenAtRest,
} from "./LinkedAccount.ts"
import { LinkedAccountStore, type SealedAccountWithUser } from "./LinkedAccountStore.ts"
import * as SqlStoreError from "./SqlStoreError.ts"
import type { StoreError } from "./StoreError.ts"
import type { Email, User, UserId } from "./User.ts"

/**
 * Builds the store over the SQL client.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const statements = SqlStoreError.statements(sql, "LinkedAccountStore")
  const columns = sql.literal(
    `id, user_id, provider_id, account_id, access_token, refresh_token, id_token, token_type, scopes,
     access_token_expires_at, refresh_token_expires_at, created_at, updated_at`,
  )

  const columnsWithUser = sql.literal(
    `linked.id, linked.user_id, linked.provider_id, linked.account_id, linked.access_token, linked.refresh_token,
     linked.id_token, linked.token_type, linked.scopes, linked.access_token_expires_at,
     linked.refresh_token_expires_at, linked.created_at, linked.updated_at,
     owner.email AS user_email, owner.name AS user_name, owner.image AS user_image,
     owner.email_verified_at AS user_email_verified_at, owner.scopes AS user_scopes,
     owner.disabled_at AS user_disabled_at,
     owner.created_at AS user_created_at, owner.updated_at AS user_updated_at`,
  )

  const find = (providerId: string, accountId: string) =>
    Effect.map(
      statements.read(
        "find",
        sql<LinkedAccountRow>`SELECT ${columns} FROM belfry_linked_accounts
          WHERE provider_id = ${providerId} AND account_id = ${accountId}`,
      ),
      firstAccount,
    )

  const upsert = (
    account: SealedLinkedAccount,
  ): Effect.Effect<SealedLinkedAccount, AccountLinkedElsewhere | StoreError> =>
    Effect.gen(function* () {
      const { tokens } = account
      const written = yield* statements.write(
        "upsert",
        sql<LinkedAccountRow>`INSERT INTO belfry_linked_accounts AS linked (${columns}) VALUES (
          ${account.id}, ${account.userId}, ${account.providerId}, ${account.accountId},
          ${tokens.accessToken}, ${tokens.refreshToken}, ${tokens.idToken}, ${tokens.tokenType}, ${tokens.scopes},
          ${toNullableDate(tokens.accessTokenExpiresAt)}, ${toNullableDate(tokens.refreshTokenExpiresAt)},
          ${DateTime.toDateUtc(account.createdAt)}, ${DateTime.toDateUtc(account.updatedAt)}
        ) ON CONFLICT ON CONSTRAINT belfry_linked_accounts_provider_id_account_id_key DO UPDATE SET
          access_token = excluded.access_token, refresh_token = excluded.refresh_token, id_token = excluded.id_token,
          token_type = excluded.token_type, scopes = excluded.scopes,
          access_token_expires_at = excluded.access_token_expires_at,
          refresh_token_expires_at = excluded.refresh_token_expires_at, updated_at = excluded.updated_at
        WHERE linked.user_id = excluded.user_id RETURNING ${columns}`,
      )
      const kept = firstAccount(written)
      if (Option.isSome(kept)) return kept.value
      // Refused: the link is another user's. Should it have gone or changed hands meanwhile, the answer is a new one.
      const other = yield* find(account.providerId, account.accountId)
      if (Option.isNone(other) || other.value.userId === account.userId) return yield* upsert(account)
      return yield* new AccountLinkedElsewhere({ providerId: account.providerId, userId: other.value.userId })
    })

  return LinkedAccountStore.of({
    upsert,
    find,
    listByUser: (userId) =>
      Effect.map(
        statements.read(
          "listByUser",
          sql<LinkedAccountRow>`SELECT ${columns} FROM belfry_linked_accounts
            WHERE user_id = ${userId} ORDER BY created_at, id`,
        ),
        (rows) => rows.map(toAccount),
      ),
    // Rows that other programs wrote have microseconds, which no instant of ours tells.
    replaceTokens: ({ id, seenAt, tokens, updatedAt }) =>
      Effect.map(
        statements.write(
          "replaceTokens",
          sql`UPDATE belfry_linked_accounts SET
            access_token = ${tokens.accessToken}, refresh_token = ${tokens.refreshToken}, id_token = ${tokens.idToken},
            token_type = ${tokens.tokenType}, scopes = ${tokens.scopes},
            access_token_expires_at = ${toNullableDate(tokens.accessTokenExpiresAt)},
            refresh_token_expires_at = ${toNullableDate(tokens.refreshTokenExpiresAt)},
            updated_at = ${DateTime.toDateUtc(updatedAt)}
          WHERE id = ${id} AND date_trunc('milliseconds', updated_at) = ${DateTime.toDateUtc(seenAt)} RETURNING id`,
        ),
        (rows) => rows.length > 0,
      ),
    renew: ({ providerId, accountId, tokens, updatedAt }) =>
      Effect.map(
        tokens === null
          ? statements.read(
              "renew",
              sql<AccountWithUserRow>`SELECT ${columnsWithUser} FROM belfry_linked_accounts AS linked
                JOIN belfry_users AS owner ON owner.id = linked.user_id
                WHERE linked.provider_id = ${providerId} AND linked.account_id = ${accountId}
                FOR NO KEY UPDATE OF linked`,
            )
          : statements.write(
              "renew",
              sql<AccountWithUserRow>`UPDATE belfry_linked_accounts AS linked SET
                access_token = ${tokens.accessToken}, id_token = ${tokens.idToken}, token_type = ${tokens.tokenType},
                access_token_expires_at = ${toNullableDate(tokens.accessTokenExpiresAt)},
                updated_at = ${DateTime.toDateUtc(updatedAt)}
                ${
                  tokens.refreshToken === null
                    ? sql``
                    : sql`, refresh_token = ${tokens.refreshToken},
                      refresh_token_expires_at = ${toNullableDate(tokens.refreshTokenExpiresAt)}`
                }
                ${tokens.scopes.length === 0 ? sql`` : sql`, scopes = ${tokens.scopes}`}
              FROM belfry_users AS owner
              WHERE linked.provider_id = ${providerId} AND linked.account_id = ${accountId} AND owner.id = linked.user_id
              RETURNING ${columnsWithUser}`,
            ),
        firstAccountWithUser,
      ),
    remove: (userId, providerId, accountId) =>
      Effect.map(
        statements.write(
          "remove",
          sql`DELETE FROM belfry_linked_accounts
            WHERE provider_id = ${providerId} AND account_id = ${accountId} AND user_id = ${userId} RETURNING id`,
        ),
        (rows) => rows.length > 0,
      ),
  })
})

/**
 * Layer that keeps linked accounts in PostgreSQL.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<LinkedAccountStore, never, SqlClient.SqlClient> = Layer.effect(LinkedAccountStore, make)

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

interface LinkedAccountRow {
  readonly id: LinkedAccountId
  readonly user_id: UserId
  readonly provider_id: string
  readonly account_id: string
  readonly access_token: TokenAtRest | null
  readonly refresh_token: TokenAtRest | null
  readonly id_token: TokenAtRest | null
  readonly token_type: string | null
  readonly scopes: ReadonlyArray<string>
  readonly access_token_expires_at: Date | null
  readonly refresh_token_expires_at: Date | null
  readonly created_at: Date
  readonly updated_at: Date
}

const toAccount = (row: LinkedAccountRow): SealedLinkedAccount => ({
  id: row.id,
  userId: row.user_id,
  providerId: row.provider_id,
  accountId: row.account_id,
  tokens: {
    accessToken: row.access_token,
    refreshToken: row.refresh_token,
    idToken: row.id_token,
    tokenType: row.token_type,
    scopes: row.scopes,
    accessTokenExpiresAt: toNullableInstant(row.access_token_expires_at),
    refreshTokenExpiresAt: toNullableInstant(row.refresh_token_expires_at),
  },
  createdAt: DateTime.fromDateUnsafe(row.created_at),
  updatedAt: DateTime.fromDateUnsafe(row.updated_at),
})

const firstAccount = ([row]: ReadonlyArray<LinkedAccountRow>): Option.Option<SealedLinkedAccount> =>
  row === undefined ? Option.none() : Option.some(toAccount(row))

interface AccountWithUserRow extends LinkedAccountRow {
  readonly user_email: Email
  readonly user_name: string | null
  readonly user_image: string | null
  readonly user_email_verified_at: Date | null
  readonly user_scopes: ReadonlyArray<string>
  readonly user_disabled_at: Date | null
  readonly user_created_at: Date
  readonly user_updated_at: Date
}

const toUser = (row: AccountWithUserRow): User => ({
  id: row.user_id,
  email: row.user_email,
  name: row.user_name,
  image: row.user_image,
  emailVerifiedAt: toNullableInstant(row.user_email_verified_at),
  scopes: row.user_scopes,
  disabledAt: toNullableInstant(row.user_disabled_at),
  createdAt: DateTime.fromDateUnsafe(row.user_created_at),
  updatedAt: DateTime.fromDateUnsafe(row.user_updated_at),
})

const firstAccountWithUser = ([row]: ReadonlyArray<AccountWithUserRow>): Option.Option<SealedAccountWithUser> =>
  row === undefined ? Option.none() : Option.some({ account: toAccount(row), user: toUser(row) })

const toNullableDate = (instant: DateTime.Utc | null): Date | null =>
  instant === null ? null : DateTime.toDateUtc(instant)

const toNullableInstant = (date: Date | null): DateTime.Utc | null =>
  date === null ? null : DateTime.fromDateUnsafe(date)
