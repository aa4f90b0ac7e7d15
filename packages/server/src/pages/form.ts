/**
 * Reads the forms that the hosted pages send.
 *
 * @since 0.1.0
 */
import type { RequestBodyService } from "@belfry/core/RequestBodyHandlers"
import { DisplayName } from "@belfry/core/User"
import * as ByteSize from "effect/ByteSize"
import * as Effect from "effect/Effect"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"
import * as SchemaIssue from "effect/SchemaIssue"
import type { Problem } from "./views/parts.ts"

/**
 * The largest form that is read.
 *
 * @category rules
 * @since 0.1.0
 */
export const maxBodySize = ByteSize.kibibytes(64)

/**
 * The names and values of a form as they came. An own property is a field; nothing else is.
 *
 * @category models
 * @since 0.1.0
 */
export type FormFields = Readonly<Record<string, string>>

/**
 * The body is no form: 400 for broken encoding, a name given twice or a body that ended early, 413 when it is larger
 * than {@link maxBodySize}, 415 for another media type.
 *
 * @category errors
 * @since 0.1.0
 */
export class FormUnreadable extends Schema.TaggedError<FormUnreadable>("@belfry/server/pages/FormUnreadable")(
  "FormUnreadable",
  { status: Schema.Literals([400, 413, 415]) },
) {
  override get message(): string {
    return `The form cannot be read: ${this.status}`
  }
}

/**
 * Reads a body of `application/x-www-form-urlencoded`.
 *
 * @see [URL Standard §5.1](https://url.spec.whatwg.org/#urlencoded-parsing)
 * @category decoding
 * @since 0.1.0
 */
export const read = Effect.fnUntraced(function* (
  body: RequestBodyService,
  request: HttpServerRequest.HttpServerRequest,
) {
  const mediaType = (request.headers["content-type"] ?? "").split(";")[0]?.trim().toLowerCase()
  if (mediaType !== "application/x-www-form-urlencoded") return yield* new FormUnreadable({ status: 415 })
  const bytes = yield* Effect.mapError(
    body.bytes(request, maxBodySize),
    ({ reason }) => new FormUnreadable({ status: reason === "too-large" ? 413 : 400 }),
  )
  return yield* Effect.fromResult(parse(bytes))
})

/**
 * Decodes fields by a schema. Fails with the names of the fields that are missing or not of their form.
 *
 * @category decoding
 * @since 0.1.0
 */
export const decode = <S extends Schema.ConstraintDecoder<unknown>>(
  schema: S,
  fields: FormFields,
): Result.Result<S["Type"], ReadonlySet<string>> =>
  Result.mapError(
    Schema.decodeUnknownResult(schema, { errors: "all" })(fields),
    ({ issue }) => new Set(formatIssues(issue).issues.map(({ path }) => fieldOf(path?.[0]))),
  )

/**
 * Decodes fields that nobody types: what is not of their form comes from no page of ours.
 *
 * @category decoding
 * @since 0.1.0
 */
export const decodeHidden = <S extends Schema.ConstraintDecoder<unknown>>(
  schema: S,
  fields: FormFields,
): Effect.Effect<S["Type"], FormUnreadable> =>
  Effect.fromResult(Result.mapError(decode(schema, fields), () => new FormUnreadable({ status: 400 })))

/**
 * The action that a form names, of those that its page has.
 *
 * @category decoding
 * @since 0.1.0
 */
export const actionOf = <A>(
  actions: Readonly<Record<string, A>>,
  fields: FormFields,
): Effect.Effect<A, FormUnreadable> => {
  const name = fields["action"] ?? ""
  const action = Object.hasOwn(actions, name) ? actions[name] : undefined
  return action === undefined ? Effect.fail(new FormUnreadable({ status: 400 })) : Effect.succeed(action)
}

/**
 * Says what is wrong with the fields that {@link decode} refused, in the order of `messages`.
 *
 * @category decoding
 * @since 0.1.0
 */
export const problemsOf = (
  refused: ReadonlySet<string>,
  fields: FormFields,
  messages: Readonly<Record<string, { readonly missing: string; readonly invalid: string }>>,
): ReadonlyArray<Problem> =>
  Object.entries(messages)
    .filter(([name]) => refused.has(name))
    .map(([name, { missing, invalid }]) => ({
      field: name,
      message: (fields[name] ?? "").trim() === "" ? missing : invalid,
    }))

/**
 * A password field: something, of at most 4,096 characters.
 *
 * @category schemas
 * @since 0.1.0
 */
export const PasswordField = Schema.RedactedFromValue(
  Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(4096)),
  { label: "password" },
)

/**
 * A code as it was typed: something, of at most 64 characters.
 *
 * @category schemas
 * @since 0.1.0
 */
export const CodeField = Schema.RedactedFromValue(
  Schema.String.check(Schema.isPattern(/\S/u), Schema.isMaxLength(64)),
  {
    label: "code",
  },
)

/**
 * The secret that a device came with, or nothing. Spaces in it do not matter.
 *
 * @category schemas
 * @since 0.1.0
 */
export const SecretField = Schema.String.check(Schema.isMaxLength(256)).pipe(
  Schema.decodeTo(Schema.UndefinedOr(Schema.RedactedFromValue(Schema.String, { label: "secret" })), {
    decode: SchemaGetter.transform((text: string) => text.replaceAll(/\s/gu, "") || undefined),
    encode: SchemaGetter.transform((text: string | undefined) => text ?? ""),
  }),
)

/**
 * A name that may be left out.
 *
 * @category schemas
 * @since 0.1.0
 */
export const NameField = Schema.String.pipe(
  Schema.decodeTo(Schema.NullOr(DisplayName), {
    decode: SchemaGetter.transform((text: string) => (text.trim() === "" ? null : text.trim())),
    encode: SchemaGetter.transform((name: string | null) => name ?? ""),
  }),
)

/**
 * The token of a link, carried by a hidden field.
 *
 * @category schemas
 * @since 0.1.0
 */
export const TokenField = Schema.RedactedFromValue(
  Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(200)),
  { label: "token" },
)

// internal

const formatIssues = SchemaIssue.makeFormatterStandardSchemaV1()

const fieldOf = (segment: PropertyKey | { readonly key: PropertyKey } | undefined): string =>
  String(typeof segment === "object" ? segment.key : segment)

const parse = (body: Uint8Array): Result.Result<FormFields, FormUnreadable> => {
  const fields: Record<string, string> = Object.create(null)
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body)
    for (const pair of text.split("&")) {
      if (pair === "") continue
      const at = pair.indexOf("=")
      const name = decodeComponent(at < 0 ? pair : pair.slice(0, at))
      // Which of two values counts is what readers disagree about.
      if (name in fields) return unreadable
      fields[name] = at < 0 ? "" : decodeComponent(pair.slice(at + 1))
    }
  } catch {
    // Not UTF-8, or a `%` that begins no byte: no browser sends it, and a password must not change on the way.
    return unreadable
  }
  return Result.succeed(fields)
}

const unreadable = Result.fail(new FormUnreadable({ status: 400 }))

const decodeComponent = (text: string): string => decodeURIComponent(text.replaceAll("+", " "))
