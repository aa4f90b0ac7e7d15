/**
 * Cards: which pay, which fail later, which are refused at once.
 */
import type { Engine } from "./engine.ts"
import { declined, invalid } from "./errors.ts"
import type { Customer, Subscription } from "./objects.ts"
import type { Card } from "./state.ts"

const tokens: { readonly [token: string]: string } = {
  pm_card_visa: "4242424242424242",
  pm_card_chargeCustomerFail: "4000000000000341",
  pm_card_chargeDeclined: "4000000000000002",
}

/** Takes a card by its number. One that is refused at once is not taken. */
export const attach = (engine: Engine, number: string): Card => {
  const digits = number.replaceAll(/[\s-]/gu, "")
  if (digits === "4000000000000002") throw declined()
  if (!/^\d{12,19}$/u.test(digits)) throw invalid("Your card number is incorrect.", "number", "incorrect_number")
  const card: Card = {
    id: engine.id("pm"),
    last4: digits.slice(-4),
    behaviour: digits === "4000000000000341" ? "fails" : "pays",
  }
  engine.state.cards[card.id] = card
  return card
}

/** Takes a card by a token of Stripe's (`pm_card_visa`) or one that is there. */
export const ofToken = (engine: Engine, token: string): Card => {
  const known = engine.state.cards[token]
  if (known !== undefined) return known
  const number = tokens[token]
  if (number === undefined) {
    throw invalid(`No such PaymentMethod: '${token}'`, "payment_method", "resource_missing")
  }
  return attach(engine, number)
}

/** The card that pays for a subscription. */
export const cardOf = (engine: Engine, customer: Customer, subscription?: Subscription): Card | undefined => {
  const id = subscription?.default_payment_method ?? customer.invoice_settings.default_payment_method
  return id === null ? undefined : engine.state.cards[id]
}

/** Whether a customer can be charged. */
export const canPay = (engine: Engine, customer: Customer, subscription?: Subscription): boolean =>
  cardOf(engine, customer, subscription)?.behaviour === "pays"
