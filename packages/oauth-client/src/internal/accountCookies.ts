/**
 * The account cookie: which account at a provider this browser signed in with, and its tokens where they fit, sealed.
 *
 * The database is the source of truth: the cookie tells which of its accounts is meant, and stands in for tokens that
 * it does not keep.
 */
import { Sealed } from "@belfry/core/KeyedHash"
import type { Sealer } from "@belfry/core/KeyRing"
import type { LinkedAccount } from "@belfry/core/LinkedAccount"
import { UserId } from "@belfry/core/User"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type { OAuthProvider } from "../OAuthProvider.ts"
import { accountCookie } from "./cookieNames.ts"

const Token = Schema.NullOr(Schema.RedactedFromValue(Schema.String))

const AccountCookie = Schema.Struct({
  providerId: Schema.String,
  accountId: Schema.String,
  userId: UserId,
  tokens: Schema.NullOr(
    Schema.Struct({
      accessToken: Token,
      refreshToken: Token,
      idToken: Token,
      tokenType: Schema.NullOr(Schema.String),
      scopes: Schema.Array(Schema.String),
      accessTokenExpiresAt: Schema.NullOr(Schema.DateTimeUtc),
      refreshTokenExpiresAt: Schema.NullOr(Schema.DateTimeUtc),
    }),
  ),
})
export interface AccountCookie extends Schema.Schema.Type<typeof AccountCookie> {}

/** What its sealer is asked for. */
export const purpose = "oauth-account-cookie"

/** Makes and reads the cookies. */
export const make = (sealer: Sealer) => {
  const seal = (cookie: AccountCookie) =>
    encode(cookie).pipe(
      // Every value of the type can be written as JSON.
      Effect.orDie,
      Effect.flatMap((text) => sealer.seal(Redacted.make(text), context)),
      Effect.map((value) => Redacted.make<string>(value)),
    )

  return {
    /** The cookie of an account; null where it does not fit into a cookie at all. */
    seal: Effect.fnUntraced(function* ({ providerId, accountId, userId, tokens }: LinkedAccount) {
      const name = accountCookie(providerId)
      for (const kept of [tokens, null]) {
        const value = yield* seal({ providerId, accountId, userId, tokens: kept })
        if (name.length + Redacted.value(value).length <= maxLength) return { name, value }
      }
      return null
    }),
    /** What a cookie tells of the user's account at the provider; null where it tells nothing. */
    open: Effect.fnUntraced(function* (
      provider: OAuthProvider,
      userId: UserId,
      value: Redacted.Redacted | null | undefined,
    ) {
      if (!provider.storeAccountCookie || value === null || value === undefined) return null
      const cookie = yield* decodeSealed(Redacted.value(value)).pipe(
        Effect.flatMap((sealed) => sealer.open(sealed, context)),
        Effect.flatMap((text) => decode(Redacted.value(text))),
        Effect.orElseSucceed(() => null),
      )
      return cookie?.providerId === provider.id && cookie.userId === userId ? cookie : null
    }),
  }
}

// Browsers keep 4,096 bytes of a cookie (RFC 6265 §6.1): with the prefix of https, and what is said of its life, it
// stays below.
const maxLength = 3800

const context = "account"

const codec = Schema.fromJsonString(Schema.toCodecJson(AccountCookie))
const encode = Schema.encodeEffect(codec)
const decode = Schema.decodeEffect(codec)
const decodeSealed = Schema.decodeUnknownEffect(Sealed)
