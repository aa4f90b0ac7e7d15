/**
 * Why an account at a provider cannot be used, or unlinked.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * An account's tokens cannot be had: `not-linked`, `account-required` (which account is not known), `no-token`,
 * `refresh-failed` (the provider refused, or could not be asked), `unreadable` (the key that sealed it is gone).
 *
 * @category errors
 * @since 0.1.0
 */
export class AccountUnusable extends Schema.TaggedError<AccountUnusable>("@belfry/oauth-client/AccountUnusable")(
  "AccountUnusable",
  {
    providerId: Schema.String,
    reason: Schema.Literals(["not-linked", "account-required", "no-token", "refresh-failed", "unreadable"]),
  },
) {
  override get message(): string {
    return `The account at ${this.providerId} cannot be used: ${this.reason}`
  }
}

/**
 * A link that cannot be taken away: `last-way-in`, since the user could not sign in any more; `not-linked`.
 *
 * @category errors
 * @since 0.1.0
 */
export class UnlinkRefused extends Schema.TaggedError<UnlinkRefused>("@belfry/oauth-client/UnlinkRefused")(
  "UnlinkRefused",
  { reason: Schema.Literals(["last-way-in", "not-linked"]) },
) {
  override get message(): string {
    return this.reason === "last-way-in"
      ? "This is the only way to sign in: set up another one first"
      : "There is no such account"
  }
}
