/**
 * What somebody vouches for in a client's metadata.
 *
 * @see [RFC 7591 §2.3](https://www.rfc-editor.org/rfc/rfc7591.html#section-2.3)
 */
import * as Effect from "effect/Effect"
import { ClientMetadataInvalid } from "../OAuthClient.ts"
import type { OAuthServerHooksService } from "../OAuthServerHooks.ts"
import type { UncheckedMetadata } from "./clientMetadataNames.ts"

/** The metadata as the host's verification of its software statement leaves it; refused where the host verifies none. */
export const vouchedFor = Effect.fnUntraced(function* <Said extends UncheckedMetadata>(
  hooks: OAuthServerHooksService,
  metadata: Said,
) {
  if (metadata.softwareStatement === undefined || metadata.softwareStatement === null) return metadata
  const claims = yield* hooks.softwareStatement(metadata.softwareStatement)
  if (claims !== null) return { ...metadata, ...claims }
  return yield* new ClientMetadataInvalid({
    code: "unapproved_software_statement",
    member: "software_statement",
    description: "This server knows nobody who vouches for this software",
  })
})
