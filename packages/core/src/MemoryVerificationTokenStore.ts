/**
 * Verification tokens in memory.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as MemoryStoreError from "./MemoryStoreError.ts"
import type { KeyedHash } from "./KeyedHash.ts"
import { MemoryTables } from "./MemoryTables.ts"
import type { VerificationToken, VerificationTokenId } from "./VerificationToken.ts"
import { type VerificationTokenKey, VerificationTokenStore } from "./VerificationTokenStore.ts"

/**
 * Builds the store over shared tables.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const tables = yield* MemoryTables
  const tokens = yield* tables.table<VerificationTokenId, TokenRow>("verification_tokens")
  const find = ({ purpose, hashes, now }: VerificationTokenKey): VerificationToken | undefined =>
    [...tokens.values()].find(
      ({ token, tokenHash }) =>
        hashes.includes(tokenHash) &&
        token.purpose === purpose &&
        token.expiresAt.epochMilliseconds > now.epochMilliseconds,
    )?.token
  const remove = (rows: ReadonlyArray<TokenRow>): number => {
    rows.forEach(({ token }) => tokens.delete(token.id))
    return rows.length
  }

  yield* tables.onUserRemoved((userId) => {
    remove([...tokens.values()].filter(({ token }) => token.userId === userId))
  })

  return VerificationTokenStore.of({
    insert: (token, tokenHash) =>
      tables.statement(() => {
        if (token.userId !== null && !tables.users.has(token.userId)) return refuse("the user exists")
        if (tokens.has(token.id)) return refuse("unique id")
        if ([...tokens.values()].some((row) => row.tokenHash === tokenHash)) return refuse("unique token hash")
        tokens.set(token.id, { token, tokenHash })
        return Effect.void
      }),
    find: (key) => tables.statement(() => Effect.succeed(Option.fromUndefinedOr(find(key)))),
    consume: (key) =>
      tables.statement(() => {
        const token = find(key)
        if (token === undefined) return Effect.succeedNone
        tokens.delete(token.id)
        return Effect.succeedSome(token)
      }),
    removeBySubject: (purpose, subject) =>
      tables.statement(() =>
        Effect.succeed(
          remove([...tokens.values()].filter(({ token }) => token.purpose === purpose && token.subject === subject)),
        ),
      ),
    removeExpired: (now, limit) =>
      tables.statement(() =>
        Effect.succeed(
          remove(
            [...tokens.values()]
              .filter(({ token }) => token.expiresAt.epochMilliseconds <= now.epochMilliseconds)
              .sort((a, b) => a.token.expiresAt.epochMilliseconds - b.token.expiresAt.epochMilliseconds)
              .slice(0, limit),
          ),
        ),
      ),
  })
})

/**
 * Layer that keeps verification tokens in memory.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<VerificationTokenStore, never, MemoryTables> = Layer.effect(
  VerificationTokenStore,
  make,
)

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

interface TokenRow {
  readonly token: VerificationToken
  readonly tokenHash: KeyedHash
}

const refuse = (constraint: string) => MemoryStoreError.refuse("VerificationTokenStore", "insert", constraint)
