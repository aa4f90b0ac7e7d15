/**
 * The story of an account, as a person with a browser and their mail goes through it.
 */
import { assert, it } from "@effect/vitest"
import { tellCoreStory } from "./support/coreStory.ts"
import { askToSignUp, mailedLink, signIn, signUp } from "./support/people.ts"
import { inBrowser } from "./support/Stage.ts"
import { password } from "./support/Visitor.ts"

inBrowser("an account in the browser", (stage) => {
  tellCoreStory(stage)

  it("is not changed again by reloading or going back", async () => {
    const email = "alan@example.com"
    const visitor = await stage.visitor()
    await askToSignUp(visitor, email)
    await visitor.reload()
    const link = await mailedLink(visitor, email)
    await visitor.go(link)
    await visitor.press("Confirm and sign in")
    await visitor.reload()
    assert.strictEqual(await visitor.heading(), "Your account")
    await visitor.enter({ "New e-mail address": "turing@example.com" })
    await visitor.press("Send a link to the new address")
    await visitor.reload()
    const sent = visitor.documents.filter((document) => document.startsWith("POST"))
    assert.deepStrictEqual(sent, ["POST /sign-up", "POST /confirm-sign-up", "POST /account"])
    await stage.site.readMail("turing@example.com")
    assert.deepStrictEqual([email, "turing@example.com"].map(stage.site.countMail), [1, 1])

    // Back over the address change and the welcome, to the link, which is used up by now.
    await visitor.back()
    await visitor.back()
    assert.strictEqual(await visitor.heading(), "This link does not work any more")
    assert.include(await visitor.text(), "If you have just used it, all is well.")
    await visitor.follow("Sign in")
    assert.strictEqual(await visitor.heading(), "Your account")
    assert.strictEqual(visitor.documents.filter((document) => document.startsWith("POST")).length, 3)
  })

  it("sends a refused form again on a reload to no other effect", async () => {
    const visitor = await stage.visitor()
    await visitor.go("/sign-up")
    await visitor.enter({ "E-mail address": "kurt@example.com", Password: "short" })
    assert.strictEqual(await visitor.press("Create account"), 422)
    assert.strictEqual(await visitor.reload(), 422)
    assert.deepStrictEqual(await visitor.problems(), ["Choose a password of at least 8 characters"])
    assert.strictEqual(stage.site.countMail("kurt@example.com"), 0)
  })

  it("is not shown by going back after signing out", async () => {
    const email = "rosa@example.com"
    const visitor = await stage.visitor()
    await signUp(visitor, email)
    await visitor.press("Sign out")
    await visitor.back()
    assert.strictEqual(await visitor.heading(), "Sign in")
    assert.notInclude(await visitor.text(), email)
  })

  it("leads on to the page that was asked for before signing in", async () => {
    const email = "joan@example.com"
    const visitor = await stage.visitor()
    await signUp(visitor, email)
    await visitor.press("Sign out")
    await visitor.go("/account/delete")
    assert.strictEqual(await visitor.heading(), "Sign in")
    await visitor.enter({ "E-mail address": email, Password: "not that password" })
    assert.strictEqual(await visitor.press("Sign in"), 401)
    await visitor.enter({ Password: password })
    await visitor.press("Sign in")
    assert.strictEqual(await visitor.heading(), "Delete your account?")
  })

  it("says that cookies are needed, where the browser keeps none", async () => {
    const email = "karl@example.com"
    await signUp(await stage.visitor(), email)
    const visitor = await stage.visitor()
    await visitor.page.route("**/sign-in", async (route) => {
      const request = route.request()
      if (request.method() !== "POST") return route.continue()
      // The server signs in, and its cookie is lost on the way to the browser.
      const response = await fetch(request.url(), {
        method: "POST",
        redirect: "manual",
        headers: { origin: stage.site.origin, "content-type": "application/x-www-form-urlencoded" },
        body: request.postData() ?? "",
      })
      assert.include(response.headers.get("set-cookie"), "belfry_session")
      await route.fulfill({ status: response.status, headers: { location: response.headers.get("location") ?? "" } })
    })
    await signIn(visitor, email)
    assert.strictEqual(await visitor.heading(), "Sign in")
    assert.include((await visitor.problems()).join(), "did not keep the cookie")
  })

  it("can tell the time of a sign-in in the reader's own zone", async () => {
    const visitor = await stage.visitor({ timezoneId: "Pacific/Auckland", locale: "en" })
    await signUp(visitor, "vera@example.com")
    const time = visitor.page.locator("time").first()
    const instant = new Date((await time.getAttribute("datetime")) ?? "")
    assert.strictEqual(
      await time.getAttribute("title"),
      instant.toLocaleString("en", { dateStyle: "full", timeStyle: "short", timeZone: "Pacific/Auckland" }),
    )
  })
})
