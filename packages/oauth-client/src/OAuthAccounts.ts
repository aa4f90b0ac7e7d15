/**
 * What a user, or the host on a user's behalf, does with accounts at providers: list, use their tokens, refresh,
 * unlink.
 *
 * @since 0.1.0
 */
import type { ClientInfo } from "@belfry/core/AuditEvent"
import { KeyRing } from "@belfry/core/KeyRing"
import type { AccountSummary, LinkedAccount } from "@belfry/core/LinkedAccount"
import { LinkedAccounts } from "@belfry/core/LinkedAccounts"
import type { Session, SessionNotFresh } from "@belfry/core/Session"
import type { StoreError } from "@belfry/core/StoreError"
import type { User, UserId } from "@belfry/core/User"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import * as AccountCookies from "./internal/accountCookies.ts"
import * as AccountRefreshes from "./internal/accountRefreshes.ts"
import { isDue, toTokenSet } from "./internal/providerTokens.ts"
import { AccountUnusable, UnlinkRefused } from "./OAuthAccount.ts"
import { OAuthProviders } from "./OAuthProviders.ts"
import type { ProviderNotFound } from "./OAuthSignIn.ts"
import type { OAuthTokenSet, OAuthUserInfo } from "./OAuthTokens.ts"
import { OAuthTransport } from "./OAuthTransport.ts"
import { SignInGate } from "./SignInGate.ts"

/**
 * Which account: one of a user's at a provider. `accountId` may be left out where the user has one there, or `cookie`
 * (the account cookie, see `storeAccountCookie`) tells it.
 *
 * @category models
 * @since 0.1.0
 */
export interface AccountSelector {
  readonly providerId: string
  readonly userId: UserId
  readonly accountId?: string | undefined
  readonly cookie?: Redacted.Redacted | undefined
}

/**
 * Accounts at providers.
 *
 * **Details**
 *
 * With `autoRefresh`, which is the default, tokens that end within 30 seconds are renewed first, once for all who wait.
 *
 * **Gotchas**
 *
 * Not for use inside of a transaction: a refresh is kept whatever becomes of who asked for it, over a connection of its
 * own, and an embedded database has but one.
 *
 * @category services
 * @since 0.1.0
 */
export class OAuthAccounts extends Context.Service<
  OAuthAccounts,
  {
    /** The accounts of a user at one provider, or at all, oldest first; also those whose tokens are unreadable. */
    readonly list: (userId: UserId, providerId?: string) => Effect.Effect<ReadonlyArray<AccountSummary>, StoreError>
    readonly tokenSet: (
      account: AccountSelector & { readonly autoRefresh?: boolean },
    ) => Effect.Effect<AccountTokens, ProviderNotFound | AccountUnusable | StoreError>
    /** The access token. Fails with `no-token` where there is none. */
    readonly accessToken: (
      account: AccountSelector & { readonly autoRefresh?: boolean },
    ) => Effect.Effect<Redacted.Redacted, ProviderNotFound | AccountUnusable | StoreError>
    /** Renews the tokens now. */
    readonly refresh: (
      account: AccountSelector,
    ) => Effect.Effect<AccountTokens, ProviderNotFound | AccountUnusable | StoreError>
    /** Who the person is by the provider, asked now; null where the provider does not tell. */
    readonly info: (
      account: AccountSelector & { readonly autoRefresh?: boolean },
    ) => Effect.Effect<
      { readonly accountId: string; readonly user: OAuthUserInfo | null },
      ProviderNotFound | AccountUnusable | StoreError
    >
    /** Removes the link in a fresh session, unless it is the last way in. */
    readonly unlink: (options: {
      readonly account: AccountSelector
      readonly session: Session
      readonly user: User
      readonly client: ClientInfo
    }) => Effect.Effect<
      { readonly accountId: string },
      ProviderNotFound | AccountUnusable | UnlinkRefused | SessionNotFresh | StoreError
    >
    /** What the account cookie holds after a sign-in; null where the provider keeps none. */
    readonly accountCookie: (
      providerId: string,
      account: LinkedAccount,
    ) => Effect.Effect<{ readonly name: string; readonly value: Redacted.Redacted } | null, ProviderNotFound>
  }
>()("@belfry/oauth-client/OAuthAccounts") {}

/**
 * The tokens of an account.
 *
 * @category models
 * @since 0.1.0
 */
export interface AccountTokens {
  readonly accountId: string
  readonly tokens: Omit<OAuthTokenSet, "raw">
}

