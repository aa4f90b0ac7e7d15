/**
 * Requests with headers, targets, methods and framing that no honest client sends.
 */
import { bytesOf, type Change, type Changed, type Header, isForm, urlEncoded } from "./MalformedBase.ts"

/** Headers that contradict each other, are given twice, too long or of another protocol. */
export const header: Change = (base, { session }, chance) => {
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

/** Targets that are no path, or one that leads elsewhere. */
export const target: Change = (base, { verification }, chance) => {
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

/** Methods that the route does not have, or nobody has. */
export const method: Change = (base, _supplies, chance) => {
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
export const raw: Change = (base, { fields }, chance) => {
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
