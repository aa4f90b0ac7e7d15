import { LinkedAccountStore } from "@belfry/core/LinkedAccountStore"
import * as SignInPolicy from "@belfry/factors/SignInPolicy"
import { OAuthErrorCode } from "@belfry/oauth-client/OAuthSignIn"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { type Browser, browser, layerServices, password, serve, signUp, type Visited } from "./support/PageBrowser.ts"
import { appCode, sessionOf, setUpTotp } from "./support/PageFactors.ts"
import { layerProviders, linkAccount, Starts, twoProviders } from "./support/PageProviders.ts"

const email = "ada@example.com"

/** The labels of the buttons that lead to a provider, in their order. */
const buttonsOf = ({ text }: Visited): ReadonlyArray<string> =>
  [...text.matchAll(/<form method="post" action="\/sign-in\/provider"[^>]*>\s*<button[^>]*>([^<]*)</gu)].map(
    ([, label]) => label ?? "",
  )

/** The section of the account page about accounts elsewhere, without tags. */
const connectedOf = ({ text }: Visited): string =>
  (/<section id="connected-accounts"([^]*?)<\/section>/u.exec(text)?.[1] ?? "")
    .replace(/<[^>]*>|^[^>]*>/gu, " ")
    .replace(/\s+/gu, " ")
    .trim()

/** Where a page leads by itself. */
const refreshOf = ({ headers }: Visited): string | null => headers.get("refresh")

const userOf = (visitor: Browser) => Effect.map(sessionOf(visitor), ({ user }) => user)

/** Addresses of the pages that ask before an account is unlinked. */
const unlinkLinksOf = ({ text }: Visited): ReadonlyArray<string> =>
  [...text.matchAll(/href="(\/account\/unlink\?account=[^"]+)"/gu)].map(([, href]) => href ?? "")

describe("a site without providers", () => {
  it.effect("says nothing of them on any page", () =>
    Effect.gen(function* () {
      const site = yield* serve()
      const ada = browser(site)
      for (const path of ["/sign-in", "/sign-up"]) {
        assert.notMatch((yield* ada.open(path)).text, /Continue with|sign-in\/provider|choices/u)
      }
      yield* signUp(ada, email)
      assert.notMatch((yield* ada.open("/account")).text, /Connected accounts|connected-accounts|Link |unlink/u)
      assert.strictEqual((yield* browser(site).submit("/sign-in/provider", { provider: "zeta" })).status, 404)
      assert.strictEqual((yield* ada.submit("/account", { action: "link", provider: "zeta" })).status, 404)
      assert.strictEqual((yield* ada.open("/account/unlink?account=x")).location, "/account#connected-accounts")
    }).pipe(Effect.provide(layerServices())),
  )
})

