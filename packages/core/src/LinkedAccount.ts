/**
 * An account at another provider that signs its user in.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import type * as DateTime from "effect/DateTime"
import type * as Redacted from "effect/Redacted"
import { isUuid } from "./Uuid.ts"
import { UserId } from "./User.ts"

/**
 * Identifies a linked account: a UUIDv7.
 *
 * @category models
 * @since 0.1.0
 */
export const LinkedAccountId = Schema.String.check(isUuid).pipe(Schema.brand("LinkedAccountId"))
/**
 * @category models
 * @since 0.1.0
 */
export type LinkedAccountId = typeof LinkedAccountId.Type

/**
 * The tokens that a provider gave for an account, generic in the form they have (sealed at rest, redacted in use).
 *
 * @category models
 * @since 0.1.0
 */
export interface ProviderTokens<Secret> {
  readonly accessToken: Secret | null
  readonly refreshToken: Secret | null
  readonly idToken: Secret | null
  readonly tokenType: string | null
  readonly scopes: ReadonlyArray<string>
  readonly accessTokenExpiresAt: DateTime.Utc | null
  readonly refreshTokenExpiresAt: DateTime.Utc | null
}

/**
 * An account at a provider: `(providerId, accountId)` belongs to one user.
 *
 * @category models
 * @since 0.1.0
 */
export interface LinkedAccount {
  readonly id: LinkedAccountId
  readonly userId: UserId
  readonly providerId: string
  /** The provider's own id of the account: OpenID Connect's `sub`. */
  readonly accountId: string
  readonly tokens: ProviderTokens<Redacted.Redacted>
  readonly createdAt: DateTime.Utc
  readonly updatedAt: DateTime.Utc
}

/**
 * A token as it rests: sealed, with a prefix that no token has. One that was imported rests as it came until it is read
 * or written, and then it is sealed.
 *
 * @category models
 * @since 0.1.0
 */
export type TokenAtRest = string

/**
 * The account as stores keep it: tokens sealed.
 *
 * @category models
 * @since 0.1.0
 */
export interface SealedLinkedAccount extends Omit<LinkedAccount, "tokens"> {
  readonly tokens: ProviderTokens<TokenAtRest>
}

/**
 * The account without its secrets: which tokens there are, and nothing of what they are.
 *
 * @category models
 * @since 0.1.0
 */
export interface AccountSummary extends Omit<LinkedAccount, "tokens"> {
  readonly tokens: ProviderTokens<true>
}

/**
 * Leaves the secrets of an account out, whatever form they have.
 *
 * @category converting
 * @since 0.1.0
 */
export const toAccountSummary = <Secret>(
  account: Omit<LinkedAccount, "tokens"> & { readonly tokens: ProviderTokens<Secret> },
): AccountSummary => ({
  ...account,
  tokens: {
    ...account.tokens,
    accessToken: account.tokens.accessToken === null ? null : true,
    refreshToken: account.tokens.refreshToken === null ? null : true,
    idToken: account.tokens.idToken === null ? null : true,
  },
})

/**
 * The provider's account is linked to another user already.
 *
 * @category errors
 * @since 0.1.0
 */
export class AccountLinkedElsewhere extends Schema.TaggedError<AccountLinkedElsewhere>(
  "@belfry/core/AccountLinkedElsewhere",
)("AccountLinkedElsewhere", { providerId: Schema.String, userId: UserId }) {
  override get message(): string {
    return "This account is linked to another user"
  }
}
