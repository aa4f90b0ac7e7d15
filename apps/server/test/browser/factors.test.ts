/**
 * Every factor, as a person with a browser, a device, an app and their mail uses it.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as DatabaseSite from "./support/DatabaseSite.ts"
import { addApp, addDevice, addPasskey, confirmApp, evidence, isSignedIn, readBackupCodes } from "./support/factors.ts"
import { tellFactorStory } from "./support/factorStory.ts"
import { askToSignUp, mailedLink, signIn, signUp } from "./support/people.ts"
import { inBrowser, type Stage } from "./support/Stage.ts"
import { password, type Visitor } from "./support/Visitor.ts"

inBrowser("the factors in the browser", (stage) => {
  tellFactorStory(stage)

  describe("a passkey", () => testPasskeys(stage))

  describe("backup codes", () => testBackupCodes(stage))

  describe("an old proof of identity", () => testStepUp(stage))
})

inBrowser(
  "where everybody needs a second factor, and nobody signs in by mail",
  (stage) => {
    it("an app is set up before the sign-in is complete", async () => {
      const email = "musta@example.com"
      const visitor = await stage.visitor()
      await askToSignUp(visitor, email)
      await visitor.go(await mailedLink(visitor, email))
      await visitor.press("Confirm and sign in")
      assert.strictEqual(await visitor.heading(), "Set up a second step")
      assert.isFalse(await isSignedIn(visitor))
      await visitor.go("/account")
      assert.strictEqual(await visitor.heading(), "Sign in")
      await signIn(visitor, email)
      assert.strictEqual(await visitor.heading(), "Set up a second step")
      await visitor.press("Set up an authenticator app")
      const app = await confirmApp(visitor)
      await visitor.follow("I have saved them")
      assert.strictEqual(await visitor.heading(), "Your account")
      assert.include(await visitor.text(), "10 codes are left.")
      assert.deepStrictEqual(await evidence(visitor), { amr: ["pwd", "otp", "mfa"], acr: "aal2" })
      await visitor.press("Sign out")
      await signIn(visitor, email)
      assert.strictEqual(await visitor.heading(), "One more step")
      await visitor.enter({ Code: app.code() })
      await visitor.press("Go on")

      await visitor.follow("Remove password")
      assert.strictEqual(await visitor.press("Remove it"), 409)
      assert.include((await visitor.problems()).join(), "This is the only way in that you have.")
      await visitor.follow("Keep it")
      assert.strictEqual(await visitor.page.getByRole("link", { name: "Remove password" }).count(), 1)
    })

    it("a passkey is set up before the sign-in is complete", async () => {
      const email = "mustkey@example.com"
      const visitor = await stage.visitor()
      await addDevice(visitor)
      await askToSignUp(visitor, email)
      await visitor.go(await mailedLink(visitor, email))
      await visitor.press("Confirm and sign in")
      await visitor.follow("Set up a passkey")
      await visitor.press("Create a passkey")
      const shown = await readBackupCodes(visitor)
      assert.strictEqual(shown.length, 10)
      await visitor.reload()
      for (const code of shown) assert.notInclude(await visitor.text(), code)
      await visitor.go("/account")
      assert.include(await visitor.text(), `Signed in as ${email}`)
      assert.include(await visitor.text(), "10 codes are left.")
      await withPasskey(visitor, "pwd")
    })
  },
  { BELFRY_FIRST_FACTORS: "password,passkey", BELFRY_SECOND_FACTOR: "required" },
)

/** The evidence of a passkey whose device knows its owner, with what came before. */
const withPasskey = async (visitor: Visitor, ...before: ReadonlyArray<string>) => {
  const { amr, acr } = await evidence(visitor)
  const kept = amr.includes("hwk") ? "hwk" : "swk"
  assert.deepStrictEqual([amr, acr], [[...before, kept, "user", "mfa"], "aal2"])
}

