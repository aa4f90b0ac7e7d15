/**
 * Signing in somewhere else with an account here: a client's way through the pages, and back to it.
 */
import { assert, describe, it, onTestFinished } from "@effect/vitest"
import { addApp, evidence, isSignedIn } from "./support/factors.ts"
import { examine, weigh } from "./support/look.ts"
import { mailedLink, signUp } from "./support/people.ts"
import { RelyingParty } from "./support/RelyingParty.ts"
import { inBrowser, type Stage } from "./support/Stage.ts"
import { password, type Visitor } from "./support/Visitor.ts"

const environment = { BELFRY_OAUTH_REGISTRATION: "open", BELFRY_OAUTH_RATE_LIMITS: "false" }

/** A client, and a person with a browser who may go there. */
const open = async (stage: Stage, options: Parameters<Stage["visitor"]>[0] = {}) => {
  const client = await RelyingParty.start(stage.site, "Acme")
  onTestFinished(() => client.stop())
  const visitor = await stage.visitor(options)
  await visitor.mayVisit(client.origin)
  return { client, visitor }
}

/** The same, of somebody who has an account and is signed in. */
const openAs = async (stage: Stage, email: string, options: Parameters<Stage["visitor"]>[0] = {}) => {
  const { client, visitor } = await open(stage, options)
  await signUp(visitor, email)
  return { client, visitor }
}

const arrived = async (visitor: Visitor): Promise<void> =>
  assert.strictEqual(await visitor.heading(), "Back at the client")

const consentTitle = "Allow Acme to use your account?"

