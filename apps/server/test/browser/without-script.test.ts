/**
 * The story of an account in a browser that runs no script.
 */
import { assert, it } from "@effect/vitest"
import { tellCoreStory } from "./support/coreStory.ts"
import { inBrowser } from "./support/Stage.ts"

inBrowser("an account in a browser without script", (stage) => {
  const options = { javaScriptEnabled: false }

  tellCoreStory(stage, options)

  it("offers nothing that needs one", async () => {
    const visitor = await stage.visitor(options)
    await visitor.go("/sign-in")
    assert.strictEqual(await visitor.page.getByRole("button", { name: "Show the password" }).count(), 0)
    const scripted = await stage.visitor()
    await scripted.go("/sign-in")
    assert.strictEqual(await scripted.page.getByRole("button", { name: "Show the password" }).count(), 1)
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
