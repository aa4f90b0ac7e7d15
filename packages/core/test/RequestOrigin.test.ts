import * as RequestOrigin from "@belfry/core/RequestOrigin"
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"

const baseOrigin = "https://app.example"
const allowed = "https://spa.example"
const foreign = "https://evil.example"

const passes = (request: Partial<RequestOrigin.RequestOrigin>) =>
  Result.isSuccess(
    RequestOrigin.check({
      method: "POST",
      hasCookieCredential: true,
      secFetchSite: undefined,
      origin: undefined,
      baseOrigin,
      allowedOrigins: [allowed],
      ...request,
    }),
  )

describe("RequestOrigin", () => {
  // Who may make a POST with a cookie, by `Sec-Fetch-Site` (rows) and `Origin` (columns).
  const origins = { absent: undefined, base: baseOrigin, allowed, foreign, null: "null", empty: "" } as const
  const table: ReadonlyArray<readonly [site: string | undefined, ...outcomes: ReadonlyArray<boolean>]> = [
    //              absent  base   allowed foreign null   empty
    ["same-origin", true, true, true, true, true, true],
    ["none", true, true, true, false, false, false],
    ["same-site", false, false, true, false, false, false],
    ["cross-site", false, false, true, false, false, false],
    ["a-later-value", false, false, true, false, false, false],
    ["Same-Origin", false, false, true, false, false, false],
    ["same-origin, cross-site", false, false, true, false, false, false],
    ["", false, false, true, false, false, false],
    [undefined, false, true, true, false, false, false],
  ]
  for (const [secFetchSite, ...outcomes] of table) {
    for (const [index, [name, origin]] of Object.entries(origins).entries()) {
      const outcome = outcomes[index] === true
      it(`${outcome ? "lets through" : "refuses"} Sec-Fetch-Site ${secFetchSite ?? "absent"} with origin ${name}`, () => {
        assert.strictEqual(passes({ secFetchSite, origin }), outcome)
      })
    }
  }

  it("holds every method but GET, HEAD and OPTIONS to that", () => {
    for (const method of ["POST", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "QUERY", "get", "Head", ""]) {
      assert.isFalse(passes({ method, secFetchSite: "cross-site", origin: foreign }), method)
    }
    for (const method of ["GET", "HEAD", "OPTIONS"]) {
      assert.isTrue(passes({ method, secFetchSite: "cross-site", origin: foreign }), method)
    }
  })

  it("lets anything through that carries no cookie", () => {
    for (const origin of Object.values(origins)) {
      for (const [secFetchSite] of table) {
        assert.isTrue(passes({ hasCookieCredential: false, secFetchSite, origin }))
      }
    }
  })

  it("takes `null` for nobody's origin, even when it is listed", () => {
    const allowedOrigins = ["null", ""]
    for (const secFetchSite of [undefined, "none", "same-site", "cross-site"]) {
      assert.isFalse(passes({ secFetchSite, origin: "null", allowedOrigins }), secFetchSite)
      assert.isFalse(passes({ secFetchSite, origin: "null", allowedOrigins, baseOrigin: "null" }), secFetchSite)
    }
  })

  it("compares origins whole", () => {
    for (const origin of [
      "https://app.example.evil.example",
      "https://evilapp.example",
      "http://app.example",
      "https://app.example:8443",
      "https://app.example/",
      "https://sub.app.example",
      "app.example",
      "https://APP.example",
      `${baseOrigin} ${foreign}`,
      "https://spa.example:444",
      "https://spa.exampl",
    ]) {
      assert.isFalse(passes({ origin }), origin)
    }
  })

  it("answers with an error that says nothing about the request", () => {
    const result = RequestOrigin.check({
      method: "POST",
      hasCookieCredential: true,
      secFetchSite: "cross-site",
      origin: foreign,
      baseOrigin,
      allowedOrigins: [],
    })
    if (Result.isSuccess(result)) return assert.fail("passed")
    assert.strictEqual(result.failure._tag, "CrossOriginRequest")
    assert.notInclude(`${result.failure.message} ${JSON.stringify(result.failure)}`, "evil")
  })
})
