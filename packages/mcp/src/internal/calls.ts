/**
 * What the JSON-RPC messages of a request call, as far as scopes hang on it.
 *
 * @see [MCP, Messages](https://modelcontextprotocol.io/specification/2026-07-28/basic)
 */
import * as Predicate from "effect/Predicate"

/** A tool, prompt or resource that a message names. A template is named as it is written. */
export interface Call {
  readonly kind: "tool" | "resource" | "template" | "prompt"
  readonly name: string
}

/** The body of a request as JSON-RPC. `id` is that of a lone request, for the answer; null where there is none. */
export interface Messages {
  readonly id: string | number | null
  readonly calls: ReadonlyArray<Call>
  readonly count: number
  /** Whether one of them waits for changes, on a stream that has no end of its own. */
  readonly listens: boolean
}

/** Reads a body. What is no JSON-RPC calls nothing: whoever handles the request refuses it. */
export const read = (body: string): Messages => {
  const parsed = parse(body)
  const messages: ReadonlyArray<unknown> = Array.isArray(parsed) ? parsed : [parsed]
  const id = Array.isArray(parsed) ? undefined : property(parsed, "id")
  return {
    id: typeof id === "string" || typeof id === "number" ? id : null,
    calls: messages.flatMap(callsOf),
    count: messages.length,
    listens: messages.some((message) => property(message, "method") === "subscriptions/listen"),
  }
}

// internal

const parse = (body: string): unknown => {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}

/** Its own property alone: `__proto__` names nothing. */
const property = (value: unknown, key: string): unknown =>
  Predicate.isObject(value) && Object.hasOwn(value, key) ? Reflect.get(value, key) : undefined

const callsOf = (message: unknown): ReadonlyArray<Call> => {
  const params = property(message, "params")
  switch (property(message, "method")) {
    case "tools/call":
      return named("tool", property(params, "name"))
    case "prompts/get":
      return named("prompt", property(params, "name"))
    case "resources/read":
    case "resources/subscribe":
    case "resources/unsubscribe":
      return named("resource", property(params, "uri"))
    case "subscriptions/listen": {
      const uris = property(property(params, "notifications"), "resourceSubscriptions")
      return Array.isArray(uris) ? uris.flatMap((uri) => named("resource", uri)) : []
    }
    case "completion/complete": {
      const ref = property(params, "ref")
      const isPrompt = property(ref, "type") === "ref/prompt"
      return isPrompt ? named("prompt", property(ref, "name")) : named("template", property(ref, "uri"))
    }
    default:
      return []
  }
}

const named = (kind: Call["kind"], name: unknown): ReadonlyArray<Call> =>
  typeof name === "string" ? [{ kind, name }] : []