/** The story of an account that is made for a client, and used for it. */
const tellStory = (stage: Stage, options: Parameters<Stage["visitor"]>[0] = {}): void => {
  const isScripted = options.javaScriptEnabled !== false
  const suffix = isScripted ? "" : "-without-script"

  it("signs up for a client, declines a scope, and comes back for more", async () => {
    const email = `joins-for-acme${suffix}@example.com`
    const { client, visitor } = await open(stage, options)
    await visitor.go(client.begin({ prompt: "create", login_hint: email }))
    assert.strictEqual(await visitor.heading(), "Create an account")
    assert.include(await visitor.text(), "To continue to Acme")
    assert.strictEqual(await visitor.valueOf("E-mail address"), email)
    await visitor.enter({ "Name (optional)": "Ada Lovelace", Password: password })
    await visitor.press("Create account")
    assert.strictEqual(await visitor.heading(), "Check your mail")
    await visitor.go(await mailedLink(visitor, email))
    await visitor.press("Confirm and sign in")
    assert.strictEqual(await visitor.heading(), consentTitle)
    assert.include(await visitor.text(), `Signed in as ${email}`)
    await visitor.page.getByRole("checkbox", { name: "see your name and picture" }).uncheck()
    assert.strictEqual(await visitor.press("Allow"), 200)
    await arrived(visitor)
    const tokens = await client.tokens()
    assert.strictEqual(tokens.scope, "openid email")
    const claims = await client.userInfo(tokens)
    assert.containsAllKeys(claims, ["sub", "email"])
    assert.doesNotHaveAnyKeys(claims, ["name"])

    // What was declined is not asked for again, unless the client insists.
    await visitor.go(client.begin())
    await arrived(visitor)
    assert.strictEqual((await client.tokens()).scope, "openid email")
    await visitor.go(client.begin({ prompt: "consent" }))
    assert.include(await visitor.text(), "see your e-mail address (allowed before)")
    await visitor.press("Allow")
    assert.strictEqual((await client.tokens()).scope, "openid profile email")

    await visitor.go("/account")
    assert.match(await visitor.text(), /Applications with access\s[^]*\sAcme\s/u)
    await visitor.press("Remove access of Acme")
    assert.strictEqual(await visitor.notice(), "The application has no access any more.")
    assert.include(await visitor.text(), "No application has access to your account.")
    await visitor.go(client.begin())
    assert.strictEqual(await visitor.heading(), consentTitle)
  })

  it("signs in for a client by two steps, and cancels at any of them", async () => {
    const email = `steps-for-acme${suffix}@example.com`
    const { client, visitor } = await openAs(stage, email, options)
    const { app } = await addApp(visitor, email)
    await visitor.press("Sign out")
    for (const step of [1, 2]) {
      await visitor.go(client.begin())
      assert.strictEqual(await visitor.heading(), "Sign in")
      if (step === 2) {
        await visitor.enter({ "E-mail address": email, Password: password })
        await visitor.press("Sign in")
        assert.strictEqual(await visitor.heading(), "One more step")
      }
      assert.include(await visitor.text(), "To continue to Acme")
      await visitor.press("Cancel and go back to Acme")
      await arrived(visitor)
      assert.strictEqual(client.answer().parameters["error"], "access_denied")
      assert.isFalse(await isSignedIn(visitor))
    }
    await visitor.go(client.begin())
    await visitor.enter({ "E-mail address": email, Password: password })
    await visitor.press("Sign in")
    await visitor.enter({ Code: app.code() })
    await visitor.press("Go on")
    assert.strictEqual(await visitor.heading(), consentTitle)
    await visitor.press("Allow")
    await arrived(visitor)
    await client.tokens()
    assert.deepStrictEqual(await evidence(visitor), { amr: ["pwd", "otp", "mfa"], acr: "aal2" })
    // The form and its redirects were one way: no page stood between, and going back repeats nothing.
    await visitor.back()
    assert.strictEqual(await visitor.heading(), "This cannot go on")
  })

  it("proves again who it is, chooses an account, and says no", async () => {
    const email = `again-for-acme${suffix}@example.com`
    const { client, visitor } = await openAs(stage, email, options)
    await visitor.go(client.begin({ prompt: "login" }))
    assert.strictEqual(await visitor.heading(), "Confirm that it is you")
    await visitor.enter({ Password: password })
    await visitor.press("Go on")
    assert.strictEqual(await visitor.heading(), consentTitle)
    await visitor.press("Deny")
    await arrived(visitor)
    assert.strictEqual(client.answer().parameters["error"], "access_denied")

    await visitor.go(client.begin({ prompt: "select_account" }))
    assert.strictEqual(await visitor.heading(), "Choose an account")
    assert.match(await visitor.text(), new RegExp(`Ada\\s+${email}`, "u"))
    await visitor.press("Continue as Ada")
    assert.strictEqual(await visitor.heading(), consentTitle)
    await visitor.press("Allow")
    await client.tokens()

    const other = `other-for-acme${suffix}@example.com`
    await signUp(await stage.visitor(options), other)
    await visitor.go(client.begin({ prompt: "select_account" }))
    await visitor.follow("Use another account")
    await visitor.enter({ "E-mail address": other, Password: password })
    await visitor.press("Sign in")
    assert.include(await visitor.text(), `Signed in as ${other}`)
    await visitor.press("Allow")
    assert.containSubset(await client.userInfo(await client.tokens()), { email: other })
  })

  it("has its answer posted to a client that wants it so", async () => {
    const { client, visitor } = await openAs(stage, `posts-for-acme${suffix}@example.com`, options)
    await visitor.go(client.begin({ response_mode: "form_post" }))
    assert.strictEqual(await visitor.heading(), consentTitle)
    await visitor.page.getByRole("button", { name: "Allow" }).click()
    if (!isScripted) await visitor.page.getByRole("button", { name: "Continue" }).click()
    await visitor.page.waitForURL(`${client.origin}/callback`)
    await arrived(visitor)
    const answer = client.answer()
    assert.strictEqual(answer.method, "POST")
    assert.match(answer.parameters["code"] ?? "", /^belfry_code_/u)
  })

  it("signs out for a client, after it was asked", async () => {
    const { client, visitor } = await openAs(stage, `leaves-acme${suffix}@example.com`, options)
    await visitor.go(client.end())
    assert.strictEqual(await visitor.heading(), "Sign out?")
    await visitor.follow("Stay signed in")
    assert.isTrue(await isSignedIn(visitor))
    await visitor.go(client.end())
    assert.strictEqual(await visitor.press("Sign out"), 200)
    assert.strictEqual(await visitor.heading(), "Good bye from the client")
    assert.isFalse(await isSignedIn(visitor))
    await visitor.go(`${stage.site.origin}/sign-out/done`)
    assert.strictEqual(await visitor.heading(), "You are signed out")
  })
}

