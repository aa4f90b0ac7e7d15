/**
 * The local Stripe as a program of its own, for a server that is shown without an account.
 *
 * `node localStripeProgram.ts --port 12111 --data FILE --webhook URL --webhook-secret SECRET --secret-key KEY
 * [--prices FILE] [--attached]` says `Local Stripe listens on URL` when it is ready, keeps its state in the file, and
 * ends with SIGTERM; attached, also when its standard input ends, as it does when the process dies that started it.
 * Prices are a JSON list of {@link SeedPrice}; those whose lookup key is there already are left alone.
 */
import { readFileSync } from "node:fs"
import { parseArgs } from "node:util"
import { start } from "./internal/localStripe/program.ts"

/** A price that is there from the start. `amount` in the smallest unit of the currency. */
export interface SeedPrice {
  readonly lookupKey: string
  readonly product: string
  readonly currency: string
  readonly amount: number
  readonly interval: "day" | "week" | "month" | "year"
}

const euros = (lookupKey: string, product: string, amount: number, interval: SeedPrice["interval"]): SeedPrice => ({
  lookupKey,
  product,
  currency: "eur",
  amount,
  interval,
})

/** The prices of the plans for demonstrations. */
const demonstration: ReadonlyArray<SeedPrice> = [
  euros("pro_month", "Pro", 1200, "month"),
  euros("pro_year", "Pro", 12_000, "year"),
  euros("team_month", "Team", 2000, "month"),
  euros("team_year", "Team", 20_000, "year"),
  euros("team_seat_month", "Team, a seat", 800, "month"),
  euros("team_seat_year", "Team, a seat", 8000, "year"),
  euros("squad_month", "Squad, a seat", 600, "month"),
  euros("storage_month", "Storage", 500, "month"),
]

const { values } = parseArgs({
  options: {
    port: { type: "string", default: "12111" },
    data: { type: "string" },
    webhook: { type: "string" },
    "webhook-secret": { type: "string", default: "whsec_local" },
    "secret-key": { type: "string", default: "sk_test_local" },
    prices: { type: "string" },
    attached: { type: "boolean", default: false },
  },
})

const { program, stop } = await start({
  now: () => Date.now(),
  port: Number(values.port),
  secretKey: values["secret-key"],
  webhookSecret: values["webhook-secret"],
  webhookUrl: values.webhook,
  seed: 1,
  file: values.data,
})

// Sound: who gives a file of prices writes them in this form, and the API refuses what is no price.
const prices =
  values.prices === undefined ? demonstration : (JSON.parse(readFileSync(values.prices, "utf8")) as Array<SeedPrice>)
const headers = { authorization: `Bearer ${program.secretKey}` }
for (const { amount, currency, interval, lookupKey, product } of prices) {
  const query = new URLSearchParams({ "lookup_keys[0]": lookupKey })
  const found: unknown = await (await fetch(`${program.url}/v1/prices?${query.toString()}`, { headers })).json()
  if (
    typeof found === "object" &&
    found !== null &&
    "data" in found &&
    Array.isArray(found.data) &&
    found.data.length > 0
  ) {
    continue
  }
  const body = new URLSearchParams({
    currency,
    unit_amount: String(amount),
    lookup_key: lookupKey,
    "recurring[interval]": interval,
    "product_data[name]": product,
  })
  const made = await fetch(`${program.url}/v1/prices`, { method: "POST", headers, body })
  if (!made.ok) throw new Error(`The local Stripe does not take the price ${lookupKey}: ${await made.text()}`)
}

const end = () => void stop().then(() => process.exit(0))
for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, end)
if (values.attached) process.stdin.once("end", end).once("error", end).resume()
process.stdout.write(`Local Stripe listens on ${program.url}\n`)
