/**
 * Linked accounts in memory.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as MemoryStoreError from "./MemoryStoreError.ts"
import { AccountLinkedElsewhere, type LinkedAccountId, type SealedLinkedAccount } from "./LinkedAccount.ts"
import { LinkedAccountStore } from "./LinkedAccountStore.ts"
import { MemoryTables } from "./MemoryTables.ts"
import type { StoreError } from "./StoreError.ts"

/**
 * Builds the store over shared tables.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const tables = yield* MemoryTables
  const accounts = yield* tables.table<LinkedAccountId, SealedLinkedAccount>("linked_accounts")
  const find = (providerId: string, accountId: string): SealedLinkedAccount | undefined =>
    [...accounts.values()].find((account) => account.providerId === providerId && account.accountId === accountId)

  yield* tables.onUserRemoved((userId) => {
    for (const account of accounts.values()) if (account.userId === userId) accounts.delete(account.id)
  })

  return LinkedAccountStore.of({
    upsert: (account) =>
      tables.statement((): Effect.Effect<SealedLinkedAccount, AccountLinkedElsewhere | StoreError> => {
        const { providerId, userId, tokens, updatedAt } = account
        const linked = find(providerId, account.accountId)
        if (linked !== undefined && linked.userId !== userId) {
          return Effect.fail(new AccountLinkedElsewhere({ providerId, userId: linked.userId }))
        }
        if (linked === undefined && !tables.users.has(userId)) return refuse("upsert", "the user exists")
        if (linked === undefined && accounts.has(account.id)) return refuse("upsert", "unique id")
        const kept = linked === undefined ? account : { ...linked, tokens, updatedAt }
        accounts.set(kept.id, kept)
        return Effect.succeed(kept)
      }),
    find: (providerId, accountId) =>
      tables.statement(() => Effect.succeed(Option.fromUndefinedOr(find(providerId, accountId)))),
    listByUser: (userId) =>
      tables.statement(() =>
        Effect.succeed([...accounts.values()].filter((account) => account.userId === userId).sort(oldestFirst)),
      ),
    replaceTokens: ({ id, seenAt, tokens, updatedAt }) =>
      tables.statement(() => {
        const account = accounts.get(id)
        if (account === undefined || account.updatedAt.epochMilliseconds !== seenAt.epochMilliseconds) {
          return Effect.succeed(false)
        }
        accounts.set(id, { ...account, tokens, updatedAt })
        return Effect.succeed(true)
      }),
    renew: ({ providerId, accountId, tokens, updatedAt }) =>
      tables.statement(() => {
        const account = find(providerId, accountId)
        const user = account === undefined ? undefined : tables.users.get(account.userId)
        if (account === undefined || user === undefined) return Effect.succeedNone
        if (tokens === null) return Effect.succeedSome({ account, user })
        const renewed = { ...account, tokens: renewedTokens(account.tokens, tokens), updatedAt }
        accounts.set(account.id, renewed)
        return Effect.succeedSome({ account: renewed, user })
      }),
    remove: (userId, providerId, accountId) =>
      tables.statement(() => {
        const account = find(providerId, accountId)
        return Effect.succeed(account !== undefined && account.userId === userId && accounts.delete(account.id))
      }),
  })
})

/**
 * Layer that keeps linked accounts in memory.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<LinkedAccountStore, never, MemoryTables> = Layer.effect(LinkedAccountStore, make)

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const refuse = (method: string, constraint: string) => MemoryStoreError.refuse("LinkedAccountStore", method, constraint)

/** The new tokens, with what the provider gives once and does not repeat. */
const renewedTokens = (
  kept: SealedLinkedAccount["tokens"],
  tokens: SealedLinkedAccount["tokens"],
): SealedLinkedAccount["tokens"] => ({
  ...tokens,
  scopes: tokens.scopes.length === 0 ? kept.scopes : tokens.scopes,
  ...(tokens.refreshToken === null
    ? { refreshToken: kept.refreshToken, refreshTokenExpiresAt: kept.refreshTokenExpiresAt }
    : {}),
})

const oldestFirst = (a: SealedLinkedAccount, b: SealedLinkedAccount): number =>
  a.createdAt.epochMilliseconds - b.createdAt.epochMilliseconds || (a.id < b.id ? -1 : 1)