const testPasskeys = (stage: Stage): void => {
  /** A person with an account and a device that keeps a passkey for it. */
  const withDevice = async (email: string, options: { readonly offersItself?: boolean } = {}) => {
    const visitor = await stage.visitor()
    if (options.offersItself !== true) {
      // Devices of tests answer at once when a page only offers passkeys among addresses.
      await visitor.page.addInitScript("PublicKeyCredential.isConditionalMediationAvailable = async () => false")
    }
    const device = await addDevice(visitor)
    await signUp(visitor, email)
    await addPasskey(visitor, "Laptop")
    assert.strictEqual(await visitor.heading(), "Save your backup codes")
    assert.strictEqual((await readBackupCodes(visitor)).length, 10)
    assert.strictEqual((await visitor.site.readMail(email)).subject, "You can now sign in to Belfry with a passkey")
    await visitor.follow("I have saved them")
    assert.strictEqual(await visitor.notice(), "Your passkey was added.")
    assert.include(await visitor.text(), "Laptop\nAdded just now, never used")
    return { visitor, device }
  }

  it("is made in the account, and signs in alone, as two factors", async () => {
    const { visitor, device } = await withDevice("keya@example.com")
    assert.strictEqual(await device.count(), 1)
    await visitor.press("Sign out")
    assert.isFalse(await isSignedIn(visitor))
    await visitor.press("Sign in with a passkey")
    assert.strictEqual(await visitor.heading(), "Your account")
    assert.include(await visitor.text(), "Signed in as keya@example.com")
    assert.include(await visitor.text(), "last used just now")
    await withPasskey(visitor)
  })

  it("is offered in the field for the address", async () => {
    const { visitor, device } = await withDevice("filla@example.com", { offersItself: true })
    await device.setTouched(false)
    await visitor.press("Sign out")
    assert.strictEqual(await visitor.page.locator("#email").getAttribute("autocomplete"), "username webauthn")
    // A page that asks for no passkey: the one before would sign in as soon as the device is touched.
    await visitor.go("/sign-up")
    await device.setTouched(true)
    await visitor.page.goto("/sign-in", { waitUntil: "commit" })
    await visitor.page.getByRole("heading", { name: "Your account" }).waitFor()
    assert.deepStrictEqual(visitor.documents.slice(-3), ["GET /sign-in", "POST /sign-in/passkey", "GET /account"])
    await withPasskey(visitor)
  })

  it("leads to the page that was asked for", async () => {
    const { visitor } = await withDevice("leda@example.com")
    await visitor.press("Sign out")
    await visitor.go("/account/delete")
    assert.strictEqual(await visitor.heading(), "Sign in")
    await visitor.press("Sign in with a passkey")
    assert.strictEqual(await visitor.heading(), "Delete your account?")
  })

  it("is the second step after a password", async () => {
    const email = "seconda@example.com"
    const { visitor } = await withDevice(email)
    await visitor.press("Sign out")
    await signIn(visitor, email)
    assert.strictEqual(await visitor.heading(), "One more step")
    assert.isFalse(await isSignedIn(visitor))
    await visitor.press("Use your passkey")
    assert.strictEqual(await visitor.heading(), "Your account")
    await withPasskey(visitor, "pwd")
  })

  it("is not taken from another account in the second step", async () => {
    const email = "mina@example.com"
    const { visitor: owner } = await withDevice(email)
    await owner.press("Sign out")
    await signIn(owner, email)
    const { visitor: other, device } = await withDevice("nina@example.com")
    await other.press("Sign out")
    await signIn(other, email)
    assert.strictEqual(await other.heading(), "One more step")
    assert.strictEqual(await device.count(), 1)
    await other.page.getByRole("button", { name: "Use your passkey" }).click()
    assert.include(await visitorStatus(other), "Nothing happened")
    assert.isFalse(await isSignedIn(other))
  })

  it("does nothing where the device does not know its owner", async () => {
    const { visitor, device } = await withDevice("stranga@example.com")
    await visitor.press("Sign out")
    await device.setVerified(false)
    await visitor.page.getByRole("button", { name: "Sign in with a passkey" }).click()
    assert.include(await visitorStatus(visitor), "Nothing happened")
    assert.isFalse(await isSignedIn(visitor))
    await device.setVerified(true)
    await visitor.press("Sign in with a passkey")
    assert.strictEqual(await visitor.heading(), "Your account")
  })

  it("is made once on a device", async () => {
    const { visitor, device } = await withDevice("oncea@example.com")
    await visitor.follow("Add a passkey")
    await visitor.page.getByRole("button", { name: "Create a passkey" }).click()
    assert.include(await visitorStatus(visitor), "This device has a passkey for your account already.")
    assert.strictEqual(await device.count(), 1)
  })

  it("is renamed and removed, and does not sign in any more", async () => {
    const email = "rena@example.com"
    const { visitor, device } = await withDevice(email)
    await visitor.follow("Change Laptop")
    await visitor.enter({ Name: "Blue <laptop>" })
    await visitor.press("Save name")
    assert.strictEqual(await visitor.notice(), "The name of your passkey was saved.")
    await visitor.follow("Change Blue <laptop>")
    await visitor.follow("Remove this passkey")
    assert.strictEqual(await visitor.heading(), "Remove this passkey?")
    assert.include(await visitor.text(), "Passkey: Blue <laptop>")
    await visitor.press("Remove it")
    assert.strictEqual(await visitor.notice(), "Your passkey was removed.")
    assert.include(await visitor.text(), "None yet.")
    assert.strictEqual((await stage.site.readMail(email)).subject, "You can no longer sign in to Belfry with a passkey")
    await visitor.press("Sign out")
    assert.strictEqual(await device.count(), 1)
    assert.strictEqual(await visitor.press("Sign in with a passkey"), 401)
    assert.deepStrictEqual(await visitor.problems(), [
      "This passkey could not be verified. Try again, or choose another way",
    ])
    // Nor is it asked for any more.
    await signIn(visitor, email)
    assert.strictEqual(await visitor.heading(), "Your account")
  })
}

