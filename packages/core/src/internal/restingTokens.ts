/**
 * Tokens of providers at rest: sealed under a prefix that no token has, and, where they were imported, still plain.
 *
 * A seal keeps tokens from being read, changed or moved. It does not keep who writes to the table from putting plain
 * ones into it.
 */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { Sealed } from "../KeyedHash.ts"
import { SealBroken, type Sealer } from "../KeyRing.ts"
import type { ProviderTokens, TokenAtRest } from "../LinkedAccount.ts"

/** Of which account tokens are: a sealed token opens only for the account and the field that it was sealed for. */
interface Owner {
  readonly providerId: string
  readonly accountId: string
}

/** Seals and opens the tokens of accounts. */
export const make = (sealer: Sealer) => {
  const isCurrent = (token: TokenAtRest): boolean => {
    const sealed = sealedPart(token)
    return sealed !== null && isSealed(sealed) && sealer.isCurrent(sealed)
  }
  return {
    seal: (owner: Owner, tokens: ProviderTokens<Redacted.Redacted>) =>
      mapTokens(tokens, (token, field) =>
        Effect.map(sealer.seal(token, contextOf(owner, field)), (sealed): TokenAtRest => prefix + sealed),
      ),
    open: (owner: Owner, tokens: ProviderTokens<TokenAtRest>) =>
      mapTokens(tokens, (token, field): Effect.Effect<Redacted.Redacted, SealBroken> => {
        const sealed = sealedPart(token)
        if (sealed === null) return Effect.succeed(Redacted.make(token))
        return isSealed(sealed)
          ? sealer.open(sealed, contextOf(owner, field))
          : Effect.fail(new SealBroken({ keyId: null }))
      }),
    /** Whether all that is there is sealed, by the current key. */
    isCurrent: ({ accessToken, refreshToken, idToken }: ProviderTokens<TokenAtRest>): boolean =>
      [accessToken, refreshToken, idToken].every((token) => token === null || isCurrent(token)),
  }
}

// A bearer token has no colon (RFC 6750 §2.1), nor has a JWT. A sealed value alone would look like `ya29.a0AfH6`.
const prefix = "belfry:sealed:"

const isSealed = Schema.is(Sealed)

/** What follows the prefix; null where the token is plain. */
const sealedPart = (token: TokenAtRest): string | null => (token.startsWith(prefix) ? token.slice(prefix.length) : null)

const contextOf = (owner: Owner, field: string) => JSON.stringify([owner.providerId, owner.accountId, field])

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
