/**
 * How the pages look: text and forms, each field with its label.
 */
import * as Endings from "./endings.ts"
import type { Engine } from "./engine.ts"
import type { Invoice } from "./invoiceObjects.ts"
import type { Price, Subscription } from "./objects.ts"
import type { Checkout, Portal } from "./sessionObjects.ts"
import type { Card } from "./state.ts"

/** A price with the name of what it sells. */
export interface NamedPrice {
  readonly name: string
  readonly price: Price | undefined
}

export const priceOf = (engine: Engine, id: string): NamedPrice => {
  const price = engine.state.prices[id]
  return { name: engine.state.products[price?.product ?? ""]?.name ?? id, price }
}

export const checkout = (
  session: Checkout,
  lines: ReadonlyArray<{ readonly price: NamedPrice; readonly quantity: number | undefined }>,
  trialDays: number | null,
  error: string | undefined,
): string => {
  if (session.status === "complete") return message("Done", "This checkout is complete.")
  if (session.status === "expired")
    return message("Too late", "This checkout is over. Begin again where you came from.")
  const rows = lines.map(
    ({ price: { name, price }, quantity }) =>
      `<li>${escape(name)}: ${quantity === undefined ? "as used" : `${quantity} × ${money(price?.unit_amount ?? 0, session.currency)}`} each ${price?.recurring?.interval ?? "time"}</li>`,
  )
  const trial =
    trialDays === null ? "" : `<p>${trialDays} days free, then ${money(session.amount_subtotal, session.currency)}.</p>`
  return page(
    "Subscribe",
    `<ul>${rows.join("")}</ul>${trial}
    <p>Due now: <strong>${money(session.amount_total, session.currency)}</strong></p>
    ${form(`${cardFields}<button>Subscribe</button>`, error)}
    ${session.cancel_url === null ? "" : `<p><a href="${escape(session.cancel_url)}">Back</a></p>`}`,
  )
}

export const portal = (
  engine: Engine,
  session: Portal,
  subscriptions: ReadonlyArray<Subscription>,
  invoices: ReadonlyArray<Invoice>,
  card: Card | undefined,
  error: string | undefined,
): string => {
  const back = `<p><a href="${escape(session.return_url)}">Return</a></p>`
  const { flow } = session
  if (flow?.type === "payment_method_update") {
    return page("Change card", form(`${cardFields}<button>Save card</button>`, error) + back)
  }
  if (flow?.type === "subscription_cancel") {
    const found = subscriptions.find(({ id }) => id === flow.subscription_cancel?.subscription)
    const until = found === undefined ? "" : `<p>It ends on ${date(Endings.periodEnd(found))}.</p>`
    return page("Cancel subscription", until + form("<button>Cancel subscription</button>", error) + back)
  }
  if (flow?.type === "subscription_update_confirm") {
    const rows = (flow.subscription_update_confirm?.items ?? []).map(({ price: id, quantity }) => {
      const { name, price } = priceOf(engine, id)
      return `<li>${escape(name)}: ${quantity ?? 1} × ${money(price?.unit_amount ?? 0, price?.currency ?? "eur")}</li>`
    })
    return page("Confirm your change", `<ul>${rows.join("")}</ul>${form("<button>Confirm</button>", error)}${back}`)
  }
  return page("Your subscriptions", home(engine, subscriptions, invoices, card, error) + back)
}

export const invoice = (found: Invoice, error: string | undefined): string => {
  const rows = found.lines.data.map(
    ({ amount, description }) => `<li>${escape(description)}: ${money(amount, found.currency)}</li>`,
  )
  const pay = found.status === "open" ? form(`${cardFields}<button>Pay</button>`, error) : ""
  return page(
    `Invoice ${found.number ?? ""}`,
    `<ul>${rows.join("")}</ul><p>Total: ${money(found.total, found.currency)}. ${words[found.status]}</p>${pay}`,
  )
}

/** A page that says something. */
export const message = (title: string, text: string): string => page(title, `<p>${escape(text)}</p>`)

// internal

const words = { draft: "Not sent yet.", open: "To be paid.", paid: "Paid.", uncollectible: "Given up.", void: "Void." }

const home = (
  engine: Engine,
  subscriptions: ReadonlyArray<Subscription>,
  invoices: ReadonlyArray<Invoice>,
  card: Card | undefined,
  error: string | undefined,
) => {
  const parts = subscriptions.map((subscription) => {
    const names = subscription.items.data.map(({ price }) => escape(priceOf(engine, price.id).name)).join(", ")
    const ends = subscription.cancel_at
    const action = ends === null ? "cancel" : "restore"
    return `<h2>${names}</h2><p>${subscription.status}. ${ends === null ? `Renews on ${date(Endings.periodEnd(subscription))}` : `Ends on ${date(ends)}`}.</p>
    <form method="post"><input type="hidden" name="action" value="${action}"><input type="hidden" name="subscription" value="${escape(subscription.id)}"><button>${ends === null ? "Cancel subscription" : "Do not cancel"}</button></form>`
  })
  const rows = invoices.map(
    ({ currency, id, number, status, total }) =>
      `<li><a href="/invoice/${escape(id)}">${escape(number ?? "Draft")}</a>: ${money(total, currency)}. ${words[status]}</li>`,
  )
  return `${parts.join("")}<h2>Card</h2><p>${card === undefined ? "None" : `Ends in ${escape(card.last4)}`}</p>
    ${form(`<input type="hidden" name="action" value="card">${cardFields}<button>Save card</button>`, error)}
    <h2>Invoices</h2><ul>${rows.join("")}</ul>`
}

const cardFields = [
  ["card", "Card number", "cc-number", "numeric"],
  ["expiry", "Expiry", "cc-exp", "numeric"],
  ["cvc", "CVC", "cc-csc", "numeric"],
  ["name", "Name on card", "cc-name", "text"],
]
  .map(
    ([name, label, autocomplete, mode]) =>
      `<p><label for="${name}">${label}</label><br><input id="${name}" name="${name}" autocomplete="${autocomplete}" inputmode="${mode}"${name === "card" ? " required" : ""}></p>`,
  )
  .join("")

const form = (content: string, error: string | undefined) =>
  `${error === undefined ? "" : `<div role="alert"><h2>There is a problem</h2><p>${escape(error)}</p></div>`}<form method="post">${content}</form>`

const page = (title: string, content: string) => `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escape(title)} | Local Stripe</title>
<style>body{font:1rem/1.5 system-ui;max-width:32rem;margin:2rem auto;padding:0 1rem}input{font:inherit;width:100%;box-sizing:border-box}button{font:inherit;padding:.5rem 1rem}</style></head>
<body><main><h1>${escape(title)}</h1>${content}</main></body></html>
`

const money = (amount: number, currency: string) => {
  const format = new Intl.NumberFormat("en", { style: "currency", currency })
  return format.format(amount / 10 ** (format.resolvedOptions().maximumFractionDigits ?? 2))
}

const date = (seconds: number) => new Date(seconds * 1000).toISOString().slice(0, 10)

const escape = (text: string) =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;")
