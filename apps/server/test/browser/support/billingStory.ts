/**
 * The story of what somebody pays, which goes the same way with script and without.
 */
import { assert, it } from "@effect/vitest"
import type { BrowserContextOptions } from "playwright-core"
import { createOrganization, inviteMember } from "./organizationStory.ts"
import { backAt, cards, enterCard, goToPayments, type Payments } from "./payments.ts"
import { signUp } from "./people.ts"
import type { Stage } from "./Stage.ts"
import type { Visitor } from "./Visitor.ts"

/** A person with an account who may go to the payment service. */
export const payer = async (
  stage: Stage,
  payments: Payments,
  email: string,
  options: BrowserContextOptions = {},
): Promise<Visitor> => {
  const visitor = await stage.visitor(options)
  await visitor.mayVisit(payments.origin)
  await signUp(visitor, email)
  return visitor
}

/** Subscribes to a plan from the page of plans, by a card; the page of billing. */
export const subscribe = async (visitor: Visitor, plan: string, card: string = cards.pays): Promise<void> => {
  await goToPayments(visitor, "button", `Subscribe to ${plan}`, "Subscribe")
  await enterCard(visitor, card, "Subscribe")
  await visitor.page.getByText("Thank you. Your subscription has begun.").waitFor()
  assert.strictEqual(await visitor.heading(), "Billing")
}

/** Opens the page of a change to the same plan in another interval. */
export const chooseInterval = async (
  visitor: Visitor,
  plan: string,
  interval: keyof typeof intervals,
): Promise<void> => {
  await visitor.follow(`Change plan: ${plan}`)
  await visitor.follow(interval)
  await visitor.follow(`Change to ${plan}`)
  assert.strictEqual(await visitor.heading(), `Change to ${plan}, by the ${intervals[interval]}`)
}

const intervals = { Monthly: "month", Yearly: "year" } as const

/** Looks at a page again until it says something. */
const waitFor = async (visitor: Visitor, path: string, said: string): Promise<void> => {
  for (let looks = 0; looks < 60; looks++) {
    await visitor.go(path)
    if ((await visitor.text()).includes(said)) return
    await visitor.page.waitForTimeout(250)
  }
  assert.fail(`"${said}" is not to be read at ${path}:\n${await visitor.text()}`)
}

