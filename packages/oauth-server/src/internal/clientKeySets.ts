/**
 * The public keys that a client registers.
 */
import type * as Schema from "effect/Schema"

/** Why these keys cannot be registered; null when they can. */
export const keySetProblem = (keys: ReadonlyArray<Readonly<Record<string, Schema.Json>>>): string | null => {
  if (keys.length === 0) return "The key set is empty"
  for (const key of keys) {
    if (["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"].some((member) => Object.hasOwn(key, member))) {
      return "There is a private or a symmetric key"
    }
    if (typeof key["kty"] !== "string" || !["RSA", "EC", "OKP"].includes(key["kty"])) {
      return "There is a key of a type that signs nothing here"
    }
    if (key["use"] !== undefined && typeof key["use"] !== "string") return "There is a key that is not of its form"
  }
  const ids = keys.map((key) => key["kid"]).filter((kid) => kid !== undefined)
  if (ids.some((kid) => typeof kid !== "string")) return "There is a key that is not of its form"
  return new Set(ids).size === ids.length ? null : "Two keys have one id"
}