describe("signing in with another provider", () => {
  it.effect("is a button for each, in the order of the configuration", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serve())
      const all = ["Continue with Zeta &amp; Co", "Continue with Alpha"]
      assert.deepStrictEqual(buttonsOf(yield* ada.open("/sign-in")), all)
      assert.deepStrictEqual(buttonsOf(yield* ada.open("/sign-up")), all)
      const again = yield* ada.submit("/sign-in", {})
      assert.deepStrictEqual([again.status, buttonsOf(again)], [422, all])
      const signUpAgain = yield* ada.submit("/sign-up", {})
      assert.deepStrictEqual([signUpAgain.status, buttonsOf(signUpAgain)], [422, all])
    }).pipe(Effect.provide(layerProviders())),
  )

  it.effect("is not offered where no sign-in begins so", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serve())
      for (const path of ["/sign-in", "/sign-up"]) assert.deepStrictEqual(buttonsOf(yield* ada.open(path)), [])
    }).pipe(Effect.provide(layerProviders(twoProviders, { firstFactors: ["password"] }))),
  )

  it.effect("is not offered to new people by a provider that takes none", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serve())
      assert.strictEqual(buttonsOf(yield* ada.open("/sign-in")).length, 2)
      assert.deepStrictEqual(buttonsOf(yield* ada.open("/sign-up")), ["Continue with Alpha"])
    }).pipe(
      Effect.provide(layerProviders(twoProviders.map((each) => ({ ...each, disableSignUp: each.id === "zeta" })))),
    ),
  )

  it.effect("leaves the form behind: a page that goes on by itself, in this browser alone", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serve())
      const page = yield* ada.submit("/sign-in/provider", { provider: "zeta" })
      const url = "https://id.example.com/auth/provider/zeta/start?token=t1"
      // A redirect would be held to the page's form-action, which knows no provider.
      assert.deepStrictEqual([page.status, page.location, refreshOf(page)], [200, null, `0;url=${url}`])
      assert.include(page.headers.get("content-security-policy"), "form-action 'self';")
      assert.include(page.text, `href="${url}">Go to Zeta &amp; Co<`)
      assert.strictEqual(page.headers.get("cache-control"), "no-store")
      assert.match(
        page.headers.getSetCookie().join("\n"),
        /^__Host-belfry_oauth_start=this-browser; .*Expires=.*HttpOnly; Secure; SameSite=Lax$/u,
      )
      yield* ada.submit("/sign-in/provider", { provider: "alpha" })
      const { all } = yield* Starts
      assert.deepStrictEqual(
        all.map(({ providerId, browser, userId }) => [providerId, browser, userId]),
        [
          ["zeta", null, null],
          ["alpha", "this-browser", null],
        ],
      )
    }).pipe(Effect.provide(layerProviders())),
  )

  it.effect("leads back to where the person wanted to go, on this site alone", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serve())
      const page = yield* ada.open("/sign-in?return_to=%2Fapp%3Fa%3Db")
      assert.match(
        page.text,
        /<input type="hidden" name="provider" value="zeta" \/>\s*<input type="hidden" name="return_to" value="\/app\?a=b" \/>/u,
      )
      yield* ada.submit("/sign-in/provider", { provider: "zeta", return_to: "/app?a=b" })
      yield* ada.submit("/sign-in/provider", { provider: "zeta", return_to: "https://evil.example/" })
      const { all } = yield* Starts
      assert.deepStrictEqual(
        all.map(({ request }) => request),
        [
          {
            redirectUrl: "/app?a=b",
            errorRedirectUrl: "/sign-in/error?provider=zeta&return_to=%2Fapp%3Fa%3Db",
            newUserRedirectUrl: "/app?a=b",
            requestSignUp: false,
          },
          {
            errorRedirectUrl: "/sign-in/error?provider=zeta",
            newUserRedirectUrl: "/account?done=joined",
            requestSignUp: false,
          },
        ],
      )
    }).pipe(Effect.provide(layerProviders())),
  )

  it.effect("asks for a new account from the page of signing up alone", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serve())
      assert.include((yield* ada.open("/sign-up")).text, 'name="sign_up" value="1"')
      assert.notInclude((yield* ada.open("/sign-in")).text, 'name="sign_up"')
      yield* ada.submit("/sign-in/provider", { provider: "zeta", sign_up: "1" })
      assert.isTrue((yield* Starts).all[0]?.request.requestSignUp)
    }).pipe(Effect.provide(layerProviders())),
  )

  it.effect("is a page with its status where it cannot begin", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serve())
      assert.strictEqual((yield* ada.submit("/sign-in/provider", {})).status, 400)
      for (const provider of ["gone", "__proto__", "<b>", ""]) {
        const page = yield* ada.submit("/sign-in/provider", { provider })
        assert.strictEqual(page.status, 404)
        assert.notInclude(page.text, "<b>")
      }
      const { all, limit } = yield* Starts
      limit()
      const limited = yield* ada.submit("/sign-in/provider", { provider: "zeta" })
      assert.deepStrictEqual([limited.status, limited.headers.get("retry-after")], [429, "90"])
      assert.isNull(refreshOf(limited))
      assert.deepStrictEqual([...all], [])
    }).pipe(Effect.provide(layerProviders())),
  )
})

