/**
 * How the pages about factors look, in every state that a person can bring them to.
 */
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import * as DatabaseSite from "./DatabaseSite.ts"
import {
  addApp,
  addDevice,
  addPasskey,
  App,
  askForCode,
  askForLink,
  confirmApp,
  Generator,
  mailedCode,
  readBackupCodes,
  readSecret,
} from "./factors.ts"
import { examine } from "./look.ts"
import { askToSignUp, mailedLink, signIn, signUp } from "./people.ts"
import type { Stage } from "./Stage.ts"
import type { Visitor } from "./Visitor.ts"

/** Sets up a code generator in the account, and looks at its pages on the way. */
const addGenerator = async (visitor: Visitor): Promise<Generator> => {
  await visitor.go("/account")
  await visitor.follow("Set up: Code generator")
  await examine(visitor, "Set up your code generator")
  await visitor.enter({ "Secret of the device (optional)": "not a secret" })
  assert.strictEqual(await visitor.press("Go on"), 422)
  await examine(visitor, "Set up your code generator")
  await visitor.enter({ "Secret of the device (optional)": "" })
  await visitor.press("Go on")
  await examine(visitor, "Set up your code generator")
  const generator = new Generator(await readSecret(visitor))
  await visitor.enter({ Code: "000" })
  assert.strictEqual(await visitor.press("Turn it on"), 401)
  await examine(visitor, "Set up your code generator")
  await visitor.enter({ Code: generator.press() })
  assert.strictEqual(await visitor.press("Turn it on"), 200)
  return generator
}

