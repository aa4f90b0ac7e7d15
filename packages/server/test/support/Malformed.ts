/**
 * Requests that no honest client sends, made from a seed: the same seed makes the same requests.
 */
import type { Chance } from "./Chance.ts"
import { type Change, type Supplies, wellFormed } from "./MalformedBase.ts"
import { body, cookie, credential, text } from "./malformedContent.ts"
import { header, method, raw, target } from "./malformedTransport.ts"
import type { RouteName } from "./TestServer.ts"
import { encode } from "./wire.ts"

/** A request that is not as it should be. */
export interface Malformed {
  readonly kind: string
  readonly route: RouteName
  readonly bytes: Uint8Array
  readonly isHead: boolean
  /** The client breaks off, so there may be no answer. */
  readonly mayEndUnanswered: boolean
}

/** The names of all kinds, in order. */
export const kinds: ReadonlyArray<string> = [
  "body",
  "text",
  "credential",
  "cookie",
  "header",
  "target",
  "method",
  "raw",
]

/**
 * Makes one request of a kind to a route. Each claims to come from an address of its own, so that no rate limit stands
 * before what is to be tried.
 */
export const make = (kind: string, route: RouteName, supplies: Supplies, chance: Chance): Malformed => {
  const base = wellFormed(route, supplies, chance)
  const change = changes[kind] ?? body
  const { request, bytes, mayEndUnanswered = false } = change(base, supplies, chance)
  return {
    kind,
    route,
    bytes: bytes ?? encode(request ?? base),
    isHead: (request ?? base).method === "HEAD",
    mayEndUnanswered,
  }
}

// internal

const changes: Readonly<Record<string, Change>> = { body, text, credential, cookie, header, target, method, raw }
