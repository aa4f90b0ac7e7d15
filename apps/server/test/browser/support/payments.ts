/**
 * The local Stripe that a server has started beside itself: its pages, as people use them, and its time.
 */
import * as FreePort from "@belfry/testing/FreePort"
import { assert } from "@effect/vitest"
import type { Visitor } from "./Visitor.ts"

/** Cards for the pages of the local Stripe: one that pays, one that is taken and then cannot be charged. */
export const cards = { pays: "4242 4242 4242 4242", failsLater: "4000 0000 0000 0341" } as const

/** A local Stripe, and the settings of the server that starts it. */
export interface Payments {
  readonly origin: string
  readonly environment: Readonly<Record<string, string>>
  /** Lets time go by there, and waits until the server has heard of all that came of it. */
  readonly pass: (days: number) => Promise<void>
}

/** Chooses where a local Stripe will be. */
export const choose = async (): Promise<Payments> => {
  const port = await FreePort.find()
  const origin = `http://127.0.0.1:${port}`
  const control = async (name: string, body: Readonly<Record<string, number>> = {}): Promise<void> => {
    const answer = await fetch(`${origin}/_local/${name}`, { method: "POST", body: JSON.stringify(body) })
    assert.strictEqual(answer.status, 200, name)
  }
  return {
    origin,
    environment: { BELFRY_STRIPE: "local", BELFRY_STRIPE_LOCAL_PORT: String(port) },
    pass: async (days) => {
      // An invoice of a renewal is a draft for an hour.
      await control("advance", { milliseconds: days * 86_400_000 })
      await control("advance", { milliseconds: 2 * 3_600_000 })
      await control("settled")
    },
  }
}

/** Presses a button, or follows a link, that leads to a page of the payment service, which has this heading. */
export const goToPayments = async (visitor: Visitor, role: "button" | "link", name: string, heading: string) => {
  await visitor.page.getByRole(role, { name, exact: true }).click()
  await visitor.page.getByRole("heading", { level: 1, name: heading }).waitFor()
}

/** Enters a card and presses the button of the form; waits for the page of this site that it leads back to. */
export const enterCard = async (visitor: Visitor, card: string, button: string): Promise<void> => {
  await visitor.page.getByRole("textbox", { name: "Card number" }).fill(card)
  await visitor.page.getByRole("button", { name: button, exact: true }).click()
}

/** Waits until the browser is back at a path of this site. */
export const backAt = (visitor: Visitor, path: string): Promise<void> =>
  visitor.page.waitForURL(`${visitor.site.origin}${path}`)
