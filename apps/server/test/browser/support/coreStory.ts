/**
 * The story of an account from sign-up to deletion, which goes the same way with script and without.
 */
import { assert, it } from "@effect/vitest"
import type { BrowserContextOptions } from "playwright-core"
import { mailedLink, signIn, signUp } from "./people.ts"
import type { Stage } from "./Stage.ts"
import { password } from "./Visitor.ts"

const newPassword = "another horse battery staple"

/** Tells the story in tests, for browsers with these options. */
export const tellCoreStory = (stage: Stage, options: BrowserContextOptions = {}): void => {
  it("signs up, confirms by mail, signs out and in, ends another session, changes the password", async () => {
    const email = "ada@example.com"
    const laptop = await stage.visitor(options)
    assert.strictEqual(await laptop.go("/"), 200)
    assert.strictEqual(await laptop.heading(), "Sign in")
    await laptop.follow("Create an account")
    await laptop.enter({ "Name (optional)": "Ada", "E-mail address": email, Password: password })
    await laptop.press("Create account")
    assert.strictEqual(await laptop.heading(), "Check your mail")

    await laptop.go(await mailedLink(laptop, email))
    assert.strictEqual(await laptop.heading(), "Confirm your address")
    assert.isFalse(await laptop.hasField("Password"))
    await laptop.press("Confirm and sign in")
    assert.strictEqual(await laptop.notice(), "Your e-mail address is confirmed. Welcome!")
    assert.include(await laptop.text(), `Signed in as ${email}`)

    await laptop.press("Sign out")
    assert.strictEqual(await laptop.notice(), "You are signed out.")
    await laptop.go("/account")
    assert.strictEqual(await laptop.heading(), "Sign in")

    await signIn(laptop, email)
    assert.strictEqual(await laptop.heading(), "Your account")
    assert.include(await laptop.text(), "You are signed in on this device alone.")

    const phone = await stage.visitor(options)
    await signIn(phone, email)
    assert.strictEqual(await phone.heading(), "Your account")
    await laptop.reload()
    assert.strictEqual(await laptop.press("Sign out Chrome on Linux, signed in just now"), 200)
    assert.strictEqual(await laptop.notice(), "That device was signed out.")
    await phone.reload()
    assert.strictEqual(await phone.heading(), "Sign in")
    assert.strictEqual(await phone.notice(), "You were signed out. Sign in to go on")
    await laptop.reload()
    assert.strictEqual(await laptop.heading(), "Your account")

    await signIn(phone, email)
    await laptop.enter({ "Current password": password, "New password": newPassword })
    await laptop.press("Change password")
    assert.strictEqual(await laptop.notice(), "Your password was changed. Your other devices were signed out.")
    assert.strictEqual((await stage.site.readMail(email)).subject, "Your password for Belfry was changed")
    await phone.go("/account")
    assert.strictEqual(await phone.heading(), "Sign in")
    assert.strictEqual(await signIn(phone, email), 401)
    assert.deepStrictEqual(await phone.problems(), ["The e-mail address or the password is not right"])
    assert.strictEqual(await phone.valueOf("E-mail address"), email)
    await phone.enter({ Password: newPassword })
    await phone.press("Sign in")
    assert.strictEqual(await phone.heading(), "Your account")
  })

  it("sets a forgotten password anew by the link in the mail", async () => {
    const email = "grace@example.com"
    const laptop = await stage.visitor(options)
    await signUp(laptop, email)
    const phone = await stage.visitor(options)
    await phone.go("/sign-in")
    await phone.follow("Forgot your password?")
    await phone.enter({ "E-mail address": email })
    await phone.press("Send me a link")
    assert.strictEqual(await phone.heading(), "Check your mail")
    const link = await mailedLink(phone, email)
    await phone.go(link)
    assert.strictEqual(await phone.heading(), "Set a new password")
    await phone.enter({ "New password": newPassword })
    await phone.press("Set new password")
    assert.include(await phone.notice(), "Your new password is set.")

    await laptop.reload()
    assert.strictEqual(await laptop.heading(), "Sign in")
    assert.strictEqual(await signIn(phone, email), 401)
    assert.strictEqual(await signIn(phone, email, newPassword), 200)
    assert.strictEqual(await phone.go(link), 422)
    assert.strictEqual(await phone.heading(), "This link does not work any more")
  })

  it("changes the e-mail address by the link that goes to the new one", async () => {
    const [old, fresh] = ["edith@example.com", "edith.clarke@example.com"]
    const visitor = await stage.visitor(options)
    await signUp(visitor, old)
    await visitor.enter({ "New e-mail address": fresh })
    await visitor.press("Send a link to the new address")
    assert.include(await visitor.notice(), "We have sent a link to the new address.")
    assert.include(await visitor.text(), `Signed in as ${old}`)
    await visitor.go(await mailedLink(visitor, fresh))
    assert.strictEqual(await visitor.heading(), "Confirm your new address")
    await visitor.press("Use this address")
    assert.strictEqual(await visitor.notice(), "Your new e-mail address is in use.")
    assert.include(await visitor.text(), `Signed in as ${fresh}`)
    assert.include((await stage.site.readMail(old)).text, fresh)

    await visitor.press("Sign out")
    assert.strictEqual(await signIn(visitor, old), 401)
    assert.strictEqual(await signIn(visitor, fresh), 200)
  })

  it("changes the name, and takes it away", async () => {
    const visitor = await stage.visitor(options)
    await signUp(visitor, "hedy@example.com")
    await visitor.enter({ "Name (optional)": "Hedy <Lamarr>" })
    await visitor.press("Save name")
    assert.strictEqual(await visitor.notice(), "Your name was saved.")
    assert.strictEqual(await visitor.valueOf("Name (optional)"), "Hedy <Lamarr>")
    await visitor.enter({ "Name (optional)": "" })
    await visitor.press("Save name")
    assert.strictEqual(await visitor.valueOf("Name (optional)"), "")
  })

  it("deletes the account after asking once more", async () => {
    const email = "mary@example.com"
    const visitor = await stage.visitor(options)
    await signUp(visitor, email)
    await visitor.follow("Delete my account")
    assert.strictEqual(await visitor.heading(), "Delete your account?")
    await visitor.follow("Keep my account")
    assert.include(await visitor.text(), `Signed in as ${email}`)
    await visitor.follow("Delete my account")
    await visitor.press("Delete my account for good")
    assert.strictEqual(await visitor.notice(), "Your account and everything in it was deleted.")
    assert.strictEqual(await signIn(visitor, email), 401)
  })

  it("asks for the password where the link is opened in another browser", async () => {
    const email = "emmy@example.com"
    const laptop = await stage.visitor(options)
    await laptop.go("/sign-up")
    await laptop.enter({ "E-mail address": email, Password: password })
    await laptop.press("Create account")
    const phone = await stage.visitor(options)
    await phone.go(await mailedLink(phone, email))
    assert.include(await phone.text(), "You signed up in another browser.")
    await phone.enter({ Password: "not that password" })
    assert.strictEqual(await phone.press("Confirm and sign in"), 401)
    assert.deepStrictEqual(await phone.problems(), ["The password is not right"])
    await phone.enter({ Password: password })
    await phone.press("Confirm and sign in")
    assert.include(await phone.text(), `Signed in as ${email}`)
  })
}