inBrowser(
  "an account for clients",
  (stage) => {
    describe("with script", () => tellStory(stage))
    describe("without script", () => tellStory(stage, { javaScriptEnabled: false }))

    it("comes back to a client that sends people on to yet another site", async () => {
      const { client, visitor } = await openAs(stage, "goes-on@example.com")
      const next = await RelyingParty.start(stage.site, "Next")
      onTestFinished(() => next.stop())
      await visitor.mayVisit(next.origin)
      client.onward = `${next.origin}/`
      await visitor.go(client.begin())
      await visitor.press("Allow")
      assert.strictEqual(visitor.page.url(), `${next.origin}/`)
    })

    it("comes back once where the button is pressed twice", async () => {
      const { client, visitor } = await openAs(stage, "presses-twice@example.com")
      await visitor.go(client.begin())
      // The answer takes its time, as over a network.
      await visitor.page.route("**/authorize/consent", async (route) => {
        await new Promise((resolve) => setTimeout(resolve, 500))
        await route.continue()
      })
      const before = visitor.documents.length
      await visitor.arrive(() => visitor.page.getByRole("button", { name: "Allow" }).dblclick({ delay: 100 }))
      await arrived(visitor)
      assert.deepStrictEqual(visitor.documents.slice(before), ["POST /authorize/consent"])
      await client.tokens()
    })

    describe("in both schemes, on narrow and wide screens, and enlarged, without fault:", () => {
      it("signing in and up for a client", async () => {
        const { client, visitor } = await open(stage)
        await visitor.go(client.begin())
        await examine(visitor, "Sign in")
        assert.strictEqual(await visitor.press("Sign in"), 422)
        await examine(visitor, "Sign in")
        await visitor.go(client.begin({ prompt: "create" }))
        await examine(visitor, "Create an account")
      })

      it("choosing, proving and consenting", async () => {
        const { client, visitor } = await openAs(stage, "looks-at-acme-with-a-rather-long-address@example.com")
        await visitor.go(client.begin({ prompt: "select_account" }))
        await examine(visitor, "Choose an account")
        await visitor.go(client.begin({ prompt: "login" }))
        await examine(visitor, "Confirm that it is you")
        await visitor.go(client.begin({ scope: "openid profile email offline_access" }))
        await examine(visitor, consentTitle)
        await visitor.press("Allow")
        await client.tokens()
        await visitor.go(client.begin({ prompt: "consent" }))
        await examine(visitor, consentTitle)
        await visitor.press("Allow")
        await client.tokens()
        await visitor.go("/account")
        await examine(visitor, "Your account")
      })

      it("a client with a long name and much to say of itself", async () => {
        const name = "The Analytical Engine of the Royal Astronomical Society and its Correspondents Abroad"
        const visitor = await stage.visitor()
        const client = await RelyingParty.start(stage.site, name, {
          client_uri: "https://analytical-engine.example.com/of/the/royal/astronomical/society",
          tos_uri: "https://analytical-engine.example.com/terms",
          policy_uri: "https://analytical-engine.example.com/privacy",
        })
        onTestFinished(() => client.stop())
        await signUp(visitor, "long-names@example.com")
        await visitor.go(client.begin())
        await examine(visitor, `Allow ${name.slice(0, 79)}… to use your account?`)
      })

      it("signing out for a client, and what cannot go on", async () => {
        const { client, visitor } = await openAs(stage, "looks-at-the-end@example.com")
        await visitor.go(client.end())
        await examine(visitor, "Sign out?")
        await visitor.press("Sign out")
        await visitor.go(`${stage.site.origin}/sign-out/done`)
        await examine(visitor, "You are signed out")
        assert.strictEqual(await visitor.go(client.begin({ client_id: "nobody" })), 400)
        await examine(visitor, "This cannot go on")
        await visitor.page.locator("summary").click()
        await examine(visitor, "This cannot go on")
      })
    })

    it("is decided on by keyboard alone", async () => {
      const { client, visitor } = await openAs(stage, "types-for-acme@example.com")
      await visitor.go(client.begin())
      const { keyboard } = visitor.page
      // Another account, two boxes, Allow.
      await keyboard.press("Tab")
      await keyboard.press("Tab")
      await keyboard.press("Space")
      await keyboard.press("Tab")
      await keyboard.press("Tab")
      await visitor.arrive(() => keyboard.press("Enter"))
      await arrived(visitor)
      assert.strictEqual((await client.tokens()).scope, "openid email")
    })

    it("weighs less than 16 kB on the first page, with all that names the client and all files", async () => {
      const { client, visitor } = await open(stage)
      // The cookie of the request comes with the redirect, which loads nothing else.
      const answer = await visitor.page.request.get(client.begin(), { maxRedirects: 0 })
      const { location = "" } = answer.headers()
      assert.match(location, /^\/sign-in\?/u)
      assert.isBelow(await weigh(visitor, location), 16_000)
    })
  },
  environment,
)
