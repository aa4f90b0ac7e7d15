/**
 * The pages that Stripe shows to people: checkouts, the portal, invoices. Plain forms, no script.
 */
import type { ServerResponse } from "node:http"
import * as Cards from "./cards.ts"
import * as Checkouts from "./checkoutSessions.ts"
import { customerOf, type Engine } from "./engine.ts"
import { Refusal } from "./errors.ts"
import * as Invoices from "./invoices.ts"
import * as Portal from "./portal.ts"
import * as TestClocks from "./testClocks.ts"
import * as Views from "./views.ts"

export const make = (engine: Engine, onChange: () => void) => {
  const checkout = (id: string, error?: string) => {
    const found = Checkouts.retrieve(engine, id)
    const lines = (engine.state.carts[id]?.items ?? []).map(({ price, quantity }) => ({
      price: Views.priceOf(engine, price),
      quantity,
    }))
    return Views.checkout(found, lines, engine.state.carts[id]?.trialDays ?? null, error)
  }

  const portal = (id: string, error?: string) => {
    const session = Portal.retrieve(engine, id)
    const invoices = Object.values(engine.state.invoices).filter((invoice) => invoice.customer === session.customer)
    const card = Cards.cardOf(engine, customerOf(engine, session.customer))
    return Views.portal(engine, session, Portal.subscriptionsOf(engine, session), invoices.toReversed(), card, error)
  }

  const invoice = (id: string, error?: string) => Views.invoice(Invoices.retrieve(engine, id), error)

  /** What a form does: the address to go on to. */
  const submit = (kind: string, id: string, form: { readonly [name: string]: string }): string => {
    if (kind === "checkout") return Checkouts.pay(engine, id, form["card"] ?? "")
    if (kind === "portal") return Portal.submit(engine, id, form)
    const found = Invoices.retrieve(engine, id)
    if (found.status === "paid") return `/invoice/${id}`
    const number = form["card"] ?? ""
    Invoices.pay(engine, id, number === "" ? {} : { payment_method: Cards.attach(engine, number).id })
    return `/invoice/${id}`
  }

  const views: { readonly [kind: string]: (id: string, error?: string) => string } = { checkout, portal, invoice }

  return (method: string, url: URL, body: string, response: ServerResponse): void => {
    const [, kind = "", id = ""] = url.pathname.split("/")
    const view = Object.hasOwn(views, kind) ? views[kind] : undefined
    const send = (status: number, html: string) =>
      void response
        .writeHead(status, {
          "content-type": "text/html; charset=utf-8",
          "cache-control": "no-store",
          "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'",
        })
        .end(html)
    if (view === undefined) return send(404, Views.message("No such page", "There is nothing here."))
    TestClocks.catchUp(engine)
    try {
      if (method !== "POST") return send(200, view(id))
      try {
        const location = submit(kind, id, Object.fromEntries(new URLSearchParams(body)))
        return void response.writeHead(303, { location }).end()
      } catch (error) {
        if (!(error instanceof Refusal)) throw error
        return send(error.status === 404 ? 404 : 402, view(id, error.message))
      } finally {
        TestClocks.catchUp(engine)
        onChange()
      }
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      return send(404, Views.message("No such page", error.message))
    }
  }
}
