/**
 * Signing in with an account elsewhere, through the login and consent pages of a provider that is another site.
 */
import { afterAll, assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as DatabaseSite from "./support/DatabaseSite.ts"
import { addApp, evidence, isSignedIn } from "./support/factors.ts"
import * as IdentityProvider from "./support/IdentityProvider.ts"
import { examine, weigh } from "./support/look.ts"
import { signIn, signUp } from "./support/people.ts"
import type { ServedSite } from "./support/ServedSite.ts"
import { inBrowser, type Stage } from "./support/Stage.ts"
import { password, type Visitor } from "./support/Visitor.ts"

const providers: Array<IdentityProvider.IdentityProvider> = []
afterAll(() => Promise.all(providers.map((provider) => provider.stop())))

/** Settings of a server with a provider of its own. Nobody signs in by mail, so an account elsewhere can be the last way in. */
const environment = async (origin: string) => {
  const provider = await IdentityProvider.start(origin)
  providers.push(provider)
  return { ...IdentityProvider.environmentFor(provider), BELFRY_FIRST_FACTORS: "password,oauth,passkey" }
}

/** A person who may go to the providers. */
const person = async (stage: Stage, options: Parameters<Stage["visitor"]>[0] = {}, site?: ServedSite) => {
  const visitor = await stage.visitor(options, site)
  for (const { origin } of providers) await visitor.mayVisit(origin)
  return visitor
}

/** Presses a button that leads to the provider, whose login page comes. */
const goTo = async (visitor: Visitor, button: string): Promise<void> => {
  await visitor.page.getByRole("button", { name: button, exact: true }).click()
  await visitor.page.getByPlaceholder("Enter any login").waitFor()
}

/** Presses a button that leads to the provider, and straight back to a page of this site. */
const goThrough = async (visitor: Visitor, button: string, path: string): Promise<void> => {
  await visitor.page.getByRole("button", { name: button, exact: true }).click()
  await visitor.page.waitForURL(`${visitor.site.origin}${path}`)
}

/** Signs in at the provider under a name, for the first time: its login, then its consent. */
const logInAndConsent = async (visitor: Visitor, name: string): Promise<void> => {
  await IdentityProvider.logIn(visitor, name)
  await IdentityProvider.consent(visitor)
}

/** Joins by an account elsewhere: the account page. */
const join = async (visitor: Visitor, name: string): Promise<void> => {
  await visitor.go("/sign-up")
  await goTo(visitor, "Continue with Acme")
  await logInAndConsent(visitor, name)
  assert.strictEqual(await visitor.notice(), "Your account is ready. Welcome!")
}

inBrowser(
  "an account elsewhere",
  (stage) => {
    it("makes an account here, and signs in from then on without a question", async () => {
      const visitor = await person(stage)
      await join(visitor, "jo")
      assert.include(await visitor.text(), "Signed in as jo@example.com")
      assert.deepStrictEqual(await evidence(visitor), { amr: ["oauth"], acr: "aal1" })
      assert.match(await visitor.text(), /Connected accounts\s[^]*\sAcme\s+Linked just now\s+Unlink/u)
      await visitor.press("Sign out")
      assert.isFalse(await isSignedIn(visitor))
      const before = visitor.documents.length
      // The provider knows the person and answers at once: no page of it stands between the form and the callback.
      await goThrough(visitor, "Continue with Acme", "/account")
      assert.deepStrictEqual(visitor.documents.slice(before), [
        "POST /sign-in/provider",
        "GET /auth/provider/acme/start",
        "GET /auth/provider/acme/callback",
        "GET /account",
      ])
      assert.isTrue(await isSignedIn(visitor))
    })

    it("leads to the page that was asked for", async () => {
      const visitor = await person(stage)
      await join(visitor, "lea")
      await visitor.press("Sign out")
      await visitor.go("/account/delete")
      assert.strictEqual(await visitor.heading(), "Sign in")
      await goThrough(visitor, "Continue with Acme", "/account/delete")
      assert.strictEqual(await visitor.heading(), "Delete your account?")
    })

    it("signs in where no script runs", async () => {
      const visitor = await person(stage, { javaScriptEnabled: false })
      await join(visitor, "noscript")
      await visitor.press("Sign out")
      await goThrough(visitor, "Continue with Acme", "/account")
      assert.isTrue(await isSignedIn(visitor))
    })

    it("is left by going back, which repeats nothing", async () => {
      const visitor = await person(stage)
      await visitor.go("/sign-in")
      await goTo(visitor, "Continue with Acme")
      await visitor.back()
      assert.strictEqual(visitor.path, "/sign-in")
      await goTo(visitor, "Continue with Acme")
      await logInAndConsent(visitor, "backa")
      assert.strictEqual(await visitor.heading(), "Your account")
    })

    it("is refused when its owner cancels, who can try again or choose another way", async () => {
      const visitor = await person(stage)
      await visitor.go("/sign-in?return_to=%2Faccount%2Fdelete")
      await goTo(visitor, "Continue with Acme")
      await IdentityProvider.logIn(visitor, "denya")
      assert.strictEqual(await IdentityProvider.cancel(visitor), 200)
      await examine(visitor, "We could not continue with Acme")
      assert.include(await visitor.text(), "It was cancelled, or not allowed, at Acme. Nothing was changed.")
      assert.isFalse(await isSignedIn(visitor))
      await visitor.follow("Sign in another way")
      assert.strictEqual(await visitor.heading(), "Sign in")
      await visitor.back()
      await visitor.page.getByRole("button", { name: "Try again with Acme" }).click()
      await visitor.page.waitForURL(/\/interaction\//u)
      await IdentityProvider.consent(visitor)
      // The person is new, and is led where they wanted to go all the same.
      assert.strictEqual(await visitor.heading(), "Delete your account?")
    })

    it("is linked in the account, signs in, and is unlinked", async () => {
      const email = "linka@example.com"
      const visitor = await person(stage)
      await signUp(visitor, email)
      await examine(visitor, "Your account")
      await goTo(visitor, "Link Acme")
      await logInAndConsent(visitor, "linka")
      assert.strictEqual(await visitor.notice(), "The account is linked. You can sign in with it from now on.")
      await examine(visitor, "Your account")
      assert.strictEqual(await visitor.page.getByRole("button", { name: "Link Acme" }).count(), 0)
      await visitor.press("Sign out")
      await goThrough(visitor, "Continue with Acme", "/account")
      assert.include(await visitor.text(), `Signed in as ${email}`)
      await visitor.follow("Unlink Acme, linked just now")
      await examine(visitor, "Unlink your Acme account?")
      await visitor.follow("Keep it")
      assert.strictEqual(await visitor.heading(), "Your account")
      await visitor.follow("Unlink Acme, linked just now")
      await visitor.press("Unlink it")
      assert.strictEqual(await visitor.notice(), "The account was unlinked.")
      assert.strictEqual(await visitor.page.getByRole("button", { name: "Link Acme" }).count(), 1)
    })

    it("is not linked by a link that the provider's page was left for", async () => {
      const visitor = await person(stage)
      await signUp(visitor, "halfa@example.com")
      await goTo(visitor, "Link Acme")
      assert.strictEqual(await IdentityProvider.cancel(visitor), 200)
      await examine(visitor, "We could not continue with Acme")
      await visitor.follow("Back to your account")
      assert.strictEqual(await visitor.page.getByRole("button", { name: "Link Acme" }).count(), 1)
    })

    it("of another address is not linked, and the page says which one would be", async () => {
      const visitor = await person(stage)
      await signUp(visitor, "owna@example.com")
      await goTo(visitor, "Link Acme")
      await logInAndConsent(visitor, "othera")
      assert.strictEqual(await visitor.heading(), "We could not continue with Acme")
      assert.include(await visitor.text(), "another e-mail address than your account here")
      await visitor.follow("Back to your account")
      assert.strictEqual(await visitor.page.getByRole("button", { name: "Link Acme" }).count(), 1)
    })

    it("that only claims an address leads to signing in as usual, and to linking it there", async () => {
      const email = "claima@example.com"
      const owner = await person(stage)
      await signUp(owner, email)
      const visitor = await person(stage)
      await visitor.go("/sign-in")
      await goTo(visitor, "Continue with Acme")
      await logInAndConsent(visitor, "unverified-claima")
      await examine(visitor, "We could not continue with Acme")
      assert.include(await visitor.text(), "Sign in the way you usually do. Then link Acme under “Connected accounts”")
      assert.isFalse(await isSignedIn(visitor))
      await visitor.follow("Sign in, then link it")
      await visitor.enter({ "E-mail address": email, Password: password })
      await visitor.press("Sign in")
      assert.match(visitor.page.url(), /\/account#connected-accounts$/u)
    })

    it("stays where it is the last way in", async () => {
      const visitor = await person(stage)
      await join(visitor, "onlya")
      await visitor.follow("Unlink Acme, linked just now")
      assert.strictEqual(await visitor.press("Unlink it"), 409)
      assert.include((await visitor.problems()).join(), "This is the only way in that you have.")
      await examine(visitor, "Unlink your Acme account?")
      await visitor.follow("Keep it")
      assert.match(await visitor.text(), /Acme\s+Linked/u)
    })

    it("is a first step, and a second one is demanded after it", async () => {
      const email = "steppa@example.com"
      const visitor = await person(stage)
      await signUp(visitor, email)
      await goTo(visitor, "Link Acme")
      await logInAndConsent(visitor, "steppa")
      const { app } = await addApp(visitor, email)
      await visitor.press("Sign out")
      await goThrough(visitor, "Continue with Acme", "/sign-in/continue")
      assert.strictEqual(await visitor.heading(), "One more step")
      assert.isFalse(await isSignedIn(visitor))
      await visitor.enter({ Code: app.code() })
      await visitor.press("Go on")
      assert.strictEqual(await visitor.heading(), "Your account")
      assert.deepStrictEqual(await evidence(visitor), { amr: ["oauth", "otp", "mfa"], acr: "aal2" })
    })

    it.live("proves again who somebody is, before it is unlinked", () =>
      Effect.gen(function* () {
        const { site, age } = yield* DatabaseSite.acquire(environment)
        yield* Effect.promise(async () => {
          const visitor = await person(stage, {}, site)
          await join(visitor, "agea")
          await age()
          await visitor.reload()
          await visitor.follow("Unlink Acme, linked just now")
          await examine(visitor, "Confirm that it is you")
          assert.include(await visitor.text(), "Use an account elsewhere that you have linked here.")
          await visitor.page.getByRole("button", { name: "Continue with Acme" }).click()
          await visitor.page.waitForURL(/\/account\/unlink\?account=/u)
          assert.strictEqual(await visitor.heading(), "Unlink your Acme account?")
        })
      }).pipe(Effect.scoped),
    )

    describe("looks as it should:", () => {
      it("where it is offered", async () => {
        const visitor = await person(stage)
        for (const [path, heading] of [
          ["/sign-in", "Sign in"],
          ["/sign-up", "Create an account"],
        ] as const) {
          await visitor.go(path)
          await examine(visitor, heading)
        }
      })

      it("on the way to the provider, where a browser stays that does not go on by itself", async () => {
        const visitor = await person(stage)
        // Nothing comes of the start, so the page before it stays.
        await visitor.page.route("**/start?*", (route) => route.fulfill({ status: 204 }))
        await visitor.go("/sign-in")
        assert.strictEqual(await visitor.press("Continue with Acme"), 200)
        await examine(visitor, "Continue with Acme")
        await visitor.page.unroute("**/start?*")
        await visitor.page.getByRole("link", { name: "Go to Acme" }).click()
        await visitor.page.getByPlaceholder("Enter any login").waitFor()
      })

      it("when something went wrong, whatever it was", async () => {
        const visitor = await person(stage)
        for (const code of [
          "account_not_linked",
          "signup_disabled",
          "state_mismatch",
          "temporarily_unavailable",
          "x",
        ]) {
          await visitor.go(`/sign-in/error?error=${code}&provider=acme`)
          await examine(visitor, "We could not continue with Acme")
        }
        await visitor.go("/sign-in/error")
        await examine(visitor, "We could not continue with the other site")
      })
    })

    it("weighs little on the first visit", async () => {
      for (const path of ["/sign-in", "/sign-up"]) {
        assert.isBelow(await weigh(await person(stage), path), 15_000, path)
      }
    })

    it("does not sign in by a password's form", async () => {
      const visitor = await person(stage)
      await join(visitor, "nopassworda")
      await visitor.press("Sign out")
      assert.strictEqual(await signIn(visitor, "nopassworda@example.com"), 401)
    })
  },
  environment,
)