const testBackupCodes = (stage: Stage): void => {
  it("are copied and printed by buttons", async () => {
    const visitor = await stage.visitor({ permissions: ["clipboard-read", "clipboard-write"] })
    await visitor.page.addInitScript("window.print = () => (document.title = 'printed')")
    await signUp(visitor, "copya@example.com")
    await visitor.follow("Set up: Authenticator app")
    await visitor.press("Show me the code to scan")
    await confirmApp(visitor)
    await visitor.page.getByRole("button", { name: "Copy" }).click()
    await visitor.page.getByText("Copied.", { exact: true }).waitFor()
    const copied = String(await visitor.page.evaluate("navigator.clipboard.readText()"))
    assert.deepStrictEqual(copied.split("\n"), await readBackupCodes(visitor))
    await visitor.page.getByRole("button", { name: "Print" }).click()
    assert.strictEqual(await visitor.page.title(), "printed")
  })

  it("are not shown again, nor made again, by reloading or going back", async () => {
    const email = "reloada@example.com"
    const visitor = await stage.visitor()
    await signUp(visitor, email)
    await visitor.follow("Set up: Authenticator app")
    await visitor.press("Show me the code to scan")
    await confirmApp(visitor)
    const first = await readBackupCodes(visitor)
    await visitor.reload()
    for (const code of first) assert.notInclude(await visitor.text(), code)
    assert.strictEqual(await visitor.heading(), "Your account")
    await visitor.follow("New codes")
    await visitor.press("Make new codes")
    const second = await readBackupCodes(visitor)
    assert.strictEqual(new Set([...first, ...second]).size, 20)
    await visitor.reload()
    assert.strictEqual(await visitor.heading(), "Your account")
    await visitor.follow("New codes")
    await visitor.press("Make new codes")
    const third = await readBackupCodes(visitor)
    await visitor.follow("I have saved them")
    assert.strictEqual(await visitor.notice(), "Keep your backup codes where you find them.")
    // The browser itself refuses to send the form again unasked.
    const back = await visitor.page.goBack().catch(String)
    assert.include(back, "ERR_CACHE_MISS")
    await visitor.page.getByText("ERR_CACHE_MISS").waitFor()
    await visitor.go("/account")

    await visitor.press("Sign out")
    await signIn(visitor, email)
    await visitor.follow("Use a backup code instead")
    for (const [old] of [first, second]) {
      await visitor.enter({ Code: old ?? "" })
      assert.strictEqual(await visitor.press("Go on"), 401)
    }
    await visitor.enter({ Code: third[0] ?? "" })
    await visitor.press("Go on")
    assert.include(await visitor.text(), "9 codes are left.")
  })
}

