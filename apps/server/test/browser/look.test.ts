/**
 * How every page looks, in every state that a person can bring it to; and how it serves those who use no mouse, or a
 * password manager, or a slow network.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as DatabaseSite from "./support/DatabaseSite.ts"
import { testEnrolmentLook, testFactorLook } from "./support/factorLook.ts"
import { testKeyboard } from "./support/keyboard.ts"
import { examine, weigh } from "./support/look.ts"
import { testPasswordManager } from "./support/passwordManager.ts"
import { askToSignUp, mailedLink, signIn, signUp } from "./support/people.ts"
import { inBrowser } from "./support/Stage.ts"
import { password } from "./support/Visitor.ts"

inBrowser("the pages", (stage) => {
  describe("in both schemes, on narrow and wide screens, and enlarged, without fault:", () => {
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
      await other.enter({ "E-mail address": email, Password: password })
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
      await visitor.enter({ "E-mail address": email })
      await visitor.press("Send me a link")
      await examine(visitor, "Check your mail")
      await visitor.go(await mailedLink(visitor, email))
      await examine(visitor, "Set a new password")
      await visitor.enter({ "New password": "password" })
      assert.strictEqual(await visitor.press("Set new password"), 422)
      await examine(visitor, "Set a new password")
      await visitor.enter({ "New password": "another horse battery staple" })
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
      await visitor.enter({ "Name (optional)": "x".repeat(201) })
      assert.strictEqual(await visitor.press("Save name"), 422)
      await examine(visitor, "Your account")
      await visitor.go("/account/delete")
      await examine(visitor, "Delete your account?")
    })

    it("a new address", async () => {
      const taken = "states-of-a-taken-address@example.com"
      const visitor = await stage.visitor()
      await signUp(visitor, "states-of-a-new-address@example.com")
      await visitor.enter({ "New e-mail address": taken })
      await visitor.press("Send a link to the new address")
      await examine(visitor, "Your account")
      await visitor.go(await mailedLink(visitor, taken))
      await examine(visitor, "Confirm your new address")
      await signUp(await stage.visitor(), taken)
      assert.strictEqual(await visitor.press("Use this address"), 409)
      await examine(visitor, "This address is in use")
    })

    it.live("an account whose address is not confirmed, and whose last proof of identity is old", () =>
      Effect.gen(function* () {
        const email = "states-of-an-old-proof@example.com"
        const { site, age, unverify } = yield* DatabaseSite.acquire()
        yield* Effect.promise(async () => {
          const visitor = await stage.visitor({}, site)
          await signUp(visitor, email)
          // The pages themselves let nobody in without a confirmed address.
          await unverify()
          await age()
          await visitor.go("/account")
          await examine(visitor, "Your account")
          await visitor.press("Send me a link")
          await examine(visitor, "Your account")
          await visitor.go(await mailedLink(visitor, email))
          await examine(visitor, "Confirm your address")
          await visitor.press("Confirm my address")
          assert.strictEqual(await visitor.notice(), "Your e-mail address is confirmed.")
          await visitor.follow("Change e-mail address")
          await examine(visitor, "Confirm that it is you")
          assert.strictEqual(await visitor.press("Go on"), 422)
          await examine(visitor, "Confirm that it is you")
        })
      }).pipe(Effect.scoped),
    )

    testFactorLook(stage)

    it("failures", async () => {
      const visitor = await stage.visitor()
      assert.strictEqual(await visitor.go("/nowhere"), 404)
      await examine(visitor, "Page not found")
      await visitor.page.route("**/sign-in", (route) => route.continue({ postData: "email=%ff" }))
      await visitor.page.goto("/sign-in")
      assert.strictEqual(await visitor.press("Sign in"), 400)
      await examine(visitor, "This form could not be read")
    })
  })

  describe("by keyboard alone", () => testKeyboard(stage))

  describe("a password manager", () => testPasswordManager(stage))

  it("weigh less than 15 kB on the first visit, all files included", async () => {
    for (const path of ["/sign-in", "/sign-up"]) {
      assert.isBelow(await weigh(await stage.visitor(), path), 15_000, path)
    }
  })

  it("are examined so that faults are found", async () => {
    const visitor = await stage.visitor()
    await visitor.go("/sign-in")
    await visitor.page.evaluate(`
      document.head.append(Object.assign(document.createElement("style"), { textContent: "p{}" }))
      document.body.append(Object.assign(new Image(), { src: "http://127.0.0.1:9/" }))
      document.querySelector("h1").style.width = "2000px"
    `)
    await examine(visitor, "Sign in").then(
      () => assert.fail("examined without a fault"),
      ({ message }: Error) => {
        for (const fault of ["image-alt", "is beyond the edge"]) assert.include(message, fault)
      },
    )
    const faults = visitor.faults.splice(0).join("\n")
    for (const fault of ["style-src", "img-src", "request to http://127.0.0.1:9"]) assert.include(faults, fault)
  })
})

inBrowser("the pages where everybody needs a second factor, without fault:", testEnrolmentLook, {
  BELFRY_FIRST_FACTORS: "password,passkey",
  BELFRY_SECOND_FACTOR: "required",
})
