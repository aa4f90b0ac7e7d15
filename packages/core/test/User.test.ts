import * as User from "@belfry/core/User"
import * as Builders from "@belfry/testing/Builders"
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Effect, Option, Schema } from "effect"

const decode = Schema.decodeUnknownOption(User.Email)
const normalized = (input: string): string | null => Option.getOrNull(decode(input))

describe("Email", () => {
  for (const [what, input, expected] of [
    ["keeps an address that is in its one form", "ada@example.com", "ada@example.com"],
    ["lowers both parts", "Ada.Lovelace@EXAMPLE.Com", "ada.lovelace@example.com"],
    ["takes spaces and line ends from the ends", " \tada@example.com\r\n", "ada@example.com"],
    [
      "keeps a plus and other signs that providers give meaning to",
      "ada+news_1%x@example.com",
      "ada+news_1%x@example.com",
    ],
    ["writes an international domain in ASCII", "ada@Bücher.example", "ada@xn--bcher-kva.example"],
    ["writes a domain that is in ASCII already as it is", "ada@xn--bcher-kva.example", "ada@xn--bcher-kva.example"],
    ["reads full-width letters of a domain", "ada@ｅｘａｍｐｌｅ.com", "ada@example.com"],
    ["composes letters of the local part", "ade\u0301@example.com", "ad\u00E9@example.com"],
    ["composes letters that have a composed form in lower case alone", "J\u030C@example.com", "\u01F0@example.com"],
    ["takes a subdomain and digits", "a1@mail2.example.co.uk", "a1@mail2.example.co.uk"],
  ] as const) {
    it(what, () => assert.strictEqual(normalized(input), expected))
  }

  for (const [what, input] of [
    ["an empty text", ""],
    ["no @", "ada.example.com"],
    ["nothing before the @", "@example.com"],
    ["nothing after the @", "ada@"],
    ["two @", "ada@home@example.com"],
    ["a full-width @", "ada＠example.com"],
    ["a domain of one label", "ada@localhost"],
    ["a dot at the end of the domain", "ada@example.com."],
    ["two dots in the domain", "ada@example..com"],
    ["a label that begins with a hyphen", "ada@-example.com"],
    ["a label that ends with a hyphen", "ada@example-.com"],
    ["a broken international label", "ada@xn--.com"],
    ["an underscore in the domain", "ada@ex_ample.com"],
    ["a port", "ada@example.com:25"],
    ["a path", "ada@example.com/x"],
    ["a percent-encoded domain", "ada@example%2ecom"],
    ["userinfo of a URL", "ada@evil.example\\@example.com"],
    ["an address literal", "ada@[192.0.2.1]"],
    ["an IPv4 address", "ada@192.0.2.1"],
    ["a number that the URL standard reads as an IPv4 address", "ada@0x7f.1"],
    ["a quoted local part", `"ada lovelace"@example.com`],
    ["a space inside", "ada lovelace@example.com"],
    ["a display name", "Ada <ada@example.com>"],
    ["two recipients", "ada@example.com,bob@example.com"],
    ["a header after a line end", "ada@example.com\r\nBcc: bob@example.com"],
    ["a NUL", "ada\u0000@example.com"],
    ["a character that nobody sees", "ada\u200B@example.com"],
    ["a change of writing direction", "ada\u202E@example.com"],
    ["half of a surrogate pair", "ada\uD800@example.com"],
    ["half of a surrogate pair in the domain", "ada@ex\uDC00ample.com"],
    ["255 characters", `${"a".repeat(243)}@example.com`],
  ] as const) {
    it(`refuses ${what}`, () => assert.isNull(normalized(input)))
  }

  it("takes 254 characters", () => {
    assert.isNotNull(normalized(`${"a".repeat(242)}@example.com`))
  })

  it("refuses what is no text", () => {
    for (const input of [null, undefined, 1, {}, ["ada@example.com"]]) assert.isTrue(Option.isNone(decode(input)))
  })

  it("says what was expected and never the input", () => {
    const exit = Schema.decodeUnknownExit(User.Email)("secret-input")
    assert.include(String(exit), "Expected an e-mail address")
    assert.notInclude(String(exit), "secret-input")
  })

  it("writes every letter with and without marks so that writing it again changes nothing", () => {
    const unstable: Array<string> = []
    for (let code = 0; code <= 0x1ffff; code++) {
      for (const mark of ["", "\u0300", "\u030C", "\u0307", "\u0345"]) {
        const once = User.normalizeEmail(`${String.fromCodePoint(code)}${mark}@example.com`)
        if (User.normalizeEmail(once) !== once) unstable.push(code.toString(16) + mark)
      }
    }
    assert.deepStrictEqual(unstable, [])
  })

  it("refuses 64 KiB of anything at once", () => {
    const begun = performance.now()
    const letters = Array.from({ length: 20_000 }, (_, index) => String.fromCodePoint(0x4e00 + index)).join("")
    for (const input of [letters, `a@${letters}`, `a@${"a.".repeat(30_000)}!`, `a@${"a-".repeat(30_000)}`]) {
      assert.isNull(normalized(input))
    }
    assert.isBelow(performance.now() - begun, 1000)
  })

  const Part = Schema.String.check(Schema.isMaxLength(40))

  it.prop("writes an address once: writing it again changes nothing", [Part, Part], ([local, domain]) => {
    for (const input of [`${local}@${domain}`, `${local}@${domain}.example`, `${domain}@example.com`]) {
      const once = User.normalizeEmail(input)
      assert.strictEqual(User.normalizeEmail(once), once)
    }
  })

  it.prop("is refused or answered, never thrown at, for any text", [Schema.String], ([input]) => {
    assert.isTrue(Option.isOption(decode(input)))
    assert.isTrue(Option.isOption(decode(`ada@${input}`)))
  })
})

