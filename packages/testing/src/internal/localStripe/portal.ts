/**
 * The portal: sessions, and what a person does in them.
 */
import * as Cards from "./cards.ts"
import * as Changes from "./changes.ts"
import * as Endings from "./endings.ts"
import { customerOf, type Engine, get } from "./engine.ts"
import { invalid } from "./errors.ts"
import { allow, choice, integer, nested, objects, type Params, required, text } from "./forms.ts"
import type { Subscription } from "./objects.ts"
import { type Flow, flow as makeFlow, type Portal, portal as make } from "./sessionObjects.ts"
import * as Subscriptions from "./subscriptions.ts"

export const create = (engine: Engine, params: Params): Portal => {
  allow(params, ["customer", "return_url", "flow_data", "locale", "configuration", "on_behalf_of"])
  const customer = customerOf(engine, required(params, "customer"), "customer")
  const id = engine.id("bps")
  const data = nested(params, "flow_data")
  const session = make({
    id,
    configuration: text(params, "configuration") ?? "bpc_local",
    created: engine.hostTime(),
    customer: customer.id,
    flow: data === undefined ? null : flowOf(engine, customer.id, data),
    locale: text(params, "locale") ?? null,
    return_url: text(params, "return_url") ?? engine.origin(),
    url: `${engine.origin()}/portal/${id}`,
  })
  engine.state.portals[id] = session
  return session
}

export const retrieve = (engine: Engine, id: string): Portal => get(engine.state.portals, "billing_portal.session", id)

/** The subscriptions that a session shows. */
export const subscriptionsOf = (engine: Engine, session: Portal): ReadonlyArray<Subscription> =>
  Object.values(engine.state.subscriptions).filter(
    (subscription) => subscription.customer === session.customer && !Endings.hasEnded(subscription),
  )

/**
 * Sends a form of the portal. Where it is opened for one thing, that is done; else the form says which: `action` is
 * `cancel`, `restore` or `card`, `subscription` and `card` say what. The address to go on to.
 */
export const submit = (engine: Engine, id: string, form: { readonly [name: string]: string }): string => {
  const session = retrieve(engine, id)
  const { flow } = session
  const action = flow === null ? form["action"] : flow.type
  const home = `${engine.origin()}/portal/${id}`
  switch (action) {
    case "card":
    case "payment_method_update":
      setCard(engine, session, form["card"] ?? "")
      break
    case "cancel":
    case "subscription_cancel": {
      const subscription = own(engine, session, flow?.subscription_cancel?.subscription ?? form["subscription"] ?? "")
      if (subscription.cancel_at === null) cancel(engine, subscription)
      break
    }
    case "restore":
      Changes.update(engine, own(engine, session, form["subscription"] ?? "").id, { cancel_at_period_end: "false" })
      break
    case "subscription_update_confirm": {
      const confirm = flow?.subscription_update_confirm
      if (confirm === null || confirm === undefined) break
      const subscription = own(engine, session, confirm.subscription)
      // Sent twice, the second finds it done.
      if (isChange(subscription, confirm.items)) {
        Changes.update(engine, subscription.id, {
          items: paramsOf(confirm.items),
          proration_behavior: "always_invoice",
          payment_behavior: "error_if_incomplete",
        })
      }
      break
    }
    default:
      throw invalid("The portal does not do that.", "action")
  }
  return flow?.after_completion.redirect?.return_url ?? home
}

// internal

