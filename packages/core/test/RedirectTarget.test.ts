import * as RedirectTarget from "@belfry/core/RedirectTarget"
import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Result, Schema } from "effect"

const base = "https://app.example"
const allowedOrigins = ["https://docs.example", "http://localhost:5173"]
const parse = RedirectTarget.parse({ allowedOrigins, baseUrl: base })

const reasonOf = (input: string) => {
  const parsed = parse(input)
  return Result.isFailure(parsed) ? parsed.failure.reason : `accepted as ${parsed.success}`
}

describe("RedirectTarget accepts", () => {
  const accepted: ReadonlyArray<readonly [input: string, target: string]> = [
    ["/", "/"],
    ["/account", "/account"],
    ["/account/", "/account/"],
    ["/account?tab=sessions#top", "/account?tab=sessions#top"],
    ["/a/b/../c", "/a/c"],
    ["/a%20b", "/a%20b"],
    ["/100%25", "/100%25"],
    ["/100%2525", "/100%2525"],
    ["/%c3%bc", "/%c3%bc"],
    ["/grüße", "/gr%C3%BC%C3%9Fe"],
    ["/?next=https://evil.example//x", "/?next=https://evil.example//x"],
    [
      "/auth/oauth2/authorize?redirect_uri=https%3A%2F%2Fclient.example%2Fcb",
      "/auth/oauth2/authorize?redirect_uri=https%3A%2F%2Fclient.example%2Fcb",
    ],
    ["/#/settings", "/#/settings"],
    ["/@user", "/@user"],
    ["/https:/evil.example", "/https:/evil.example"],
    ["https://app.example", "https://app.example/"],
    ["https://app.example/account", "https://app.example/account"],
    ["HTTPS://APP.EXAMPLE/account", "https://app.example/account"],
    ["https://app.example:443/account", "https://app.example/account"],
    ["https://docs.example/start?x=1#y", "https://docs.example/start?x=1#y"],
    ["http://localhost:5173/", "http://localhost:5173/"],
  ]
  for (const [input, target] of accepted) {
    it(input, () => {
      assert.deepStrictEqual(parse(input), Result.succeed(target))
    })
  }
})

describe("RedirectTarget refuses", () => {
  const refused: Record<RedirectTarget.RedirectRefused["reason"], ReadonlyArray<string>> = {
    syntax: [
      "",
      " ",
      "account",
      "./account",
      "../account",
      "?next=/",
      "#top",
      "app.example",
      "//evil.example",
      "///evil.example",
      "////evil.example",
      "/\\evil.example",
      "\\/evil.example",
      "\\\\evil.example",
      "/\\/evil.example",
      "/account\\evil",
      "/account?x=\\",
      "/\t/evil.example",
      "/\n/evil.example",
      "/\r/evil.example",
      "\t//evil.example",
      "\n/account",
      " /account",
      "/account ",
      "/ /evil.example",
      "/\u0000/evil.example",
      "/\u00a0/evil.example",
      "/\u2028account",
      "/\u200b/evil.example",
      "/\ufeff/evil.example",
      "/\ud800",
      "/account\r\nSet-Cookie: a=b",
      "/%09/evil.example",
      "/%0a/evil.example",
      "/%0d%0aSet-Cookie:a=b",
      "/%00",
      "/%2f/evil.example",
      "/%2fevil.example",
      "/%2F%2Fevil.example",
      "/%5cevil.example",
      "/%5C%5Cevil.example",
      "/%255cevil.example",
      "/%25255cevil.example",
      "/%252f%252fevil.example",
      "/%25252525252525255cevil.example",
      "/.//evil.example",
      "/..//evil.example",
      "/./\\evil.example",
      "/%2e//evil.example",
      "/%2e%2e//evil.example",
      "/%2e/%2fevil.example",
      "/a/..//evil.example",
      "/a//b",
      "/a/%2f/b",
      "/%zz",
      "/%",
      "/%c0%af/evil.example",
      "https:evil.example",
      "https:/evil.example",
      "https:///evil.example",
      "https:////evil.example",
      "https:app.example",
      "https:/app.example",
      "https://",
      "https:\\\\evil.example",
      "https://app.example\\@evil.example",
      "https://evil.example\\.app.example",
      "https://app.example\t.evil.example",
      "ht\ntps://evil.example",
      "https://app%2eexample/",
      "https://app.example%2fevil.example",
      "https://[::1",
      "https://app.example:99999/",
      "https://app.example//evil.example",
      "https://app.example/%2f/evil.example",
      "https://app.example/.//evil.example",
      `/${"a".repeat(2048)}`,
    ],
    scheme: [
      "javascript:alert(1)",
      "JaVaScRiPt:alert(1)",
      "javascript://app.example/%0aalert(1)",
      "data:text/html,<script>alert(1)</script>",
      "vbscript:x",
      "file:///etc/passwd",
      "ftp://app.example/",
      "blob:https://app.example/1",
      "app.example:80/",
      "localhost:5173",
      "view-source:https://app.example",
      "wss://app.example",
    ],
    userinfo: [
      "https://app.example@evil.example",
      "https://app.example:pw@evil.example/",
      "https://user@app.example/",
      "https://:pw@app.example/",
      "https://@app.example/",
      "https://app.example%40@evil.example",
    ],
    origin: [
      "https://evil.example",
      "http://app.example/",
      "https://app.example:8443/",
      "https://app.example.evil.example",
      "https://evilapp.example",
      "https://sub.app.example",
      "https://app.example.",
      "https://evil.example#@app.example",
      "https://evil.example#app.example",
      "https://evil.example?@app.example",
      "https://evil.example?https://app.example",
      "https://evil.example/app.example",
      "https://evil.example/;app.example",
      "http://docs.example/",
      "https://localhost:5173/",
      "http://localhost:5174/",
      "http://localhost/",
      "http://127.0.0.1:5173/",
      "https://evil。example",
      "https://xn--pp-yia.example/",
      "https://аpp.example/",
    ],
  }
  for (const [reason, inputs] of Object.entries(refused)) {
    for (const input of inputs) {
      it(`${JSON.stringify(input).slice(0, 80)} for its ${reason}`, () => {
        assert.strictEqual(reasonOf(input), reason)
      })
    }
  }

  it("without repeating the target in the error", () => {
    const parsed = parse("https://evil.example/?token=secret")
    if (Result.isSuccess(parsed)) return assert.fail("accepted")
    assert.deepStrictEqual(
      Object.keys(parsed.failure).filter((key) => !["_tag", "reason"].includes(key)),
      [],
    )
    assert.notInclude(`${parsed.failure.message} ${JSON.stringify(parsed.failure)} ${String(parsed.failure)}`, "evil")
  })

  it("a target of 2,049 characters and no shorter one for its length", () => {
    assert.strictEqual(reasonOf(`/${"a".repeat(2048)}`), "syntax")
    assert.isTrue(Result.isSuccess(parse(`/${"a".repeat(2047)}`)))
  })

  it("every foreign origin when the list is empty", () => {
    const strict = RedirectTarget.parse({ allowedOrigins: [], baseUrl: base })
    assert.isTrue(Result.isFailure(strict("https://docs.example/")))
    assert.isTrue(Result.isSuccess(strict("https://app.example/")))
  })

  it("an opaque origin, even one that somebody listed", () => {
    const odd = RedirectTarget.parse({ allowedOrigins: ["null"], baseUrl: base })
    assert.isTrue(Result.isFailure(odd("data:text/html,x")))
  })
})

