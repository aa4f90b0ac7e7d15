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
import * as RestingTokens from "./internal/restingTokens.ts"
import { KeyRing, type SealBroken } from "./KeyRing.ts"
import {
  type AccountLinkedElsewhere,
  type AccountSummary,
  type LinkedAccount,
  LinkedAccountId,
  type ProviderTokens,
  type SealedLinkedAccount,
  toAccountSummary,
} from "./LinkedAccount.ts"
import { LinkedAccountStore } from "./LinkedAccountStore.ts"
import type { StoreError } from "./StoreError.ts"
import { TransactionStore } from "./TransactionStore.ts"
import type { User, UserId } from "./User.ts"

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
    /**
     * The account of a provider with its user, for a sign-in through it: its tokens are renewed on the way, unless
     * `tokens` is null. A refresh token that the provider left out this time is kept. One statement.
     */
    readonly renew: (account: {
      readonly providerId: string
      readonly accountId: string
      readonly tokens: ProviderTokens<Redacted.Redacted> | null
    }) => Effect.Effect<
      Option.Option<{ readonly account: Omit<LinkedAccount, "tokens">; readonly user: User }>,
      StoreError
    >
    /** The accounts of a user, at one provider or at all, oldest first. */
    readonly list: (
      userId: UserId,
      providerId?: string,
    ) => Effect.Effect<ReadonlyArray<LinkedAccount>, SealBroken | StoreError>
    /** What `list` tells but for the tokens. None is opened, so a seal that is broken hides no account. */
    readonly summaries: (
      userId: UserId,
      providerId?: string,
    ) => Effect.Effect<ReadonlyArray<AccountSummary>, StoreError>
    /**
     * Replaces the tokens of an account, unless it was changed since it was read as `account`. Either way the answer is
     * the account as it is now; none when the link is gone.
     */
    readonly replaceTokens: (
      account: LinkedAccount,
      tokens: ProviderTokens<Redacted.Redacted>,
    ) => Effect.Effect<Option.Option<LinkedAccount>, SealBroken | StoreError>
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
    const atRest = RestingTokens.make(yield* (yield* KeyRing).sealer("provider-token"))

    const open = Effect.fnUntraced(function* (account: SealedLinkedAccount) {
      const tokens = yield* atRest.open(account, account.tokens)
      if (!atRest.isCurrent(account.tokens)) {
        yield* store.replaceTokens({
          id: account.id,
          seenAt: account.updatedAt,
          tokens: yield* atRest.seal(account, tokens),
          updatedAt: account.updatedAt,
        })
      }
      return { ...account, tokens }
    })

    const find = Effect.fn("LinkedAccounts.find")(function* (providerId: string, accountId: string) {
      const found = yield* store.find(providerId, accountId)
      return Option.isNone(found) ? Option.none() : Option.some(yield* open(found.value))
    })

    const listSealed = (userId: UserId, providerId: string | undefined) =>
      Effect.map(store.listByUser(userId), (accounts) =>
        accounts.filter((account) => providerId === undefined || account.providerId === providerId),
      )

    return LinkedAccounts.of({
      link: Effect.fn("LinkedAccounts.link")(function* ({ userId, providerId, accountId, tokens, client }) {
        const now = yield* DateTime.now
        const id = LinkedAccountId.make(yield* random.uuidV7())
        const sealed = yield* atRest.seal({ providerId, accountId }, tokens)
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
      find,
      renew: Effect.fn("LinkedAccounts.renew")(function* ({ providerId, accountId, tokens }) {
        const sealed = tokens === null ? null : yield* atRest.seal({ providerId, accountId }, tokens)
        const found = yield* store.renew({ providerId, accountId, tokens: sealed, updatedAt: yield* DateTime.now })
        return Option.map(found, ({ account, user }) => {
          const { tokens: _, ...rest } = account
          return { account: rest, user }
        })
      }),
      list: Effect.fn("LinkedAccounts.list")(function* (userId, providerId) {
        return yield* Effect.forEach(yield* listSealed(userId, providerId), open)
      }),
      summaries: Effect.fn("LinkedAccounts.summaries")(function* (userId, providerId) {
        return (yield* listSealed(userId, providerId)).map(toAccountSummary)
      }),
      replaceTokens: Effect.fn("LinkedAccounts.replaceTokens")(function* (account, tokens) {
        const now = yield* DateTime.now
        // Later than what was seen, by whichever clock: what was read before this write never fits again.
        const updatedAt = DateTime.max(now, DateTime.add(account.updatedAt, { milliseconds: 1 }))
        const isReplaced = yield* store.replaceTokens({
          id: account.id,
          seenAt: account.updatedAt,
          tokens: yield* atRest.seal(account, tokens),
          updatedAt,
        })
        return isReplaced
          ? Option.some({ ...account, tokens, updatedAt })
          : Option.filter(yield* find(account.providerId, account.accountId), ({ id }) => id === account.id)
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
