/**
 * The ways to sign in that need no script, which go the same way with script and without.
 */
import { assert, it } from "@effect/vitest"
import type { BrowserContextOptions } from "playwright-core"
import {
  addApp,
  App,
  askForCode,
  askForLink,
  confirmApp,
  evidence,
  isSignedIn,
  mailedCode,
  readBackupCodes,
  readSecret,
} from "./factors.ts"
import { mailedLink, signIn, signUp } from "./people.ts"
import type { Stage } from "./Stage.ts"

/** Tells of every factor that needs no script, for browsers with these options. */
export const tellFactorStory = (stage: Stage, options: BrowserContextOptions = {}): void => {
  it("sets up an authenticator app by its QR code or its secret, and signs in by password and code", async () => {
    const email = "tota@example.com"
    const visitor = await stage.visitor(options)
    await signUp(visitor, email)
    await visitor.follow("Set up: Authenticator app")
    await visitor.press("Show me the code to scan")
    const picture = visitor.page.getByRole("img", { name: "QR code with the secret for your authenticator app" })
    assert.match((await picture.locator("path").getAttribute("d")) ?? "", /^(?:M\d+ \d+h\d+v1h-\d+z){200,}$/u)
    const open = visitor.page.getByRole("link", { name: "Open the app on this device" })
    const uri = new URL((await open.getAttribute("href")) ?? "")
    assert.deepStrictEqual([uri.protocol, uri.host], ["otpauth:", "totp"])
    const secret = await readSecret(visitor)
    assert.strictEqual(uri.searchParams.get("secret"), secret)
    const attributes = await visitor.page
      .locator("main *")
      .evaluateAll((elements) =>
        elements.flatMap((element) => [...element.attributes].map(({ name, value }) => [name, value] as const)),
      )
    const holders = attributes.filter(([, value]) => value.includes(secret) || value.includes("otpauth"))
    assert.deepStrictEqual(
      holders.map(([name]) => name),
      ["href"],
    )

    await visitor.enter({ Code: new App(secret).wrongCode() })
    assert.strictEqual(await visitor.press("Turn it on"), 401)
    assert.match((await visitor.problems()).join(), /^The code is not right/u)
    assert.strictEqual(await visitor.valueOf("Code"), "")
    assert.strictEqual(await readSecret(visitor), secret)
    const app = await confirmApp(visitor)
    const codes = await readBackupCodes(visitor)
    assert.strictEqual(new Set(codes).size, 10)
    await visitor.follow("I have saved them")
    assert.strictEqual(await visitor.notice(), "Your authenticator app is set up.")
    assert.include(await visitor.text(), "10 codes are left.")

    await visitor.press("Sign out")
    await signIn(visitor, email)
    assert.strictEqual(await visitor.heading(), "One more step")
    assert.include(await visitor.text(), `You are signing in as ${email}.`)
    assert.isFalse(await isSignedIn(visitor))
    await visitor.enter({ Code: app.code().replace(/^.../u, "$& ") })
    await visitor.press("Go on")
    assert.strictEqual(await visitor.heading(), "Your account")
    assert.deepStrictEqual(await evidence(visitor), { amr: ["pwd", "otp", "mfa"], acr: "aal2" })
    // The page of the code has nothing more to ask.
    await visitor.back()
    assert.strictEqual(await visitor.heading(), "Your account")
  })

  it("stops a sign-in after five wrong codes, which the right one does not save", async () => {
    const email = "lotte@example.com"
    const visitor = await stage.visitor(options)
    await signUp(visitor, email)
    const { app } = await addApp(visitor, email)
    await visitor.press("Sign out")
    await signIn(visitor, email)
    const context = visitor.page.context()
    // Somebody who kept the page, and the cookie that the last answer takes.
    const tab = await context.newPage()
    await tab.goto("/sign-in/continue")
    const kept = await context.cookies()
    for (const left of ["You have 4 tries left", "You have 3 tries left", "You have 2 tries left", "one try left"]) {
      await visitor.enter({ Code: app.wrongCode() })
      assert.strictEqual(await visitor.press("Go on"), 401)
      assert.include((await visitor.problems()).join(), left)
    }
    await visitor.enter({ Code: app.wrongCode() })
    assert.strictEqual(await visitor.press("Go on"), 409)
    assert.strictEqual(await visitor.heading(), "Too many wrong codes")

    await context.addCookies(kept)
    await tab.getByRole("textbox", { name: "Code" }).fill(app.code())
    await tab.getByRole("button", { name: "Go on" }).click()
    await tab.getByRole("heading", { name: "Too many wrong codes" }).waitFor()
    assert.isFalse(await isSignedIn(visitor))
    await visitor.follow("Start again")
    assert.strictEqual(await visitor.heading(), "Sign in")
  })

  it("takes a backup code once, and tells of it by mail", async () => {
    const email = "backa@example.com"
    const visitor = await stage.visitor(options)
    await signUp(visitor, email)
    const { backupCodes } = await addApp(visitor, email)
    const [code = "", other = ""] = backupCodes
    const prove = async (typed: string) => {
      await visitor.press("Sign out")
      await signIn(visitor, email)
      await visitor.follow("Use a backup code instead")
      await visitor.enter({ Code: typed })
      return visitor.press("Go on")
    }
    assert.strictEqual(await prove(code.toLowerCase().replace("-", " ")), 200)
    assert.strictEqual(await visitor.heading(), "Your account")
    assert.include(await visitor.text(), "9 codes are left.")
    assert.strictEqual((await stage.site.readMail(email)).subject, "A backup code was used to sign in to Belfry")
    assert.strictEqual(await prove(code), 401)
    assert.deepStrictEqual(await visitor.problems(), ["The code is not right. You have 4 tries left"])
    await visitor.enter({ Code: other })
    await visitor.press("Go on")
    assert.include(await visitor.text(), "8 codes are left.")
    assert.deepStrictEqual(await evidence(visitor), { amr: ["pwd", "otp", "mfa"], acr: "aal2" })
  })

  it("signs up and in by a code from a mail", async () => {
    const email = "codie@example.com"
    const visitor = await stage.visitor(options)
    await askForCode(visitor, email)
    const code = await mailedCode(visitor, email)
    await visitor.enter({ Code: code === "BBBBBB" ? "CCCCCC" : "BBBBBB" })
    assert.strictEqual(await visitor.press("Go on"), 401)
    assert.deepStrictEqual(await visitor.problems(), ["The code is not right. You have 4 tries left"])
    await visitor.enter({ Code: code.toLowerCase() })
    await visitor.press("Go on")
    assert.strictEqual(await visitor.heading(), "Your account")
    assert.include(await visitor.text(), `Signed in as ${email}`)
    assert.include(await visitor.text(), "You have no password.")
    assert.deepStrictEqual(await evidence(visitor), { amr: ["email"], acr: "aal1" })

    await visitor.press("Sign out")
    await askForCode(visitor, email)
    const again = await mailedCode(visitor, email)
    // Another browser has no use for it.
    const thief = await stage.visitor(options)
    await askForCode(thief, "thief@example.com")
    await thief.enter({ Code: again })
    assert.strictEqual(await thief.press("Go on"), 401)
    await visitor.enter({ Code: again })
    await visitor.press("Go on")
    assert.include(await visitor.text(), `Signed in as ${email}`)
  })

  it("asks for the app's code after a code from a mail, too", async () => {
    const email = "mailapp@example.com"
    const visitor = await stage.visitor(options)
    await signUp(visitor, email)
    const { app } = await addApp(visitor, email)
    await visitor.press("Sign out")
    await askForCode(visitor, email)
    await visitor.enter({ Code: await mailedCode(visitor, email) })
    await visitor.press("Go on")
    assert.strictEqual(await visitor.heading(), "One more step")
    assert.isFalse(await isSignedIn(visitor))
    await visitor.enter({ Code: app.code() })
    await visitor.press("Go on")
    assert.strictEqual(await visitor.heading(), "Your account")
    assert.deepStrictEqual(await evidence(visitor), { amr: ["email", "otp", "mfa"], acr: "aal2" })
  })

  it("signs in by a link from a mail in the browser that asked for it, and in no other", async () => {
    const email = "linka@example.com"
    const laptop = await stage.visitor(options)
    await signUp(laptop, email)
    await laptop.press("Sign out")
    await askForLink(laptop, email)
    const link = await mailedLink(laptop, email)

    const phone = await stage.visitor(options)
    assert.strictEqual(await phone.go(link), 403)
    assert.strictEqual(await phone.heading(), "Open the link in the other browser")
    assert.include(await phone.text(), "it works only there")
    await askForLink(phone, "somebody-else@example.com")
    assert.strictEqual(await phone.go(link), 403)
    assert.isFalse(await isSignedIn(phone))
    await phone.follow("Sign in from here instead")
    assert.strictEqual(await phone.heading(), "Sign in by e-mail")

    assert.strictEqual(await laptop.go(link), 200)
    assert.strictEqual(await laptop.heading(), "Sign in")
    // Looking at it, as scanners of mail do, uses nothing up.
    assert.strictEqual(await laptop.reload(), 200)
    await laptop.press("Sign in")
    assert.include(await laptop.text(), `Signed in as ${email}`)
    assert.deepStrictEqual(await evidence(laptop), { amr: ["email"], acr: "aal1" })
    await laptop.press("Sign out")
    assert.strictEqual(await laptop.go(link), 422)
    assert.strictEqual(await laptop.heading(), "This link does not work any more")
    assert.isFalse(await isSignedIn(laptop))
  })

  it("is called off by Cancel, and nothing of it is left", async () => {
    const email = "cancela@example.com"
    const visitor = await stage.visitor(options)
    await signUp(visitor, email)
    await addApp(visitor, email)
    await visitor.press("Sign out")
    await signIn(visitor, email)
    const context = visitor.page.context()
    const kept = await context.cookies()
    await visitor.press("Cancel")
    assert.strictEqual(await visitor.heading(), "Sign in")
    await context.addCookies(kept)
    assert.strictEqual(await visitor.go("/sign-in/continue"), 409)
    assert.strictEqual(await visitor.heading(), "Start again")
    assert.isFalse(await isSignedIn(visitor))
  })
}
