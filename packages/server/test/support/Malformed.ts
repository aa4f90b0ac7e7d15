/**
 * Requests that no honest client sends, made from a seed: the same seed makes the same requests.
 */
import type { RouteName } from "./TestServer.ts"
import { encode, type WireRequest } from "./wire.ts"

/** Numbers from a seed (mulberry32), and choices made with them. */
export class Chance {
  private state: number
  constructor(seed: number) {
    this.state = seed >>> 0
  }
  /** 0 to 1, 1 not reached. */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0
    let t = this.state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
  /** A whole number below `limit`. */
  below(limit: number): number {
    return Math.floor(this.next() * limit)
  }
  pick<A>(items: readonly [A, ...ReadonlyArray<A>]): A {
    return items[this.below(items.length)] ?? items[0]
  }
  /** Letters and digits of base 62. */
  word(length: number): string {
    return Array.from({ length }, () => base62.charAt(this.below(62))).join("")
  }
}

/** A request that is not as it should be. */
export interface Malformed {
  readonly kind: string
  readonly route: RouteName
  readonly bytes: Uint8Array
  readonly isHead: boolean
  /** The client breaks off, so there may be no answer. */
  readonly mayEndUnanswered: boolean
}

/** What a request may carry: credentials that the server issued for it, and the fields of a form that would do. */
export interface Supplies {
  readonly session: string
  readonly verification: string
  readonly fields: Readonly<Record<string, unknown>>
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

const base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

interface Changed {
  readonly request?: WireRequest
  readonly bytes?: Uint8Array
  readonly mayEndUnanswered?: boolean
}

type Base = Required<Pick<WireRequest, "method" | "path" | "headers">> & { readonly body: string }
type Change = (base: Base, supplies: Supplies, chance: Chance) => Changed
type Header = readonly [name: string, value: string | Uint8Array]

const isForm = (path: string): boolean => !path.startsWith("/auth/")

/** A request that the route could take: half of them with a session, by cookie or bearer token. */
const wellFormed = (route: RouteName, supplies: Supplies, chance: Chance): Base => {
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
    path: route.path.replace(/:[A-Za-z]+/g, "018f4e5c-0000-7000-8000-000000000000").replace("*", chance.word(8)),
    headers: [
      ["content-type", form ? "application/x-www-form-urlencoded" : "application/json"],
      ["x-forwarded-for", address(chance)],
      ...(form && credentials.length === 0 ? [["sec-fetch-site", "same-origin"] as const] : []),
      ...credentials,
    ],
    body: form ? urlEncoded(supplies.fields) : JSON.stringify(supplies.fields),
  }
}

const address = (chance: Chance): string =>
  `${1 + chance.below(200)}.${chance.below(256)}.${chance.below(256)}.${chance.below(256)}`

const urlEncoded = (fields: Readonly<Record<string, unknown>>): string =>
  Object.entries(fields)
    .map(([name, value]) => `${name}=${encodeURIComponent(String(value).toWellFormed())}`)
    .join("&")

const without = (headers: ReadonlyArray<Header>, name: string): ReadonlyArray<Header> =>
  headers.filter(([other]) => other !== name)

const withHeader = (
  headers: ReadonlyArray<Header>,
  name: string,
  value: string | Uint8Array,
): ReadonlyArray<Header> => [...without(headers, name), [name, value]]

/** JSON that keeps what `JSON.stringify` would mend: lone surrogates stay escapes, `__proto__` stays a key. */
const object = (fields: Readonly<Record<string, unknown>>, extra = ""): string =>
  `{${[...Object.entries(fields).map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`), extra]
    .filter((part) => part !== "")
    .join(",")}}`

const bytesOf = (...parts: ReadonlyArray<string | ReadonlyArray<number>>): Uint8Array =>
  Buffer.concat(parts.map((part) => (typeof part === "string" ? Buffer.from(part) : Buffer.from(part))))

/** Texts of nearly the largest size, on which a pattern that tries every way to match takes seconds. */
export const longTexts: ReadonlyArray<string> = [
  "a".repeat(50_000),
  `${"a".repeat(50_000)}\u0000`,
  `${" ".repeat(50_000)}\u0000`,
  `ada@${"a.".repeat(25_000)}!`,
  `ada@${"a-".repeat(25_000)}!`,
  `${"@".repeat(50_000)}`,
  `https://${"a".repeat(50_000)} `,
  "\ufdfa".repeat(15_000),
]