/** Tests of the pages under the policy that nobody changed. */
export const testFactorLook = (stage: Stage): void => {
  it("signing in by e-mail", async () => {
    const email = "states-of-codes@example.com"
    const visitor = await stage.visitor()
    await visitor.go("/sign-in/email")
    await examine(visitor, "Sign in by e-mail")
    assert.strictEqual(await visitor.press("Send me a code"), 422)
    await examine(visitor, "Sign in by e-mail")
    await askForCode(visitor, email)
    await examine(visitor, "Enter the code")
    assert.strictEqual(await visitor.press("Go on"), 422)
    await examine(visitor, "Enter the code")
    assert.strictEqual(await visitor.press("Send another code"), 429)
    await examine(visitor, "Enter the code")
    for (let round = 0; round < 4; round++) {
      await visitor.enter({ Code: "AAAAAA" })
      assert.strictEqual(await visitor.press("Go on"), 401)
    }
    await examine(visitor, "Enter the code")
    await visitor.enter({ Code: "AAAAAA" })
    assert.strictEqual(await visitor.press("Go on"), 409)
    await examine(visitor, "Too many wrong codes")

    const laptop = await stage.visitor()
    await askForLink(laptop, email)
    await examine(laptop, "Check your mail")
    await stage.site.readMail(email)
    const link = await mailedLink(laptop, email)
    await visitor.go(link)
    await examine(visitor, "Open the link in the other browser")
    await laptop.go(link)
    await examine(laptop, "Sign in")
    await laptop.press("Sign in")
    await examine(laptop, "Your account")
    await laptop.press("Sign out")
    assert.strictEqual(await laptop.go(link), 422)
    await examine(laptop, "This link does not work any more")
    const busy = "states-of-too-much-mail@example.com"
    for (let round = 0; round < 5; round++) await askForLink(laptop, busy)
    await laptop.go("/sign-in/email")
    await laptop.enter({ "E-mail address": busy })
    assert.strictEqual(await laptop.press("Send me a code"), 429)
    await examine(laptop, "Sign in by e-mail")
  })

  it("setting up an authenticator app", async () => {
    const email = "states-of-an-app@example.com"
    const visitor = await stage.visitor()
    await signUp(visitor, email)
    await visitor.follow("Set up: Authenticator app")
    await examine(visitor, "Set up your authenticator app")
    await visitor.press("Show me the code to scan")
    await examine(visitor, "Set up your authenticator app")
    await visitor.enter({ Code: new App(await readSecret(visitor)).wrongCode() })
    assert.strictEqual(await visitor.press("Turn it on"), 401)
    await examine(visitor, "Set up your authenticator app")
    await confirmApp(visitor)
    await examine(visitor, "Save your backup codes")
    await visitor.follow("I have saved them")
    await visitor.follow("Remove password")
    await examine(visitor, "Remove your password?")
    await visitor.go("/account")
    await visitor.follow("Remove: Authenticator app")
    await examine(visitor, "Remove your authenticator app?")
  })

  it("prints backup codes on one page, with their owner and nothing to press", async () => {
    const email = "states-of-paper-with-a-rather-long-address@example.com"
    const visitor = await stage.visitor()
    const { page } = visitor
    await signUp(visitor, email)
    await visitor.follow("Set up: Authenticator app")
    await visitor.press("Show me the code to scan")
    await confirmApp(visitor)
    const codes = await readBackupCodes(visitor)
    await page.emulateMedia({ media: "print" })
    const text = await visitor.text()
    for (const code of codes) assert.include(text, code)
    assert.include(text, `Backup codes of ${email} for Belfry`)
    for (const name of ["Copy", "Print", "I have saved them"]) {
      assert.isFalse(await page.getByText(name, { exact: true }).isVisible(), name)
    }
    for (const format of ["A4", "A5", "Letter"]) {
      const pdf = (await page.pdf({ format })).toString("latin1")
      assert.strictEqual(pdf.match(/\/Type \/Page\b/gu)?.length, 1, format)
    }
  })

  it("passkeys", async () => {
    const visitor = await stage.visitor()
    const { page } = visitor
    const device = await addDevice(visitor)
    await signUp(visitor, "states-of-passkeys@example.com")
    await visitor.follow("Add a passkey")
    await examine(visitor, "Add a passkey")
    await visitor.enter({ "Name (optional)": "x".repeat(101) })
    assert.strictEqual(await visitor.press("Create a passkey"), 422)
    await examine(visitor, "Add a passkey")
    await device.forget()
    await addPasskey(visitor, "A laptop with a rather long name, in the office on the second floor")
    await examine(visitor, "Save your backup codes")
    await visitor.follow("I have saved them")
    await visitor.follow("Add a passkey")
    await page.getByRole("button", { name: "Create a passkey" }).click()
    await page.getByText("This device has a passkey for your account already.").waitFor()
    await examine(visitor, "Add a passkey")
    await visitor.go("/account")
    await visitor.follow("Change A laptop with a rather long name, in the office on the second floor")
    await examine(visitor, "Your passkey")
    await visitor.enter({ Name: "" })
    assert.strictEqual(await visitor.press("Save name"), 422)
    await examine(visitor, "Your passkey")
    await visitor.follow("Remove this passkey")
    await examine(visitor, "Remove this passkey?")
  })

  it.live("an account with everything on, its sign-ins, and what it asks when a proof is old", () =>
    Effect.gen(function* () {
      const { site, age, useBackupCodes } = yield* DatabaseSite.acquire()
      yield* Effect.promise(async () => {
        const email = "states-of-everything@example.com"
        const visitor = await stage.visitor({}, site)
        const { page } = visitor
        await page.addInitScript("PublicKeyCredential.isConditionalMediationAvailable = async () => false")
        const device = await addDevice(visitor)
        await signUp(visitor, email)
        const { app } = await addApp(visitor, email)
        const generator = await addGenerator(visitor)
        await addPasskey(visitor, "Laptop")
        await device.forget()
        await addPasskey(visitor, "x".repeat(100))
        await examine(visitor, "Your account")
        await visitor.follow("New codes")
        await examine(visitor, "Backup codes")
        await visitor.press("Make new codes")
        await examine(visitor, "Save your backup codes")
        await useBackupCodes()
        await visitor.go("/account")
        await examine(visitor, "Your account")
        await visitor.follow("Remove: Code generator")
        await examine(visitor, "Remove your code generator?")

        await age()
        await visitor.go("/account/delete")
        for (const way of ["", "authenticator app", "code generator"]) {
          if (way !== "") await visitor.follow(`Use your ${way} instead`)
          await examine(visitor, "Confirm that it is you")
        }
        await visitor.enter({ Code: "000000" })
        assert.strictEqual(await visitor.press("Go on"), 401)
        await examine(visitor, "Confirm that it is you")
        await visitor.press("Cancel")
        await visitor.press("Sign out")

        await signIn(visitor, email)
        await page.getByRole("button", { name: "Use your passkey" }).waitFor()
        await examine(visitor, "One more step")
        await device.setVerified(false)
        await device.setTouched(false)
        await visitor.follow("Use your code generator instead")
        await examine(visitor, "One more step")
        await visitor.follow("Your code generator gave codes that were not used? Enter two in a row")
        await examine(visitor, "One more step")
        await visitor.enter({ Code: generator.press() })
        assert.strictEqual(await visitor.press("Go on"), 422)
        await examine(visitor, "One more step")
        await visitor.follow("Use a backup code instead")
        await examine(visitor, "One more step")
        await visitor.follow("Use your authenticator app instead")
        await examine(visitor, "One more step")
        await visitor.enter({ Code: app.wrongCode() })
        assert.strictEqual(await visitor.press("Go on"), 401)
        await examine(visitor, "One more step")
        const kept = await page.context().cookies()
        await visitor.enter({ Code: app.code() })
        await visitor.press("Go on")
        assert.strictEqual(await visitor.heading(), "Your account")
        await page.context().addCookies(kept)
        assert.strictEqual(await visitor.go("/sign-in/continue"), 409)
        await examine(visitor, "Start again")
      })
      yield* Effect.promise(async () => {
        const email = "states-of-mail-alone@example.com"
        const visitor = await stage.visitor({}, site)
        await askForCode(visitor, email)
        await visitor.enter({ Code: await mailedCode(visitor, email) })
        await visitor.press("Go on")
        await age()
        await visitor.go("/account")
        await examine(visitor, "Your account")
        const section = visitor.page.getByRole("region", { name: "Password" })
        await visitor.arrive(() => section.getByRole("link", { name: "Set a password" }).click())
        await examine(visitor, "Confirm that it is you")
        await visitor.follow("Use a link by e-mail instead")
        await examine(visitor, "Confirm that it is you")
        await visitor.follow("Use a code by e-mail instead")
        await visitor.press("Send me a code")
        await examine(visitor, "Enter the code")
      })
    }).pipe(Effect.scoped),
  )
}

/** Tests of the pages where everybody needs a second factor, and nobody signs in by mail. */
export const testEnrolmentLook = (stage: Stage): void => {
  it("setting up what the sign-in demands", async () => {
    const email = "states-of-enrolment@example.com"
    const visitor = await stage.visitor()
    await addDevice(visitor)
    await askToSignUp(visitor, email)
    await visitor.go(await mailedLink(visitor, email))
    await visitor.press("Confirm and sign in")
    await examine(visitor, "Set up a second step")
    await visitor.follow("Set up a passkey")
    await examine(visitor, "Add a passkey")
    await visitor.follow("Choose another way")
    await visitor.press("Set up an authenticator app")
    await examine(visitor, "Set up your authenticator app")
    await confirmApp(visitor)
    await examine(visitor, "Save your backup codes")
    await visitor.follow("I have saved them")
    await visitor.follow("Remove password")
    assert.strictEqual(await visitor.press("Remove it"), 409)
    await examine(visitor, "Remove your password?")
  })
}
