/**
 * How the pages look and behave in a browser: for eyes, keyboards, screen readers, password managers and slow networks.
 */
import { assert, describe, it } from "@effect/vitest"
import { examine, focused } from "./support/look.ts"
import { askToSignUp, mailedLink, signIn, signUp } from "./support/people.ts"
import * as ServedSite from "./support/ServedSite.ts"
import { inBrowser, type Stage } from "./support/Stage.ts"
import { password, type Visitor } from "./support/Visitor.ts"

const newPassword = "another horse battery staple"

inBrowser("the pages", (stage) => {
  describe("are without fault in both schemes, on narrow and wide screens, and enlarged:", () => pageStates(stage))
  describe("by keyboard alone", () => keyboard(stage))
  describe("for a password manager", () => passwordManager(stage))

  it("weigh less than 15 kB on the first visit, all files included", async () => {
    for (const path of ["/sign-in", "/sign-up"]) {
      const visitor = await stage.visitor()
      const sizes: Array<Promise<number>> = []
      visitor.page.on("requestfinished", (request) => {
        sizes.push(request.sizes().then(({ responseHeadersSize, responseBodySize }) => responseHeadersSize + responseBodySize))
      })
      await visitor.arrive(() => visitor.page.goto(path, { waitUntil: "networkidle" }))
      assert.isAtLeast(sizes.length, 3)
      const bytes = (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
      assert.isBelow(bytes, 15_000, path)
    }
  })

  it("notice what the policy blocks, so that the other tests can rely on it", async () => {
    const visitor = await stage.visitor()
    await visitor.go("/sign-in")
    await visitor.page.evaluate("document.head.append(Object.assign(document.createElement('style'), { textContent: 'p{}' }))")
    await visitor.page.evaluate("document.body.append(Object.assign(new Image(), { src: 'http://127.0.0.1:9/' }))")
    assert.strictEqual(visitor.faults.length, 2)
    assert.include(visitor.faults[0], "style-src")
    assert.include(visitor.faults[1], "img-src")
    visitor.faults.length = 0
  })
})

// internal

function pageStates(stage: Stage): void {
  it("signing up", async () => {
    const email = "states-of-signing-up@example.com"
    const visitor = await stage.visitor()
    await visitor.go("/sign-up")
    await examine(visitor, "Create an account")
    assert.strictEqual(await visitor.press("Create account"), 422)
    await examine(visitor, "Create an account")
    await askToSignUp(visitor, email)
    await examine(visitor, "Check your mail")
    const link = await mailedLink(visitor, email)
    await visitor.go(link)
    await examine(visitor, "Confirm your address")

    const other = await stage.visitor()
    await other.go(link)
    await examine(other, "Confirm your address")
    assert.strictEqual(await other.press("Confirm and sign in"), 422)
    await examine(other, "Confirm your address")
    await visitor.press("Confirm and sign in")
    assert.strictEqual(await visitor.go(link), 422)
    await examine(visitor, "This link does not work any more")
    for (let round = 0; round < 4; round++) await askToSignUp(other, email)
    await other.go("/sign-up")
    await other.fill({ "E-mail address": email, Password: password })
    assert.strictEqual(await other.press("Create account"), 429)
    await examine(other, "Create an account")
  })

  it("signing in and out", async () => {
    const email = "states-of-signing-in@example.com"
    const visitor = await stage.visitor()
    await signUp(visitor, email)
    await visitor.go("/sign-out")
    await examine(visitor, "Sign out?")
    await visitor.press("Sign out")
    await examine(visitor, "Sign in")
    assert.strictEqual(await visitor.press("Sign in"), 422)
    await examine(visitor, "Sign in")
    assert.strictEqual(await signIn(visitor, email, "wrong password"), 401)
    await examine(visitor, "Sign in")
    for (let round = 0; round < 9; round++) assert.strictEqual(await signIn(visitor, email, "wrong password"), 401)
    assert.strictEqual(await signIn(visitor, email), 429)
    await examine(visitor, "Sign in")
    await visitor.go("/sign-in?notice=cookies")
    await examine(visitor, "Sign in")
  })

  it("a forgotten password", async () => {
    const email = "states-of-forgetting@example.com"
    await signUp(await stage.visitor(), email)
    const visitor = await stage.visitor()
    await visitor.go("/forgot-password")
    await examine(visitor, "Forgot your password?")
    assert.strictEqual(await visitor.press("Send me a link"), 422)
    await examine(visitor, "Forgot your password?")
    await visitor.fill({ "E-mail address": email })
    await visitor.press("Send me a link")
    await examine(visitor, "Check your mail")
    await visitor.go(await mailedLink(visitor, email))
    await examine(visitor, "Set a new password")
    await visitor.fill({ "New password": "password" })
    assert.strictEqual(await visitor.press("Set new password"), 422)
    await examine(visitor, "Set a new password")
    await visitor.fill({ "New password": newPassword })
    await visitor.press("Set new password")
    await examine(visitor, "Sign in")
    assert.strictEqual(await visitor.go("/reset-password?token=none"), 422)
    await examine(visitor, "This link does not work any more")
  })

  it("the account", async () => {
    const email = "states-of-the-account-with-a-rather-long-address@example.com"
    const visitor = await stage.visitor()
    await signUp(visitor, email)
    await examine(visitor, "Your account")
    await signIn(await stage.visitor(), email)
    await visitor.go("/account")
    await examine(visitor, "Your account")
    for (const button of ["Send a link to the new address", "Change password"]) {
      assert.strictEqual(await visitor.press(button), 422)
      await examine(visitor, "Your account")
    }
    await visitor.fill({ "Name (optional)": "x".repeat(201) })
    assert.strictEqual(await visitor.press("Save name"), 422)
    await examine(visitor, "Your account")
    await visitor.go("/account/delete")
    await examine(visitor, "Delete your account?")
  })

  it("a new address", async () => {
    const taken = "states-of-a-taken-address@example.com"
    const visitor = await stage.visitor()
    await signUp(visitor, "states-of-a-new-address@example.com")
    await visitor.fill({ "New e-mail address": taken })
    await visitor.press("Send a link to the new address")
    await examine(visitor, "Your account")
    await visitor.go(await mailedLink(visitor, taken))
    await examine(visitor, "Confirm your new address")
    await signUp(await stage.visitor(), taken)
    assert.strictEqual(await visitor.press("Use this address"), 409)
    await examine(visitor, "This address is in use")
  })

  it("an account whose last proof of identity is old", async () => {
    const site = await ServedSite.start({ environment: { BELFRY_SESSION_FRESHNESS: "1 millis" } })
    try {
      const visitor = await stage.visitor({}, site)
      await signUp(visitor, "states-of-an-old-proof@example.com")
      await examine(visitor, "Your account")
      await visitor.follow("Change e-mail address")
      await examine(visitor, "Confirm that it is you")
      assert.strictEqual(await visitor.press("Go on"), 422)
      await examine(visitor, "Confirm that it is you")
    } finally {
      await site.stop()
    }
  })

  it("failures", async () => {
    const visitor = await stage.visitor()
    assert.strictEqual(await visitor.go("/nowhere"), 404)
    await examine(visitor, "Page not found")
    await visitor.page.route("**/sign-in", (route) => route.continue({ postData: "email=%ff" }))
    await visitor.page.goto("/sign-in")
    assert.strictEqual(await visitor.press("Sign in"), 400)
    await examine(visitor, "This form could not be read")
  })
}

function keyboard(stage: Stage): void {
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
    assert.deepStrictEqual(await tabThrough(visitor, 6), [
      "E-mail address",
      "Password",
      "Show the password",
      "Sign in",
      "Forgot your password?",
      "Create an account",
    ])
    await signUp(visitor, "order@example.com")
    await signIn(await stage.visitor(), "order@example.com")
    await visitor.go("/account")
    assert.deepStrictEqual(await tabThrough(visitor, 13), [
      "Sign out",
      "Name (optional)",
      "Save name",
      "New e-mail address",
      "Send a link to the new address",
      "Current password",
      "Show the password",
      "New password",
      "Show the password",
      "Change password",
      "Sign out Chrome on Linux, signed in just now",
      "Sign out all other devices",
      "Delete my account",
    ])
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

  it("shows and hides a password, which is never sent as plain text", async () => {
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
  })
}

function passwordManager(stage: Stage): void {
  it("every field says what it is for, and every password whose it is", async () => {
    const email = "fields@example.com"
    const visitor = await stage.visitor()
    const forms = async (path: string): Promise<ReadonlyArray<string>> => {
      await visitor.go(path)
      const fields = await visitor.page.locator("form:has([type=password]) input:not([type=hidden])").all()
      return Promise.all(
        fields.map(async (field) => {
          const [type, autocomplete, value] = await Promise.all([
            field.getAttribute("type"),
            field.getAttribute("autocomplete"),
            field.inputValue(),
          ])
          return `${type} ${autocomplete} ${value}`.trim()
        }),
      )
    }
    assert.deepStrictEqual(await forms("/sign-in"), ["email username", "password current-password"])
    assert.deepStrictEqual(await forms("/sign-up"), ["text name", "email username", "password new-password"])
    await signUp(visitor, email)
    assert.deepStrictEqual(await forms("/account"), [
      `text username ${email}`,
      "password current-password",
      "password new-password",
    ])
    await visitor.press("Sign out")
    await visitor.go("/forgot-password")
    await visitor.fill({ "E-mail address": email })
    await visitor.press("Send me a link")
    assert.deepStrictEqual(await forms(await mailedLink(visitor, email)), [
      `text username ${email}`,
      "password new-password",
    ])
  })

  it("pasting into a password is not hindered", async () => {
    const visitor = await stage.visitor()
    const { keyboard } = visitor.page
    await visitor.go("/sign-in")
    await visitor.fill({ "E-mail address": password })
    await visitor.page.locator("#email").press("ControlOrMeta+A")
    await keyboard.press("ControlOrMeta+X")
    await visitor.page.locator("#password").press("ControlOrMeta+V")
    assert.strictEqual(await visitor.valueOf("E-mail address"), "")
    assert.strictEqual(await visitor.valueOf("Password"), password)
  })

  it("the well-known address leads to the form that changes the password, by way of signing in", async () => {
    const email = "well-known@example.com"
    const visitor = await stage.visitor()
    await signUp(visitor, email)
    const seesForm = async () => {
      assert.match(visitor.page.url(), /\/account#password$/u)
      const box = await visitor.page.getByRole("heading", { name: "Password" }).boundingBox()
      assert.isBelow(box?.y ?? Infinity, 200)
    }
    await visitor.go("/.well-known/change-password")
    await seesForm()
    await visitor.press("Sign out")
    await visitor.go("/.well-known/change-password")
    assert.strictEqual(await visitor.heading(), "Sign in")
    await visitor.fill({ "E-mail address": email, Password: password })
    await visitor.press("Sign in")
    await seesForm()
  })
}
