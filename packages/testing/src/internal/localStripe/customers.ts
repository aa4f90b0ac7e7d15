/**
 * Customers: made, changed, listed, searched, deleted.
 */
import * as Cards from "./cards.ts"
import * as Endings from "./endings.ts"
import { customerOf, type Engine, get } from "./engine.ts"
import { invalid } from "./errors.ts"
import { allow, integer, metadata, nested, type Params, required, text } from "./forms.ts"
import { type Customer, customer as make, deletedCustomer } from "./objects.ts"
import { page } from "./pagination.ts"

const fields = ["email", "name", "metadata", "description", "phone", "invoice_settings", "payment_method", "test_clock"]

/** How long a search does not find a new customer, in seconds. */
const searchDelay = 60

export const create = (engine: Engine, params: Params) => {
  allow(params, fields)
  const clock = text(params, "test_clock") ?? null
  if (clock !== null) get(engine.state.clocks, "test_clock", clock, "test_clock")
  const customer = make({
    id: engine.id("cus"),
    created: engine.timeOf({ test_clock: clock }),
    email: text(params, "email") ?? null,
    name: text(params, "name") ?? null,
    metadata: metadata(params),
    test_clock: clock,
  })
  setCard(engine, customer, params)
  engine.state.customers[customer.id] = customer
  engine.emit("customer.created", customer)
  return customer
}

export const retrieve = (engine: Engine, id: string) => {
  const customer = get(engine.state.customers, "customer", id)
  return customer.deleted === true ? deletedCustomer(customer) : customer
}

export const update = (engine: Engine, id: string, params: Params) => {
  allow(params, fields)
  const customer = customerOf(engine, id)
  engine.change("customer.updated", customer, () => {
    const email = text(params, "email")
    const name = text(params, "name")
    if (email !== undefined) customer.email = email === "" ? null : email
    if (name !== undefined) customer.name = name === "" ? null : name
    customer.metadata = metadata(params, customer.metadata)
    setCard(engine, customer, params)
  })
  return customer
}

/** Deletes a customer: subscriptions end at once. */
export const remove = (engine: Engine, id: string) => {
  const customer = customerOf(engine, id)
  for (const subscription of Object.values(engine.state.subscriptions)) {
    if (subscription.customer === id && !Endings.hasEnded(subscription)) {
      Endings.end(engine, subscription, "cancellation_requested")
    }
  }
  engine.emit("customer.deleted", customer)
  customer.deleted = true
  return deletedCustomer(customer)
}

export const list = (engine: Engine, params: Params) => {
  allow(params, ["email", "limit", "starting_after", "ending_before", "created", "test_clock"])
  const email = text(params, "email")
  const found = living(engine).filter((customer) => email === undefined || customer.email === email)
  return page("/v1/customers", found.toReversed(), params)
}

/**
 * Finds customers by metadata: `metadata['key']:'value'`, several joined by `AND`. New ones are found only when the
 * index has them.
 */
export const search = (engine: Engine, params: Params) => {
  allow(params, ["query", "limit", "page"])
  const clauses = [
    ...required(params, "query").matchAll(
      /(?:^|\s+AND\s+)metadata\[(["'])((?:\\.|(?!\1).)+)\1\]:(["'])((?:\\.|(?!\3).)*)\3/gu,
    ),
  ]
  if (clauses.map(([clause]) => clause).join("") !== text(params, "query")?.trim() || clauses.length === 0) {
    throw invalid("We were unable to parse your search query.", "query")
  }
  const found = living(engine).filter(
    (customer) =>
      customer.created + searchDelay <= engine.timeOf(customer) &&
      clauses.every(([, , key = "", , value = ""]) => customer.metadata[unescaped(key)] === unescaped(value)),
  )
  const limit = integer(params, "limit") ?? 10
  return {
    object: "search_result",
    data: found.toReversed().slice(0, limit),
    has_more: found.length > limit,
    next_page: null,
    total_count: found.length,
    url: "/v1/customers/search",
  }
}

// internal

const living = (engine: Engine) => Object.values(engine.state.customers).filter(({ deleted }) => deleted !== true)

const setCard = (engine: Engine, customer: Customer, params: Params) => {
  const token =
    text(nested(params, "invoice_settings") ?? {}, "default_payment_method") ?? text(params, "payment_method")
  if (token !== undefined) customer.invoice_settings.default_payment_method = Cards.ofToken(engine, token).id
}

const unescaped = (value: string) => value.replaceAll(/\\(.)/gu, "$1")
