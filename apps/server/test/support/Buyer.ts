/**
 * A person who buys, over HTTP alone: at the server, and on the pages of a local Stripe.
 */
import { assert } from "@effect/vitest"
import { Effect, Schema } from "effect"
import type * as Cli from "./Cli.ts"

/** The person, for a server on whatever port. */
export interface Buyer {
  /** Asks for a plan; null where the connection broke. */
  readonly upgrade: (port: number, wish: Readonly<Record<string, string>>) => Promise<Outcome | null>
  readonly subscriptions: (port: number) => Promise<ReadonlyArray<Subscribed>>
}

/** What an upgrade came to, or why there was none. */
export interface Outcome {
  readonly status: number
  readonly kind: string
  readonly url: string
}

/** A subscription as the person sees it. */
export interface Subscribed {
  readonly plan: string | null
  readonly status: string
  readonly interval: string | null
}

/** Signs the person up by the mail that the server prints. */
export const signUp = async ({ port, says }: Cli.Running & { readonly port: number }): Promise<Buyer> => {
  const password = "correct horse battery staple"
  const signUp = await post(port, "/auth/sign-up/password", "", { email: "ada@example.com", password })
  assert.strictEqual(signUp.status, 202)
  const [, token] = await says(/\?token=(\S+)/)
  const confirmed = await post(port, "/auth/sign-up/password/confirm", "", { token, password })
  const cookie = confirmed.headers
    .getSetCookie()
    .map((text) => text.slice(0, text.indexOf(";")))
    .join("; ")
  return {
    upgrade: async (port, wish) => {
      const answer = await post(port, "/auth/billing/upgrade", cookie, wish).catch(() => null)
      if (answer === null) return null
      return { status: answer.status, ...Schema.decodeUnknownSync(Answer)(await answer.json()) }
    },
    subscriptions: async (port) => {
      const answer = await fetch(`http://127.0.0.1:${port}/auth/billing/subscriptions`, { headers: { cookie } })
      return Schema.decodeUnknownSync(List)(await answer.json()).subscriptions
    },
  }
}

/** Enters a card on the page of a checkout; where the browser is sent then. */
export const pay = async (checkout: string, card = "4242424242424242"): Promise<URL> => {
  const answer = await fetch(checkout, { method: "POST", body: new URLSearchParams({ card }), redirect: "manual" })
  return new URL(answer.headers.get("location") ?? assert.fail(await answer.text()))
}

// internal

const site = "http://localhost:3000"

const Answer = Schema.Struct({
  kind: Schema.String.pipe(Schema.withDecodingDefaultKey(Effect.succeed(""))),
  url: Schema.String.pipe(Schema.withDecodingDefaultKey(Effect.succeed(""))),
})

const List = Schema.Struct({
  subscriptions: Schema.Array(
    Schema.Struct({
      plan: Schema.NullOr(Schema.String),
      status: Schema.String,
      interval: Schema.NullOr(Schema.String),
    }),
  ),
})

const post = (port: number, path: string, cookie: string, body: unknown): Promise<Response> =>
  fetch(`http://127.0.0.1:${port}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", origin: site, cookie },
    body: JSON.stringify(body),
  })
