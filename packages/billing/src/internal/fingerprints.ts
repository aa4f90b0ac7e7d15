/**
 * Fingerprints: equal for values that are equal as JSON, whatever the order of their members.
 */
import * as Digest from "effect/crypto/Digest"
import type * as Effect from "effect/Effect"
import type * as Schema from "effect/Schema"

/** SHA-256 over canonical JSON, as 64 hexadecimal digits. */
export const fingerprint = (value: Schema.Json): Effect.Effect<string, never, Digest.Digest> =>
  Digest.Digest.use((digest) => digest.digestHex(Digest.sha256, new TextEncoder().encode(canonical(value))))

// internal

const canonical = (value: Schema.Json): string =>
  JSON.stringify(value, (_key, part: unknown) =>
    typeof part === "object" && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  )
