/**
 * Answers to requests that do not reach the MCP server: a status, and a JSON-RPC error that clients can show.
 *
 * @see [JSON-RPC 2.0 §5.1](https://www.jsonrpc.org/specification#error_object)
 */
import { type BearerChallenge, formatChallenge } from "@belfry/oauth-server/ProtectedResourceMetadata"

/** An answer, in no transport's words. */
export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | null
}

/** The id of the request that is refused, where it is known. */
export type RequestId = string | number | null

/** Refuses. `code` is of the range that JSON-RPC leaves to implementations. */
export const refuse = (
  status: number,
  message: string,
  { code = -32000, headers = {}, id = null }: RefusalOptions = {},
): Answer => ({
  status,
  headers: { "content-type": "application/json", "cache-control": "no-store", ...headers },
  body: JSON.stringify({ jsonrpc: "2.0", id, error: { code, message } }),
})

/** Refuses with a challenge: its scheme is the first word, some clients look no further. */
export const challenge = (
  status: 400 | 401 | 403,
  told: BearerChallenge & { readonly resourceMetadata: string },
  message: string,
  id: RequestId = null,
): Answer => refuse(status, message, { code: -32001, headers: { "www-authenticate": formatChallenge(told) }, id })

/** Refuses a method that no MCP endpoint has. */
export const methodNotAllowed: Answer = refuse(405, "The method is not allowed here", {
  headers: { allow: "DELETE, GET, POST" },
})

/** Refuses for as long as a store or the authorization server cannot answer. */
export const unavailable: Answer = refuse(503, "This cannot be answered at the moment", {
  headers: { "retry-after": "1" },
})

// internal

interface RefusalOptions {
  readonly code?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly id?: RequestId
}
