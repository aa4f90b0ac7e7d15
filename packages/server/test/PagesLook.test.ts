import { english, PageCatalogues, select } from "@belfry/server/PageCatalogues"
import { defaultTheme, PageTheme } from "@belfry/server/PageTheme"
import { deviceName } from "@belfry/server/pages/device"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { browser, layerServices, serve, serveWithApi, signUp } from "./support/PageBrowser.ts"
import { authorizeUrl, go, makeClient } from "./support/PageClients.ts"
import { founder, invite } from "./support/PageOrganizations.ts"
import { layerProviders } from "./support/PageProviders.ts"

const filesOf = (text: string) => [...text.matchAll(/(?:href|src)="(\/assets\/[^"]+)"/gu)].map(([, path]) => path ?? "")

describe("the files of the pages", () => {
  it.effect("have the hash of their content in their path, and may be kept for ever", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serve())
      const paths = filesOf((yield* ada.open("/sign-in")).text)
      assert.strictEqual(paths.length, 4)
      for (const path of paths) {
        const file = yield* ada.open(path)
        assert.strictEqual(file.status, 200)
        assert.match(path, /^\/assets\/belfry\.[0-9a-f]{16}\.(?:css|js|svg)$/u)
        assert.strictEqual(file.headers.get("cache-control"), "public, max-age=31536000, immutable")
        assert.strictEqual(file.headers.get("x-content-type-options"), "nosniff")
        assert.match(file.headers.get("content-type") ?? "", /^(?:text\/css|text\/javascript|image\/svg\+xml)/u)
      }
    }).pipe(Effect.provide(layerServices())),
  )

  it.effect("are compressed for browsers that read that, and for no others", () =>
    Effect.gen(function* () {
      const { handler, origin } = yield* serve()
      const ask = (path: string, encoding?: string) =>
        Effect.promise(() =>
          handler(
            new Request(new URL(path, origin), {
              headers: encoding === undefined ? {} : { "accept-encoding": encoding },
            }),
          ),
        )
      const page = yield* ask("/sign-in", "gzip")
      assert.isNull(page.headers.get("content-encoding"))
      for (const path of filesOf(yield* Effect.promise(() => page.text()))) {
        const plain = yield* ask(path)
        const text = yield* Effect.promise(() => plain.text())
        for (const encoding of ["gzip", "deflate, gzip, br", "br,GZIP"]) {
          const answer = yield* ask(path, encoding)
          assert.strictEqual(answer.headers.get("content-encoding"), "gzip")
          assert.strictEqual(answer.headers.get("content-type"), plain.headers.get("content-type"))
          const body = new Blob([yield* Effect.promise(() => answer.arrayBuffer())])
          assert.isBelow(body.size, text.length)
          const read = body.stream().pipeThrough(new DecompressionStream("gzip"))
          assert.strictEqual(yield* Effect.promise(() => new Response(read).text()), text)
        }
        for (const encoding of [undefined, "", "identity", "gzip;q=0", "br", "x-gzip"]) {
          const answer = yield* ask(path, encoding)
          assert.isNull(answer.headers.get("content-encoding"))
          assert.strictEqual(answer.headers.get("vary"), "accept-encoding")
          assert.strictEqual(yield* Effect.promise(() => answer.text()), text)
        }
      }
    }).pipe(Effect.provide(layerServices())),
  )

  it.effect("weigh less than 10 kB on the wire, heads and all, with the first page of a flow", () =>
    Effect.gen(function* () {
      const site = yield* serveWithApi()
      const client = yield* makeClient({}, { isDynamic: true })
      const ada = browser(site)
      const { url } = yield* go(ada, authorizeUrl(client))
      const cookie = [...ada.cookies].map(([name, value]) => `${name}=${value}`).join("; ")
      const weigh = Effect.fnUntraced(function* (path: string) {
        const request = new Request(new URL(path, site.origin), { headers: { cookie, "accept-encoding": "gzip" } })
        const response = yield* Effect.promise(() => site.handler(request))
        const head = [...response.headers].map(([name, value]) => `${name}: ${value}\r\n`).join("")
        const body = new Uint8Array(yield* Effect.promise(() => response.arrayBuffer()))
        return { bytes: head.length + body.length, text: new TextDecoder().decode(body) }
      })
      const page = yield* weigh(url.pathname + url.search)
      assert.include(page.text, "To continue to Analytical Engine")
      const files = yield* Effect.forEach(filesOf(page.text), weigh)
      assert.strictEqual(files.length, 4)
      assert.isBelow(
        [page, ...files].reduce((sum, { bytes }) => sum + bytes, 0),
        10_000,
      )
    }).pipe(Effect.provide(layerProviders())),
  )

  it.effect("weigh less than 15 kB together with a page", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serve())
      yield* signUp(ada, "ada@example.com")
      for (const path of ["/sign-in", "/sign-up", "/account"]) {
        const page = yield* (path === "/account" ? ada : browser(yield* serve())).open(path)
        const files = yield* Effect.forEach(filesOf(page.text), (file) => ada.open(file))
        const bytes = [page, ...files].map(({ text }) => new TextEncoder().encode(text).length)
        // The script of passkeys comes along where they are offered.
        assert.strictEqual(files.length, path === "/sign-in" ? 4 : 3)
        assert.isBelow(
          bytes.reduce((sum, size) => sum + size, 0),
          15_000,
        )
      }
    }).pipe(Effect.provide(layerServices())),
  )

  it.effect("weigh less than 15 kB with an invitation, which may be the first page that somebody sees", () =>
    Effect.gen(function* () {
      const site = yield* serve()
      const { path } = yield* invite(yield* founder(site), "bob@example.com")
      const bob = browser(site)
      const page = yield* bob.open(path)
      const files = yield* Effect.forEach(filesOf(page.text), (file) => bob.open(file))
      const bytes = [page, ...files].map(({ text }) => new TextEncoder().encode(text).length)
      assert.isBelow(
        bytes.reduce((sum, size) => sum + size, 0),
        15_000,
      )
    }).pipe(Effect.provide(layerServices())),
  )
})

