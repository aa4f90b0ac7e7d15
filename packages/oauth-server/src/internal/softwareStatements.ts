/**
 * What somebody vouches for in a client's metadata.
 *
 * @see [RFC 7591 §2.3](https://www.rfc-editor.org/rfc/rfc7591.html#section-2.3)
 */
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import * as Struct from "effect/Struct"
import { ClientChangeRefused, ClientMetadata, ClientMetadataInvalid, type OAuthClient } from "../OAuthClient.ts"
import type { OAuthServerHooksService } from "../OAuthServerHooks.ts"
import { toWireName, type UncheckedMetadata } from "./clientMetadataNames.ts"

/**
 * The metadata as the host's verification of its software statement leaves it; refused where the host verifies none.
 */
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

/**
 * Metadata that a client's owner changes, as {@link vouchedFor} leaves it. Without a new statement, what the one on
 * file vouches for stays as it is, and so does the statement itself; which that is says the host, asked anew. Where the
 * host does not verify the statement any more, nobody can tell, and nothing changes.
 */
export const vouchedChange = Effect.fnUntraced(function* (
  hooks: OAuthServerHooksService,
  { metadata }: OAuthClient,
  patch: Partial<ClientMetadata>,
) {
  const onFile = metadata.softwareStatement
  if (onFile === null || typeof patch.softwareStatement === "string") return yield* vouchedFor(hooks, patch)
  const changed = names.filter((name) => patch[name] !== undefined && !Equal.equals(patch[name], metadata[name]))
  if (changed.length === 0) return patch
  const claims = yield* hooks.softwareStatement(onFile)
  const members = changed.filter(
    (name) => claims === null || name === "softwareStatement" || claims[name] !== undefined,
  )
  if (members.length === 0) return patch
  return yield* new ClientChangeRefused({ reason: "vouched", members: members.map(toWireName) })
})

// internal

const names = Struct.keys(ClientMetadata.fields)
