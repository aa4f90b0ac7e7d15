/**
 * Who a person is, by Microsoft: which of several claims is the address, and whether it proves anything.
 */
import type * as Schema from "effect/Schema"
import type { Claims, OAuthUserInfo } from "../OAuthTokens.ts"
import { merged, text } from "./profiles.ts"

/**
 * A profile of Microsoft's claims, of which the earlier ones, which are signed, win. Null without a subject.
 *
 * An administrator of any tenant can write any address into `email`. So it counts as verified only where Microsoft says
 * that the tenant owns the domain (`xms_edov`), lists the address as verified, or where `email_verified` says so and
 * nothing speaks against it.
 */
export const microsoftProfile = (sources: ReadonlyArray<Claims>): OAuthUserInfo | null => {
  const raw = merged(sources)
  const accountId = text(raw, "sub")
  if (accountId === null) return null
  const address = addressOf(sources)
  return {
    accountId,
    email: address?.email ?? null,
    emailVerified: address !== null && isVerified(address, sources.flatMap(listedAsVerified)),
    name: text(raw, "name"),
    image: null,
    raw,
  }
}

interface Address {
  readonly email: string
  /** The claim that names it; null when it is only in the lists of verified addresses. */
  readonly claim: string | null
  /** The claims among which it is. */
  readonly source: Claims
}

const addressOf = (sources: ReadonlyArray<Claims>): Address | null => {
  for (const claim of ["email", "preferred_username", "upn"]) {
    for (const source of sources) {
      const email = text(source, claim)
      // `preferred_username` may be a telephone number or a name.
      if (email !== null && email.includes("@")) return { email, claim, source }
    }
  }
  for (const source of sources) {
    const [email] = listedAsVerified(source)
    if (email !== undefined) return { email, claim: null, source }
  }
  return null
}

const isVerified = ({ email, claim, source }: Address, listed: ReadonlyArray<string>): boolean => {
  const verified = source["email_verified"]
  if (verified !== undefined && !saysYes(verified)) return false
  if (listed.some((other) => other.toLowerCase() === email.toLowerCase())) return true
  // Both of these speak of the claim `email` and of no other.
  if (claim !== "email") return false
  const isDomainOwned = source["xms_edov"]
  return isDomainOwned === undefined ? saysYes(verified) : saysYes(isDomainOwned)
}

const listedAsVerified = (claims: Claims): ReadonlyArray<string> =>
  ["verified_primary_email", "verified_secondary_email"].flatMap((name) => {
    const value = claims[name]
    const values: ReadonlyArray<Schema.Json | undefined> = Array.isArray(value) ? value : [value]
    return values.filter((one) => typeof one === "string" && one.includes("@")).map(String)
  })

// `xms_edov` was seen as a boolean, a number and a text.
const saysYes = (value: Schema.Json | undefined): boolean =>
  value === true || value === 1 || value === "1" || value === "true"
