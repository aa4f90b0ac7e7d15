/**
 * The endpoints of the API: which method and path does what.
 */
import * as Changes from "./changes.ts"
import * as Checkouts from "./checkoutSessions.ts"
import * as Customers from "./customers.ts"
import { type Engine, get } from "./engine.ts"
import { invalid, Refusal } from "./errors.ts"
import { allow, integer, nested, type Params, text, texts } from "./forms.ts"
import * as Invoices from "./invoices.ts"
import { page } from "./pagination.ts"
import * as Portal from "./portal.ts"
import * as Prices from "./prices.ts"
import * as Schedules from "./schedules.ts"
import * as Subscriptions from "./subscriptions.ts"
import * as TestClocks from "./testClocks.ts"

/** Answers a request: `id` is what the path names. */
export type Handler = (engine: Engine, id: string, params: Params) => object

type Create = (engine: Engine, params: Params) => object

const one =
  (handler: Create): Handler =>
  (engine, _id, params) =>
    handler(engine, params)

const events = (engine: Engine, params: Params) => {
  allow(params, ["created", "type", "types", "limit", "starting_after", "ending_before", "delivery_success"])
  const since = integer(nested(params, "created") ?? {}, "gte") ?? 0
  const type = text(params, "type")
  const types = texts(params, "types") ?? (type === undefined ? undefined : [type])
  if (types !== undefined && types.length > 20) throw invalid("You may only specify up to 20 types.", "types")
  const found = engine.state.events.filter(
    (event) => event.created >= since && (types === undefined || types.includes(event.type)),
  )
  // Those of time are made as of then: the newest is not always the last.
  return page("/v1/events", found.toSorted((a, b) => a.created - b.created).toReversed(), params)
}

const table: ReadonlyArray<readonly [method: string, path: string, handler: Handler]> = [
  ["POST", "/v1/customers", one(Customers.create)],
  ["GET", "/v1/customers", one(Customers.list)],
  ["GET", "/v1/customers/search", one(Customers.search)],
  ["GET", "/v1/customers/:id", (engine, id) => Customers.retrieve(engine, id)],
  ["POST", "/v1/customers/:id", Customers.update],
  ["DELETE", "/v1/customers/:id", (engine, id) => Customers.remove(engine, id)],
  ["POST", "/v1/products", one(Prices.createProduct)],
  ["GET", "/v1/products/:id", (engine, id) => Prices.retrieveProduct(engine, id)],
  ["POST", "/v1/products/:id", Prices.updateProduct],
  ["POST", "/v1/prices", one(Prices.create)],
  ["GET", "/v1/prices", one(Prices.list)],
  ["GET", "/v1/prices/:id", (engine, id) => Prices.retrieve(engine, id)],
  ["POST", "/v1/prices/:id", Prices.update],
  ["POST", "/v1/checkout/sessions", one(Checkouts.create)],
  ["GET", "/v1/checkout/sessions/:id", (engine, id) => Checkouts.retrieve(engine, id)],
  ["POST", "/v1/checkout/sessions/:id/expire", Checkouts.expire],
  ["POST", "/v1/billing_portal/sessions", one(Portal.create)],
  ["POST", "/v1/subscriptions", one(Subscriptions.create)],
  ["GET", "/v1/subscriptions", one(Subscriptions.list)],
  ["GET", "/v1/subscriptions/:id", (engine, id) => Subscriptions.retrieve(engine, id)],
  ["POST", "/v1/subscriptions/:id", Changes.update],
  ["DELETE", "/v1/subscriptions/:id", Subscriptions.cancel],
  ["GET", "/v1/subscription_items", one(Subscriptions.listItems)],
  ["POST", "/v1/subscription_schedules", one(Schedules.create)],
  ["GET", "/v1/subscription_schedules/:id", (engine, id) => Schedules.retrieve(engine, id)],
  ["POST", "/v1/subscription_schedules/:id", Schedules.update],
  ["POST", "/v1/subscription_schedules/:id/release", Schedules.release],
  ["GET", "/v1/invoices", one(Invoices.list)],
  ["GET", "/v1/invoices/:id", (engine, id) => Invoices.retrieve(engine, id)],
  ["POST", "/v1/invoices/:id/pay", Invoices.pay],
  ["GET", "/v1/events", one(events)],
  ["GET", "/v1/events/:id", (engine, id) => get(eventsById(engine), "event", id)],
  ["POST", "/v1/test_helpers/test_clocks", one(TestClocks.create)],
  ["GET", "/v1/test_helpers/test_clocks/:id", (engine, id) => TestClocks.retrieve(engine, id)],
  ["POST", "/v1/test_helpers/test_clocks/:id/advance", TestClocks.advance],
  ["DELETE", "/v1/test_helpers/test_clocks/:id", (engine, id) => TestClocks.remove(engine, id)],
]

/** The endpoint of a request, with the id of its path; refuses where there is none. */
export const find = (method: string, path: string): { readonly handler: Handler; readonly id: string } => {
  const parts = path.split("/")
  for (const [candidate, pattern, handler] of table) {
    if (candidate !== method) continue
    const wanted = pattern.split("/")
    if (wanted.length !== parts.length) continue
    if (!wanted.every((part, index) => part === ":id" || part === parts[index])) continue
    const at = wanted.indexOf(":id")
    return { handler, id: at < 0 ? "" : decodeURIComponent(parts[at] ?? "") }
  }
  throw new Refusal(404, { type: "invalid_request_error" }, `Unrecognized request URL (${method}: ${path}).`)
}

// internal

const eventsById = (engine: Engine) => Object.fromEntries(engine.state.events.map((event) => [event.id, event]))