describe("the theme of the host", () => {
  const themed = (theme: Partial<typeof PageTheme.Service>) =>
    layerServices().pipe(Layer.provideMerge(Layer.succeed(PageTheme, { ...defaultTheme, ...theme })))

  it.effect("is in the stylesheet, at another path than the default", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serve())
      const page = yield* ada.open("/sign-in")
      const [stylesheet = ""] = filesOf(page.text)
      const css = (yield* ada.open(stylesheet)).text
      assert.include(css, "--accent:light-dark(#0a7,oklch(80% 0.1 160))")
      assert.include(css, "--radius:0")
      assert.include(page.text, '<img src="https://cdn.example.com/logo.svg" alt="Example &amp; Sons"')
      assert.include(page.headers.get("content-security-policy"), "img-src 'self' https://cdn.example.com;")
      const plain = yield* browser(yield* Effect.provide(serve(), Layer.succeed(PageTheme, defaultTheme))).open(
        "/sign-in",
      )
      assert.notStrictEqual(filesOf(plain.text)[0], stylesheet)
    }).pipe(
      Effect.provide(
        themed({
          accent: { light: "#0a7", dark: "oklch(80% 0.1 160)" },
          radius: "0",
          logo: { src: "https://cdn.example.com/logo.svg", alt: "Example & Sons" },
        }),
      ),
    ),
  )

  for (const [name, theme] of [
    ["a colour that ends its rule", { accent: { light: "#000;} body{display:none", dark: "#fff" } }],
    ["a length that is none", { radius: "calc(1px)" }],
    ["a logo of another scheme", { logo: { src: "javascript:alert(1)", alt: "" } }],
    ["a logo that widens the policy", { logo: { src: "https://a.example; script-src *", alt: "" } }],
  ] as const) {
    it.effect(`is refused with ${name}`, () =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(serve())
        assert.strictEqual(error._tag, "PageThemeInvalid")
      }).pipe(Effect.provide(themed(theme))),
    )
  }
})

describe("the language of the pages", () => {
  const german = { ...english, locale: "de", signIn: { ...english.signIn, title: "Anmelden" } }

  it("is the reader's first that there is, by its own tag or a shorter one", () => {
    const locales = [english, german] as const
    const chosen = (header: string | undefined) => select(locales, header).locale
    assert.strictEqual(chosen("de"), "de")
    assert.strictEqual(chosen("de-AT, en;q=0.8"), "de")
    assert.strictEqual(chosen("DE-Latn-CH"), "de")
    assert.strictEqual(chosen("fr, de;q=0.5, en;q=0.9"), "en")
    assert.strictEqual(chosen("de;q=0, fr"), "en")
    for (const header of [undefined, "", "*", ";;;", "de;q=x", "d".repeat(10_000)]) {
      assert.strictEqual(chosen(header), "en")
    }
  })

  it.effect("is said in the document and in the headers", () =>
    Effect.gen(function* () {
      const page = yield* browser(yield* serve()).open("/sign-in", { headers: { "accept-language": "de-DE,de;q=0.9" } })
      assert.include(page.text, '<html lang="de"')
      assert.include(page.text, "<h1>Anmelden</h1>")
      assert.strictEqual(page.headers.get("content-language"), "de")
      assert.strictEqual(page.headers.get("vary"), "accept-language")
    }).pipe(Effect.provide(layerServices().pipe(Layer.provideMerge(Layer.succeed(PageCatalogues, [english, german]))))),
  )
})

describe("the words for times and devices", () => {
  it("are relative, and dates when that says more", () => {
    const { ago, in: inWords } = english.time
    const minute = 60_000
    assert.strictEqual(ago(0, 59_999), "just now")
    assert.strictEqual(ago(0, minute), "1 minute ago")
    assert.strictEqual(ago(0, 180 * minute), "3 hours ago")
    assert.strictEqual(ago(0, 24 * 60 * minute), "yesterday")
    assert.strictEqual(ago(0, 40 * 24 * 60 * minute), "January 1, 1970")
    assert.strictEqual(ago(minute, 0), "just now")
    assert.deepStrictEqual([1, 59, 61, 5400, 5401].map(inWords), [
      "1 second",
      "59 seconds",
      "2 minutes",
      "90 minutes",
      "2 hours",
    ])
  })

  it("name browser and system, the label first", () => {
    const name = (userAgent: string | null, label: string | null = null) => deviceName({ userAgent, label }, english)
    const webkit = "AppleWebKit/537.36 (KHTML, like Gecko)"
    assert.deepStrictEqual(
      [
        name(`Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${webkit} Chrome/140.0.0.0 Safari/537.36`),
        name(`Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${webkit} Chrome/140.0.0.0 Safari/537.36 Edg/140.0`),
        name(`Mozilla/5.0 (Linux; Android 15; Pixel 9) ${webkit} Chrome/140.0.0.0 Mobile Safari/537.36`),
        name(
          "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15",
        ),
        name("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"),
        name("curl/8.5.0"),
        name("\u0000?"),
        name(null),
        name("curl/8.5.0", "Ada's laptop"),
      ],
      [
        "Chrome on Windows",
        "Edge on Windows",
        "Chrome on Android",
        "Safari on Mac",
        "Firefox on Linux",
        "curl",
        "Unknown device",
        "Unknown device",
        "Ada's laptop",
      ],
    )
  })
})