/** Texts that break what is careless with text. */
const texts = [
  "\u0000",
  "Ada\u0000Lovelace",
  "\ud800",
  "\udc00\ud800",
  "x\udfff",
  "\ufeff",
  "\u202e\u2066",
  "",
  " ",
  "\t\r\n",
  "x\r\nSet-Cookie: a=b",
  "\u001b[2J\u0007",
  "' OR 1=1; DROP TABLE users; --",
  "<script>alert(1)</script>",
  "${jndi:ldap://x}{{7*7}}",
  "../../../../etc/passwd",
  "%00%0d%0a",
  "__proto__",
  "toString",
  "null",
  "\u{1f468}\u200d\u{1f469}\u200d\u{1f467}",
  "\ufdfa".repeat(300),
  "e\u0301".repeat(2000),
  "a".repeat(60_000),
  "xn--a-ecp.ru",
  "018F4E5C-0000-7000-8000-000000000000",
] as const

const values = [null, true, 0, -1, 1e308, [], [[]], {}, { toString: 1 }, { length: 1e9 }, ["a@example.com"]] as const

const emailFrom = (text: string, chance: Chance): string =>
  chance.pick([text, `${text}@example.com`, `ada@${text}.example`, `ada@exam${text}ple.com`, `ada@example.com${text}`])

const nested = (depth: number, open: string, close: string): string => open.repeat(depth) + close.repeat(depth)

const body: Change = (base, { fields }, chance) => {
  const names = Object.keys(fields)
  const field = names[chance.below(names.length)] ?? "email"
  const complete = object(fields)
  const binary = (text: Uint8Array): Changed => ({
    bytes: encode({ ...base, body: text }),
  })
  const typed = (type: string, text: string | Uint8Array): Changed => ({
    request: { ...base, headers: withHeader(base.headers, "content-type", type), body: text },
  })
  const json = (text: string): Changed => typed("application/json", text)
  const huge = "x".repeat(chance.pick([65_537, 100_000, 400_000]))
  return chance.pick<() => Changed>([
    () => json(object({ ...fields, [field]: chance.pick(values) })),
    () => json(object(Object.fromEntries(Object.entries(fields).filter(([name]) => name !== field)))),
    () => json(object({ ...fields, [field]: JSON.parse(nested(2000, "[", "]")) })),
    () => json(nested(30_000, "[", "]")),
    () => json(nested(10_000, '{"a":', "}").replace(":}", ":1}")),
    () => json(object(fields, `"__proto__":{"isAdmin":true,"email":"a@example.com"}`)),
    () => json(object(fields, `"constructor":{"prototype":{"isAdmin":true}},"hasOwnProperty":1,"toString":null`)),
    () => json(object(fields, `${JSON.stringify(field)}:"given twice"`)),
    () => json(complete.slice(0, chance.below(complete.length))),
    () => json(`${complete}${complete}`),
    () =>
      json(chance.pick(["", "null", "true", "0", '"text"', "[]", "[{}]", "NaN", "undefined", "{'a':1}", "1e999999"])),
    () => json(object({ ...fields, extra: huge })),
    () => json(`${" ".repeat(70_000)}${complete}`),
    () => typed("application/x-www-form-urlencoded", `${urlEncoded(fields)}&extra=${huge}`),
    () =>
      typed("application/x-www-form-urlencoded", `${urlEncoded(fields)}&${field}=twice&%zz=%&=&&&[a][b]=1&__proto__=x`),
    () => typed("application/x-www-form-urlencoded", "a=1&".repeat(10_000)),
    () => binary(bytesOf([0xef, 0xbb, 0xbf], complete)),
    () => binary(bytesOf([0xff, 0xfe], complete)),
    () => binary(bytesOf(complete.slice(0, -1), [0xc3, 0x28, 0xf0, 0x9f, 0x80], "}")),
    () => binary(bytesOf('{"email":"', [0xed, 0xa0, 0x80], '@example.com","password":"', [0xc0, 0x80], '"}')),
    () => binary(bytesOf([0, 0, 0, 0], complete)),
    () => binary(Uint8Array.from({ length: chance.below(4000) }, () => chance.below(256))),
    () =>
      typed(
        chance.pick([
          "text/plain",
          "application/xml",
          "application/json; charset=utf-16",
          "application/json; charset=",
          "application/problem+json",
          "application/octet-stream",
          "*/*",
          "multipart/form-data",
          "",
          ";;;",
          "application/json, text/plain",
          "x".repeat(3000),
        ]),
        complete,
      ),
    () => ({ request: { ...base, headers: without(base.headers, "content-type"), body: complete } }),
    () =>
      typed(
        "multipart/form-data; boundary=b",
        chance.pick([
          `--b\r\nContent-Disposition: form-data; name="email"\r\n\r\na@example.com\r\n--b--\r\n`,
          `--b\r\nContent-Disposition: form-data; name="email"; filename="../../x"\r\nContent-Type: text/html\r\n\r\n${huge}\r\n--b--\r\n`,
          `--b\r\nContent-Disposition: form-data`,
          `--b\r\n`.repeat(5000),
          `--b\r\n\r\n\r\n--b\r\nContent-Disposition: form-data; name=""\r\n\r\n\r\n--b--`,
        ]),
      ),
  ])()
}

