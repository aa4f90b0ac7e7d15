/**
 * Somebody who pays, for page tests: through the pages themselves, and the page of a local Stripe.
 */
import * as BillingDefinition from "@belfry/billing/BillingDefinition"
import { LocalStripe } from "@belfry/testing/LocalStripe"
import type * as TestBilling from "@belfry/testing/TestBilling"
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { type Browser, browser, layerWithBilling, type serve, signUp, type Visited } from "./PageBrowser.ts"
import { founder } from "./PageOrganizations.ts"

type Served = Effect.Success<ReturnType<typeof serve>>

/** What is sold: two plans for people, seats of their own, and a plan with seats for organizations. */
export const definition = BillingDefinition.define({
  features: ["export", "sso"],
  limits: ["members", "projects"],
  base: { features: [], limits: { members: 3, projects: 1 } },
  plans: {
    basic: {
      title: "Basic",
      prices: { month: { lookupKey: "storage_month" } },
      limits: { projects: 3 },
    },
    pro: {
      title: "Pro",
      description: "For who needs more",
      prices: { month: { lookupKey: "pro_month" }, year: { lookupKey: "pro_year" } },
      features: ["export"],
      limits: { projects: null },
      trialDays: 14,
      proration: "always-invoice",
    },
    desks: {
      title: "Desks",
      group: "desks",
      audience: ["user", "team"],
      prices: { month: { lookupKey: "squad_month" } },
      seats: { minimum: 2 },
      proration: "none",
    },
    team: {
      title: "Team",
      audience: ["organization"],
      prices: { month: { lookupKey: "team_month" } },
      seats: { prices: { month: { lookupKey: "seat_month" } } },
      features: ["sso"],
      limits: { members: null },
    },
  },
  organizationLimits: { members: "members" },
})

/** The services of a site that sells that. */
export const layerSelling = (options: TestBilling.Options = {}) =>
  layerWithBilling({ rules: definition.rules, ...options })

/** Where the browser goes on by itself, and after how many seconds. */
export const refreshOf = ({ headers }: Visited): { readonly seconds: number; readonly url: string } => {
  const [, seconds = "", url = ""] = /^(\d+);url=(.+)$/u.exec(headers.get("refresh") ?? "") ?? []
  return { seconds: Number(seconds), url }
}

/** An address of the site as a path. */
export const pathOf = (url: string | null | undefined): string => {
  const { origin, pathname, search } = new URL(url ?? "")
  assert.strictEqual(origin, "https://id.example.com")
  return pathname + search
}

/** Asks for a plan and pays with a card; the path that the payment service sends the browser to. */
export const checkOut = Effect.fnUntraced(function* (
  visitor: Browser,
  plan: string,
  fields: Readonly<Record<string, string>> = {},
  card?: string,
) {
  const local = yield* LocalStripe
  const leaving = yield* visitor.submit(plan, { action: "subscribe", ...fields })
  assert.strictEqual(leaving.status, 200)
  return pathOf(yield* local.pay(refreshOf(leaving).url, card))
})

/** Subscribes to a plan; the path of the page of billing that says so. */
export const subscribe = Effect.fnUntraced(function* (visitor: Browser, ...wish: Wish) {
  const back = yield* visitor.open(yield* checkOut(visitor, ...wish))
  assert.strictEqual(back.status, 303)
  return pathOf(back.location)
})
type Wish = Parameters<typeof checkOut> extends [Browser, ...infer Rest] ? Rest : never

/** The plan of a person, and that of the organization `engines`, in addresses. */
export const plans = {
  basic: "/billing/plans?plan=basic&interval=month",
  desks: "/billing/plans?plan=desks&interval=month",
  pro: "/billing/plans?plan=pro&interval=month",
  proByYear: "/billing/plans?plan=pro&interval=year",
  team: "/billing/plans?payer=organization%3Aengines&plan=team&interval=month",
} as const

/** The page of billing of the organization `engines`. */
export const enginesBilling = "/billing?payer=organization%3Aengines"

/** Somebody with an account who has subscribed to a plan. */
export const subscriber = Effect.fnUntraced(function* (site: Served, ...wish: Wish) {
  const visitor = browser(site)
  yield* signUp(visitor, "ada@example.com")
  yield* subscribe(visitor, ...wish)
  return visitor
})

/** Somebody whose organization has subscribed to the plan for organizations. */
export const payingFounder = Effect.fnUntraced(function* (site: Served) {
  const visitor = yield* founder(site)
  yield* subscribe(visitor, plans.team)
  return visitor
})
