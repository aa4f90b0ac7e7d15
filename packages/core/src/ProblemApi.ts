/**
 * How failures look on the wire: problem details with the error's tag and typed fields.
 *
 * Domain errors know no HTTP. A contract lists them through {@link asProblem}, which adds the status and title.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as HttpApiMiddleware from "effect/http-api/HttpApiMiddleware"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as ProblemDetails from "effect/http/ProblemDetails"
import * as Schema from "effect/Schema"
import * as SchemaTransformation from "effect/SchemaTransformation"
import { RateLimited } from "./RateLimit.ts"
import { CrossOriginRequest } from "./RequestOrigin.ts"

/**
 * The members that every problem has besides the error's own.
 *
 * @category models
 * @since 0.1.0
 */
export interface ProblemMembers {
  readonly type: string
  readonly title: string
  readonly status: number
}

/**
 * An error class that {@link asProblem} takes: a schema class without services.
 *
 * @category models
 * @since 0.1.0
 */
export interface ErrorClass extends Schema.Constraint {
  readonly identifier: string
  readonly fields: Schema.Struct.Fields
  readonly Encoded: object
  readonly DecodingServices: never
  readonly EncodingServices: never
}

/**
 * An error class as `application/problem+json`.
 *
 * @category models
 * @since 0.1.0
 */
export type AsProblem<S extends ErrorClass> = Schema.Codec<S["Type"], S["Encoded"] & ProblemMembers>

/**
 * Puts an error class on the wire as `application/problem+json`: `type`, `title`, `status`, `_tag` and its own fields.
 *
 * @see [RFC 9457 §3](https://www.rfc-editor.org/rfc/rfc9457.html#section-3)
 * @category schemas
 * @since 0.1.0
 */
export const asProblem =
  (options: { readonly status: number; readonly title: string }) =>
  <S extends ErrorClass>(error: S): AsProblem<S> => {
    const members = { type: ProblemDetails.blankType, ...options }
    const encodedFields: Record<string, Schema.Constraint> = {}
    for (const [name, field] of Object.entries(error.fields)) encodedFields[name] = Schema.toEncoded(field)
    const wire = Schema.Struct({
      type: member(Schema.String, members.type),
      title: member(Schema.String, members.title),
      status: member(Schema.Int, members.status),
      ...encodedFields,
    }).annotate({ identifier: nameOf(error) })
    const problem = wire.pipe(
      Schema.decodeTo(
        Schema.make<Schema.Codec<unknown, object>>(error.ast),
        SchemaTransformation.transform({
          decode: ({ type: _type, title: _title, status: _status, ...encoded }) => encoded,
          encode: (encoded) => ({ ...encoded, ...members }),
        }),
      ),
      Schema.annotate({ description: nameOf(error) }),
      HttpApiSchema.asJson({ contentType: ProblemDetails.contentType }),
      HttpApiSchema.status(options.status),
    )
    // Sound because `wire` is built from the members and the very fields of `error`, which TypeScript cannot follow.
    return Schema.make<AsProblem<S>>(problem.ast)
  }

/**
 * The request is not of the form that the endpoint's schema asks for.
 *
 * **Details**
 *
 * `issues` name the place of each fault (`body`, `query`, `path`, `header` first) and what was expected there. They
 * never repeat the input.
 *
 * @category errors
 * @since 0.1.0
 */
export class InvalidRequest extends Schema.TaggedError<InvalidRequest>("@belfry/core/InvalidRequest")(
  "InvalidRequest",
  {
    issues: Schema.Array(
      Schema.Struct({ path: Schema.Array(Schema.Union([Schema.String, Schema.Finite])), message: Schema.String }),
    ),
  },
) {
  override get message(): string {
    return "The request is not valid"
  }
}

/**
 * The server cannot answer at the moment: a store is away. The same request may succeed later.
 *
 * @category errors
 * @since 0.1.0
 */
export class ServiceUnavailable extends Schema.TaggedError<ServiceUnavailable>("@belfry/core/ServiceUnavailable")(
  "ServiceUnavailable",
  {},
) {
  override get message(): string {
    return "The server cannot answer at the moment"
  }
}

/**
 * What guards every endpoint: requests of the wrong form (422), requests that a page of another origin made with the
 * user's cookie (403), and stores that cannot answer (503).
 *
 * @category middleware
 * @since 0.1.0
 */
export class RequestGuard extends HttpApiMiddleware.Service<RequestGuard>()("@belfry/core/RequestGuard", {
  error: [
    InvalidRequest.pipe(asProblem({ status: 422, title: "Unprocessable Content" })),
    CrossOriginRequest.pipe(asProblem({ status: 403, title: "Forbidden" })),
    ServiceUnavailable.pipe(asProblem({ status: 503, title: "Service Unavailable" })),
  ],
}) {}

/**
 * Too many requests, on the wire. The answer also carries `Retry-After`.
 *
 * @see [RFC 6585 §4](https://www.rfc-editor.org/rfc/rfc6585.html#section-4)
 * @category errors
 * @since 0.1.0
 */
export const limited = RateLimited.pipe(asProblem({ status: 429, title: "Too Many Requests" }))

// internal

/** The name in documents: the identifier `@belfry/core/SessionInvalid` without the package. A declaration, as above. */
function nameOf({ identifier }: ErrorClass): string {
  return identifier.slice(identifier.lastIndexOf("/") + 1)
}

/** A member that RFC 9457 lets a sender leave out: read as `value` then. A declaration, since schemas above use it. */
function member<S extends Schema.Codec<string | number>>(schema: S, value: S["Type"]) {
  return schema.pipe(Schema.withDecodingDefaultKey(Effect.succeed(value)))
}
