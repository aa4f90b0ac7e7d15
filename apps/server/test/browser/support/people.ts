/**
 * What a person does in several steps: signing up by the mail that was printed, signing in, signing out.
 */
import { assert } from "@effect/vitest"
import { linkIn } from "./ServedSite.ts"
import { password, type Visitor } from "./Visitor.ts"

/** Fills in the form of signing up and sends it. */
export const askToSignUp = async (visitor: Visitor, email: string): Promise<void> => {
  await visitor.go("/sign-up")
  await visitor.enter({ "Name (optional)": "Ada", "E-mail address": email, Password: password })
  await visitor.press("Create account")
  assert.strictEqual(await visitor.heading(), "Check your mail")
}

/** The link of the next message to an address. */
export const mailedLink = async ({ site }: Visitor, email: string): Promise<string> =>
  linkIn(await site.readMail(email))

/** Signs up, reads the mail, follows its link: the account page, signed in. */
export const signUp = async (visitor: Visitor, email: string): Promise<void> => {
  await askToSignUp(visitor, email)
  await visitor.go(await mailedLink(visitor, email))
  await visitor.press("Confirm and sign in")
  assert.strictEqual(await visitor.heading(), "Your account")
}

/** Fills in the form of signing in and sends it; gives the status of what comes. */
export const signIn = async (visitor: Visitor, email: string, secret = password): Promise<number> => {
  await visitor.go("/sign-in")
  await visitor.enter({ "E-mail address": email, Password: secret })
  return visitor.press("Sign in")
}
