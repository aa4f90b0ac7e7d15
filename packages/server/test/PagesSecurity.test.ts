import * as RequestBodyHandlers from "@belfry/core/RequestBodyHandlers"
import { StoreError } from "@belfry/core/StoreError"
import { defaultSessionPolicy } from "@belfry/core/Session"
import { Sessions } from "@belfry/core/Sessions"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { layerSelling } from "./support/PageBilling.ts"
import { browser, layerServices, mailedLink, password, serve, signUp, type Visited } from "./support/PageBrowser.ts"
import { found } from "./support/PageOrganizations.ts"

const email = "ada@example.com"

const forms = [
  "/sign-in",
  "/sign-in/email",
  "/sign-in/code",
  "/sign-in/link",
  "/sign-in/continue",
  "/sign-in/cancel",
  "/sign-in/enrol/hotp",
  "/sign-in/enrol/passkey",
  "/sign-in/enrol/totp",
  "/sign-in/passkey",
  "/sign-in/provider",
  "/sign-up",
  "/confirm-sign-up",
  "/forgot-password",
  "/reset-password",
  "/verify-email",
  "/confirm-email-change",
  "/account",
  "/account/backup-codes",
  "/account/confirm",
  "/account/delete",
  "/account/hotp",
  "/account/passkeys",
  "/account/passkeys/edit",
  "/account/remove",
  "/account/totp",
  "/account/unlink",
  "/authorize/organization",
  "/billing",
  "/billing/cancel",
  "/billing/plans",
  "/billing/plans?plan=pro&interval=month",
  "/invitations/accept",
  "/organizations",
  "/organizations/new",
  "/organizations/engines/invitations",
  "/organizations/engines/invitations/new",
  "/organizations/engines/leave",
  "/organizations/engines/roles/admin",
  "/organizations/engines/roles/admin/delete",
  "/organizations/engines/roles/new",
  "/organizations/engines/settings",
  "/organizations/engines/teams/new",
  "/sign-out",
] as const

/** Forms that are one button: an empty body is as good as any. */
const withoutFields: ReadonlyArray<string> = [
  "/sign-in/cancel",
  "/account/backup-codes",
  "/account/delete",
  "/sign-out",
]

const pages = [
  ...forms,
  "/account/passkeys/add",
  "/billing/checkout/none",
  "/billing/invoices",
  "/sign-in/enrol",
  "/sign-in/error",
  "/check-mail",
  "/nowhere",
  "/organizations/engines",
  "/organizations/engines/audit-log",
  "/organizations/engines/members",
  "/organizations/engines/members/nobody",
  "/organizations/engines/roles",
  "/organizations/engines/teams",
  "/organizations/engines/teams/none",
] as const

/** The headers without which a page is not served. */
const assertPageHeaders = (page: Visited, path: string) => {
  const policy = page.headers.get("content-security-policy")?.split("; ") ?? []
  assert.sameMembers(
    policy,
    [
      "default-src 'none'",
      "style-src 'self'",
      "script-src 'self'",
      "img-src 'self'",
      "form-action 'self'",
      "base-uri 'none'",
      "frame-ancestors 'none'",
      // Only the script of passkeys asks the API.
      ...(/ data-passkey="/u.test(page.text) ? ["connect-src 'self'"] : []),
    ],
    path,
  )
  assert.strictEqual(page.headers.get("x-content-type-options"), "nosniff", path)
  assert.strictEqual(page.headers.get("cache-control"), "no-store", path)
  assert.strictEqual(page.headers.get("cross-origin-opener-policy"), "same-origin", path)
  assert.match(page.headers.get("strict-transport-security") ?? "", /^max-age=\d{8}/u, path)
  assert.match(page.headers.get("referrer-policy") ?? "", /^(?:same-origin|strict-origin)$/u, path)
  assert.isNotNull(page.headers.get("permissions-policy"), path)
}

describe("every page", () => {
  describe("RFC 9700 §4.2.4", () => {
    it.effect(
      "SHOULD load nothing of other sites, by the security headers of all, signed in or not, and has no style of its own",
      () =>
        Effect.gen(function* () {
          const site = yield* serve()
          const ada = browser(site)
          yield* signUp(ada, email)
          yield* found(ada)
          for (const path of pages) {
            for (const visitor of [browser(site), ada]) {
              const page = yield* visitor.open(path)
              assertPageHeaders(page, path)
              assert.notMatch(page.text, /<style|\sstyle="|\son[a-z]+="|<script>|javascript:/iu, path)
              if (page.location === null)
                assert.strictEqual(page.headers.get("content-type"), "text/html; charset=utf-8")
            }
            const refused = yield* ada.submit(path, {}, { headers: { "content-type": "text/plain" } })
            if (refused.status !== 404) assertPageHeaders(refused, path)
          }
        }).pipe(Effect.provide(layerSelling())),
    )
  })

  it.effect("promises no https where the site has none, and names its cookie without the prefix", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serve())
      yield* signUp(ada, email)
      assert.isNull((yield* ada.open("/account")).headers.get("strict-transport-security"))
      assert.deepStrictEqual([...ada.cookies.keys()], ["belfry_session"])
    }).pipe(Effect.provide(layerServices({ baseUrl: "http://localhost:3000" }))),
  )

  it.effect("lets forms lead to the origins that the site allows", () =>
    Effect.gen(function* () {
      const page = yield* browser(yield* serve()).open("/sign-in")
      assert.include(page.headers.get("content-security-policy"), "form-action 'self' https://app.example.com;")
    }).pipe(Effect.provide(layerServices({ allowedOrigins: ["https://app.example.com"] }))),
  )
})

