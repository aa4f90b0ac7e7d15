/**
 * Requests that are made up: nearly right, wrong, strange, huge and deep; the same each time, so that a failure can be
 * seen again.
 */
import type { TestRequest } from "@belfry/testing/TestHttp"

/** A number from 0 to below the one given. */
export type Random = (below: number) => number

/** Numbers that look random and are the same each time (mulberry32). */
export const randomOf = (seed: number): Random => {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

/** One of some. */
export const pick = <A>(random: Random, from: ReadonlyArray<A>, otherwise: A): A =>
  from[random(from.length)] ?? otherwise

/** What stands where something else is expected. */
export const strange: ReadonlyArray<string> = [
  "",
  " ",
  "\u0000",
  "a\u0000b",
  "\ud800",
  "\u202e\u2028",
  "é",
  "🗝️".repeat(20),
  "'; DROP TABLE belfry_oauth_clients; --",
  '"><script>alert(1)</script>',
  "x".repeat(300),
  "x".repeat(9000),
  "x".repeat(60_000),
  "%",
  "%00",
  "%zz",
  "%c0%af",
  "..",
  "../../etc/passwd",
  "null",
  "undefined",
  "true",
  "[object Object]",
  "__proto__",
  "constructor",
  "toString",
  "{}",
  "[]",
  '{"a":',
  `${"[".repeat(5000)}`,
  `${'{"a":'.repeat(2000)}1${"}".repeat(2000)}`,
  "-1",
  "0",
  "NaN",
  "1e309",
  "9".repeat(30),
  "018f6b1e-0000-7000-8000-000000000000",
  "\r\nset-cookie: a=b",
  "\t\n",
  "https://evil.example/",
  "//evil.example",
  "javascript:alert(1)",
  "urn:x",
  "https://[::1",
  "a.b.c",
  "e30.e30.e30",
  "eyJhbGciOiJub25lIn0.e30.",
  "belfry_code_x",
  "belfry_access_x",
  "belfry_refresh_x",
]

/** JSON texts that are none, or not those that are expected. */
export const strangeBodies: ReadonlyArray<string> = [
  "",
  " ",
  "null",
  "true",
  "0",
  "-0",
  "1e400",
  '""',
  "[]",
  "{}",
  "[null]",
  "{",
  "}",
  '{"a"}',
  "{'a':1}",
  '{"a":1,"a":2}',
  '{"__proto__":{"x":1}}',
  '{"constructor":{"prototype":{"x":1}}}',
  '"\\ud800"',
  "\ufeff{}",
  "\u0000",
  "NaN",
  "undefined",
  "[".repeat(60_000),
  `${"[".repeat(30_000)}${"]".repeat(30_000)}`,
  `${'{"a":'.repeat(9000)}1${"}".repeat(9000)}`,
  `[${"0,".repeat(30_000)}0]`,
  `{${Array.from({ length: 5000 }, (_, index) => `"k${index}":0`).join()}}`,
  `"${"x".repeat(60_000)}"`,
  " ".repeat(70_000),
  `"${"x".repeat(70_000)}"`,
  "a=b&c=d",
  "<xml/>",
]

/** JSON values of every kind, also where they are deep or huge. */
export const strangeValues: ReadonlyArray<unknown> = [
  null,
  true,
  false,
  0,
  -1,
  1.5,
  1e308,
  "",
  "x",
  "\u0000",
  "\ud800",
  "x".repeat(3000),
  [],
  {},
  [null],
  [[]],
  [{}],
  ["", ""],
  ["x", "x"],
  [1, 2],
  { length: 1 },
  { keys: [] },
  { keys: [{}] },
  { keys: [null] },
  { keys: [{ kty: "RSA", d: "x" }] },
  { keys: "x" },
  JSON.parse(`${"[".repeat(1000)}${"]".repeat(1000)}`),
  JSON.parse(`${'{"a":'.repeat(1000)}1${"}".repeat(1000)}`),
  Array.from({ length: 300 }, (_, index) => `https://client.example.com/${index}`),
  ["https://client.example.com/callback"],
  ["javascript:alert(1)"],
  ["https://client.example.com/callback#x"],
  "https://client.example.com/",
  "authorization_code",
  ["authorization_code"],
  ["implicit"],
  "none",
  "private_key_jwt",
  "openid",
  ["openid"],
]

/** A place that is asked, and what is nearly right there. */
export interface Target {
  readonly name: string
  readonly methods: ReadonlyArray<string>
  /** The path with `{}` where an id stands. */
  readonly path: string
  /** What stands there when it is right. */
  readonly ids?: ReadonlyArray<string>
  readonly query?: ReadonlyArray<string>
  /** The members of the body, a form or JSON. */
  readonly body?: { readonly as: "form" | "json"; readonly members: ReadonlyArray<string> }
  /** How who asks proves to be somebody. */
  readonly by: "client" | "token" | "session" | "nobody"
}

/** What is right, here or there. */
export interface Known {
  readonly values: Readonly<Record<string, ReadonlyArray<unknown>>>
  readonly authorizations: Readonly<Record<Target["by"], ReadonlyArray<string>>>
  readonly cookies: ReadonlyArray<string>
}

const contentTypes: ReadonlyArray<string> = [
  "",
  "application/x-www-form-urlencoded",
  "application/json",
  "application/x-www-form-urlencoded; charset=utf-16",
  "application/json; charset=x; charset=y",
  "APPLICATION/JSON",
  "application/problem+json",
  "multipart/form-data",
  "multipart/form-data; boundary=x",
  "text/plain",
  "text/html",
  "application/octet-stream",
  "/",
  ";",
  ",",
  "x".repeat(3000),
  "application/json, application/x-www-form-urlencoded",
]

const authorizations: ReadonlyArray<string> = [
  "",
  "Basic",
  "Basic ",
  "Basic Og==",
  "Basic !",
  "Basic ====",
  `Basic ${"A".repeat(5000)}`,
  `Basic ${btoa("\xff:\xfe")}`,
  `Basic ${btoa("a:b\0")}`,
  `Basic ${btoa("%zz:%00")}`,
  `Basic ${btoa("a")}`,
  "Bearer",
  "Bearer ",
  "Bearer a b c",
  "Bearer a, Bearer b",
  "Bearer e30.e30.e30",
  `Bearer ${"x".repeat(9000)}`,
  "bearer \xff\xfe",
  "DPoP x",
  ",",
  "=",
  "\xe9",
  "Digest username=x",
]

const headerNames: ReadonlyArray<readonly [name: string, values: ReadonlyArray<string>]> = [
  ["accept", ["", "*/*", "application/json", "text/html", "x".repeat(2000), "\xff"]],
  ["origin", ["null", "https://evil.example", "", "http://localhost:3000", "x"]],
  ["sec-fetch-site", ["cross-site", "same-origin", "none", "x", ""]],
  ["sec-fetch-mode", ["navigate", "cors", "x", ""]],
  ["x-forwarded-for", ["x", "1.2.3.4, 5.6.7.8", "\xff", "::1"]],
  ["accept-language", ["x", "de;q=9", "*", "\xff"]],
  ["content-encoding", ["gzip", "x"]],
  ["cookie", ["", "=", "belfry_session", "belfry_session=", "a=b; a=c", "belfry_session=%", `a=${"x".repeat(8000)}`]],
]

/** A request made of a target by some changes, or by none. */
export const requestOf = (random: Random, targets: ReadonlyArray<Target>, known: Known) => {
  const target = targets[random(targets.length)]
  if (target === undefined) throw new Error("no target")
  const some = <A>(from: ReadonlyArray<A>, otherwise: A): A => pick(random, from, otherwise)
  const right = (name: string): unknown => some<unknown>(known.values[name] ?? ["x"], "x")

  const members = new Map<string, Array<unknown>>()
  const query = new Map<string, Array<unknown>>()
  for (const name of target.body?.members ?? []) if (random(4) > 0) members.set(name, [right(name)])
  for (const name of target.query ?? []) if (random(4) > 0) query.set(name, [right(name)])
  const headers = new Map<string, string>([["origin", "http://localhost:3000"]])
  const authorization = some(known.authorizations[target.by], "")
  if (authorization !== "") headers.set("authorization", authorization)
  if (target.by === "session") headers.set("cookie", some(known.cookies, ""))
  let method = some(target.methods, "GET")
  let id = some(target.ids ?? [], "x")
  let tail = ""
  let body: string | undefined
  let type = target.body?.as === "json" ? "application/json" : "application/x-www-form-urlencoded"

  for (let changes = random(4); changes > 0; changes--) {
    const into = target.body === undefined || random(3) === 0 ? query : members
    const name = random(5) === 0 || into.size === 0 ? some(Object.keys(known.values), "x") : some([...into.keys()], "x")
    const isJson = target.body?.as === "json" && into === members
    const odd = () => (isJson ? some(strangeValues, null) : some(strange, ""))
    const kinds: ReadonlyArray<() => void> = [
      () => void into.set(name, [odd()]),
      () => void into.set(name, [odd()]),
      () => void into.set(name, [right(name)]),
      () => void into.set(name, [...(into.get(name) ?? []), odd()]),
      () => void into.set(some(strange, "x"), [odd()]),
      () => void into.delete(name),
      () => void headers.set("authorization", some(authorizations, "")),
      () => void headers.delete("authorization"),
      () => {
        const [header, values] = some(headerNames, ["accept", [""]])
        headers.set(header, some(values, ""))
      },
      () => void (type = some(contentTypes, "")),
      () => void (method = some(["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "x"], "GET")),
      () => void (id = encodeURIComponent(some(strange, "x").toWellFormed())),
      () => void (id = some(["%", "%00", "%ff", "%2e%2e", "a%2Fb", ";", "x".repeat(5000), "%zz", "%F0%9F%97%9D"], "x")),
      () => void (body = some(strangeBodies, "")),
      () => void (tail = some(["&&==&%", "%00=%00", "#x", "?", "&a[]=b", "\u0000", "&%zz=%zz", "&é=é"], "")),
    ]
    some(kinds, () => undefined)()
  }

  const isBodied = method !== "GET"
  const search = toSearch(query) + tail
  const text = body ?? (target.body?.as === "json" ? toJson(members) : toSearch(members))
  const request: TestRequest = {
    method,
    headers: Object.fromEntries([...headers, ...(isBodied && type !== "" ? [["content-type", type] as const] : [])]),
    ...(isBodied ? { body: text } : {}),
  }
  const path = `${target.path.replace("{}", id)}${search === "" ? "" : `?${search}`}`
  return { target, path, request }
}

const toSearch = (fields: ReadonlyMap<string, ReadonlyArray<unknown>>): string => {
  const search = new URLSearchParams()
  for (const [name, values] of fields) {
    for (const value of values) search.append(name, typeof value === "string" ? value : JSON.stringify(value))
  }
  return search.toString()
}

const toJson = (members: ReadonlyMap<string, ReadonlyArray<unknown>>): string =>
  JSON.stringify(Object.fromEntries([...members].map(([name, [value]]) => [name, value])))