describe("a linked account", () => {
  it.effect("can be made in a fresh session, for providers that have none yet", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serve())
      yield* signUp(ada, email)
      const { id } = yield* userOf(ada)
      assert.match(connectedOf(yield* ada.open("/account")), /Connected accounts .* Link Zeta &amp; Co Link Alpha$/u)
      const page = yield* ada.submit("/account", { action: "link", provider: "alpha" })
      assert.strictEqual(refreshOf(page), "0;url=https://id.example.com/auth/provider/alpha/start?token=t1")
      const { all } = yield* Starts
      assert.deepStrictEqual(
        [...all],
        [
          {
            providerId: "alpha",
            browser: null,
            userId: id,
            request: { redirectUrl: "/account?done=account-linked", errorRedirectUrl: "/sign-in/error?provider=alpha" },
          },
        ],
      )
      yield* linkAccount(id, "alpha", "a-1")
      yield* TestClock.adjust("2 minutes")
      const account = yield* ada.open("/account?done=account-linked")
      assert.include(account.text, "The account is linked. You can sign in with it from now on.")
      assert.match(connectedOf(account), /Alpha Linked 2 minutes ago Unlink Link Zeta &amp; Co$/u)
      assert.include(account.text, 'aria-label="Unlink Alpha, linked 2 minutes ago"')
      assert.notInclude(account.text, "a-1")
    }).pipe(Effect.provide(layerProviders())),
  )

  it.effect("is not made by a session whose proof is old", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serve())
      yield* signUp(ada, email)
      yield* TestClock.adjust("10 minutes")
      const confirm = "/account/confirm?return_to=%2Faccount%23connected-accounts"
      const page = yield* ada.open("/account")
      assert.notInclude(page.text, 'value="link"')
      assert.match(page.text, new RegExp(`href="${confirm.replace("?", "\\?")}"\\s*>Link Alpha<`, "u"))
      assert.strictEqual((yield* ada.submit("/account", { action: "link", provider: "alpha" })).location, confirm)
      assert.deepStrictEqual([...(yield* Starts).all], [])
    }).pipe(Effect.provide(layerProviders())),
  )

  it.effect("is unlinked after a question, and stays until then", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serve())
      yield* signUp(ada, email)
      const { id } = yield* userOf(ada)
      yield* linkAccount(id, "alpha", "a-1")
      yield* linkAccount(id, "zeta", "z-1")
      const [alpha = ""] = unlinkLinksOf(yield* ada.open("/account"))
      const page = yield* ada.open(alpha)
      assert.include(page.text, "Unlink your Alpha account?")
      assert.include(page.text, "You linked it just now.")
      assert.match(connectedOf(yield* ada.open("/account")), /Alpha Linked/u)
      const account = alpha.split("=")[1] ?? ""
      ada.cookies.set("__Host-belfry_oauth_alpha_account", "sealed")
      const done = yield* ada.submit("/account/unlink", { account })
      assert.deepStrictEqual([done.status, done.location], [303, "/account?done=account-unlinked"])
      assert.isFalse(ada.cookies.has("__Host-belfry_oauth_alpha_account"))
      const after = yield* ada.open("/account?done=account-unlinked")
      assert.include(after.text, "The account was unlinked.")
      assert.match(connectedOf(after), /Zeta &amp; Co Linked just now Unlink Link Alpha$/u)
      for (const answer of [yield* ada.open(alpha), yield* ada.submit("/account/unlink", { account })]) {
        assert.strictEqual(answer.location, "/account#connected-accounts")
      }
      assert.strictEqual((yield* ada.submit("/account/unlink", {})).status, 400)
    }).pipe(Effect.provide(layerProviders())),
  )

  it.effect("of another person is none of a visitor's business", () =>
    Effect.gen(function* () {
      const site = yield* serve()
      const ada = browser(site)
      yield* signUp(ada, email)
      const { id: adaId } = yield* userOf(ada)
      yield* linkAccount(adaId, "alpha", "a-1")
      yield* linkAccount(adaId, "zeta", "z-1")
      const [alpha = ""] = unlinkLinksOf(yield* ada.open("/account"))
      const eve = browser(site)
      yield* signUp(eve, "eve@example.com")
      assert.strictEqual((yield* eve.open(alpha)).location, "/account#connected-accounts")
      const account = alpha.split("=")[1] ?? ""
      assert.strictEqual((yield* eve.submit("/account/unlink", { account })).location, "/account#connected-accounts")
      assert.match(connectedOf(yield* ada.open("/account")), /Alpha Linked/u)
    }).pipe(Effect.provide(layerProviders())),
  )

  it.effect("stays where it is the last way in, and the page says so", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serve())
      yield* signUp(ada, email)
      yield* linkAccount((yield* userOf(ada)).id, "alpha", "a-1")
      yield* ada.submit("/account/remove", { factor: "password" })
      const [alpha = ""] = unlinkLinksOf(yield* ada.open("/account"))
      const page = yield* ada.submit("/account/unlink", { account: alpha.split("=")[1] ?? "" })
      assert.strictEqual(page.status, 409)
      assert.include(page.text, "This is the only way in that you have.")
      assert.include(page.text, "<title>Error: Unlink your Alpha account?")
      assert.match(connectedOf(yield* ada.open("/account")), /Alpha Linked/u)
    }).pipe(Effect.provide(layerProviders(twoProviders, SignInPolicy.make({ firstFactors: ["password", "oauth"] })))),
  )

  it.effect("is unlinked after a fresh proof, which leads back to the question", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serve())
      yield* signUp(ada, email)
      const { id } = yield* userOf(ada)
      yield* linkAccount(id, "alpha", "a-1")
      yield* linkAccount(id, "zeta", "z-1")
      const [alpha = ""] = unlinkLinksOf(yield* ada.open("/account"))
      yield* TestClock.adjust("10 minutes")
      const confirm = `/account/confirm?${new URLSearchParams({ return_to: alpha }).toString()}`
      assert.strictEqual((yield* ada.open(alpha)).location, confirm)
      const refused = yield* ada.submit("/account/unlink", { account: alpha.split("=")[1] ?? "" })
      assert.strictEqual(refused.location, confirm)
      assert.match(connectedOf(yield* ada.open("/account")), /Alpha Linked/u)
    }).pipe(Effect.provide(layerProviders())),
  )

  it.effect("whose tokens no key opens any more is shown with the others, and can be unlinked", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serve())
      yield* signUp(ada, email)
      const { id } = yield* userOf(ada)
      yield* linkAccount(id, "zeta", "1")
      yield* TestClock.adjust("1 second")
      yield* linkAccount(id, "alpha", "2")
      const store = yield* LinkedAccountStore
      for (const row of yield* store.listByUser(id)) {
        yield* store.upsert({ ...row, tokens: { ...row.tokens, idToken: "belfry:sealed:gone.AAAA" } })
      }
      const page = yield* ada.open("/account")
      assert.match(connectedOf(page), /Zeta &amp; Co Linked .* Alpha Linked/u)
      const [zeta = ""] = unlinkLinksOf(page)
      const done = yield* ada.submit("/account/unlink", { account: zeta.split("=")[1] ?? "" })
      assert.strictEqual(done.location, "/account?done=account-unlinked")
      const left = yield* store.listByUser(id)
      assert.deepStrictEqual(
        left.map(({ providerId }) => providerId),
        ["alpha"],
      )
    }).pipe(Effect.provide(layerProviders())),
  )

  it.effect("of a provider that is not there any more is not shown", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serve())
      yield* signUp(ada, email)
      yield* linkAccount((yield* userOf(ada)).id, "gone", "g-1")
      const page = yield* ada.open("/account")
      assert.deepStrictEqual(unlinkLinksOf(page), [])
      assert.notInclude(connectedOf(page), "Linked")
    }).pipe(Effect.provide(layerProviders())),
  )
})