describe("a form that another site sends", () => {
  const foreign = [
    { "sec-fetch-site": "cross-site", origin: "https://evil.example" },
    { "sec-fetch-site": "same-site", origin: "https://blog.example.com" },
    { "sec-fetch-site": "cross-site", origin: "https://id.example.com" },
    { "sec-fetch-site": "none", origin: "https://evil.example" },
    { "sec-fetch-site": "cross-site", origin: "null" },
    { "sec-fetch-site": "", origin: "null" },
  ]

  it.effect("is refused on every page, with and without a session", () =>
    Effect.gen(function* () {
      const site = yield* serve()
      const ada = browser(site)
      yield* signUp(ada, email)
      yield* found(ada)
      for (const path of forms) {
        for (const headers of foreign) {
          for (const visitor of [ada, browser(site)]) {
            const page = yield* visitor.submit(path, { action: "revoke-others", email, password }, { headers })
            assert.strictEqual(page.status, 403, `${path} ${JSON.stringify(headers)}`)
            assert.deepStrictEqual(page.headers.getSetCookie(), [])
            assert.include(page.text, "This request came from elsewhere")
          }
        }
      }
      assert.strictEqual((yield* ada.open("/account")).status, 200)
    }).pipe(Effect.provide(layerSelling())),
  )

  it.effect("is known by its Origin where a browser says no more", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serve())
      yield* signUp(ada, email)
      const send = (origin: string) =>
        ada.send("POST", "/account", {
          body: "action=name&name=Ada",
          headers: { "content-type": "application/x-www-form-urlencoded", origin },
        })
      assert.strictEqual((yield* send("https://evil.example")).status, 403)
      assert.strictEqual((yield* send("null")).status, 403)
      assert.strictEqual((yield* send("https://id.example.com")).status, 303)
      const bare = yield* ada.send("POST", "/account", {
        body: "action=name&name=Ada",
        headers: { "content-type": "application/x-www-form-urlencoded" },
      })
      assert.strictEqual(bare.status, 403)
    }).pipe(Effect.provide(layerServices())),
  )

  it.effect("cannot have a page do anything by GET", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serve())
      yield* signUp(ada, email)
      yield* found(ada)
      const headers = { "sec-fetch-site": "cross-site" }
      for (const path of [
        "/sign-out",
        "/account/delete",
        "/account?action=revoke-others",
        "/account?action=name&name=Eve",
        "/organizations/new?name=Eve&slug=eve",
        "/organizations/engines/leave",
        "/organizations/engines/settings?action=save&name=Eve",
      ]) {
        yield* ada.open(path, { headers })
      }
      const account = yield* ada.open("/account")
      assert.strictEqual(account.status, 200)
      assert.notInclude(account.text, "Eve")
      assert.include(account.text, "Analytical Engines")
    }).pipe(Effect.provide(layerServices())),
  )
})

