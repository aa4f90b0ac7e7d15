/**
 * The story of an account in a browser that runs no script.
 */
import { assert, it } from "@effect/vitest"
import { tellCoreStory } from "./support/coreStory.ts"
import { tellFactorStory } from "./support/factorStory.ts"
import { signUp } from "./support/people.ts"
import { inBrowser } from "./support/Stage.ts"

inBrowser("an account in a browser without script", (stage) => {
  const options = { javaScriptEnabled: false }

  tellCoreStory(stage, options)

  tellFactorStory(stage, options)

  it("offers nothing that needs one", async () => {
    const visitor = await stage.visitor(options)
    const scripted = await stage.visitor()
    await Promise.all([visitor.go("/sign-in"), scripted.go("/sign-in")])
    for (const name of ["Show the password", "Sign in with a passkey"]) {
      assert.strictEqual(await visitor.page.getByRole("button", { name }).count(), 0)
      assert.strictEqual(await scripted.page.getByRole("button", { name }).count(), 1)
    }
  })

  it("says on the page of passkeys what they need, and leads back", async () => {
    const visitor = await stage.visitor(options)
    await signUp(visitor, "keyless@example.com")
    await visitor.follow("Add a passkey")
    assert.strictEqual(await visitor.page.getByRole("button").count(), 0)
    assert.include(await visitor.text(), "A passkey needs a browser that knows passkeys and runs the script")
    await visitor.follow("Back to your account")
    assert.strictEqual(await visitor.heading(), "Your account")
  })

  it("puts the focus on what is wrong after a refused form", async () => {
    const visitor = await stage.visitor(options)
    await visitor.go("/sign-in")
    assert.strictEqual(await visitor.press("Sign in"), 422)
    await visitor.page.locator(".errors:focus").waitFor()
    await visitor.page.keyboard.press("Tab")
    await visitor.page.keyboard.press("Enter")
    await visitor.page.locator("#email:focus").waitFor()
  })
})