describe("Whatever RedirectTarget accepts", () => {
  const pieces = Schema.Array(
    Schema.Literals([
      ..."/\\.@:?#%&=; \t\n\r\0",
      ..."//|/./|/../|%2f|%5c|%09|%0a|%00|%2e|%25|%252f|%40|%3a".split("|"),
      ..."http:|https:|HTTPS:|http://|https://|javascript:|data:|file:".split("|"),
      ..."evil.example|app.example|docs.example|localhost:5173|[::1]|127.1|user:pw@".split("|"),
      ..."a|ä|。|／|＼|\u200b|\u2028|\ufeff|\u00ad|\ud800|xn--".split("|"),
    ]),
  )
  // Most random texts are refused at once; beginnings that get further make the others count.
  const inputs = Arbitrary.all([
    Arbitrary.schema(Schema.Literals(["", "/", "/a", "https://app.example", "https://docs.example/", "https://"])),
    Arbitrary.schema(pieces),
  ]).pipe(Arbitrary.map(([beginning, rest]) => beginning + rest.join("")))

  const allowed = new Set([base, ...allowedOrigins])
  /** The places that readers of different exactness may go to for a target. */
  const destinationsOf = (target: string): ReadonlyArray<string> => [
    target,
    target.replaceAll("\\", "/"),
    target.replace(/^(\/|https:\/\/app\.example)(?:\.\/|%2e\/|%09)*/iu, "$1"),
    new URL(target, base).href,
  ]

  let acceptedCount = 0
  it.prop(
    "goes to an allowed origin when a browser follows it",
    [inputs],
    ([input]) => {
      const parsed = parse(input)
      if (Result.isFailure(parsed)) return
      acceptedCount += 1
      for (const target of [input, parsed.success]) {
        for (const destination of destinationsOf(target)) {
          const url = new URL(destination, base)
          assert.isTrue(allowed.has(url.origin), `${JSON.stringify(input)} goes to ${url.origin}`)
          assert.strictEqual(url.username + url.password, "")
        }
      }
    },
    { arbitrary: { runs: 5000, seed: 1 } },
  )

  it.prop(
    "is accepted again, unchanged",
    [inputs],
    ([input]) => {
      const parsed = parse(input)
      if (Result.isSuccess(parsed)) assert.deepStrictEqual(parse(parsed.success), parsed)
    },
    { arbitrary: { runs: 5000, seed: 2 } },
  )

  it("was something in at least a tenth of the cases", () => {
    assert.isAbove(acceptedCount, 500)
  })

  it.prop("is refused or answered, never thrown at, for any text", [Schema.String], ([input]) => {
    assert.isTrue(Result.isResult(parse(input)))
  })
})
