/**
 * Claims about a user, by scope and by the `claims` parameter.
 *
 * @since 0.1.0
 */
import type { User } from "@belfry/core/User"
import type { ClaimsRequest } from "./AuthorizationRequest.ts"
import type { Claims } from "./Claims.ts"

/**
 * The claims that this server can make about users, by the scope that gives them.
 *
 * @see [OpenID Connect Core §5.4](https://openid.net/specs/openid-connect-core-1_0.html#ScopeClaims)
 * @category models
 * @since 0.1.0
 */
export const claimsByScope: Readonly<Record<string, ReadonlyArray<string>>> = {
  profile: ["name", "given_name", "family_name", "picture", "updated_at"],
  email: ["email", "email_verified"],
}

/**
 * The names of the claims that these scopes cover: they give them, or let the `claims` parameter ask for them.
 *
 * @category accessors
 * @since 0.1.0
 */
export const coveredBy = (scopes: ReadonlyArray<string>): ReadonlySet<string> =>
  new Set(scopes.flatMap((scope) => claimsByScope[scope] ?? []))

/**
 * The claims of a user that scopes give, and those that the `claims` parameter names for `target`. What is not known is
 * left out.
 *
 * **Details**
 *
 * `requested` is of the grant, and so holds only what the person consented to; of it counts what `scopes` cover still:
 * a scope that a client lost since, or does without this time, tells nothing by another name. `given_name` and
 * `family_name` are the first and the last word of the name.
 *
 * @see [OpenID Connect Core §5.1](https://openid.net/specs/openid-connect-core-1_0.html#StandardClaims)
 * @category constructors
 * @since 0.1.0
 */
export const ofUser = (
  user: User,
  options: {
    readonly scopes: ReadonlyArray<string>
    readonly requested: ClaimsRequest | null
    readonly target: "userinfo" | "id_token"
  },
): Claims => {
  const known = knownClaims(user)
  // OpenID Connect Core §5.4: where there is an access token, scopes give their claims at the UserInfo endpoint alone.
  const covered = coveredBy(options.scopes)
  const byScope = options.target === "userinfo" ? covered : []
  const byName = Object.keys(options.requested?.[options.target] ?? {}).filter((name) => covered.has(name))
  const claims: Record<string, Claims[string]> = {}
  for (const name of [...byScope, ...byName]) {
    const value = known[name]
    if (value !== undefined && value !== null) claims[name] = value
  }
  return claims
}

// internal

const knownClaims = (user: User): Claims => {
  const words = (user.name ?? "").split(/\s+/u).filter((word) => word !== "")
  return {
    name: user.name,
    given_name: words[0] ?? null,
    family_name: words.length > 1 ? (words.at(-1) ?? null) : null,
    picture: user.image?.startsWith("http") === true ? user.image : null,
    updated_at: Math.floor(user.updatedAt.epochMilliseconds / 1000),
    email: user.email,
    email_verified: user.emailVerifiedAt !== null,
  }
}
