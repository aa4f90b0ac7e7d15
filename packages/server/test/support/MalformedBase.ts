/**
 * What malformed requests are made from: a request that the route could take, and the parts of it that can be changed.
 */
import type { Chance } from "./Chance.ts"
import type { RouteName } from "./TestServer.ts"
import type { WireRequest } from "./wire.ts"

/** What a request may carry: credentials that the server issued for it, and the fields of a form that would do. */
export interface Supplies {
  readonly session: string
  readonly verification: string
  readonly fields: Readonly<Record<string, unknown>>
}

/** A changed request: by its parts, or as bytes. The client may break off, so that there is no answer. */
export interface Changed {
  readonly request?: WireRequest
  readonly bytes?: Uint8Array
  readonly mayEndUnanswered?: boolean
}

/** A request that the route could take. */
export type Base = Required<Pick<WireRequest, "method" | "path" | "headers">> & { readonly body: string }
/** Spoils a request. */
export type Change = (base: Base, supplies: Supplies, chance: Chance) => Changed
/** A header as it goes on the wire. */
export type Header = readonly [name: string, value: string | Uint8Array]

/** Tells whether the route takes forms rather than JSON. */
export const isForm = (path: string): boolean => !path.startsWith("/auth/") || path.endsWith("/callback")

/** The id that stands for every parameter of a path, and that of a provider that is there. */
export const anyId = "018f4e5c-0000-7000-8000-000000000000"

/** The path of a route with {@link anyId} for its parameters. */
export const pathOf = (route: string): string => route.replace(/:[A-Za-z]+/g, anyId)

/** A request that the route could take: half of them with a session, by cookie or bearer token. */
export const wellFormed = (route: RouteName, supplies: Supplies, chance: Chance): Base => {
  const form = isForm(route.path)
  const credentials: ReadonlyArray<Header> = chance.pick<ReadonlyArray<Header>>([
    [],
    [],
    [
      ["cookie", `belfry_session=${supplies.session}`],
      ["sec-fetch-site", "same-origin"],
    ],
    [["authorization", `Bearer ${supplies.session}`]],
  ])
  return {
    method: route.method === "*" ? "GET" : route.method,
    path: pathOf(route.path).replace("*", chance.word(8)),
    headers: [
      ["content-type", form ? "application/x-www-form-urlencoded" : "application/json"],
      ["x-forwarded-for", address(chance)],
      ...(form && credentials.length === 0 ? [["sec-fetch-site", "same-origin"] as const] : []),
      ...credentials,
    ],
    body: form ? urlEncoded(supplies.fields) : JSON.stringify(supplies.fields),
  }
}

/** The fields as a browser would send them. */
export const urlEncoded = (fields: Readonly<Record<string, unknown>>): string =>
  Object.entries(fields)
    .map(([name, value]) => `${name}=${encodeURIComponent(String(value).toWellFormed())}`)
    .join("&")

/** The other headers. */
export const without = (headers: ReadonlyArray<Header>, name: string): ReadonlyArray<Header> =>
  headers.filter(([other]) => other !== name)

/** The headers with this one instead of those of its name. */
export const withHeader = (
  headers: ReadonlyArray<Header>,
  name: string,
  value: string | Uint8Array,
): ReadonlyArray<Header> => [...without(headers, name), [name, value]]

/** Text as UTF-8, and bytes as they are. */
export const bytesOf = (...parts: ReadonlyArray<string | ReadonlyArray<number>>): Uint8Array =>
  Buffer.concat(parts.map((part) => (typeof part === "string" ? Buffer.from(part) : Buffer.from(part))))

// internal

const address = (chance: Chance): string =>
  `${1 + chance.below(200)}.${chance.below(256)}.${chance.below(256)}.${chance.below(256)}`
