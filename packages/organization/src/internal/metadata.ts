/**
 * Metadata on its way in: of the form that the host declared, not too large, and not too deep.
 */
import { isShallow } from "@belfry/core/Json"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import type { MetadataCodec } from "../AccessDefinition.ts"
import { JsonObject, MetadataInvalid } from "../Organization.ts"

/** The largest metadata, as text in UTF-8: 16 KiB. */
export const maximumBytes = 16 * 1024

/** How deep metadata may nest. */
const maximumDepth = 16

/**
 * Makes what writes metadata as the host's form does: what that does not know is gone, what it defaults is there. Once
 * for a form, whose codec costs more to build than to use.
 */
export const encoder = (form: MetadataCodec) => {
  const codec = Schema.toCodecJson(form)
  const decode = Schema.decodeUnknownEffect(codec, { errors: "all" })
  const encode = Schema.encodeEffect(codec, { errors: "all" })

  return Effect.fnUntraced(function* (metadata: JsonObject): Effect.fn.Return<JsonObject, MetadataInvalid> {
    // First: whatever else walks it falls where it is too deep.
    if (!isShallow(metadata, maximumDepth)) return yield* tooDeep
    if (isTooLarge(metadata)) return yield* tooLarge
    const json = yield* decode(metadata).pipe(
      Effect.flatMap((value) => encode(value)),
      Effect.mapError(({ issue }) => new MetadataInvalid({ issues: formatIssues(issue).issues.map(toText) })),
    )
    if (!isObject(json)) return yield* new MetadataInvalid({ issues: ["Expected an object"] })
    return isTooLarge(json) ? yield* tooLarge : json
  })
}

// internal

const isObject = Schema.is(JsonObject)

const isTooLarge = (json: JsonObject): boolean => new TextEncoder().encode(JSON.stringify(json)).length > maximumBytes

const tooDeep = new MetadataInvalid({ issues: [`Expected JSON that nests at most ${maximumDepth} deep`] })

const tooLarge = new MetadataInvalid({ issues: ["Expected at most 16 KiB"] })

// Leaf messages say what was expected; what was given might be anything, so nothing of it is told.
const formatIssues = SchemaIssue.makeFormatterStandardSchemaV1()

const toText = ({
  path,
  message,
}: {
  readonly message: string
  readonly path?: ReadonlyArray<unknown> | undefined
}) => {
  const place = (path ?? []).map((segment) =>
    String(typeof segment === "object" && segment !== null && "key" in segment ? segment.key : segment),
  )
  return place.length === 0 ? message : `${place.join(".")}: ${message}`
}
