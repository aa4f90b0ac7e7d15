/**
 * Requests with a body, a field, a credential or a cookie that no honest client sends.
 */
import type { Chance } from "./Chance.ts"
import { texts } from "./hostileTexts.ts"
import {
  bytesOf,
  type Change,
  type Changed,
  type Header,
  isForm,
  type Supplies,
  urlEncoded,
  withHeader,
  without,
} from "./MalformedBase.ts"
import { encode } from "./wire.ts"

/** A body of the wrong form, type or size. */
export const body: Change = (base, { fields }, chance) => {
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

/** A body of the right form with text that is none. */
export const text: Change = (base, { fields }, chance) => {
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

/** Tokens that are forged, cut, of another purpose or much too long. */
export const credential: Change = (base, supplies, chance) => {
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

/** Cookies that no browser sends. */
export const cookie: Change = (base, { session }, chance) => {
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

// internal

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

/** JSON that keeps what `JSON.stringify` would mend: lone surrogates stay escapes, `__proto__` stays a key. */
const object = (fields: Readonly<Record<string, unknown>>, extra = ""): string =>
  `{${[...Object.entries(fields).map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`), extra]
    .filter((part) => part !== "")
    .join(",")}}`

const values = [null, true, 0, -1, 1e308, [], [[]], {}, { toString: 1 }, { length: 1e9 }, ["a@example.com"]] as const

const emailFrom = (text: string, chance: Chance): string =>
  chance.pick([text, `${text}@example.com`, `ada@${text}.example`, `ada@exam${text}ple.com`, `ada@example.com${text}`])

const nested = (depth: number, open: string, close: string): string => open.repeat(depth) + close.repeat(depth)