describe("a form that is none", () => {
  const bytes = (...values: ReadonlyArray<number>) => new Uint8Array(values)

  const bodies: ReadonlyArray<readonly [name: string, body: string | Uint8Array<ArrayBuffer>, type?: string]> = [
    ["empty", ""],
    ["separators alone", "&&=&=&"],
    ["a field twice", "email=a%40example.com&email=b%40example.com&password=12345678"],
    ["bytes that are no UTF-8", bytes(0x65, 0x6d, 0x61, 0x69, 0x6c, 0x3d, 0xff, 0xfe)],
    ["escaped bytes that are no UTF-8", "email=%ff%fe&password=%c0%80"],
    ["a broken escape", "email=%&password=%zz"],
    ["a NUL", "email=a%00%40example.com&password=12345678&token=%00&name=%00"],
    ["names of Object.prototype", "__proto__=x&constructor=y&toString=z&hasOwnProperty=w"],
    ["brackets", "email[]=a&email[x]=b&password[$ne]="],
    ["a long value", `email=${"a".repeat(60_000)}%40example.com&password=${"p".repeat(5000)}&token=${"t".repeat(300)}`],
    ["too large", `email=${"a".repeat(70_000)}`],
    ["JSON", `{"email":"a@example.com"}`, "application/json"],
    ["a text", "email=a@example.com", "text/plain"],
    ["a multipart body", "--x\r\n\r\n--x--", "multipart/form-data; boundary=x"],
    ["no type", "email=a@example.com", ""],
    ["a type in capitals", "email=a", "Application/X-WWW-Form-URLEncoded; charset=utf-8"],
  ]

  it.effect("gets a page with a 4xx, on every page, with and without a session", () =>
    Effect.gen(function* () {
      const site = yield* serve()
      const ada = browser(site)
      yield* signUp(ada, email)
      yield* found(ada)
      for (const path of forms.filter((path) => !withoutFields.includes(path))) {
        for (const [name, body, type = "application/x-www-form-urlencoded"] of bodies) {
          for (const visitor of [ada, browser(site)]) {
            const page = yield* visitor.send("POST", path, {
              body,
              headers: { "content-type": type, origin: site.origin, "sec-fetch-site": "same-origin" },
            })
            const message = `${path}, ${name}: ${page.status}`
            // Somebody without a session is led to sign in.
            if (page.status === 303) assert.match(page.location ?? "", /^\/sign-in/u, message)
            else assert.include([400, 401, 409, 413, 415, 422, 429], page.status, message)
            if (page.status !== 303) assert.include(page.text, "</html>", message)
          }
        }
      }
    }).pipe(Effect.provide(layerSelling())),
  )

  it.effect("is told apart by its status", () =>
    Effect.gen(function* () {
      const site = yield* serve()
      const send = (body: string | Uint8Array<ArrayBuffer>, type = "application/x-www-form-urlencoded") =>
        Effect.map(
          browser(site).send("POST", "/sign-in", { body, headers: { "content-type": type, origin: site.origin } }),
          ({ status }) => status,
        )
      assert.strictEqual(yield* send(`email=${"a".repeat(65_537)}`), 413)
      assert.strictEqual(yield* send(`email=${"a".repeat(65_536 - 6)}`), 422)
      assert.strictEqual(yield* send("email=a", "text/plain"), 415)
      assert.strictEqual(yield* send("email=a&email=b"), 400)
      assert.strictEqual(yield* send("email=%ff"), 400)
      assert.strictEqual(yield* send(bytes(0x65, 0x6d, 0x61, 0x69, 0x6c, 0x3d, 0xff)), 400)
      assert.strictEqual(yield* send("constructor=x&toString=y"), 422)
    }).pipe(Effect.provide(layerServices())),
  )

  it.effect("is read as the host reads bodies, which tells what is too large from what breaks off", () => {
    let read: Effect.Effect<Uint8Array, RequestBodyHandlers.BodyUnreadable> = Effect.succeed(new Uint8Array())
    const body = RequestBodyHandlers.make(() => Effect.suspend(() => read))
    const failing = (reason: RequestBodyHandlers.BodyUnreadable["reason"]) =>
      Effect.fail(new RequestBodyHandlers.BodyUnreadable({ reason }))
    return Effect.gen(function* () {
      const visitor = browser(yield* serve())
      for (const [next, status] of [
        [failing("too-large"), 413],
        [failing("broken"), 400],
        [Effect.succeed(bytes(0x65, 0x3d, 0xff)), 400],
        [Effect.succeed(new TextEncoder().encode("email=ada@example.com")), 422],
      ] as const) {
        read = next
        assert.strictEqual((yield* visitor.submit("/sign-in", { email: "" })).status, status)
      }
      const page = yield* visitor.submit("/sign-in", { email: "" })
      assert.include(page.text, 'value="ada@example.com"')
    }).pipe(Effect.provideService(RequestBodyHandlers.RequestBody, body), Effect.provide(layerServices()))
  })

  it.effect("with odd cookies, queries and headers is still a page", () =>
    Effect.gen(function* () {
      const site = yield* serve()
      for (const path of pages) {
        for (const [query, headers] of [
          ["?token=%ff&return_to=%ff&done=%", {}],
          ["?token[]=x&return_to=&done=", { cookie: "__Host-belfry_session=; __Host-belfry_session=%ff; =;;" }],
          ["?__proto__=x&constructor", { cookie: `__Host-belfry_session=belfry_session_${"a".repeat(43)}` }],
          ["", { "accept-language": `${"x-".repeat(400)};q=2,*;q=-1,;;q`, referer: "::::", "user-agent": "<b>" }],
        ] as const) {
          const page = yield* browser(site).open(`${path}${query}`, { headers })
          assert.isBelow(page.status, 500, path + query)
        }
      }
    }).pipe(Effect.provide(layerSelling())),
  )
})

