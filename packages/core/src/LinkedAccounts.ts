/**
 * Accounts at other providers that sign their users in; the providers' tokens rest sealed.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import { Audit } from "./Audit.ts"
import type { ClientInfo } from "./AuditEvent.ts"
import type { Sealed } from "./KeyedHash.ts"
import { KeyRing, type SealBroken } from "./KeyRing.ts"
import {
  type AccountLinkedElsewhere,
  type LinkedAccount,
  LinkedAccountId,
  type ProviderTokens,
  type SealedLinkedAccount,
} from "./LinkedAccount.ts"
import { LinkedAccountStore } from "./LinkedAccountStore.ts"
import type { StoreError } from "./StoreError.ts"
import { TransactionStore } from "./TransactionStore.ts"
import type { UserId } from "./User.ts"

/**
 * Accounts at other providers.
 *
 * @category services
 * @since 0.1.0
 */
export class LinkedAccounts extends Context.Service<
  LinkedAccounts,
  {
    /** Links an account to a user, or renews the tokens of the link that the user has. */
    readonly link: (account: {
      readonly userId: UserId
      readonly providerId: string
      readonly accountId: string
      readonly tokens: ProviderTokens<Redacted.Redacted>
      readonly client: ClientInfo
    }) => Effect.Effect<LinkedAccount, AccountLinkedElsewhere | StoreError>
    /** The account of a provider, whoever's it is. Tokens sealed with an older key are sealed anew on the way. */
    readonly find: (
      providerId: string,
      accountId: string,
    ) => Effect.Effect<Option.Option<LinkedAccount>, SealBroken | StoreError>
    /** The accounts of a user, oldest first. */
    readonly list: (userId: UserId) => Effect.Effect<ReadonlyArray<LinkedAccount>, SealBroken | StoreError>
    /** Removes a link; whether there was one. */
    readonly unlink: (account: {
      readonly userId: UserId
      readonly providerId: string
      readonly accountId: string
      readonly client: ClientInfo
    }) => Effect.Effect<boolean, StoreError>
  }
>()("@belfry/core/LinkedAccounts") {}

/**
 * Linked accounts over their store and the key ring.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = Layer.effect(
  LinkedAccounts,
  Effect.gen(function* () {
    const store = yield* LinkedAccountStore
    const transactions = yield* TransactionStore
    const audit = yield* Audit
    const random = yield* SecureRandom.SecureRandom
    const sealer = yield* (yield* KeyRing).sealer("provider-token")

    // A sealed token opens only for the account that it was sealed for.
    const context = (account: { readonly providerId: string; readonly accountId: string }, field: string) =>
      JSON.stringify([account.providerId, account.accountId, field])

    const mapTokens = <A, B, E>(
      tokens: ProviderTokens<A>,
      f: (token: A, field: string) => Effect.Effect<B, E>,
    ): Effect.Effect<ProviderTokens<B>, E> =>
      Effect.gen(function* () {
        const { accessToken, refreshToken, idToken, ...rest } = tokens
        return {
          ...rest,
          accessToken: accessToken === null ? null : yield* f(accessToken, "access_token"),
          refreshToken: refreshToken === null ? null : yield* f(refreshToken, "refresh_token"),
          idToken: idToken === null ? null : yield* f(idToken, "id_token"),
        }
      })

    const isCurrent = ({ accessToken, refreshToken, idToken }: ProviderTokens<Sealed>) =>
      [accessToken, refreshToken, idToken].every((token) => token === null || sealer.isCurrent(token))

    const open = Effect.fnUntraced(function* (account: SealedLinkedAccount) {
      const tokens = yield* mapTokens(account.tokens, (token, field) => sealer.open(token, context(account, field)))
      if (!isCurrent(account.tokens)) {
        yield* store.replaceTokens({
          id: account.id,
          seenAt: account.updatedAt,
          tokens: yield* mapTokens(tokens, (token, field) => sealer.seal(token, context(account, field))),
          updatedAt: account.updatedAt,
        })
      }
      return { ...account, tokens }
    })

    return LinkedAccounts.of({
      link: Effect.fn("LinkedAccounts.link")(function* ({ userId, providerId, accountId, tokens, client }) {
        const now = yield* DateTime.now
        const id = LinkedAccountId.make(yield* random.uuidV7())
        const sealed = yield* mapTokens(tokens, (token, field) =>
          sealer.seal(token, context({ providerId, accountId }, field)),
        )
        const stored = yield* transactions.run(
          Effect.gen(function* () {
            const stored = yield* store.upsert({
              id,
              userId,
              providerId,
              accountId,
              tokens: sealed,
              createdAt: now,
              updatedAt: now,
            })
            if (stored.id === id) {
              yield* audit.record({ type: "account.linked", userId, client, data: { providerId } })
            }
            return stored
          }),
        )
        return { ...stored, tokens }
      }),
      find: Effect.fn("LinkedAccounts.find")(function* (providerId, accountId) {
        const found = yield* store.find(providerId, accountId)
        return Option.isNone(found) ? Option.none() : Option.some(yield* open(found.value))
      }),
      list: Effect.fn("LinkedAccounts.list")(function* (userId) {
        return yield* Effect.forEach(yield* store.listByUser(userId), open)
      }),
      unlink: Effect.fn("LinkedAccounts.unlink")(function* ({ userId, providerId, accountId, client }) {
        return yield* transactions.run(
          Effect.gen(function* () {
            const removed = yield* store.remove(userId, providerId, accountId)
            if (removed) yield* audit.record({ type: "account.unlinked", userId, client, data: { providerId } })
            return removed
          }),
        )
      }),
    })
  }),
)
