import * as Site from "@belfry/core/Site"
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect, Result } from "effect"

const siteOf = (options: Site.SiteOptions) => Result.getOrThrow(Site.make(options))
const https = siteOf({ baseUrl: "https://app.example" })
const http = siteOf({ baseUrl: "http://localhost:3000" })

const failureOf = (options: Site.SiteOptions) => {
  const made = Site.make(options)
  return Result.isSuccess(made) ? "accepted" : `${made.failure.setting}: ${made.failure.reason}`
}

describe("Site", () => {
  it("makes absolute URLs with the query escaped", () => {
    assert.strictEqual(https.url("/"), "https://app.example/")
    assert.strictEqual(http.url("/auth/verify"), "http://localhost:3000/auth/verify")
    assert.strictEqual(
      https.url("/auth/verify", { token: "a b&c=d#e", next: "/x?y" }),
      "https://app.example/auth/verify?token=a+b%26c%3Dd%23e&next=%2Fx%3Fy",
    )
  })

  it("makes no URL that leaves the site, whatever the path", () => {
    for (const path of [
      "//evil.example",
      "///evil.example/x",
      "/\\evil.example",
      "/.//evil.example",
      "/\t/evil.example",
    ] as const) {
      assert.strictEqual(new URL(https.url(path)).origin, "https://app.example", path)
    }
  })

  it("keeps a path a path", () => {
    const url = new URL(https.url("/a?b#c", { d: "e" }))
    assert.deepStrictEqual([url.pathname, url.search, url.hash], ["/a%3Fb%23c", "?d=e", ""])
  })

  it("does not change when a caller changes the URL it made", () => {
    const site = siteOf({ baseUrl: "https://app.example" })
    site.url("/somewhere", { a: "b" })
    assert.strictEqual(site.url("/"), "https://app.example/")
  })

  it("prefixes cookies with __Host- exactly when it is served over https", () => {
    assert.strictEqual(https.cookieName("session"), "__Host-session")
    assert.isTrue(https.isSecure)
    assert.strictEqual(http.cookieName("session"), "session")
    assert.isFalse(http.isSecure)
  })

  it("normalizes the base URL and the allowed origins", () => {
    const site = siteOf({
      baseUrl: " HTTPS://App.Example:443/ ",
      allowedOrigins: ["https://SPA.example:443", "http://localhost:5173/"],
    })
    assert.strictEqual(site.origin, "https://app.example")
    assert.strictEqual(site.baseUrl.href, "https://app.example/")
    assert.deepStrictEqual(site.allowedOrigins, ["https://spa.example", "http://localhost:5173"])
  })

  const notOrigins: ReadonlyArray<readonly [text: string, reason: Site.SiteInvalid["reason"]]> = [
    ["", "not a URL"],
    ["app.example", "not a URL"],
    ["https://", "not a URL"],
    ["*", "not a URL"],
    ["null", "not a URL"],
    ["https://*.example", "wildcard"],
    ["ftp://app.example", "scheme"],
    ["file:///", "scheme"],
    ["localhost:3000", "scheme"],
    ["javascript:alert(1)", "scheme"],
    ["https://user@app.example", "userinfo"],
    ["https://:pw@app.example", "userinfo"],
    ["https://app.example/auth", "path"],
    ["https://app.example//", "path"],
    ["https://app.example/?a=b", "query"],
    ["https://app.example/#a", "fragment"],
  ]
  for (const [text, reason] of notOrigins) {
    it(`refuses "${text}" as base URL and as allowed origin: ${reason}`, () => {
      assert.strictEqual(failureOf({ baseUrl: text }), `BELFRY_BASE_URL: ${reason}`)
      assert.strictEqual(
        failureOf({ baseUrl: "https://app.example", allowedOrigins: ["https://ok.example", text] }),
        `BELFRY_ALLOWED_ORIGINS: ${reason}`,
      )
    })
  }

  it("does not show a password of a base URL that it refuses", () => {
    const made = Site.make({ baseUrl: "https://user:hunter2@app.example" })
    if (Result.isSuccess(made)) return assert.fail("accepted")
    assert.notInclude(`${made.failure.message} ${JSON.stringify(made.failure)}`, "hunter2")
  })

  it("refuses a name that is empty, of several lines or too long", () => {
    for (const name of ["", "  ", "a\nb", "a\r\nBcc: x", "a\u2028b", "a".repeat(101)]) {
      assert.strictEqual(failureOf({ baseUrl: "https://app.example", name }), "BELFRY_SITE_NAME: name", name)
    }
    assert.strictEqual(siteOf({ baseUrl: "https://app.example", name: " Ünïcode & Co " }).name, "Ünïcode & Co")
  })

  const fromEnvironment = (env: Record<string, string>) =>
    Site.Site.pipe(
      Effect.provide(Site.layerConfig, { local: true }),
      Effect.provide(ConfigProvider.layer(ConfigProvider.fromEnvRecord(env))),
    )

  it.effect("has defaults that serve on this machine", () =>
    Effect.gen(function* () {
      const site = yield* fromEnvironment({})
      assert.deepStrictEqual(
        [site.name, site.origin, site.allowedOrigins, site.isSecure],
        ["Belfry", "http://localhost:3000", [], false],
      )
    }),
  )

  it.effect("is read from the environment", () =>
    Effect.gen(function* () {
      const site = yield* fromEnvironment({
        BELFRY_BASE_URL: "https://app.example/",
        BELFRY_SITE_NAME: "Example",
        BELFRY_ALLOWED_ORIGINS: "https://a.example, ,https://b.example,",
      })
      assert.deepStrictEqual(
        [site.name, site.origin, site.allowedOrigins, site.isSecure],
        ["Example", "https://app.example", ["https://a.example", "https://b.example"], true],
      )
    }),
  )

  it.effect("fails to be built from a base URL with a path", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(fromEnvironment({ BELFRY_BASE_URL: "https://app.example/auth" }))
      assert.strictEqual(error._tag, "SiteInvalid")
      assert.strictEqual(error.message, "BELFRY_BASE_URL cannot be used: it has a path; only the origin counts")
    }),
  )

  it.effect("is also a layer of given options", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* Site.Site).origin, "https://app.example")
    }).pipe(Effect.provide(Site.layer({ baseUrl: new URL("https://app.example") }))),
  )
})