const text: Change = (base, { fields }, chance) => {
  const names = Object.keys(fields)
  const chosen = names.filter(() => chance.next() < 0.3)
  const changed: Record<string, unknown> = { ...fields }
  for (const name of chosen.length > 0 ? chosen : [names[chance.below(names.length)] ?? "email"]) {
    const bad = chance.pick(texts)
    changed[name] = name.toLowerCase().includes("email") ? emailFrom(bad, chance) : bad
  }
  return {
    request: { ...base, body: isForm(base.path) ? urlEncoded(changed) : object(changed) },
  }
}

const tokens = (supplies: Supplies, chance: Chance): string =>
  chance.pick([
    `belfry_session_${chance.word(43)}`,
    `belfry_verify_${chance.word(43)}`,
    `belfry_sign_up_${chance.word(43)}`,
    supplies.verification,
    supplies.session.slice(0, -1) + (supplies.session.endsWith("0") ? "1" : "0"),
    supplies.session.toUpperCase(),
    `${supplies.session}\u00e9`,
    `${supplies.session} `,
    `belfry_session_${supplies.verification.slice(14)}`,
    `belfry_session_${"A".repeat(10_000)}`,
    "A".repeat(10_000),
    "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.",
    "",
    "undefined",
    "..",
    "\u00ff\u00fe",
    "'; --",
    "%00",
  ])

const credential: Change = (base, supplies, chance) => {
  const token = tokens(supplies, chance)
  const headers = without(without(base.headers, "cookie"), "authorization")
  const header = chance.pick<Header>([
    ["authorization", `Bearer ${token}`],
    ["authorization", `bearer    ${token}`],
    ["authorization", `Basic ${Buffer.from(`ada:${token}`).toString("base64")}`],
    ["authorization", `Basic ${token}`],
    ["authorization", token],
    ["authorization", `Bearer ${token}, Bearer ${supplies.session}`],
    ["authorization", "Bearer"],
    ["authorization", `DPoP ${token}`],
    ["authorization", `Digest username="${token}"`],
    ["cookie", `belfry_session=${token}`],
    ["cookie", `__Host-belfry_session=${token}; belfry_sign_up=${token}`],
  ])
  const fields = { ...supplies.fields, token }
  return {
    request: {
      ...base,
      headers: [...headers, header],
      body: isForm(base.path) ? urlEncoded(fields) : object(fields),
      path: chance.next() < 0.3 ? `${base.path}?token=${encodeURIComponent(token)}` : base.path,
    },
  }
}