const testStepUp = (stage: Stage): void => {
  it.live("is asked for again before a factor is removed: by the factor itself, a passkey or a password", () =>
    Effect.gen(function* () {
      const { site, age } = yield* DatabaseSite.acquire()
      yield* Effect.promise(async () => {
        const email = "olda@example.com"
        const visitor = await stage.visitor({}, site)
        await signUp(visitor, email)
        const { app, backupCodes } = await addApp(visitor, email)
        await age()
        await visitor.go("/account")
        await visitor.follow("Remove: Authenticator app")
        assert.strictEqual(await visitor.heading(), "Confirm that it is you")
        assert.include(await visitor.text(), `something important in the account of ${email}`)
        // A password alone does not take the second factor off.
        assert.isFalse(await visitor.hasField("Password"))
        await visitor.enter({ Code: app.wrongCode() })
        assert.strictEqual(await visitor.press("Go on"), 401)
        await visitor.enter({ Code: app.code() })
        await visitor.press("Go on")
        assert.strictEqual(await visitor.heading(), "Remove your authenticator app?")
        await age()
        await visitor.press("Remove it")
        assert.strictEqual(await visitor.heading(), "Confirm that it is you")
        await visitor.follow("Use a backup code instead")
        await visitor.enter({ Code: backupCodes[0] ?? "" })
        await visitor.press("Go on")
        assert.strictEqual(await visitor.heading(), "Remove your authenticator app?")
        await visitor.press("Remove it")
        assert.strictEqual(await visitor.notice(), "Your authenticator app was removed.")
        assert.include(await visitor.text(), "You get them when you set up one of the ways above.")
      })
      yield* Effect.promise(async () => {
        const visitor = await stage.visitor({}, site)
        await addDevice(visitor)
        await signUp(visitor, "oldkey@example.com")
        await age()
        await visitor.reload()
        await visitor.follow("Add a passkey")
        assert.strictEqual(await visitor.heading(), "Confirm that it is you")
        await visitor.enter({ Password: password })
        await visitor.press("Go on")
        assert.strictEqual(await visitor.heading(), "Add a passkey")
        await visitor.press("Create a passkey")
        await visitor.follow("I have saved them")
        await age()
        await visitor.follow("Remove password")
        assert.strictEqual(await visitor.heading(), "Confirm that it is you")
        await visitor.press("Use your passkey")
        assert.strictEqual(await visitor.heading(), "Remove your password?")
        await visitor.press("Remove it")
        assert.strictEqual(await visitor.notice(), "Your password was removed.")
      })
    }).pipe(Effect.scoped),
  )
}

/** What the form of a passkey says, once it says something. */
const visitorStatus = async ({ page }: Visitor): Promise<string> => {
  const status = page.locator("[data-passkey]").getByRole("status").filter({ hasText: /\S/u })
  await status.waitFor()
  return status.innerText()
}
