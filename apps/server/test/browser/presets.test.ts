/**
 * Signing in with Google, Microsoft, Apple and GitHub by their presets, through login pages of another site.
 */
import { afterAll, assert, it } from "@effect/vitest"
import { Schema } from "effect"
import { evidence, isSignedIn } from "./support/factors.ts"
import { signUp } from "./support/people.ts"
import { inBrowser, type Stage } from "./support/Stage.ts"
import * as StandIns from "./support/StandIns.ts"
import type { Visitor } from "./support/Visitor.ts"

let standIns: StandIns.StandIns | undefined
afterAll(() => standIns?.stop())

const environment = async (origin: string) => {
  standIns = await StandIns.start(origin)
  return standIns.environment
}

/** A person who may go to the stand-ins. */
const person = async (stage: Stage): Promise<Visitor> => {
  const visitor = await stage.visitor()
  for (const origin of standIns?.origins ?? []) await visitor.mayVisit(origin)
  return visitor
}

/** Presses a button that leads to a stand-in, and chooses an account there. Gives the documents of this site on the way. */
const goThrough = async (visitor: Visitor, button: string, address: string): Promise<ReadonlyArray<string>> => {
  const before = visitor.documents.length
  await visitor.page.getByRole("button", { name: button, exact: true }).click()
  await StandIns.choose(visitor, address)
  return visitor.documents.slice(before)
}

/** Who is signed in, as the API says. */
const whoIsIn = async ({ page }: Visitor) => {
  const answer = await (await page.request.get("/auth/session")).json()
  const { id, email, name, emailVerifiedAt } = Schema.decodeUnknownSync(Answer)(answer).user
  return { id, email, name, isVerified: emailVerifiedAt !== null }
}

const Answer = Schema.Struct({
  user: Schema.Struct({
    id: Schema.String,
    email: Schema.String,
    name: Schema.NullOr(Schema.String),
    emailVerifiedAt: Schema.NullOr(Schema.String),
  }),
})

/** The way from a button to a provider and back to the account. A form that comes from there is a page more. */
const wayBy = (action: string, service: StandIns.Service) => {
  const callback = `/auth/provider/${service}/callback`
  return [
    `POST ${action}`,
    `GET /auth/provider/${service}/start`,
    // The form brings no cookie along, since it comes from another site; the redirect that answers it does.
    ...(service === "apple" ? [`POST ${callback}`] : []),
    `GET ${callback}`,
    "GET /account",
  ]
}

const names = { google: "Google", microsoft: "Microsoft", apple: "Apple", github: "GitHub" } as const

inBrowser(
  "an account at a well-known provider",
  (stage) => {
    for (const service of StandIns.services) {
      it(`makes an account here, and signs in to it from then on: ${names[service]}`, async () => {
        const address = StandIns.addressesAt(service).ada
        const visitor = await person(stage)
        await visitor.go("/sign-up")
        const button = `Continue with ${names[service]}`
        assert.deepStrictEqual(await goThrough(visitor, button, address), wayBy("/sign-in/provider", service))
        assert.strictEqual(await visitor.notice(), "Your account is ready. Welcome!")
        assert.deepStrictEqual(await evidence(visitor), { amr: ["oauth"], acr: "aal1" })
        const joined = await whoIsIn(visitor)
        // Microsoft says of no address that it verified it.
        const isVerified = service !== "microsoft"
        assert.deepInclude(joined, { email: address, name: "Ada Lovelace", isVerified })

        await visitor.press("Sign out")
        assert.isFalse(await isSignedIn(visitor))
        assert.deepStrictEqual(await goThrough(visitor, button, address), wayBy("/sign-in/provider", service))
        assert.deepStrictEqual(await whoIsIn(visitor), joined)
        assert.deepStrictEqual(await evidence(visitor), { amr: ["oauth"], acr: "aal1" })
      })
    }

    it("is of any tenant at Microsoft", async () => {
      const visitor = await person(stage)
      const address = StandIns.addressesAt("microsoft").bob
      await visitor.go("/sign-up")
      await goThrough(visitor, "Continue with Microsoft", address)
      assert.strictEqual((await whoIsIn(visitor)).email, address)
    })

    for (const service of ["google", "apple"] as const) {
      it(`is linked in the account of a password, and signs in to that one: ${names[service]}`, async () => {
        const email = StandIns.addressesAt(service).bob
        const visitor = await person(stage)
        await signUp(visitor, email)
        const owner = await whoIsIn(visitor)
        const before = await evidence(visitor)
        const way = await goThrough(visitor, `Link ${names[service]}`, email)
        assert.deepStrictEqual(way, wayBy("/account", service))
        assert.strictEqual(await visitor.notice(), "The account is linked. You can sign in with it from now on.")
        assert.deepStrictEqual(await evidence(visitor), before)

        await visitor.press("Sign out")
        await goThrough(visitor, `Continue with ${names[service]}`, email)
        assert.deepStrictEqual(await whoIsIn(visitor), owner)
        assert.deepStrictEqual(await evidence(visitor), { amr: ["oauth"], acr: "aal1" })
      })
    }
  },
  environment,
  StandIns.program,
)