const cookie: Change = (base, { session }, chance) => {
  const value = chance.pick<string | Uint8Array>([
    'belfry_session="',
    `belfry_session="${session}`,
    `belfry_session=${session}"`,
    `belfry_session=%; a=%E0%A4%A`,
    `belfry_session=%FF%FE`,
    `belfry_session=${session}; belfry_session=other`,
    `belfry_session=other; belfry_session=${session}`,
    `=; ;;; =x; a; ${session}`,
    `belfry_session`,
    `__proto__=x; constructor=y; toString=z; hasOwnProperty=w`,
    `belfry_session=${"x".repeat(12_000)}`,
    Array.from({ length: 800 }, (_, index) => `c${index}=1`).join("; "),
    bytesOf("belfry_session=", [0xff, 0x80, 0xe9]),
    bytesOf([0xe9], `=${session}`),
    `belfry_session=\t${session}\t;`,
    `belfry_session=j:{"$ne":null}`,
    `belfry_language=../../x; belfry_csrf=[]`,
  ])
  return { request: { ...base, headers: [...without(base.headers, "cookie"), ["cookie", value]] } }
}

const header: Change = (base, { session }, chance) => {
  const more = chance.pick<ReadonlyArray<Header>>([
    [
      ["cookie", `belfry_session=${session}`],
      ["cookie", "belfry_session=x"],
    ],
    [
      ["authorization", `Bearer ${session}`],
      ["authorization", "Bearer x"],
    ],
    [
      ["host", "localhost"],
      ["host", "evil.example"],
    ],
    [["host", ""]],
    [["host", "evil.example:99999/@x"]],
    [
      ["origin", "https://evil.example"],
      ["origin", "http://localhost:3000"],
    ],
    [["origin", "null"]],
    [["origin", "\u00ff://"]],
    [
      ["origin", "https://evil.example"],
      ["sec-fetch-site", "none"],
    ],
    [["sec-fetch-site", chance.word(2000)]],
    [["content-length", "0"]],
    [["content-length", "-1"]],
    [["content-length", "1e3"]],
    [["content-length", "99999999999999999999"]],
    [
      ["content-length", "4"],
      ["content-length", "5"],
    ],
    [
      ["content-length", "4"],
      ["transfer-encoding", "chunked"],
    ],
    [["transfer-encoding", "gzip, chunked"]],
    [["content-encoding", "gzip"]],
    [["content-encoding", "br, deflate, x"]],
    [["x-forwarded-for", "unknown, , ::ffff:1.2.3.4%eth0, 999.1.1.1, \u00ff"]],
    [["x-forwarded-for", Array.from({ length: 500 }, () => "1.2.3.4").join(",")]],
    [
      ["x-forwarded-host", "evil.example, \u00e9"],
      ["x-forwarded-proto", "javascript"],
    ],
    [["forwarded", 'for="[::1']],
    [["x-request-id", "a\u00ffb"]],
    [["x-request-id", "x".repeat(5000)]],
    [["user-agent", bytesOf([0xff, 0xc3, 0x28, 0x80])]],
    [["user-agent", "x".repeat(10_000)]],
    [["accept-language", "de;q=\u00e9,;;,*;q=-1,".repeat(50)]],
    [["accept", "x".repeat(5000)]],
    [
      ["if-none-match", '"'],
      ["range", "bytes=9-1"],
      ["if-modified-since", "never"],
    ],
    [
      ["traceparent", "00-zz-zz-zz"],
      ["tracestate", "=,=,"],
      ["b3", "x"],
    ],
    [["expect", "200-ok"]],
    [["connection", "close, x-forwarded-for, content-length"]],
    [
      ["connection", "upgrade"],
      ["upgrade", "websocket"],
      ["sec-websocket-key", "x"],
      ["sec-websocket-version", "13"],
    ],
    [
      ["connection", "upgrade"],
      ["upgrade", "h2c"],
      ["http2-settings", "AAMAAABkAAQAAP__"],
    ],
    [
      ["connection", "upgrade"],
      ["upgrade", ""],
    ],
    [
      ["access-control-request-method", "\u00ff"],
      ["access-control-request-headers", "a, \u00e9"],
      ["origin", "x"],
    ],
    Array.from({ length: 150 }, (_, index): Header => [`x-${index}`, "1"]),
    [["x-large", "x".repeat(20_000)]],
  ])
  const names = new Set(more.map(([name]) => name))
  return {
    request: { ...base, headers: [...base.headers.filter(([name]) => !names.has(name)), ...more] },
    // Node does not answer an upgrade or a length that contradicts itself in every case: it closes.
    mayEndUnanswered: ["content-length", "transfer-encoding", "upgrade", "expect"].some((name) => names.has(name)),
  }
}