describe("what goes wrong", () => {
  const failing = (verify: Sessions["Service"]["verify"]) =>
    Layer.mock(Sessions, { policy: defaultSessionPolicy, verify }).pipe(Layer.provideMerge(layerServices()))

  it.effect("is a page with Retry-After when a store is away, and signs nobody out", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serve())
      ada.cookies.set("__Host-belfry_session", "any")
      for (const path of ["/account", "/sign-in", "/"]) {
        const page = yield* ada.open(path)
        assert.strictEqual(page.status, 503)
        assert.strictEqual(page.headers.get("retry-after"), "1")
        assertPageHeaders(page, path)
        assert.include(page.text, "We will be right back")
        assert.deepStrictEqual(page.headers.getSetCookie(), [])
      }
    }).pipe(
      Effect.provide(
        failing(() =>
          Effect.fail(
            new StoreError({ store: "SessionStore", method: "find", isRetryable: true, cause: new Error("secret") }),
          ),
        ),
      ),
    ),
  )

  it.effect("is a page that tells nothing when it is our own mistake", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serve())
      ada.cookies.set("__Host-belfry_session", "any")
      const page = yield* ada.open("/account")
      assert.strictEqual(page.status, 500)
      assertPageHeaders(page, "/account")
      assert.notInclude(page.text, "secret")
    }).pipe(Effect.provide(failing(() => Effect.die(new Error("secret"))))),
  )

  it.effect("is a page for an unknown path, for people alone, and never below /auth", () =>
    Effect.gen(function* () {
      const eve = browser(yield* serve())
      const page = yield* eve.open("/nowhere?x=<b>")
      assert.strictEqual(page.status, 404)
      assert.include(page.text, "Page not found")
      assert.notInclude(page.text, "<b>")
      for (const [path, accept] of [
        ["/nowhere", "application/json"],
        ["/auth/nowhere", "text/html"],
        ["/auth", "text/html"],
      ] as const) {
        const answer = yield* eve.open(path, { headers: { accept } })
        assert.deepStrictEqual([answer.status, answer.text], [404, ""], path)
      }
    }).pipe(Effect.provide(layerServices())),
  )
})

describe("a password manager", () => {
  it.effect("finds the page that changes the password", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serve())
      const before = yield* ada.open("/.well-known/change-password")
      assert.deepStrictEqual([before.status, before.location], [303, "/sign-in?return_to=%2Faccount%23password"])
      yield* signUp(ada, email)
      const page = yield* ada.open("/.well-known/change-password")
      assert.deepStrictEqual([page.status, page.location], [303, "/account#password"])
      const probe = yield* ada.open("/.well-known/resource-that-should-not-exist-whose-status-code-should-not-be-200")
      assert.strictEqual(probe.status, 404)
    }).pipe(Effect.provide(layerServices())),
  )

  it.effect("is told what each field is for", () =>
    Effect.gen(function* () {
      const site = yield* serve()
      const ada = browser(site)
      const autocompletes = (page: Visited) =>
        [...page.text.matchAll(/<input[^>]* name="([^"]+)"[^>]* autocomplete="([^"]+)"/gu)].map(
          ([, name, purpose]) => `${name}: ${purpose}`,
        )
      assert.deepStrictEqual(autocompletes(yield* ada.open("/sign-in")), [
        "email: username webauthn",
        "password: current-password",
      ])
      assert.deepStrictEqual(autocompletes(yield* ada.open("/sign-up")), [
        "name: name",
        "email: username",
        "password: new-password",
      ])
      yield* signUp(ada, email)
      assert.deepStrictEqual(autocompletes(yield* ada.open("/account")), [
        "name: name",
        "new_email: email",
        "username: username",
        "current_password: current-password",
        "new_password: new-password",
      ])
      yield* ada.submit("/forgot-password", { email })
      const { path } = yield* mailedLink(email, "reset-password")
      assert.deepStrictEqual(autocompletes(yield* ada.open(path)), ["username: username", "password: new-password"])
      yield* browser(site).submit("/sign-up", { email: "grace@example.com", password })
      const confirm = yield* mailedLink("grace@example.com")
      const phone = browser(site)
      assert.deepStrictEqual(autocompletes(yield* phone.open(confirm.path)), [
        "username: username",
        "password: current-password",
      ])
      const again = yield* phone.submit("/confirm-sign-up", {
        token: confirm.token,
        username: "grace@example.com",
        password: "wrong password",
      })
      assert.include(again.text, 'autocomplete="username" value="grace@example.com"')
    }).pipe(Effect.provide(layerServices())),
  )
})
