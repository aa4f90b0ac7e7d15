/**
 * The pages for people whose passwords are filled in by a program.
 */
import { assert, it } from "@effect/vitest"
import { mailedLink, signUp } from "./people.ts"
import type { Stage } from "./Stage.ts"
import { password } from "./Visitor.ts"

/** Tests of what a password manager needs: purposes of fields, whose password it is, the way to change it. */
export const testPasswordManager = (stage: Stage): void => {
  it("is told of every field what it is for, and of every password whose it is", async () => {
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
    assert.deepStrictEqual(await forms("/sign-in"), ["email username webauthn", "password current-password"])
    assert.deepStrictEqual(await forms("/sign-up"), ["text name", "email username", "password new-password"])
    await signUp(visitor, email)
    assert.deepStrictEqual(await forms("/account"), [
      `text username ${email}`,
      "password current-password",
      "password new-password",
    ])
    await visitor.press("Sign out")
    await visitor.go("/forgot-password")
    await visitor.enter({ "E-mail address": email })
    await visitor.press("Send me a link")
    assert.deepStrictEqual(await forms(await mailedLink(visitor, email)), [
      `text username ${email}`,
      "password new-password",
    ])
  })

  it("can paste", async () => {
    const visitor = await stage.visitor()
    const { keyboard } = visitor.page
    await visitor.go("/sign-in")
    await visitor.enter({ "E-mail address": password })
    await visitor.page.locator("#email").press("ControlOrMeta+A")
    await keyboard.press("ControlOrMeta+X")
    await visitor.page.locator("#password").press("ControlOrMeta+V")
    assert.strictEqual(await visitor.valueOf("E-mail address"), "")
    assert.strictEqual(await visitor.valueOf("Password"), password)
  })

  it("finds the form that changes the password at the well-known address, by way of signing in", async () => {
    const email = "well-known@example.com"
    const visitor = await stage.visitor()
    await signUp(visitor, email)
    const seesForm = async () => {
      assert.match(visitor.page.url(), /\/account#password$/u)
      const box = await visitor.page.getByRole("heading", { name: "Password", level: 2 }).boundingBox()
      assert.isBelow(box?.y ?? Infinity, 200)
    }
    await visitor.go("/.well-known/change-password")
    await seesForm()
    await visitor.press("Sign out")
    await visitor.go("/.well-known/change-password")
    assert.strictEqual(await visitor.heading(), "Sign in")
    await visitor.enter({ "E-mail address": email, Password: password })
    await visitor.press("Sign in")
    await seesForm()
  })
}