describe("a linked account as one more step", () => {
  it.effect("is offered in a sign-in that asks for it, by the providers that are linked", () =>
    Effect.gen(function* () {
      const site = yield* serve()
      const ada = browser(site)
      yield* signUp(ada, email)
      yield* linkAccount((yield* userOf(ada)).id, "alpha", "a-1")
      const other = browser(site)
      const begun = yield* other.submit("/sign-in", { email, password, return_to: "/app" })
      assert.strictEqual(begun.location, "/sign-in/continue")
      const page = yield* other.open("/sign-in/continue")
      assert.include(page.text, "Use an account elsewhere that you have linked here.")
      assert.deepStrictEqual(buttonsOf(page), ["Continue with Alpha"])
      // The button has a way of its own; the page itself takes no proof of it.
      assert.strictEqual((yield* other.submit("/sign-in/continue", { factor: "oauth" })).status, 400)
      yield* other.submit("/sign-in/provider", { provider: "alpha" })
      assert.deepStrictEqual(
        (yield* Starts).all.map(({ providerId, userId }) => [providerId, userId]),
        [["alpha", null]],
      )
      const failed = yield* other.open("/sign-in/error?error=access_denied&provider=alpha")
      assert.include(failed.text, 'href="/sign-in/continue">Choose another way')
      assert.deepStrictEqual(buttonsOf(failed), ["Try again with Alpha"])
    }).pipe(
      Effect.provide(
        layerProviders(twoProviders, {
          firstFactors: ["password"],
          signIn: ({ provable }) =>
            Effect.succeed(provable.includes("oauth") ? [["password", "oauth"]] : [["password"]]),
        }),
      ),
    ),
  )

  it.effect("is not offered where its provider is gone", () =>
    Effect.gen(function* () {
      const site = yield* serve()
      const ada = browser(site)
      yield* signUp(ada, email)
      yield* linkAccount((yield* userOf(ada)).id, "gone", "g-1")
      const other = browser(site)
      yield* other.submit("/sign-in", { email, password })
      const page = yield* other.open("/sign-in/continue")
      assert.strictEqual(page.status, 200)
      assert.include(page.text, "We will send a code to ada@example.com.")
      assert.notMatch(page.text, /factor=oauth|Use an account elsewhere/u)
      assert.deepStrictEqual(buttonsOf(yield* other.open("/sign-in/continue?factor=oauth")), [])
    }).pipe(
      Effect.provide(
        layerProviders(twoProviders, {
          signIn: ({ provable }) =>
            Effect.succeed(
              provable.includes("oauth")
                ? [
                    ["password", "oauth"],
                    ["password", "email-code"],
                  ]
                : [["password"]],
            ),
        }),
      ),
    ),
  )

  it.effect("is a way to prove again who one is, and leads back", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serve())
      yield* signUp(ada, email)
      yield* linkAccount((yield* userOf(ada)).id, "zeta", "z-1")
      yield* TestClock.adjust("10 minutes")
      const page = yield* ada.open("/account/confirm?return_to=%2Faccount%2Fdelete")
      assert.include(page.text, "Use a linked account instead")
      const chosen = yield* ada.open("/account/confirm?factor=oauth&return_to=%2Faccount%2Fdelete")
      assert.deepStrictEqual(buttonsOf(chosen), ["Continue with Zeta &amp; Co"])
      assert.match(chosen.text, /name="return_to" value="\/account\/delete"/u)
    }).pipe(Effect.provide(layerProviders())),
  )

  it.effect("is none where a second factor is set up", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serve())
      yield* signUp(ada, email)
      yield* linkAccount((yield* userOf(ada)).id, "zeta", "z-1")
      const { secret } = yield* setUpTotp(ada)
      yield* TestClock.adjust("10 minutes")
      const page = yield* ada.open("/account/confirm?factor=oauth&return_to=%2Faccount%2Fdelete")
      assert.deepStrictEqual(buttonsOf(page), [])
      const proved = yield* ada.submit("/account/confirm", {
        factor: "totp",
        code: yield* appCode(secret),
        return_to: "/account/delete",
      })
      assert.strictEqual(proved.location, "/account/delete")
    }).pipe(Effect.provide(layerProviders())),
  )
})