const target: Change = (base, { verification }, chance) => {
  const { path } = base
  const long = chance.pick([500, 4000, 15_000, 40_000])
  const last = path.replace(/[^/]*$/, "")
  return {
    request: {
      ...base,
      path: chance.pick([
        `http://localhost${path}`,
        `http://evil.example${path}`,
        `ftp://evil.example${path}`,
        `http://[::1${path}`,
        `//evil.example${path}`,
        `/${path}`,
        path.replaceAll("/", "//"),
        path.replace(/^\//, "/%2e%2e/"),
        `${path}/../../../etc/passwd`,
        `${path}/%2e%2e%2f%2e%2e`,
        `${path}%00`,
        `${path}%`,
        `${path}%zz`,
        `${path}%ff%fe`,
        `${path}%ED%A0%80`,
        `${path};jsessionid=1`,
        `${path}#fragment`,
        `${path}\\..\\x`,
        `${path}/`,
        path.toUpperCase(),
        `${path}\u00e9`,
        `${path}?`,
        `${path}??&&==&=`,
        `${path}?token=%`,
        `${path}?token=%FF&token=%ED%A0%80`,
        `${path}?token=a&token=b&token[]=c`,
        `${path}?__proto__=x&constructor[prototype]=y`,
        `${path}?token=${verification}%00`,
        `${path}?scope=all%00&scope=others`,
        `${path}?scope=everything&lang=${"x".repeat(300)}`,
        `${path}?return_to=${chance.pick(["//evil.example", "%5cevil", "javascript:alert(1)", "%0d%0aX:1", "%", "/%ff"])}`,
        `${path}?${"a".repeat(long)}`,
        `${path}?${"a=1&".repeat(long / 4)}`,
        `/${"a/".repeat(long / 2)}`,
        `/${"a".repeat(long)}`,
        `${last}${chance.pick(["not-a-uuid", "018f4e5c-0000-7000-8000-00000000000g", "0", "-1", "null", "%00", "%ff", "..", "*", "a".repeat(200), "018F4E5C-0000-7000-8000-000000000000"])}`,
        "*",
        "",
        "?",
        "/?",
        "/.well-known/../auth/session",
        "/auth",
        "/auth/",
        "/assets/../package.json",
        "/assets/%2e%2e%2fpackage.json",
        "/favicon.ico",
      ]),
    },
  }
}

const method: Change = (base, _supplies, chance) => {
  const name = chance.pick([
    "GET",
    "HEAD",
    "POST",
    "PUT",
    "PATCH",
    "DELETE",
    "OPTIONS",
    "TRACE",
    "CONNECT",
    "PROPFIND",
    "QUERY",
    "M-SEARCH",
    "PURGE",
    "get",
    "BREW",
    "",
    "POST POST",
    "x".repeat(3000),
  ])
  return {
    request: { ...base, method: name },
    mayEndUnanswered: name === "CONNECT",
  }
}

/** What `encode` cannot write: other versions, chunks, broken lines, a client that goes away. */
const raw: Change = (base, { fields }, chance) => {
  const text = isForm(base.path) ? urlEncoded(fields) : JSON.stringify(fields)
  const headerLines = base.headers.map(([name, value]) => `${name}: ${String(value)}\r\n`).join("")
  const head = (version: string, more = "") =>
    `${base.method} ${base.path} ${version}\r\nhost: localhost\r\n${headerLines}${more}`
  const close = "connection: close\r\n"
  const chunk = (content: string) => `${content.length.toString(16)}\r\n${content}\r\n`
  const chunked = (content: string, version = "HTTP/1.1") =>
    bytesOf(`${head(version, `${close}transfer-encoding: chunked\r\n`)}\r\n${content}`)
  return chance.pick<() => Changed>([
    () => ({ bytes: bytesOf(`${head("HTTP/1.0", `content-length: ${text.length}\r\n`)}\r\n${text}`) }),
    () => ({ bytes: bytesOf(`${base.method} ${base.path} HTTP/1.0\r\n\r\n`) }),
    () => ({ bytes: bytesOf(`${base.method} ${base.path}\r\n\r\n`) }),
    () => ({ bytes: bytesOf(`${head("HTTP/2.0", close)}\r\n`) }),
    () => ({ bytes: bytesOf(`${head("HTTP/9.9", close)}\r\n`) }),
    () => ({ bytes: bytesOf("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") }),
    () => ({ bytes: bytesOf([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03], "\r\n\r\n") }),
    () => ({ bytes: bytesOf("\r\n\r\n\r\nGARBAGE\r\n\r\n") }),
    () => ({ bytes: chunked(`${chunk(text)}0\r\n\r\n`) }),
    () => ({ bytes: chunked(`${[...text].map((letter) => chunk(letter)).join("")}0\r\n\r\n`) }),
    () => ({ bytes: chunked(`${chunk("x".repeat(16_000)).repeat(20)}0\r\n\r\n`) }),
    () => ({ bytes: chunked(`${chunk(text)}zz\r\n`) }),
    () => ({ bytes: chunked(`-1\r\n${text}\r\n0\r\n\r\n`) }),
    () => ({ bytes: chunked(`ffffffffffffffff\r\n${text}`), mayEndUnanswered: true }),
    () => ({ bytes: chunked(`${chunk(text)}0\r\ntrailer: ${"x".repeat(20_000)}\r\n\r\n`) }),
    () => ({ bytes: chunked(`${chunk(text)}0\r\n\r\n`, "HTTP/1.0"), mayEndUnanswered: true }),
    () => ({
      bytes: bytesOf(
        `${head("HTTP/1.1", `${close}expect: 100-continue\r\ncontent-length: ${text.length}\r\n`)}\r\n${text}`,
      ),
    }),
    () => ({
      bytes: bytesOf(
        `${head("HTTP/1.1", `${close}expect: 100-continue\r\ncontent-length: 400000\r\n`)}\r\n${"x".repeat(400_000)}`,
      ),
    }),
    () => ({ bytes: bytesOf(`${head("HTTP/1.1", "x-line: a\n b\r\n folded: c\r\n")}\r\n`) }),
    () => ({ bytes: bytesOf(head("HTTP/1.1", close).replaceAll("\r\n", "\n"), "\n") }),
    () => ({ bytes: bytesOf(`${head("HTTP/1.1", `${close}x\u0000y: z\r\n`)}\r\n`) }),
    () => ({ bytes: bytesOf(head("HTTP/1.1", close), "x-nul: a", [0], "b\r\n\r\n") }),
    () => ({ bytes: bytesOf(head("HTTP/1.1", `${close}no colon here\r\n`), "\r\n") }),
    () => ({ bytes: bytesOf(head("HTTP/1.1", `${close}: no name\r\n`), "\r\n") }),
    () => ({ bytes: bytesOf(head("HTTP/1.1", `${close}content-length : 5\r\n`), "\r\nhello") }),
    // The client goes away in the middle of its body.
    () => ({
      bytes: bytesOf(`${head("HTTP/1.1", `content-length: ${text.length + 50}\r\n`)}\r\n${text}`),
      mayEndUnanswered: true,
    }),
    () => ({ bytes: bytesOf(head("HTTP/1.1").slice(0, 20)), mayEndUnanswered: true }),
    // Two requests at once: what stands behind the first must be read as a request of its own.
    () => ({
      bytes: bytesOf(
        `${head("HTTP/1.1", `content-length: ${text.length}\r\n`)}\r\n${text}`,
        `GET /health/live HTTP/1.1\r\nhost: localhost\r\n${close}\r\n`,
      ),
    }),
  ])()
}

const changes: Readonly<Record<string, Change>> = { body, text, credential, cookie, header, target, method, raw }