/** Tells the story in tests, for browsers with these options. */
export const tellBillingStory = (stage: Stage, payments: () => Payments, options: BrowserContextOptions = {}): void => {
  const suffix = options.javaScriptEnabled === false ? "-without-script" : ""

  it("is tried, paid, changed now and later, ended and restored, fails and recovers", async () => {
    const { pass } = payments()
    const ada = await payer(stage, payments(), `ada-pays${suffix}@example.com`, options)
    await ada.follow("Plans, payments and invoices")
    assert.include(await ada.text(), "There is no plan yet.")

    // The trial.
    await ada.follow("See plans")
    await subscribe(ada, "Pro")
    assert.match(await ada.text(), /Trial\s+The trial ends on .+\. Then it is €12\.00 a month\./u)
    await ada.reload()
    assert.include(await ada.text(), "Trial")
    await pass(14)
    await ada.go("/billing")
    assert.match(await ada.text(), /Active\s+€12\.00 a month\s+Renews on /u)

    // An upgrade now.
    await chooseInterval(ada, "Pro", "Yearly")
    assert.include(await ada.text(), "At present: Pro, €12.00 a month.")
    assert.include(await ada.text(), "Then: Pro, €120.00 a year.")
    await ada.press("Change now")
    assert.strictEqual(await ada.notice(), "Your plan was changed.")
    assert.match(await ada.text(), /Active\s+€120\.00 a year\s+Renews on /u)

    // A downgrade with the end of the period, taken back, and asked for again.
    const downgrade = async () => {
      await chooseInterval(ada, "Pro", "Monthly")
      await ada.arrive(() => ada.page.getByRole("button", { name: /^Change on /u }).click())
      assert.strictEqual(
        await ada.notice(),
        "Your plan will change as you chose. Until then everything stays as it is.",
      )
      assert.match(await ada.text(), /€120\.00 a year\s+On .+ it changes to Pro, by the month\./u)
    }
    await downgrade()
    await ada.press("Keep Pro")
    assert.strictEqual(await ada.notice(), "Your plan stays as it is.")
    assert.include(await ada.text(), "Renews on")
    await downgrade()
    await pass(366)
    await ada.go("/billing")
    assert.match(await ada.text(), /Active\s+€12\.00 a month\s+Renews on /u)

    // An end that is taken back.
    await ada.follow("End subscription: Pro")
    await ada.press("End subscription")
    assert.strictEqual(await ada.notice(), "Your subscription ends with the period. You can take that back until then.")
    assert.match(await ada.text(), /Ends on .+, and is not renewed\./u)
    await ada.press("Do not end it: Pro")
    assert.strictEqual(await ada.notice(), "Your subscription goes on.")

    // The portal, where a card is put in that will fail.
    await goToPayments(ada, "button", "Open the payment service", "Your subscriptions")
    await enterCard(ada, cards.failsLater, "Save card")
    await ada.page.getByText("Ends in 0341").waitFor()
    await ada.follow("Return")
    assert.strictEqual(ada.path, "/billing")

    // A payment that fails, and the way out of it.
    await pass(31)
    await ada.go("/billing")
    assert.match(await ada.text(), /Payment failed[^]+€12\.00 could not be collected\. The next attempt is on /u)
    await goToPayments(ada, "button", "Use another card", "Change card")
    await enterCard(ada, cards.pays, "Save card")
    await backAt(ada, "/billing")
    await ada.page.getByRole("link", { name: "Pay now" }).click()
    await enterCard(ada, cards.pays, "Pay")
    await ada.page.getByText("Paid.").waitFor()
    await pass(0)
    await ada.go("/billing")
    assert.match(await ada.text(), /Active\s+€12\.00 a month\s+Renews on /u)

    await ada.follow("Invoices")
    const invoices = await ada.text()
    for (const amount of ["€0.00", "€12.00"]) assert.include(invoices, amount)
    assert.match(invoices, /Paid/u)

    // The end.
    await ada.follow("Back to billing")
    await ada.follow("End subscription: Pro")
    await ada.page.getByRole("radio", { name: /^Now/u }).check()
    await ada.press("End subscription")
    assert.strictEqual(await ada.notice(), "Your subscription has ended.")
    assert.match(await ada.text(), /There is no plan yet\.[^]+Earlier subscriptions\s+Pro\s+Ended on /u)
  })

  it("follows the members of an organization, seat by seat", async () => {
    const slug = `looms${suffix}`
    const ada = await payer(stage, payments(), `ada-pays-for-all${suffix}@example.com`, options)
    await createOrganization(ada, "Looms", slug)
    await ada.follow("Billing")
    assert.include(await ada.text(), "For Looms")
    await ada.follow("See plans")
    await subscribe(ada, "Team")
    const overview = ada.path.replace(/&done=.*/u, "")
    assert.include(await ada.text(), "Then it is €28.00 a month.")
    assert.include(await ada.text(), "1 seat")

    const bob = await stage.visitor(options)
    await signUp(bob, `bob-sits${suffix}@example.com`)
    await bob.go(await inviteMember(ada, slug, `bob-sits${suffix}@example.com`))
    await bob.press("Join as Ada")
    await waitFor(ada, overview, "2 seats")
    assert.include(await ada.text(), "Then it is €36.00 a month.")
    assert.strictEqual(await bob.go(overview), 403)
    assert.strictEqual(await bob.heading(), "You cannot do this")

    await bob.go(`/organizations/${slug}/leave`)
    await bob.press("Leave")
    await waitFor(ada, overview, "1 seat")
    assert.strictEqual(await bob.go(overview), 404)
  })
}
