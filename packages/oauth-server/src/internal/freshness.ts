/**
 * How long an answer of somebody else may be kept.
 *
 * @see [RFC 9111 §4.2.1](https://www.rfc-editor.org/rfc/rfc9111.html#section-4.2.1)
 */
import type { OutboundResponse } from "@belfry/core/Outbound"

/** Bounds in milliseconds, and the lifetime of an answer that says nothing of it. */
export interface FreshnessBounds {
  readonly shortest: number
  readonly longest: number
  readonly unsaid: number
}

/** The lifetime of an answer in milliseconds, within bounds: `max-age`, less the `age` that it had when it came. */
export const lifetimeOf = ({ headers }: OutboundResponse, { longest, shortest, unsaid }: FreshnessBounds): number => {
  const control = headers["cache-control"] ?? ""
  const seconds = /(?:^|[\s,])max-age="?(\d{1,9})/iu.exec(control)?.[1]
  const isUnkept = /(?:^|[\s,])no-(?:store|cache)(?:$|[\s,])/iu.test(control)
  const said = isUnkept ? 0 : seconds === undefined ? unsaid : (Number(seconds) - ageOf(headers)) * 1000
  return Math.min(Math.max(said, shortest), longest)
}

// internal

const ageOf = (headers: OutboundResponse["headers"]): number => {
  const age = headers["age"] ?? ""
  return /^\d{1,9}$/u.test(age) ? Number(age) : 0
}
