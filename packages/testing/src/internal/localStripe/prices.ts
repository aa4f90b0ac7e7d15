/**
 * Products and prices.
 */
import { type Engine, get } from "./engine.ts"
import { invalid } from "./errors.ts"
import { allow, boolean, choice, integer, metadata, nested, type Params, required, text, texts } from "./forms.ts"
import { type Price, price as makePrice, product as makeProduct, type Recurring } from "./objects.ts"
import { page } from "./pagination.ts"

export const createProduct = (engine: Engine, params: Params) => {
  allow(params, ["name", "metadata", "description", "active", "id"])
  const now = engine.time()
  const product = makeProduct({
    id: text(params, "id") ?? engine.id("prod"),
    created: now,
    updated: now,
    name: required(params, "name"),
    metadata: metadata(params),
  })
  engine.state.products[product.id] = product
  engine.emit("product.created", product)
  return product
}

export const retrieveProduct = (engine: Engine, id: string) => get(engine.state.products, "product", id)

export const updateProduct = (engine: Engine, id: string, params: Params) => {
  allow(params, ["name", "metadata", "active"])
  const product = get(engine.state.products, "product", id)
  engine.change("product.updated", product, () => {
    product.name = text(params, "name") ?? product.name
    product.active = boolean(params, "active") ?? product.active
    product.metadata = metadata(params, product.metadata)
  })
  return product
}

export const create = (engine: Engine, params: Params): Price => {
  allow(params, [
    "currency",
    "product",
    "product_data",
    "unit_amount",
    "recurring",
    "lookup_key",
    "transfer_lookup_key",
    "nickname",
    "metadata",
    "active",
  ])
  const lookupKey = text(params, "lookup_key") ?? null
  const taken = Object.values(engine.state.prices).find((price) => lookupKey !== null && price.lookup_key === lookupKey)
  if (taken !== undefined) {
    if (boolean(params, "transfer_lookup_key") !== true) {
      throw invalid(`A price (\`${taken.id}\`) already uses that lookup key.`, "lookup_key")
    }
    engine.change("price.updated", taken, () => {
      taken.lookup_key = null
    })
  }
  const given = text(params, "product")
  const product =
    given === undefined
      ? createProduct(engine, { name: required(nested(params, "product_data") ?? {}, "name") })
      : get(engine.state.products, "product", given, "product")
  const amount = integer(params, "unit_amount") ?? null
  const recurring = recurringOf(nested(params, "recurring"))
  if (amount === null && recurring?.usage_type !== "metered") {
    throw invalid("Missing required param: unit_amount.", "unit_amount", "parameter_missing")
  }
  const price = makePrice({
    id: engine.id("price"),
    active: boolean(params, "active") ?? true,
    created: engine.time(),
    currency: required(params, "currency").toLowerCase(),
    lookup_key: lookupKey,
    metadata: metadata(params),
    nickname: text(params, "nickname") ?? null,
    product: product.id,
    recurring,
    type: recurring === null ? "one_time" : "recurring",
    unit_amount: amount,
    unit_amount_decimal: amount === null ? null : String(amount),
  })
  engine.state.prices[price.id] = price
  engine.emit("price.created", price)
  return price
}

export const retrieve = (engine: Engine, id: string): Price => get(engine.state.prices, "price", id)

export const update = (engine: Engine, id: string, params: Params): Price => {
  allow(params, ["active", "metadata", "nickname", "lookup_key", "transfer_lookup_key"])
  const price = retrieve(engine, id)
  engine.change("price.updated", price, () => {
    price.active = boolean(params, "active") ?? price.active
    price.lookup_key = text(params, "lookup_key") ?? price.lookup_key
    price.nickname = text(params, "nickname") ?? price.nickname
    price.metadata = metadata(params, price.metadata)
  })
  return price
}

export const list = (engine: Engine, params: Params) => {
  allow(params, ["lookup_keys", "active", "product", "currency", "type", "limit", "starting_after", "ending_before"])
  const keys = texts(params, "lookup_keys")
  if (keys !== undefined && keys.length > 10) throw invalid("You may only specify up to 10 lookup_keys.", "lookup_keys")
  const active = boolean(params, "active")
  const product = text(params, "product")
  const found = Object.values(engine.state.prices).filter(
    (price) =>
      (keys === undefined || (price.lookup_key !== null && keys.includes(price.lookup_key))) &&
      (active === undefined || price.active === active) &&
      (product === undefined || price.product === product),
  )
  return page("/v1/prices", found.toReversed(), params)
}

/** A price that can be sold by subscription now. */
export const sellable = (engine: Engine, id: string, param: string): Price & { recurring: Recurring } => {
  const price = get(engine.state.prices, "price", id, param)
  if (!price.active) throw invalid("The price specified is inactive.", param)
  return recurringPrice(price, param)
}

/** A price as one that recurs. */
export const recurringPrice = (price: Price, param = "price"): Price & { recurring: Recurring } => {
  const { recurring } = price
  if (recurring === null) throw invalid("The price specified is not recurring.", param)
  return { ...price, recurring }
}

// internal

const recurringOf = (params: Params | undefined): Recurring | null => {
  if (params === undefined) return null
  const interval = choice(params, "interval", ["day", "week", "month", "year"])
  if (interval === undefined) throw invalid("Missing required param: recurring[interval].", "recurring[interval]")
  return {
    interval,
    interval_count: integer(params, "interval_count") ?? 1,
    meter: text(params, "meter") ?? null,
    trial_period_days: null,
    usage_type: choice(params, "usage_type", ["licensed", "metered"]) ?? "licensed",
  }
}