const flowOf = (engine: Engine, customer: string, data: Params): Flow => {
  allow(data, ["type", "after_completion", "subscription_cancel", "subscription_update_confirm"])
  const type = choice(data, "type", ["payment_method_update", "subscription_cancel", "subscription_update_confirm"])
  if (type === undefined) throw invalid("Missing required param: flow_data[type].", "flow_data[type]")
  const completion = nested(data, "after_completion") ?? {}
  const returnUrl = text(nested(completion, "redirect") ?? {}, "return_url")
  const afterCompletion: Flow["after_completion"] = {
    hosted_confirmation: null,
    redirect: returnUrl === undefined ? null : { return_url: returnUrl },
    type: returnUrl === undefined ? "portal_homepage" : "redirect",
  }
  if (type === "payment_method_update") return makeFlow({ type, after_completion: afterCompletion })

  const params = nested(data, type) ?? {}
  const subscription = get(
    engine.state.subscriptions,
    "subscription",
    required(params, "subscription"),
    `flow_data[${type}][subscription]`,
  )
  if (subscription.customer !== customer || Endings.hasEnded(subscription)) {
    throw invalid("The subscription is not one of this customer that can be changed.", `flow_data[${type}]`)
  }
  if (subscription.schedule !== null) {
    throw invalid("The subscription is managed by a subscription schedule and cannot be changed.", `flow_data[${type}]`)
  }
  if (type === "subscription_cancel") {
    if (subscription.cancel_at !== null) {
      throw invalid("The subscription is already set to be canceled.", "flow_data[subscription_cancel]")
    }
    return makeFlow({
      type,
      after_completion: afterCompletion,
      subscription_cancel: { retention: null, subscription: subscription.id },
    })
  }
  const items = (objects(params, "items") ?? []).map((item) => {
    const quantity = integer(item, "quantity")
    return { id: required(item, "id"), price: required(item, "price"), ...(quantity === undefined ? {} : { quantity }) }
  })
  if (items.length !== 1 || subscription.items.data.length !== 1) {
    throw invalid(
      "Only subscriptions with one item can be changed in the portal.",
      "flow_data[subscription_update_confirm]",
    )
  }
  Changes.itemsOf(engine, subscription, items.map(itemParams))
  if (!isChange(subscription, items)) {
    throw invalid("The subscription update would not change anything.", "flow_data[subscription_update_confirm]")
  }
  return makeFlow({
    type,
    after_completion: afterCompletion,
    subscription_update_confirm: { discounts: null, items, subscription: subscription.id },
  })
}

type ConfirmItem = NonNullable<Flow["subscription_update_confirm"]>["items"][number]

const itemParams = ({ id, price, quantity }: ConfirmItem): Params => ({
  id,
  price,
  ...(quantity === undefined ? {} : { quantity: String(quantity) }),
})

const paramsOf = (items: ReadonlyArray<ConfirmItem>): Params =>
  Object.fromEntries(items.map((item, index) => [String(index), itemParams(item)]))

const isChange = (subscription: Subscription, items: ReadonlyArray<ConfirmItem>) =>
  items.some(({ id, price, quantity }) => {
    const current = subscription.items.data.find((item) => item.id === id)
    return current?.price.id !== price || (quantity !== undefined && current.quantity !== quantity)
  })

const own = (engine: Engine, session: Portal, id: string): Subscription => {
  const subscription = Subscriptions.retrieve(engine, id)
  if (subscription.customer !== session.customer) throw invalid("No such subscription.", "subscription")
  return subscription
}

/** As the portal does it for subscriptions that are billed flexibly: a day of end, not the end of the period. */
const cancel = (engine: Engine, subscription: Subscription) => {
  if (subscription.schedule !== null) throw invalid("The subscription is managed by a subscription schedule.")
  engine.change("customer.subscription.updated", subscription, () => {
    Subscriptions.endWithPeriod(engine, subscription)
    subscription.cancel_at_period_end = false
  })
}

const setCard = (engine: Engine, session: Portal, number: string) => {
  const customer = customerOf(engine, session.customer)
  const card = Cards.attach(engine, number)
  engine.change("customer.updated", customer, () => {
    customer.invoice_settings.default_payment_method = card.id
  })
  for (const subscription of subscriptionsOf(engine, session)) {
    if (subscription.default_payment_method === null) continue
    engine.change("customer.subscription.updated", subscription, () => {
      subscription.default_payment_method = card.id
    })
  }
}