/**
 * Builds the service over linked accounts, the providers and the gate. Refreshes run in its scope.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const accounts = yield* LinkedAccounts
  const providers = yield* OAuthProviders
  const transport = yield* OAuthTransport
  const gate = yield* SignInGate
  const cookies = AccountCookies.make(yield* (yield* KeyRing).sealer(AccountCookies.purpose))
  const refreshes = yield* AccountRefreshes.make

  /** The account that is meant. `complete` adds the cookie's tokens where the database keeps none. One statement. */
  const select = Effect.fnUntraced(function* ({ providerId, userId, accountId, cookie: value }: AccountSelector) {
    const fail = (reason: AccountUnusable["reason"]) => new AccountUnusable({ providerId, reason })
    const provider = yield* providers.get(providerId)
    const cookie = yield* cookies.open(provider, userId, value)
    const candidates = yield* Effect.catchTag(
      accountId === undefined
        ? accounts.list(userId, providerId)
        : Effect.map(accounts.find(providerId, accountId), Option.toArray),
      "SealBroken",
      () => fail("unreadable"),
    )
    const owned = candidates.filter((candidate) => candidate.userId === userId)
    const [only] = owned
    const marked = owned.find((candidate) => candidate.accountId === cookie?.accountId)
    if (only === undefined) return yield* fail("not-linked")
    if (marked === undefined && owned.length > 1) return yield* fail("account-required")
    const complete = (row: LinkedAccount): LinkedAccount => {
      const isBare = row.tokens.accessToken === null && row.tokens.refreshToken === null
      return isBare && cookie?.accountId === row.accountId && cookie.tokens !== null
        ? { ...row, tokens: cookie.tokens }
        : row
    }
    return { provider, account: complete(marked ?? only), complete }
  })

  /** The account that is meant, its tokens renewed where that is due. */
  const usable = Effect.fnUntraced(function* (selector: AccountSelector & { readonly autoRefresh?: boolean }) {
    const { provider, account, complete } = yield* select(selector)
    const mustRefresh = selector.autoRefresh !== false && isDue(account, yield* DateTime.now)
    return { provider, account: mustRefresh ? yield* refreshes.refresh(provider, account, complete) : account }
  })

  return OAuthAccounts.of({
    list: Effect.fn("OAuthAccounts.list")((userId, providerId) => accounts.summaries(userId, providerId)),

    tokenSet: Effect.fn("OAuthAccounts.tokenSet")(function* (selector) {
      return toAccountTokens((yield* usable(selector)).account)
    }),

    accessToken: Effect.fn("OAuthAccounts.accessToken")(function* (selector) {
      const { provider, account } = yield* usable(selector)
      const { accessToken } = account.tokens
      return accessToken ?? (yield* new AccountUnusable({ providerId: provider.id, reason: "no-token" }))
    }),

    refresh: Effect.fn("OAuthAccounts.refresh")(function* (selector) {
      const { provider, account, complete } = yield* select(selector)
      return toAccountTokens(yield* refreshes.refresh(provider, account, complete))
    }),

    info: Effect.fn("OAuthAccounts.info")(function* (selector) {
      const { provider, account } = yield* usable(selector)
      const user = yield* transport
        .profile(provider, { tokens: toTokenSet(account.tokens), claims: null, callbackFields: {} })
        .pipe(Effect.mapError(() => new AccountUnusable({ providerId: provider.id, reason: "refresh-failed" })))
      // OpenID Connect Core §5.3.2: what is told of another person must not be used.
      return { accountId: account.accountId, user: user?.accountId === account.accountId ? user : null }
    }),

    unlink: Effect.fn("OAuthAccounts.unlink")(function* ({ account: selector, session, user, client }) {
      const provider = yield* providers.get(selector.providerId)
      if (selector.userId !== user.id) return yield* new UnlinkRefused({ reason: "not-linked" })
      // An account that is named need not be readable to go.
      const accountId = selector.accountId ?? (yield* select(selector)).account.accountId
      const remove = accounts.unlink({ userId: user.id, providerId: provider.id, accountId, client })
      yield* gate.removeWayIn({ session, user, remove, client })
      return { accountId }
    }),

    accountCookie: Effect.fn("OAuthAccounts.accountCookie")(function* (providerId, account) {
      const provider = yield* providers.get(providerId)
      return provider.storeAccountCookie && account.providerId === provider.id ? yield* cookies.seal(account) : null
    }),
  })
})

/**
 * Accounts at providers, over linked accounts, the providers and the gate.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = Layer.effect(OAuthAccounts, make)

// internal

const toAccountTokens = ({ accountId, tokens }: LinkedAccount): AccountTokens => {
  const { raw: _, ...kept } = toTokenSet(tokens)
  return { accountId, tokens: kept }
}
