/**
 * All that the local Stripe knows: plain data, so that it can be written to a file and read again.
 */
import type { Invoice, LineDetails } from "./invoiceObjects.ts"
import type { Customer, Price, Product, StripeEvent, Subscription, TestClock } from "./objects.ts"
import type { Checkout, Portal, Schedule } from "./sessionObjects.ts"

/** A card that a customer has. */
export interface Card {
  id: string
  last4: string
  behaviour: "pays" | "fails"
}

/** What a checkout sells. */
export interface Cart {
  items: Array<{ price: string; quantity?: number }>
  trialDays: number | null
  trialEnd: number | null
  metadata: { [key: string]: string }
}

/** The answer that was given to a request with a key. */
export interface KeptAnswer {
  at: number
  fingerprint: string
  status: number
  body: string
}

/** How far the sending of an event is. `nextAt` in seconds. */
export interface Delivery {
  eventId: string
  attempts: number
  nextAt: number
  status: "waiting" | "taken" | "dropped" | "given-up"
}

/** A table by id. */
export interface Table<A> {
  [id: string]: A
}

export interface State {
  /** How many ids were given. */
  counter: number
  /** How far the clock is ahead of the host's, in milliseconds. */
  offset: number
  customers: Table<Customer>
  products: Table<Product>
  prices: Table<Price>
  checkouts: Table<Checkout>
  carts: Table<Cart>
  portals: Table<Portal>
  subscriptions: Table<Subscription>
  schedules: Table<Schedule>
  invoices: Table<Invoice>
  clocks: Table<TestClock>
  cards: Table<Card>
  events: Array<StripeEvent>
  /** Lines that wait for the next invoice of a subscription. */
  pending: Table<Array<LineDetails>>
  /** Subscriptions whose end of trial was told. */
  trialsTold: Table<true>
  /** When the payment of an invoice failed first. */
  failedAt: Table<number>
  answers: Table<KeptAnswer>
  deliveries: Table<Delivery>
}

export const empty = (): State => ({
  counter: 0,
  offset: 0,
  customers: {},
  products: {},
  prices: {},
  checkouts: {},
  carts: {},
  portals: {},
  subscriptions: {},
  schedules: {},
  invoices: {},
  clocks: {},
  cards: {},
  events: [],
  pending: {},
  trialsTold: {},
  failedAt: {},
  answers: {},
  deliveries: {},
})