describe("the page for what went wrong at a provider", () => {
  const ofOurs = OAuthErrorCode.literals
  const known = [
    ...ofOurs,
    "access_denied",
    "server_error",
    "temporarily_unavailable",
    "rate_limited",
    "provider_not_found",
  ]

  it.effect("says for every code what the person can do, and names the provider", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serve())
      const other = (yield* ada.open("/sign-in/error?error=nobody_knows&provider=zeta")).text
      for (const code of known) {
        const page = yield* ada.open(`/sign-in/error?error=${code}&provider=zeta`)
        assert.strictEqual(page.status, 200)
        assert.include(page.text, "<title>Error: We could not continue with Zeta &amp; Co")
        assert.notStrictEqual(page.text, other, code)
        assert.notInclude(page.text, code)
        assert.strictEqual(
          page.text.includes('href="/sign-in">Sign in another way<'),
          code !== "account_not_linked",
          code,
        )
        const isHopeless = code === "account_not_linked" || code === "signup_disabled"
        assert.deepStrictEqual(buttonsOf(page), isHopeless ? [] : ["Try again with Zeta &amp; Co"], code)
      }
    }).pipe(Effect.provide(layerProviders())),
  )

  it.effect("repeats nothing of what came in", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serve())
      const { text: plain } = yield* ada.open("/sign-in/error")
      assert.include(plain, "We could not continue with the other site")
      for (const raw of [
        "<script>alert(1)</script>",
        "invalid_scope",
        "toString",
        "__proto__",
        "Call +1 555 0100",
        "",
      ]) {
        for (const query of [
          { error: raw },
          { error: raw, provider: raw },
          { error_description: raw, error_uri: raw },
        ]) {
          const page = yield* ada.open(`/sign-in/error?${new URLSearchParams(query).toString()}`)
          assert.deepStrictEqual([page.status, page.text], [200, plain], JSON.stringify(query))
        }
      }
    }).pipe(Effect.provide(layerProviders())),
  )

  it.effect("tells who has an account already to sign in as usual and link there", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serve())
      const page = yield* ada.open("/sign-in/error?error=account_not_linked&provider=alpha")
      assert.include(page.text, "Sign in the way you usually do. Then link Alpha under “Connected accounts”")
      assert.match(page.text, /href="\/sign-in\?return_to=%2Faccount%23connected-accounts"\s*>Sign in, then link it</u)
    }).pipe(Effect.provide(layerProviders())),
  )

  it.effect("leads who is not let in as somebody new to signing up", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serve())
      const page = yield* ada.open("/sign-in/error?error=signup_disabled&provider=alpha&return_to=%2Fapp")
      assert.include(page.text, 'href="/sign-up">Create an account')
      assert.include(page.text, 'href="/sign-in?return_to=%2Fapp">Sign in another way')
    }).pipe(Effect.provide(layerProviders())),
  )

  it.effect("takes the wish of where to go along, on this site alone", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serve())
      const page = yield* ada.open("/sign-in/error?error=access_denied&provider=alpha&return_to=%2Fapp")
      assert.include(page.text, 'name="return_to" value="/app"')
      const evil = yield* ada.open("/sign-in/error?error=access_denied&return_to=https%3A%2F%2Fevil.example%2F")
      assert.notInclude(evil.text, "evil.example")
    }).pipe(Effect.provide(layerProviders())),
  )

  it.effect("leads who is signed in back to the connected accounts", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serve())
      yield* signUp(ada, email)
      const page = yield* ada.open("/sign-in/error?error=email_does_not_match&provider=alpha")
      assert.include(page.text, "Choose an account at Alpha with the same address")
      assert.match(page.text, /href="\/account#connected-accounts"\s*>Back to your account</u)
      assert.deepStrictEqual(buttonsOf(page), [])
      assert.notInclude(page.text, "Sign in another way")
    }).pipe(Effect.provide(layerProviders())),
  )

  it.effect("offers no way that no sign-in begins with", () =>
    Effect.gen(function* () {
      const page = yield* browser(yield* serve()).open("/sign-in/error?error=access_denied&provider=alpha")
      assert.deepStrictEqual(buttonsOf(page), [])
    }).pipe(Effect.provide(layerProviders(twoProviders, { firstFactors: ["password"] }))),
  )
})