describe("DisplayName", () => {
  const accepts = (name: string) => Option.isSome(Schema.decodeUnknownOption(User.DisplayName)(name))

  it("takes 1 to 200 characters of any script", () => {
    for (const name of ["a", "Ada Lovelace", "李雷", "  é ", "👩‍🚀", "x".repeat(200)]) assert.isTrue(accepts(name), name)
  })

  it("refuses nothing, spaces alone, 201 characters, control characters and half of a surrogate pair", () => {
    for (const name of ["", " ", "\u3000", "x".repeat(201), "a\nb", "a\u0000", "\ta", "a\u007F", "a\uD800"]) {
      assert.isFalse(accepts(name), JSON.stringify(name))
    }
  })

  it("refuses what turns the direction of the text around it", () => {
    for (const name of ["\u202Ekcalb", "Ada\u202E", "\u2066Ada\u2069"])
      assert.isFalse(accepts(name), JSON.stringify(name))
  })

  it("refuses 64 KiB that only the last character spoils at once", () => {
    const begun = performance.now()
    assert.isFalse(accepts(`${"a".repeat(65_000)}\n`))
    assert.isFalse(accepts(`${" ".repeat(65_000)}\n`))
    assert.isBelow(performance.now() - begun, 500)
  })
})

describe("ImageUrl", () => {
  const accepts = (url: string) => Option.isSome(Schema.decodeUnknownOption(User.ImageUrl)(url))

  it("takes http and https", () => {
    assert.isTrue(accepts("https://example.com/ada.png?size=64"))
    assert.isTrue(accepts("http://localhost:3000/ada.png"))
  })

  it("refuses other schemes, spaces, quotes, markup and 2,049 characters", () => {
    for (const url of [
      "javascript:alert(1)",
      "data:image/png;base64,AAAA",
      "//example.com/a.png",
      "https://",
      "https://example.com/a b.png",
      `https://example.com/"onerror=`,
      "https://example.com/<script>",
      "https://example.com\\a.png",
      `https://example.com/${"a".repeat(2029)}`,
    ]) {
      assert.isFalse(accepts(url), url)
    }
  })
})

describe("User", () => {
  it.effect("survives the way over the wire", () =>
    Effect.gen(function* () {
      const codec = Schema.toCodecJson(User.User)
      const bare = yield* Builders.user()
      const full = yield* Builders.user({
        image: "https://example.com/a.png",
        emailVerifiedAt: DateTime.makeUnsafe(1_700_000_000_123),
        scopes: ["reports:read"],
      })
      for (const user of [bare, full]) {
        const text = JSON.stringify(yield* Schema.encodeEffect(codec)(user))
        assert.deepStrictEqual(yield* Schema.decodeUnknownEffect(codec)(JSON.parse(text)), user)
      }
    }),
  )

  it.effect("holds a scope only by its whole name, and needs every one that is asked for", () =>
    Effect.gen(function* () {
      const user = yield* Builders.user({ scopes: ["reports:read", "reports:write"] })
      assert.isTrue(User.hasScopes(user, []))
      assert.isTrue(User.hasScopes(user, ["reports:write", "reports:read"]))
      assert.isFalse(User.hasScopes(user, ["reports:read", "admin"]))
      assert.isFalse(User.hasScopes(user, ["reports"]))
      assert.isFalse(User.hasScopes(user, ["REPORTS:READ"]))
    }),
  )
})
