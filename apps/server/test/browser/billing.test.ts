/**
 * The story of what somebody pays, through the real SDK and the pages of a local Stripe; and how the pages look.
 */
import { assert, describe, it } from "@effect/vitest"
import { chooseInterval, payer, subscribe, tellBillingStory } from "./support/billingStory.ts"
import { examine, focused } from "./support/look.ts"
import { createOrganization } from "./support/organizationStory.ts"
import * as Payments from "./support/payments.ts"
import { inBrowser } from "./support/Stage.ts"

let chosen: Payments.Payments | undefined

const payments = (): Payments.Payments => {
  if (chosen === undefined) throw new Error("There is a local Stripe during tests only")
  return chosen
}

const environment = async () => {
  chosen = await Payments.choose()
  return chosen.environment
}

inBrowser(
  "billing",
  (stage) => {
    describe("with script", () => tellBillingStory(stage, payments))
    describe("without script", () => tellBillingStory(stage, payments, { javaScriptEnabled: false }))

    describe("in both schemes, on narrow and wide screens, and enlarged, without fault:", () => {
      it("plans, bought and not, and the page of one", async () => {
        const ada = await payer(stage, payments(), "looks-at-plans@example.com")
        await examine(ada, "Your account")
        await ada.go("/billing")
        await examine(ada, "Billing")
        await ada.follow("See plans")
        await examine(ada, "Plans")
        await ada.follow("Yearly")
        await examine(ada, "Plans")
        await ada.go("/billing/plans?plan=pro&interval=month")
        await examine(ada, "Subscribe to Pro")
        await ada.go("/billing/plans")
        await subscribe(ada, "Pro")
        await examine(ada, "Billing")
        await chooseInterval(ada, "Pro", "Yearly")
        await examine(ada, "Change to Pro, by the year")
        await ada.arrive(() => ada.page.getByRole("button", { name: /^Change on /u }).click())
        await examine(ada, "Billing")
        await ada.follow("Invoices")
        await examine(ada, "Invoices")
        await ada.go("/billing/plans?plan=none&interval=month")
        await examine(ada, "Page not found")
      })

      it("an end, a failed payment, and what is over", async () => {
        const { pass } = payments()
        const ada = await payer(stage, payments(), "looks-at-ends@example.com")
        await ada.go("/billing/plans")
        await subscribe(ada, "Pro", Payments.cards.failsLater)
        await ada.follow("End subscription: Pro")
        await examine(ada, "End the subscription to Pro?")
        await ada.press("End subscription")
        await examine(ada, "Billing")
        await ada.press("Do not end it: Pro")
        await pass(14)
        await ada.go("/billing")
        assert.include(await ada.text(), "Payment failed")
        await examine(ada, "Billing")
        assert.strictEqual(await ada.go("/billing/plans?plan=pro&interval=year"), 200)
        assert.strictEqual(await ada.press("Change now"), 409)
        await examine(ada, "Change to Pro, by the year")
        await ada.go("/billing/invoices")
        await examine(ada, "Invoices")
        await ada.go("/billing")
        await ada.follow("End subscription: Pro")
        await ada.page.getByRole("radio", { name: /^Now/u }).check()
        await ada.press("End subscription")
        await examine(ada, "Billing")
      })

      it("the bills of an organization with a long name", async () => {
        const ada = await payer(stage, payments(), "looks-at-seats@example.com")
        const name = "The Honourable Company of Difference and Analytical Engines"
        await createOrganization(ada, name, "company-pays")
        await examine(ada, name)
        await ada.follow("Billing")
        await ada.follow("See plans")
        await examine(ada, "Plans")
        await subscribe(ada, "Team")
        await examine(ada, "Billing")
        await ada.follow("Invoices")
        await examine(ada, "Invoices")
      })
    })

    it("by keyboard alone: from the question when it ends to the answer, and back", async () => {
      const ada = await payer(stage, payments(), "ends-by-keyboard@example.com")
      const { keyboard } = ada.page
      await ada.go("/billing/plans")
      await subscribe(ada, "Storage")
      await ada.follow("End subscription: Storage")
      await ada.page.getByRole("radio").first().focus()
      await keyboard.press("ArrowDown")
      await keyboard.press("ArrowUp")
      await keyboard.press("Tab")
      assert.deepStrictEqual(await focused(ada.page), { name: "End subscription", isVisible: true })
      assert.strictEqual(await ada.arrive(() => keyboard.press("Enter")), 200)
      assert.match(await ada.notice(), /^Your subscription ends with the period/u)
    })
  },
  environment,
)
