/**
 * Port: where linked accounts are kept.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type {
  AccountLinkedElsewhere,
  LinkedAccountId,
  ProviderTokens,
  SealedLinkedAccount,
  TokenAtRest,
} from "./LinkedAccount.ts"
import type { StoreError } from "./StoreError.ts"
import type { User, UserId } from "./User.ts"

/**
 * An account with the user whom it signs in.
 *
 * @category models
 * @since 0.1.0
 */
export interface SealedAccountWithUser {
  readonly account: SealedLinkedAccount
  readonly user: User
}

/**
 * Where linked accounts are kept. `(providerId, accountId)` belongs to at most one user.
 *
 * @category ports
 * @since 0.1.0
 */
export class LinkedAccountStore extends Context.Service<
  LinkedAccountStore,
  {
    /**
     * Links the account, or renews the tokens of a link that the same user has (then `id` and `createdAt` stay). Fails
     * when it is linked to another user.
     */
    readonly upsert: (
      account: SealedLinkedAccount,
    ) => Effect.Effect<SealedLinkedAccount, AccountLinkedElsewhere | StoreError>
    readonly find: (
      providerId: string,
      accountId: string,
    ) => Effect.Effect<Option.Option<SealedLinkedAccount>, StoreError>
    /** The accounts of a user, oldest first. */
    readonly listByUser: (userId: UserId) => Effect.Effect<ReadonlyArray<SealedLinkedAccount>, StoreError>
    /**
     * Replaces the tokens if the row was not changed since `seenAt` (its `updatedAt`, to the millisecond): of
     * concurrent refreshes one wins.
     */
    readonly replaceTokens: (options: {
      readonly id: LinkedAccountId
      readonly seenAt: DateTime.Utc
      readonly tokens: ProviderTokens<TokenAtRest>
      readonly updatedAt: DateTime.Utc
    }) => Effect.Effect<boolean, StoreError>
    /**
     * Finds the account with its user, and replaces its tokens unless `tokens` is null. A refresh token, its end and
     * the scopes stay what they were where the new ones lack them. One statement, after which the link stays until the
     * end of the transaction: of a sign-in and the removal of its link one comes first.
     */
    readonly renew: (options: {
      readonly providerId: string
      readonly accountId: string
      readonly tokens: ProviderTokens<TokenAtRest> | null
      readonly updatedAt: DateTime.Utc
    }) => Effect.Effect<Option.Option<SealedAccountWithUser>, StoreError>
    /** Removes the link; whether there was one. */
    readonly remove: (userId: UserId, providerId: string, accountId: string) => Effect.Effect<boolean, StoreError>
  }
>()("@belfry/core/LinkedAccountStore") {}
