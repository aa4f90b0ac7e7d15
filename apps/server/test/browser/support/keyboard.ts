/**
 * The pages for people who use no mouse.
 */
import { assert, it } from "@effect/vitest"
import { App, mailedCode, readSecret } from "./factors.ts"
import { focused } from "./look.ts"
import { mailedLink, signIn, signUp } from "./people.ts"
import type { Stage } from "./Stage.ts"
import { password, type Visitor } from "./Visitor.ts"

/** Tests of the keyboard: the order of its stops, that they can be seen, that they are enough. */
export const testKeyboard = (stage: Stage): void => {
  /** Goes through the page by Tab; every stop shows where it is. */
  const tabThrough = async ({ page }: Visitor, count: number) => {
    const names: Array<string> = []
    for (let stop = 0; stop < count; stop++) {
      await page.keyboard.press("Tab")
      const { name, isVisible } = await focused(page)
      assert.isTrue(isVisible, `the focus on ${name} can be seen`)
      names.push(name)
    }
    return names
  }

  it("a person signs up, confirms, signs out and in", async () => {
    const email = "keyboard@example.com"
    const visitor = await stage.visitor()
    const { keyboard } = visitor.page
    await visitor.go("/sign-up")
    await keyboard.press("Tab")
    await keyboard.type("Ada")
    await keyboard.press("Tab")
    await keyboard.type(email)
    await keyboard.press("Tab")
    await keyboard.type(password)
    await visitor.arrive(() => keyboard.press("Enter"))
    assert.strictEqual(await visitor.heading(), "Check your mail")
    await visitor.go(await mailedLink(visitor, email))
    await keyboard.press("Tab")
    await visitor.arrive(() => keyboard.press("Enter"))
    assert.strictEqual(await visitor.heading(), "Your account")
    await keyboard.press("Tab")
    await visitor.arrive(() => keyboard.press("Space"))
    assert.strictEqual(await visitor.heading(), "Sign in")
    await keyboard.press("Tab")
    await keyboard.type(email)
    await keyboard.press("Tab")
    await keyboard.type(password)
    await visitor.arrive(() => keyboard.press("Enter"))
    assert.include(await visitor.text(), `Signed in as ${email}`)
  })

  it("goes through every page in the order of reading, and sees where", async () => {
    const visitor = await stage.visitor()
    await visitor.go("/sign-up")
    assert.deepStrictEqual(await tabThrough(visitor, 6), [
      "Name (optional)",
      "E-mail address",
      "Password",
      "Show the password",
      "Create account",
      "Sign in",
    ])
    await visitor.page.emulateMedia({ colorScheme: "dark" })
    await visitor.go("/sign-in")
    assert.deepStrictEqual(await tabThrough(visitor, 8), [
      "E-mail address",
      "Password",
      "Show the password",
      "Sign in",
      "Sign in with a passkey",
      "Sign in by e-mail instead",
      "Forgot your password?",
      "Create an account",
    ])
    await signUp(visitor, "order@example.com")
    await signIn(await stage.visitor(), "order@example.com")
    await visitor.go("/account")
    assert.deepStrictEqual(await tabThrough(visitor, 19), [
      "Sign out",
      "Name (optional)",
      "Save name",
      "New e-mail address",
      "Send a link to the new address",
      "Change password",
      "Set up: Authenticator app",
      "Set up: Code generator",
      "Add a passkey",
      "Current password",
      "Show the password",
      "New password",
      "Show the password",
      "Change password",
      "Remove password",
      "Sign out Chrome on Linux, signed in just now",
      "Sign out all other devices",
      "Create an organization, or join one",
      "Delete my account",
    ])
  })

  it("a person sets up an app, signs in with its code, and finds the other ways", async () => {
    const email = "keyboard-app@example.com"
    const visitor = await stage.visitor()
    const { keyboard } = visitor.page
    await signUp(visitor, email)
    await visitor.go("/account/totp")
    assert.deepStrictEqual(await tabThrough(visitor, 1), ["Show me the code to scan"])
    await visitor.arrive(() => keyboard.press("Enter"))
    const app = new App(await readSecret(visitor))
    assert.deepStrictEqual(await tabThrough(visitor, 2), ["Open the app on this device", "Code"])
    await keyboard.type(app.wrongCode())
    assert.strictEqual(await visitor.arrive(() => keyboard.press("Enter")), 401)
    assert.match((await focused(visitor.page)).name, /^There is a problem/u)
    await keyboard.press("Tab")
    await keyboard.press("Enter")
    assert.strictEqual((await focused(visitor.page)).name, "Code")
    await keyboard.type(app.code())
    await visitor.arrive(() => keyboard.press("Enter"))
    assert.deepStrictEqual(await tabThrough(visitor, 3), ["Copy", "Print", "I have saved them"])
    await visitor.arrive(() => keyboard.press("Enter"))
    await visitor.press("Sign out")

    await signIn(visitor, email)
    assert.deepStrictEqual(await tabThrough(visitor, 4), ["Code", "Go on", "Use a backup code instead", "Cancel"])
    await visitor.page.locator("#code").focus()
    await keyboard.type(app.code())
    await visitor.arrive(() => keyboard.press("Enter"))
    assert.strictEqual(await visitor.heading(), "Your account")
  })

  it("a person signs in by a code from a mail", async () => {
    const email = "keyboard-mail@example.com"
    const visitor = await stage.visitor()
    const { keyboard } = visitor.page
    await visitor.go("/sign-in/email")
    const stops = ["E-mail address", "Send me a code", "Send me a link", "Sign in with your password"]
    assert.deepStrictEqual(await tabThrough(visitor, 4), stops)
    await visitor.page.locator("#email").focus()
    await keyboard.type(email)
    await visitor.arrive(() => keyboard.press("Enter"))
    assert.strictEqual(await visitor.heading(), "Enter the code")
    const others = ["Code", "Go on", "Send another code", "Use another address"]
    assert.deepStrictEqual(await tabThrough(visitor, 4), others)
    await visitor.page.locator("#code").focus()
    await keyboard.type(await mailedCode(visitor, email))
    await visitor.arrive(() => keyboard.press("Enter"))
    assert.strictEqual(await visitor.heading(), "Your account")
  })

  it("is led from the summary of problems to each field", async () => {
    const visitor = await stage.visitor()
    const { keyboard } = visitor.page
    await visitor.go("/sign-up")
    assert.strictEqual(await visitor.press("Create account"), 422)
    assert.match((await focused(visitor.page)).name, /^There is a problem/u)
    assert.isTrue((await focused(visitor.page)).isVisible)
    assert.match(await visitor.page.title(), /^Error: /u)
    for (const [message, label] of [
      ["Enter your e-mail address", "E-mail address"],
      ["Choose a password", "Password"],
    ] as const) {
      await visitor.page.getByRole("alert").focus()
      while ((await focused(visitor.page)).name !== message) await keyboard.press("Tab")
      await keyboard.press("Enter")
      const { name, isVisible } = await focused(visitor.page)
      assert.deepStrictEqual([name, isVisible], [label, true])
      const field = visitor.page.getByRole("textbox", { name: label, exact: true })
      const described = (await field.getAttribute("aria-describedby")) ?? ""
      assert.include(await visitor.page.locator(`#${described.split(" ").at(-1)}`).innerText(), message)
    }
    assert.deepStrictEqual(visitor.documents, ["GET /sign-up", "POST /sign-up"])
  })

  it("shows and hides a password, which is hidden again before it is sent", async () => {
    const visitor = await stage.visitor()
    const { page } = visitor
    await visitor.go("/sign-in")
    const field = page.locator("#password")
    await field.fill(password)
    await page.keyboard.press("Tab")
    await page.keyboard.press("Space")
    assert.strictEqual(await field.getAttribute("type"), "text")
    assert.strictEqual((await focused(page)).name, "Hide the password")
    await page.keyboard.press("Enter")
    assert.strictEqual(await field.getAttribute("type"), "password")
    assert.strictEqual(await field.inputValue(), password)
    await page.keyboard.press("Enter")
    await page.evaluate("document.forms[0].addEventListener('submit', (event) => event.preventDefault())")
    await field.press("Enter")
    assert.strictEqual(await field.getAttribute("type"), "password")
  })
}
