/**
 * The parameters of a callback as they come: in a query, or in a form that a provider had the browser post.
 *
 * @since 0.1.0
 */
import type { RequestBodyService } from "@belfry/core/RequestBodyHandlers"
import * as ByteSize from "effect/ByteSize"
import * as Effect from "effect/Effect"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import type { CallbackParameters } from "../OAuthSignIns.ts"

/** Names and values in the order in which they came. */
export type Fields = Iterable<readonly [name: string, value: string]>

/** The fields of a query as the platform parsed it: what came more than once is an array there. */
export const queryFields = (query: Readonly<Record<string, string | ReadonlyArray<string>>>): Fields =>
  Object.entries(query).flatMap(([name, value]): ReadonlyArray<readonly [string, string]> =>
    typeof value === "string" ? [[name, value]] : value.map((each) => [name, each]),
  )

/** The fields of a form; none where the body is no form, is too large, or does not come to its end. */
export const formFields = (
  body: RequestBodyService,
  request: HttpServerRequest.HttpServerRequest,
): Effect.Effect<Fields> => {
  const mediaType = (request.headers["content-type"] ?? "").split(";")[0]?.trim().toLowerCase()
  if (mediaType !== "application/x-www-form-urlencoded") return Effect.succeed([])
  return Effect.match(body.text(request, maxSize), {
    onFailure: (): Fields => [],
    onSuccess: (text): Fields => new URLSearchParams(text),
  })
}

/**
 * What counts of the fields of a callback. Where one that the protocol knows comes twice or is longer than it can be,
 * none counts: whoever reads another one of them sees another answer.
 *
 * @see [RFC 6749 §3.1](https://www.rfc-editor.org/rfc/rfc6749.html#section-3.1)
 */
export const callbackParameters = (fields: Fields): CallbackParameters => {
  const found = new Map<string, string>()
  const others = new Map<string, string>()
  for (const [name, value] of fields) {
    const limit = limits.get(name)
    if (limit !== undefined) {
      if (found.has(name) || value.length > limit) return { fields: {} }
      found.set(name, value)
    }
    // Apple tells the name of somebody new here, as JSON and once. It is worth a name and no failure.
    if (name === "user" && value.length <= maxUser) others.set(name, value)
  }
  return {
    state: found.get("state"),
    code: found.get("code"),
    error: found.get("error"),
    iss: found.get("iss"),
    fields: Object.fromEntries(others),
  }
}

/** The parameters as a query, to come again by GET. */
export const toQuery = ({ fields, ...known }: CallbackParameters): string => {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries({ ...known, ...fields }))
    if (value !== undefined) query.append(name, value)
  return query.toString()
}

// As a query they must fit into the head of a request, which is 16 KiB on Node, beside its cookies.
const limits: ReadonlyMap<string, number> = new Map([
  ["state", 512],
  ["code", 4096],
  ["error", 256],
  ["iss", 512],
])

const maxSize = ByteSize.kibibytes(64)

const maxUser = 1024
