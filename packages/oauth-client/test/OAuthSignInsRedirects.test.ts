/**
 * Redirect targets: nobody is led elsewhere than to this site and its allowed origins.
 */
import * as OAuthSignIns from "@belfry/oauth-client/OAuthSignIns"
import * as Site from "@belfry/core/Site"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import * as Flow from "./support/Flow.ts"

const hostile: ReadonlyArray<string> = [
  // Other sites, plainly.
  "https://evil.example",
  "https://evil.example/account",
  "http://evil.example:3000/",
  "https://localhost:3000/",
  "http://localhost/",
  "http://localhost:3001/",
  "http://localhost.evil.example:3000/",
  "http://localhost:3000.evil.example/",
  "http://127.0.0.1:3000/",
  "http://[::1]:3000/",
  "HTTPS://EVIL.EXAMPLE",
  "https://xn--evil-9na.example/",
  "https://docs.example.evil.example/",
  "https://evildocs.example/",
  "http://docs.example/",
  "https://docs.example:444/",
  // Without a scheme.
  "//evil.example",
  "///evil.example",
  "////evil.example",
  "//evil.example/%2e%2e",
  "//localhost:3000@evil.example/",
  "/\\evil.example",
  "\\\\evil.example",
  "\\/evil.example",
  "/\\/evil.example",
  "/\\\\evil.example",
  "/%5Cevil.example",
  "/%5cevil.example",
  "/%255Cevil.example",
  "/%2F%2Fevil.example",
  "/%2f/evil.example",
  "/%2F/evil.example",
  "/%252F%252Fevil.example",
  "/.//evil.example",
  "/..//evil.example",
  "/a/..//evil.example",
  "/account//evil.example",
  // Characters that readers of URLs drop.
  "/\t/evil.example",
  "/\n/evil.example",
  "/\r/evil.example",
  "/\u0000/evil.example",
  "/%09/evil.example",
  "/%0d%0aLocation:%20https://evil.example",
  "/account\r\nSet-Cookie: a=b",
  "\thttps://evil.example",
  " //evil.example",
  "/ /evil.example",
  "/\u00A0/evil.example",
  "/\u200B/evil.example",
  "/\u202E/evil.example",
  "/\uFEFF/evil.example",
  "\u0001https://evil.example",
  "/\uD800",
  // User names, or hosts that look like ours.
  "http://localhost:3000@evil.example/",
  "http://localhost:3000%40evil.example/",
  "http://user:password@localhost:3000/",
  "http://@localhost:3000/",
  "http://localhost:3000\\@evil.example/",
  "http://evil.example#@localhost:3000/",
  "http://evil.example?@localhost:3000/",
  "http://evil.example\\.localhost:3000/",
  "http://%6c%6f%63%61%6c%68%6f%73%74:3000/",
  // Slashes too few or too many.
  "http:evil.example",
  "http:/evil.example",
  "http:///evil.example",
  "http:localhost:3000",
  "https:/\\evil.example",
  // Other schemes.
  "javascript:alert(1)",
  "JavaScript://localhost:3000/%0aalert(1)",
  "java\nscript:alert(1)",
  "data:text/html,<script>alert(1)</script>",
  "vbscript:msgbox(1)",
  "file:///etc/passwd",
  "ftp://localhost:3000/",
  "blob:http://localhost:3000/1",
  "about:blank",
  "mailto:a@evil.example",
  "ws://localhost:3000/",
  "view-source:http://localhost:3000/",
  // No path of this site.
  "",
  "account",
  "evil.example",
  "./account",
  "../account",
  "?next=/",
  "#top",
  "localhost:3000",
  `/${"a".repeat(2048)}`,
]

const welcome: ReadonlyArray<readonly [asked: string, target: string]> = [
  ["/", "/"],
  ["/account", "/account"],
  ["/a/b?c=d&e=%2Ff", "/a/b?c=d&e=%2Ff"],
  ["/a#b", "/a"],
  // What looks like a host is the fragment.
  ["http://localhost:3000#@evil.example/", "http://localhost:3000/"],
  ["/?next=https://evil.example", "/?next=https://evil.example"],
  ["http://localhost:3000/inside#x", "http://localhost:3000/inside"],
  ["https://docs.example/start?x=1", "https://docs.example/start?x=1"],
  ["https://docs.example", "https://docs.example/"],
]

const site = Layer.orDie(Site.layer({ baseUrl: "http://localhost:3000", allowedOrigins: ["https://docs.example"] }))
const layer = Layer.fresh(Layer.provide(OAuthSignIns.layer, site)).pipe(Layer.provideMerge(Flow.layer))

const targets = Effect.fnUntraced(function* (target: string) {
  const providerId = yield* Flow.addProvider()
  const all = { redirectUrl: target, newUserRedirectUrl: target, errorRedirectUrl: target }
  const { newUserRedirectUrl: _, ...plain } = all
  const person = { sub: Flow.unique(), email: `${Flow.unique()}@example.com` }
  const begun = yield* Flow.begin({ providerId, request: all })
  const state = begun.location.searchParams.get("state") ?? ""
  const refused = yield* Flow.comeBack(begun, { state, error: "access_denied" })
  const { session } = yield* Flow.sessionOf(yield* Flow.addUser())
  const different = yield* Flow.addProvider({ allowDifferentLinkEmails: true })
  return {
    signedUp: Flow.done(yield* Flow.signIn(providerId, person, all)).redirectTo,
    signedIn: Flow.done(yield* Flow.signIn(providerId, person, plain)).redirectTo,
    linked: Flow.done(yield* Flow.link(different, session, { sub: Flow.unique() }, plain)).redirectTo,
    refused: refused._tag === "Refused" ? refused.redirectTo : "?",
  }
})

describe("Redirect targets", () => {
  it("are tried with a corpus of at least 60 that lead elsewhere", () => {
    assert.isAtLeast(new Set(hostile).size, 60)
    assert.strictEqual(new Set(hostile).size, hostile.length)
  })

  it.effect("are dropped where they lead elsewhere, for the new, the known, who links and who is refused", () =>
    Effect.gen(function* () {
      for (const target of hostile) {
        const nowhere = { signedUp: "/account", signedIn: "/account", linked: "/account", refused: null }
        assert.deepStrictEqual(yield* targets(target), nowhere, JSON.stringify(target))
      }
    }).pipe(Effect.provide(layer)),
  )

  it.effect("are followed to this site and to allowed origins, without their fragment", () =>
    Effect.gen(function* () {
      for (const [asked, target] of welcome) {
        const { refused, ...followed } = yield* targets(asked)
        assert.deepStrictEqual(followed, { signedUp: target, signedIn: target, linked: target }, asked)
        assert.strictEqual(refused, `${target}${target.includes("?") ? "&" : "?"}error=access_denied`)
      }
    }).pipe(Effect.provide(layer)),
  )
})
